//! The extension under real servers: nginx and php-fpm, Apache, PHP's own server, long-running workers,
//! through storms, reloads, signals and stops.
//!
//! `make test` runs all of it, the soak for some ten seconds; `make soak` takes minutes for that.

#![cfg(test)]

mod environment;
mod serving;
mod signals;
mod soak;
mod worker;
