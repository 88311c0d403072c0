//! Machines that share a store: each is a directory with a token file of its own. Real PHP processes, a real Redis.

#![cfg(test)]

mod cost;
mod failures;
mod fleet;
mod loaders;
mod outages;
mod propagation;
mod refusals;
mod scripts;
mod secrets;
mod storms;
mod tls;
mod topologies;
