//! The PHP extension: the boundary between PHP and `wx_token_core`, and the only code that names ext_php_rs.
//! PHP values come in, plain Rust goes to the core.
//!
//! ARCHITECTURE.md is the map of these modules.

// Tests may open what they like.
#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod argument_errors;
mod arguments;
mod callback;
mod default_account;
mod environment;
mod error_log;
mod exceptions;
mod frame;
mod functions;
mod loader;
mod module;
mod options;
mod path;
mod sapi;
mod settings;
mod signature;
mod status;
mod weak_types;
