//! Machines that share a store: each is a directory with a token file of its own. Real PHP processes, a real Redis.

#![cfg(test)]

mod failures;
mod fleet;
mod outages;
mod propagation;
mod scripts;
mod storms;
mod topologies;
mod users;
