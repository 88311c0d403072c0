//! What composer.json says of the extension is what Cargo.toml says, and what the pages promise.

#![cfg(test)]

use std::fs;
use std::path::Path;

use serde_json::Value;

fn text(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a file")
}

fn composer() -> Value {
    serde_json::from_str(&text("composer.json")).expect("JSON")
}

#[test]
fn composer_json_names_what_cargo_builds() {
    let composer = composer();
    let license = text("Cargo.toml").lines().find_map(|line| {
        line.strip_prefix("license = \"").and_then(|rest| rest.strip_suffix('"')).map(String::from)
    });
    assert_eq!(composer["license"].as_str(), license.as_deref());
    assert_eq!(composer["description"], env!("CARGO_PKG_DESCRIPTION"));
    assert_eq!(composer["php-ext"]["extension-name"], env!("CARGO_PKG_NAME"));
    let name = composer["name"].as_str().expect("a name");
    assert!(name.ends_with(concat!("/", env!("CARGO_PKG_NAME"))), "{name}");
    // A version there would be a second one: the tag says it.
    assert!(composer.get("version").is_none());
}

#[test]
fn pie_finds_the_folder_that_phpize_prepares() {
    let composer = composer();
    assert_eq!(composer["type"], "php-ext");
    let folder = composer["php-ext"]["build-path"].as_str().expect("a folder");
    assert!(text(&format!("{folder}/config.m4")).contains("PHP_ARG_ENABLE([wx_token]"));
}

#[test]
fn the_readme_promises_the_versions_that_the_manifests_allow() {
    let composer = composer();
    let range = composer["require"]["php"].as_str().expect("a range");
    let (oldest, too_new) =
        range.strip_prefix(">=").and_then(|rest| rest.split_once(" <")).expect("two ends");
    let (major, minor) = too_new.split_once('.').expect("a version");
    let newest = format!("{major}.{}", minor.parse::<u32>().expect("a number") - 1);
    let promise = format!("PHP {oldest} to {newest}");
    let rust = format!("Rust {} or newer", env!("CARGO_PKG_RUST_VERSION"));
    for promise in [promise, rust] {
        assert!(text("README.md").contains(&promise), "README.md does not say: {promise}");
    }
}
