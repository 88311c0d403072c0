//! wx_token: a PHP extension that keeps a WeChat `access_token` file fresh.
//!
//! `php` is the boundary to PHP and registers what PHP sees; everything else is the core, which
//! knows nothing of PHP. ARCHITECTURE.md is the map of these rooms.

// Tests may open what they like.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

pub mod account;
pub mod caller;
pub mod clock;
mod descriptor;
pub mod error;
pub mod failure;
pub mod ledger;
pub mod memory;
mod names;
mod notice;
mod php;
pub mod printable;
mod process;
pub mod protocol;
pub mod record;
pub mod refresh;
pub mod secret;
pub mod settings;
mod signals;
mod socket;
pub mod status;
pub mod ticket;
pub mod token;
pub mod token_file;
pub mod upstream;
pub mod wechat;
mod worker;
