//! The emulator over real HTTP: every endpoint, every fault, TLS, and the program.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod client;

mod control;
mod endpoints;
mod faults;
mod program;
mod tls;
