//! The shared store: a Redis or Valkey that the machines of a fleet have in common, so that one of them fetches for all.
//!
//! The token file stays what callers read, and its lock elects one process of a machine. Only that one comes here. The store
//! keeps the newest token, who fetches, and why the last fetch failed. It saves fetches; nobody depends on it.

mod connection;
mod error;
mod eval;
#[cfg(test)]
mod fake_server;
mod fleet;
mod machine;
mod place;
pub mod reply;
mod script;
mod seal;
mod source;

pub use self::fleet::{Fleet, Shared, StoreSettings};
pub use self::machine::Knowledge;
pub use self::place::Place;
pub use self::source::SharedSource;
