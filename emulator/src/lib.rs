//! WeChat's token service on loopback, as strict as WeChat.
//!
//! [`Emulator::start`] serves the endpoints that hand out access tokens and tickets, on a thread
//! of its own, until it is dropped. [`Options`] sets WeChat's rules (lifetimes, quotas, the
//! account), [`Step`]s script faults, and [`Stats`] tells what callers did.
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
//! The rooms: `account` is WeChat's state, pure, with the time passed in; `api` answers WeChat's
//! endpoints from it; `control` is the emulator's own API; `script` holds the faults to play and
//! `delivery` plays them on the wire; `server` owns sockets; `emulator` is the handle.

mod account;
mod api;
mod control;
mod delivery;
mod emulator;
mod errcode;
mod mint;
mod options;
mod quota;
mod script;
mod server;
mod stats;
mod tls;
mod world;

pub use account::{Kind, Verdict};
pub use api::Endpoint;
pub use emulator::{Emulator, Error};
pub use options::{Options, Tls};
pub use script::{Cut, Effect, ScriptError, Step};
pub use stats::{ApiCalls, Fetches, Minted, Stats};
