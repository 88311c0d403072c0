//! `make install`: it installs what was built, builds nothing, and says what is next.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use tempfile::TempDir;
use wx_token_testing::{extension, program};

/// A program that builds or installs packages leaves this file when it is run.
const WITNESS: &str = "was-run";

/// `make install` into `dir`, of `library`, as sudo runs it: without the caller's environment, and with a
/// cargo that leaves a trace when it is run.
fn install(dir: &TempDir, library: &Path) -> Output {
    let programs = dir.path().join("bin");
    fs::create_dir_all(&programs).expect("a directory");
    let witness = dir.path().join(WITNESS);
    for name in ["cargo", "rustc", "apt-get"] {
        let path = programs.join(name);
        fs::write(&path, format!("#!/bin/sh\necho {name} >> '{}'\nexit 127\n", witness.display()))
            .expect("a program");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("chmod");
    }
    let mut make = Command::new("make");
    make.current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
        .args(["--no-print-directory", "install"])
        .arg(format!("PHP={}", program("PHP", "/usr/bin/php8.2").display()))
        .arg(format!("WX_TOKEN_SO={}", library.display()))
        .arg(format!("DESTDIR={}", dir.path().join("root").display()));
    make.output().expect("make runs")
}

fn installed(root: &Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![root.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() { left.push(path) } else { found.push(path) }
        }
    }
    found
}

#[test]
fn installing_builds_nothing_and_says_what_comes_next() {
    let dir = tempfile::tempdir().expect("a directory");
    let output = install(&dir, &extension());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(!dir.path().join(WITNESS).exists(), "something was built");
    let [library] = installed(&dir.path().join("root")).try_into().expect("one file is installed");
    assert!(library.ends_with("wx_token.so"), "{}", library.display());
    let is_same = fs::read(&library).expect("a file") == fs::read(extension()).expect("a file");
    assert!(is_same, "another file than the one that was built");
    assert_eq!(fs::metadata(&library).expect("a file").permissions().mode() & 0o7777, 0o644);
    let installed = format!("Installed {}.", library.display());
    for next in [
        installed.as_str(),
        "To enable it, as root:",
        "extension=wx_token >",
        "restart php-fpm or Apache",
    ] {
        assert!(said.contains(next), "{next} is not in: {said}");
    }
}

#[test]
fn an_extension_that_is_not_built_is_not_installed_and_make_build_is_named() {
    let dir = tempfile::tempdir().expect("a directory");
    let absent = dir.path().join("libwx_token.so");
    let output = install(&dir, &absent);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("is not built. Run `make build` first"), "{said}");
    assert!(!dir.path().join(WITNESS).exists(), "something was built");
    assert!(installed(&dir.path().join("root")).is_empty());
}

#[test]
fn a_library_that_this_php_cannot_load_is_not_installed() {
    let dir = tempfile::tempdir().expect("a directory");
    let foreign = dir.path().join("libwx_token.so");
    fs::write(&foreign, "built for another PHP").expect("a file");
    let output = install(&dir, &foreign);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(said.contains("Build it for this PHP first"), "{said}");
    assert!(installed(&dir.path().join("root")).is_empty());
}
