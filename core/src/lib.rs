//! wx_token without PHP: a WeChat `access_token` file, kept fresh by one locked read, check, refresh and write.
//!
//! ARCHITECTURE.md has the map of these modules, from top to bottom, and what must hold.

#![allow(
    missing_docs,
    reason = "only this repository links the core: a name that says all needs no more"
)]
// Tests may open what they like.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

#[cfg(not(target_os = "linux"))]
compile_error!("wx_token runs on Linux only: its locks, clocks and descriptors are Linux's");

pub mod account;
pub mod caller;
pub mod clock;
mod descriptor;
pub mod endpoint;
pub mod error;
mod exposure;
pub mod failure;
pub mod fingerprint;
mod hold_off;
pub mod memory;
mod names;
pub mod notice;
pub mod printable;
pub mod process;
pub mod protocol;
pub mod record;
pub mod refresh_log;
pub mod secret;
pub mod settings;
mod signals;
mod socket;
pub mod status;
pub mod store;
pub mod ticket;
pub mod token;
pub mod token_file;
pub mod token_source;
mod trust;
mod unstored_tokens;
pub mod wechat;
pub mod worker;
