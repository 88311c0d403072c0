//! WeChat as an upstream: its endpoints, its error codes, and the client that asks.

pub mod answer;
mod client;
mod connector;
mod endpoint;
pub mod errcode;
mod http;
mod request;
mod resolver;

pub use self::client::Client;
pub use self::endpoint::{ApiBase, Endpoint};
pub use self::http::{Http, Transport};
pub use self::request::TicketKind;
