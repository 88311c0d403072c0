//! WeChat as an upstream: its endpoints, its error codes, and the client that asks.

mod answer;
mod client;
mod endpoint;
pub mod errcode;

pub use self::client::{Client, Transport};
pub use self::endpoint::{ApiBase, Endpoint};
