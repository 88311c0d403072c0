//! docs/faults.md: what came of every fault in every scenario.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Mutex;

/// What goes before the tables.
const HEAD: &str = include_str!("head.md");

/// The sections, by their scenarios: tests come to their ends in any order.
static SECTIONS: Mutex<BTreeMap<&str, String>> = Mutex::new(BTreeMap::new());

/// Adds the section of a scenario. Writes the page when it has `all` of them.
pub fn add(scenario: &'static str, section: String, all: &[&str]) {
    let mut sections = SECTIONS.lock().expect("no test panicked here");
    sections.insert(scenario, section);
    let sections: Option<Vec<_>> = all.iter().map(|name| sections.get(name).cloned()).collect();
    if let Some(sections) = sections {
        let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
        let text = format!("{HEAD}\n{}", sections.join("\n"));
        fs::create_dir_all(page.parent().expect("a directory")).expect("docs/");
        fs::write(page, text).expect("docs/faults.md");
    }
}
