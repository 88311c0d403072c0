//! The extension under real servers: nginx and php-fpm, Apache, PHP's own server, long-running workers,
//! through storms, reloads, signals and stops.
//!
//! `make test` runs all of it, the soak for some ten seconds; `make soak` takes minutes for that.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails"
)]

mod environment;
mod process;
mod serving;
mod signals;
mod site;
mod soak;
#[allow(dead_code, reason = "what tests/processes needs besides")]
#[path = "../processes/support/mod.rs"]
mod support;
mod witness;
mod worker;
