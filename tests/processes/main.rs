//! The extension as its users run it: real PHP processes, real files, real flock, real HTTP.
//!
//! `WX_TOKEN_SO` names the built extension; `make test` sets it.

mod bad_input;
mod client;
mod crashes;
mod failures;
mod fpm;
mod leaks;
mod locks;
mod secrets;
mod storms;
mod support;
