//! What the pages of this repository point at exists: files, headings, and the tests that SECURITY.md names.

#![cfg(test)]

mod chinese;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Every page, with its text outside of code blocks.
fn pages() -> BTreeMap<PathBuf, String> {
    let mut pages = BTreeMap::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().expect("a type");
            if kind.is_dir() && name != "target" && name != ".git" {
                folders.push(path);
            } else if kind.is_file() && path.extension().is_some_and(|end| end == "md") {
                let text = fs::read_to_string(&path).expect("a page");
                let prose = text.split("```").step_by(2).collect();
                pages.insert(path, prose);
            }
        }
    }
    assert!(pages.len() > 5, "{pages:?}");
    pages
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(prose: &str) -> impl Iterator<Item = String> {
    prose.lines().filter(|line| line.starts_with('#')).map(anchor)
}

/// The anchor that GitHub gives a heading.
fn anchor(heading: &str) -> String {
    let heading = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_link_of_a_page_leads_to_a_file_and_a_heading() {
    let pages = pages();
    let mut broken = Vec::new();
    let mut links = 0;
    for (page, prose) in &pages {
        for rest in prose.split("](").skip(1) {
            let target = rest.split(')').next().unwrap_or_default();
            if target.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = match file {
                "" => page.clone(),
                file => page.parent().expect("a folder").join(file),
            };
            let is_there = fs::canonicalize(&file).is_ok_and(|file| {
                let has = |prose: &String| anchors(prose).any(|heading| heading == anchor);
                anchor.is_empty() || pages.get(&file).is_some_and(has)
            });
            if !is_there {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(links > 50, "{links} links");
    assert!(broken.is_empty(), "links that lead nowhere:\n{}", broken.join("\n"));
}

#[test]
fn every_test_that_security_md_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("SECURITY.md")).expect("a page");
    let mut missing = Vec::new();
    let mut tests = 0;
    for name in page.split('`').skip(1).step_by(2) {
        let exists = if let Some((module, test)) = name.rsplit_once("::") {
            let file = format!("{}.rs", module.replace("::", "/"));
            ["tests/processes", "tests/fleet"].iter().any(|folder| {
                let source = fs::read_to_string(root.join(folder).join(&file)).unwrap_or_default();
                source.contains(&format!("#[test]\nfn {test}()"))
            })
        } else if name.ends_with(".phpt") {
            root.join("php-tests").join(name).is_file()
        } else if name.ends_with(".rs") {
            root.join(name).is_file()
        } else {
            continue;
        };
        tests += 1;
        if !exists && name != "file::test" {
            missing.push(name);
        }
    }
    assert!(tests > 30, "{tests} tests");
    assert!(missing.is_empty(), "SECURITY.md names tests that do not exist: {missing:#?}");
}

/// Every Rust source below `folder`, as one text.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &sources(&path);
        } else {
            text += &fs::read_to_string(&path).expect("a source");
        }
    }
    text
}

#[test]
fn every_function_that_the_page_of_the_model_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = sources(&root.join("core/src")) + &sources(&root.join("src"));
    let page = fs::read_to_string(root.join("model/README.md")).expect("a page");
    let tables = page.split("| function of the code |").skip(1);
    let rows =
        tables.flat_map(|table| table.trim_start().lines().take_while(|row| !row.is_empty()));
    let cells = rows.filter_map(|row| row.split(" | ").nth(1));
    let named: Vec<_> = cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert!(named.len() > 40, "{named:?}");
    let exists = |name: &str| {
        let function = name.rsplit("::").next().unwrap_or(name);
        let variant = format!("    {function}(");
        code.contains(&format!("fn {function}(")) || code.contains(&format!("fn {function}<"))
            // PHP's own name, a field or a variant.
            || name.starts_with("wx_")
            || code.contains(&format!("pub {function}: "))
            || code.contains(&variant)
    };
    let missing: Vec<_> = named.into_iter().filter(|name| !exists(name)).collect();
    assert!(missing.is_empty(), "model/README.md names what does not exist: {missing:?}");
}
