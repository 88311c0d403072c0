//! WeChat as a token source: its requests, answers and error codes, and the HTTP client for them.

pub mod answer;
mod attempt;
mod client;
mod connector;
pub mod errcode;
mod http;
mod request;
mod resolver;
mod transport;

pub use self::client::Client;
pub use self::http::Http;
pub use self::request::TicketApi;
pub use self::transport::Transport;
