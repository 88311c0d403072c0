//! Which PHP is tested, and with which extension.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

const EXTENSION: &str = "libwx_token.so";

/// A program of the PHP under test, which the Makefile chooses; by default `name`.
pub fn program(variable: &str, name: &str) -> OsString {
    env::var_os(variable).unwrap_or_else(|| name.into())
}

/// The extension that `WX_TOKEN_SO` names; by default the one that was built beside this program, with its
/// profile.
///
/// # Panics
/// If it has not been built.
pub fn extension() -> PathBuf {
    let this = env::current_exe().expect("the path of this program");
    let named = env::var_os("WX_TOKEN_SO").map(PathBuf::from);
    let beside = || this.ancestors().skip(1).take(2).map(|directory| directory.join(EXTENSION));
    let found = match &named {
        Some(path) => Some(path.clone()).filter(|path| path.is_file()),
        None => beside().find(|path| path.is_file()),
    };
    found.unwrap_or_else(|| {
        let missing = named.or_else(|| beside().last()).unwrap_or_default();
        let missing = missing.display();
        panic!("there is no {missing}: run `cargo build -p wx_token`, or set WX_TOKEN_SO to the extension")
    })
}

/// The extension of an earlier commit, which `scripts/earlier` builds and `EARLIER_WX_TOKEN_SO` names.
///
/// # Panics
/// If the variable names none.
pub fn earlier_extension() -> PathBuf {
    let named = env::var_os("EARLIER_WX_TOKEN_SO").map(PathBuf::from);
    named
        .filter(|path| path.is_file())
        .expect("set EARLIER_WX_TOKEN_SO to what scripts/earlier prints")
}
