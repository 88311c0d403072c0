//! Machines that share a store: each is a directory with a token file of its own. Real PHP processes, a real Redis.
//!
//! `WX_FLEET=all` makes every fault at every step of a refresh, and larger storms; without it, a sample is made.

#![cfg(test)]

mod clocks;
mod cycles;
mod failures;
mod fleet;
mod forks;
mod outages;
mod propagation;
mod reach;
mod scripts;
mod splits;
mod steps;
mod storms;
mod topologies;
mod watch;
