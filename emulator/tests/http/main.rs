//! The emulator over real HTTP: every endpoint, every fault, TLS, and the program.

#![cfg(test)]

mod client;

mod control;
mod endpoints;
mod faults;
mod program;
mod tls;
