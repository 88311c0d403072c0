//! How PHP is run: without its configuration, with the extension that was built.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

/// The extension, built with its feature `baseline`.
pub fn extension() -> Result<PathBuf> {
    env::var_os("WX_TOKEN_SO")
        .map(PathBuf::from)
        .filter(|path| path.is_file())
        .context("WX_TOKEN_SO does not name the built extension: run `make bench`")
}

/// A PHP program of `benches/php/`.
pub fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("php").join(name)
}

/// A version of `getToken()` that the demo shows.
pub fn demo(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo").join(name)
}

/// PHP without the extension.
pub fn bare() -> Command {
    let mut command = Command::new(env::var_os("PHP").unwrap_or_else(|| "php8.2".into()));
    command.args(["-n", "-d", "display_errors=stderr"]).stdin(Stdio::null());
    command
}

/// php-fpm without the extension.
pub fn fpm() -> Command {
    let mut command = Command::new(env::var_os("PHP_FPM").unwrap_or_else(|| "php-fpm8.2".into()));
    command.args(["-n", "-d", "display_errors=0"]).stdin(Stdio::null());
    command
}

/// PHP with the extension.
pub fn with_extension() -> Result<Command> {
    let mut command = bare();
    command.args(["-d", &format!("extension={}", extension()?.display())]);
    Ok(command)
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
