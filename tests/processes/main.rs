//! The extension as its users run it: real PHP processes, real files, real flock, real HTTP.
//!
//! `WX_TOKEN_SO` names the built extension; `make test` sets it.

#![cfg(test)]

mod account;
mod aliases;
mod bad_input;
mod client;
mod clocks;
mod crashes;
mod denied;
mod disks;
mod due;
mod failures;
mod forks;
mod fpm;
mod hostile;
mod install;
mod layouts;
mod leaks;
mod locks;
mod logs;
mod loops;
mod memory;
mod names;
mod namespaces;
mod notices;
mod owners;
mod ownership;
mod polyfill;
mod rejected;
mod requests;
mod secrets;
mod storms;
mod streams;
mod tickets;
mod upgrades;
mod ways;
mod workers;
