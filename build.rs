//! What the build must know of the PHP that it is for, of the PHP under test and of the platform.

#![allow(clippy::print_stdout, reason = "that is how a build script talks to cargo")]

use std::env;
use std::fs;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");

    println!("cargo::rustc-check-cfg=cfg(php86)");
    match php_version() {
        Ok(version) if version >= (8, 6) => println!("cargo::rustc-cfg=php86"),
        Ok(_) => {}
        Err(problem) => println!("cargo::error={problem}"),
    }

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

/// Major and minor version of a PHP.
type Version = (u32, u32);

/// The version of the headers that ext-php-rs compiles against, if it is one that composer.json promises. Some engine
/// functions are declared by hand, and a PHP that nobody has tried may have changed them.
fn php_version() -> Result<Version, String> {
    println!("cargo::rerun-if-changed=composer.json");
    println!("cargo::rerun-if-env-changed=PHP_CONFIG");
    println!("cargo::rerun-if-env-changed=PATH");

    let program = env::var("PHP_CONFIG").unwrap_or_else(|_| "php-config".into());
    let output = Command::new(&program).arg("--version").output();
    let output = output.map_err(|error| {
        format!("cannot run {program}: {error}. Install PHP's development files, or set PHP_CONFIG")
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = parsed(&text).ok_or(format!("cannot read the version of {program}: {text}"))?;
    let (oldest, first_unknown) = promised()?;
    if (oldest..first_unknown).contains(&version) {
        return Ok(version);
    }
    let ((major, minor), (end_major, end_minor)) = (oldest, first_unknown);
    Err(format!(
        "wx_token needs a PHP from {major}.{minor} on and before {end_major}.{end_minor} (composer.json), and {program} is of PHP {}. \
         For a newer PHP, use a newer wx_token; or compare the functions that src/ declares with that PHP's headers",
        text.trim()
    ))
}

/// The range of composer.json: the oldest PHP, and the first one that is too new.
fn promised() -> Result<(Version, Version), String> {
    let manifest = fs::read_to_string("composer.json")
        .map_err(|error| format!("cannot read composer.json: {error}"))?;
    let range = manifest.split_once("\"php\": \">=").and_then(|(_, rest)| rest.split_once(" <"));
    range
        .and_then(|(oldest, rest)| Some((parsed(oldest)?, parsed(rest.split('"').next()?)?)))
        .ok_or("composer.json has no \"php\": \">=X.Y <X.Y\"".into())
}

/// `8.2.36`, `8.6.0RC3` or `8.1`, as far as the minor version.
fn parsed(text: &str) -> Option<Version> {
    let mut parts = text.trim().split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}
