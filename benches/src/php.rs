//! The PHP programs that are measured, and what they print.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;
use wx_token_testing::php::Php;

/// A PHP program of `benches/php/`.
pub fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("php").join(name)
}

/// A version of `getToken()` that the demo shows.
pub fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo").join(name)
}

/// The extension with the functions that the hot call is measured against.
pub fn baseline() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.with_file_name("examples/libwx_baseline.so"))
}

/// PHP without the extension.
pub fn bare() -> Php {
    Php::bare().with("display_errors=stderr")
}

/// PHP with the extension.
pub fn with_extension() -> Php {
    Php::new(&[]).with("display_errors=stderr")
}

/// Runs `command` to its end, and reads what it printed as JSON.
pub fn json<T: DeserializeOwned>(command: &mut Command) -> Result<T> {
    parse(&succeeded(command)?.stdout)
        .with_context(|| format!("{command:?} does not say what was measured"))
}

/// Runs `command` to its end; an error if it failed.
pub fn succeeded(command: &mut Command) -> Result<Output> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{command:?} failed ({}): {said}", output.status);
    }
    Ok(output)
}

/// What a program printed as JSON.
pub fn parse<T: DeserializeOwned>(printed: &[u8]) -> Result<T> {
    serde_json::from_slice(printed)
        .with_context(|| format!("no such JSON: {:?}", String::from_utf8_lossy(printed)))
}
