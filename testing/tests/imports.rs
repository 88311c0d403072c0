//! Imports run one way: down the maps of modules in ARCHITECTURE.md and in the emulator's docs.

#![cfg(test)]

use std::fs;
use std::path::Path;

use wx_token_testing::imports;

/// Checks the sources in `folder` by the block that begins with `fence` on the `page`.
fn check(folder: &str, page: &str, fence: &str, prefix: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join(page)).expect("a page");
    let lines = page.lines().map(|line| line.strip_prefix(prefix).unwrap_or(line));
    let block = lines.skip_while(|line| *line != fence).skip(1).take_while(|line| *line != "```");
    let map = block.collect::<Vec<_>>().join("\n");
    assert!(map.lines().count() > 10, "no map {fence}");
    imports::assert_run_down(&root.join(folder), &map);
}

#[test]
fn imports_of_the_core_run_down_its_map() {
    check("core/src", "ARCHITECTURE.md", "```text core/src", "");
}

#[test]
fn imports_of_the_extension_run_down_its_map() {
    check("src", "ARCHITECTURE.md", "```text src", "");
}

#[test]
fn imports_of_the_emulator_run_down_its_map() {
    check("emulator/src", "emulator/src/lib.rs", "```text", "//! ");
}
