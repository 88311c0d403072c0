//! What the build must know of the PHP under test and of the platform.

#![allow(clippy::print_stdout, reason = "that is how a build script talks to cargo")]

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");

    // The Makefile names PHP's module for Apache, or nothing if this PHP has none. Tests that need one are
    // ignored without it, so that they do not count as passed.
    println!("cargo::rustc-check-cfg=cfg(apache)");
    println!("cargo::rerun-if-env-changed=PHP_APACHE");
    if env::var_os("PHP_APACHE").is_none_or(|module| !module.is_empty()) {
        println!("cargo::rustc-cfg=apache");
    }

    // PHP unloads its extensions when it shuts down, and Apache does that at each reload. The fork handlers
    // and a worker that is late would then run code that is gone.
    println!("cargo::rustc-link-arg-cdylib=-Wl,-z,nodelete");
}
