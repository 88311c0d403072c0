//! WeChat's token service on loopback, with WeChat's limits.
//!
//! [`Emulator::start`] serves the endpoints that hand out access tokens and tickets, on a thread
//! of its own, until it is dropped. [`Options`] sets WeChat's rules (lifetimes, quotas, the
//! account), [`Step`]s script faults, and [`Stats`] counts what callers did.
//!
//! ```
//! use std::time::Duration;
//! use wechat_emulator::{Emulator, Options};
//!
//! let emulator = Emulator::start(Options {
//!     latency: Duration::from_millis(200),
//!     ..Options::default()
//! })?;
//! assert!(emulator.base_url().starts_with("http://127.0.0.1:"));
//! assert_eq!(emulator.stats().fetches.total(), 0);
//! # Ok::<(), wechat_emulator::Error>(())
//! ```
//!
//! Modules from top to bottom. A module imports only from modules below it, which
//! `testing/tests/imports.rs` checks.
//!
//! ```text
//! main      the program: flags, the ready line, signals
//! lib       what Rust tests use
//! emulator  a running emulator: start, watch, script, stop
//! server    sockets, TLS and HTTP; passes each request on
//! control   the emulator's own API
//! delivery  an answer on the wire, whole or broken by a scripted fault
//! response  HTTP responses
//! wechat    WeChat's endpoints
//! state     all that changes while the emulator runs
//! stats     counters
//! script    scripted faults, and their queue
//! account   the tokens of an account, by WeChat's rules
//! quota     calls in a day and in a minute
//! errcode   WeChat's errcodes and errmsgs
//! endpoint  WeChat's endpoints and services, by name
//! tls       the certificates
//! options   every option: field, flag, default, JSON key
//! error     why an emulator does not start
//! random    tokens, tickets and request ids
//! clock     time since the start
//! ```

mod account;
mod clock;
mod control;
mod delivery;
mod emulator;
mod endpoint;
mod errcode;
mod error;
mod options;
mod quota;
mod random;
mod response;
mod script;
mod server;
mod state;
mod stats;
mod tls;
mod wechat;

pub use account::{Kind, Verdict};
pub use emulator::Emulator;
pub use endpoint::Endpoint;
pub use error::Error;
pub use options::{Options, Tls};
pub use script::{Cut, Effect, ScriptError, Step};
pub use stats::{ApiCalls, Created, Fetches, Stats};
