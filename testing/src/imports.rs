//! Whether the imports of a crate run one way: down the map of modules in its `src/lib.rs`.
//!
//! The check knows only a source folder and an order. Where the order is a line from top to bottom,
//! each circle has an arrow that runs up. Code under `#[cfg(test)]` is ignored.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Asserts that the imports of the sources in `folder` run down `map`: each line begins with the name of a
/// module, and the modules of a folder follow it, indented by two spaces.
pub fn assert_run_down(folder: &Path, map: &str) {
    let violations = violations(folder, &order(map));
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn order(map: &str) -> Vec<String> {
    let mut path = Vec::new();
    let module = |line: &'_ str| -> Option<String> {
        let name = line.split_whitespace().next()?;
        path.truncate((line.len() - line.trim_start().len()) / 2);
        path.push(name.to_owned());
        Some(path.join("::"))
    };
    map.lines().filter_map(module).collect()
}

/// Reads the modules of the crates whose roots are in `folder`. Returns a message for each import that
/// runs up, and for each difference between `order` and the modules.
fn violations(folder: &Path, order: &[String]) -> Vec<String> {
    let mut modules = Modules::new();
    for root in ["lib", "main"] {
        if folder.join(root).with_extension("rs").exists() {
            read_module(folder, vec![root.to_owned()], &mut modules);
        }
    }
    let rank = |module: &Module| order.iter().position(|name| *name == name_of(module));
    let mut violations: Vec<_> = order
        .iter()
        .filter(|name| !modules.keys().any(|module| name_of(module) == **name))
        .map(|name| format!("the order lists {name}, which has no file"))
        .collect();
    for (module, (file, tokens)) in &modules {
        let (file, from) = (file.display(), name_of(module));
        let Some(own_rank) = rank(module) else {
            violations.push(format!("{file}:1: the order does not list {from}"));
            continue;
        };
        each_path(tokens.clone(), module, &[], &mut |path, within, line| {
            let target = target(path, within, &modules);
            if target.as_ref().and_then(rank).is_some_and(|rank| rank < own_rank) {
                let to = target.map(|target| name_of(&target)).unwrap_or_default();
                violations.push(format!(
                    "{file}:{line}: {from} -> {to} runs up: {to} stands above {from} in the order"
                ));
            }
        });
    }
    violations
}

/// The path of a module, from the root of its crate: `lib::token_file::lock`.
type Module = Vec<String>;

type Modules = BTreeMap<Module, (PathBuf, TokenStream)>;

/// As an order has it: without the root.
fn name_of(module: &Module) -> String {
    match module.split_first() {
        Some((root, path)) if root == "lib" && !path.is_empty() => path.join("::"),
        _ => module.join("::"),
    }
}

fn read_module(folder: &Path, module: Module, modules: &mut Modules) {
    let names = match module.as_slice() {
        [_root, below @ ..] if !below.is_empty() => below,
        root => root,
    };
    let path = names.iter().fold(folder.to_owned(), |path, name| path.join(name));
    let files = [path.with_extension("rs"), path.join("mod.rs")];
    let file = files.into_iter().find(|file| file.exists());
    let file = file.unwrap_or_else(|| panic!("there is no {}.rs", path.display()));
    let tokens: TokenStream = read(&file).parse().expect("Rust");
    for declaration in level(tokens.clone()).windows(3) {
        if let [TokenTree::Ident(word), TokenTree::Ident(name), TokenTree::Punct(end)] = declaration
            && word == "mod"
            && end.as_char() == ';'
        {
            read_module(folder, [&module[..], &[name.to_string()]].concat(), modules);
        }
    }
    modules.insert(module, (file, tokens));
}

/// The tokens of one level, without the items under `#[cfg(test)]`.
fn level(tokens: TokenStream) -> Vec<TokenTree> {
    let mut tokens = tokens.into_iter();
    let mut level = Vec::new();
    while let Some(token) = tokens.next() {
        if let TokenTree::Group(group) = &token
            && group.delimiter() == Delimiter::Bracket
            && group.stream().to_string().replace(' ', "") == "cfg(test)"
        {
            // An item ends with its block or a semicolon.
            tokens.find(|token| match token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                token => is_punct(token, ';'),
            });
        }
        level.push(token);
    }
    level
}

fn is_punct(token: &TokenTree, expected: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == expected)
}

fn are_colons(first: &TokenTree, second: &TokenTree) -> bool {
    is_punct(first, ':') && is_punct(second, ':')
}

/// Takes the segments of a path, the module where it stands, and its line.
type Found<'a> = dyn FnMut(&[String], &[String], usize) + 'a;

/// Calls `found` for each path in `tokens`. In a list of imports, `prefix` is the path before it.
fn each_path(tokens: TokenStream, within: &[String], prefix: &[String], found: &mut Found) {
    use TokenTree::{Group, Ident};

    let level = level(tokens);
    let mut rest = &level[..];
    while let [token, after @ ..] = rest {
        rest = after;
        match (token, after) {
            // `pub(super)` is no import.
            (Ident(word), [Group(_), after @ ..]) if word == "pub" => rest = after,
            (Ident(word), [Ident(name), Group(body), after @ ..]) if word == "mod" => {
                let inner = [within, &[name.to_string()]].concat();
                each_path(body.stream(), &inner, &[], found);
                rest = after;
            }
            (Ident(word), [_, after @ ..]) if word == "as" && !prefix.is_empty() => rest = after,
            (Ident(name), _) => {
                let mut path = [prefix, &[name.to_string()]].concat();
                rest = loop {
                    match rest {
                        [a, b, Ident(name), after @ ..] if are_colons(a, b) => {
                            path.push(name.to_string());
                            rest = after;
                        }
                        [a, b, Group(list), after @ ..] if are_colons(a, b) => {
                            each_path(list.stream(), within, &path, found);
                            path.clear();
                            break after;
                        }
                        _ => break rest,
                    }
                };
                found(&path, within, name.span().start().line);
            }
            (Group(group), _) => each_path(group.stream(), within, &[], found),
            // `::name` and `<T>::name` begin with no module of this crate.
            (a, [b, Ident(_), after @ ..]) if are_colons(a, b) => rest = after,
            _ => {}
        }
    }
}

/// The module that `path` leads to from `within`, if it is one of `modules`.
fn target(path: &[String], within: &[String], modules: &Modules) -> Option<Module> {
    let mut module = within.to_vec();
    match path.first()?.as_str() {
        "crate" => module.truncate(1),
        "self" | "super" => {}
        child
            if path.len() == 1
                || !modules.contains_key(&[within, &[child.to_owned()]].concat()) =>
        {
            return None;
        }
        _ => {}
    }
    for segment in path {
        match segment.as_str() {
            "crate" | "self" => {}
            "super" => _ = module.pop(),
            name => module.push(name.to_owned()),
        }
    }
    while !modules.contains_key(&module) {
        module.pop()?;
    }
    Some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_violation_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |file: &str, text: &str| {
            let file = folder.path().join(file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        };
        write(
            "lib.rs",
            "#[cfg(test)]\nmod tests;\nmod top;\nmod folder;\npub mod low;\nmod new;\n\
             pub use low::{Low, self as alias};\n",
        );
        write(
            "top.rs",
            "use crate::{folder::{self, child::Child}, low};\npub(super) struct Top;\n",
        );
        write("folder/mod.rs", "mod child;\nfn f() -> child::Child { todo!(\"crate::top::T\") }\n");
        write(
            "folder/child.rs",
            "use super::Folder;\nuse super::super::low;\nmod a {\n use super::B; }\n",
        );
        write(
            "low.rs",
            "use crate::{\n    low::Low,\n    folder::{\n        child::{Child as top}},\n};\n\
             impl Low { fn f(_: &super::top::T) { vec![crate::top::T, ::top::T]; } } // crate::top\n\
             #[cfg(test)]\nmod tests { use crate::top; }\n",
        );
        write("new.rs", "");
        let order = order("lib      the root\ntop\nfolder\n  child  in it\nlow\ngone\n");
        assert_eq!(order, ["lib", "top", "folder", "folder::child", "low", "gone"]);
        let path = |file: &str| folder.path().join(file).display().to_string();
        let arrow = |file: &str, line: u8, from: &str, to: &str| {
            let file = path(file);
            format!("{file}:{line}: {from} -> {to} runs up: {to} stands above {from} in the order")
        };
        assert_eq!(
            violations(folder.path(), &order),
            [
                "the order lists gone, which has no file".to_owned(),
                arrow("folder/child.rs", 1, "folder::child", "folder"),
                arrow("low.rs", 4, "low", "folder::child"),
                arrow("low.rs", 6, "low", "top"),
                arrow("low.rs", 6, "low", "top"),
                format!("{}:1: the order does not list new", path("new.rs")),
            ]
        );
    }
}
