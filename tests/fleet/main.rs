//! Machines that share a store: each is a directory with a token file of its own. Real PHP processes, a real Redis.
//!
//! `WX_FLEET=all` makes every fault at every step of a refresh, and larger storms; without it, a sample is made.

#![cfg(test)]

mod clocks;
mod cost;
mod cycles;
mod failures;
mod fleet;
mod forks;
mod loaders;
mod logs;
mod outages;
mod propagation;
mod reach;
mod refusals;
mod scripts;
mod secrets;
mod splits;
mod steps;
mod storms;
mod tls;
mod topologies;
mod users;
mod watch;
