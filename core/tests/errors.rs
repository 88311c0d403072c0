//! docs/errors.md has every message that a rejected file gets, and nothing that no file gets.

#![allow(clippy::expect_used, clippy::panic, reason = "a broken promise fails the test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use wx_token_core::clock::Timestamp;
use wx_token_core::token_file::{CredentialKind, Document, FileSpec, Layout, Origin, Refusal};

const TOKEN: &str = "26_dY8Ls-R2xXKcT5Hn7q0aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789";

/// Files that are rejected, one for each message, with `TOKEN`; and the layout that the caller names.
const REJECTED: [(&str, &str); 51] = [
    (r#"{"access_token":"TOKEN","expires_time":1588219064}"#, ""),
    (r#"{"access_token":"TOKEN","time":1588219064}"#, ""),
    (r#"{"access_token":"TOKEN","expires_in":7200,"get_time":"2019-05-07 09:13:27"}"#, ""),
    (r#"{"access_token":"TOKEN","until":1588219064}"#, ""),
    (r#"{"time":1588219064}"#, ""),
    (r#"{"access_token":"TOKEN","jsapi_ticket":"TOKEN","expire":1588219064}"#, ""),
    (r#"{"jsapi_ticket":"TOKEN","expire":1588219064}"#, ""),
    (r#"{"at":"TOKEN","expires":1588219064}"#, ""),
    (r#"{"data":"{\"access_token\":\"TOKEN\"}","expire":1588219064}"#, ""),
    (r#"{"wx01":{"access_token":"TOKEN","expire":1588219064}}"#, ""),
    (r#"{"access_token":["TOKEN"],"expire":1588219064}"#, ""),
    (r#"{"access_token":"TOKEN","expire":"soon"}"#, ""),
    (r#"{"access_token":"TOKEN","expire":{"at":1588219064}}"#, ""),
    (r#"{"name":"vendor/package"}"#, ""),
    ("TOKEN", ""),
    ("TOKEN,1588219064", ""),
    ("1588219064", ""),
    ("TOKEN|1588219064", "plain"),
    ("Disallow: /", ""),
    ("<?php return ['access_token' => 'TOKEN'];", ""),
    ("<?php exit();?>TOKEN", ""),
    ("<?php exit();?>some text", ""),
    ("<?php\n//000000007000\n exit();?>\ns:3:\"abc\";", ""),
    ("1588219064s:3:\"abc\";", ""),
    ("1588219064\nwx_token\ns:3:\"abc\";", ""),
    ("1588219064\ns:3:\"abc\";", ""),
    (r#"a:1:{s:5:"token";s:3:"abc";}"#, ""),
    (r#"a:2:{s:5:"value";i:5;s:7:"expired";i:5;}"#, ""),
    (r#"a:2:{s:5:"value";s:3:"abc";s:7:"expired";s:4:"soon";}"#, ""),
    (r#"{"access_token":7,"expire":1588219064}"#, ""),
    (r#"{"access_token":true,"expire":1588219064}"#, ""),
    (r#"{"access_token":"TOKEN","end_time":1588219064}"#, ""),
    (r#"{"access_token":"TOKEN","expire":7200}"#, ""),
    (r#"{"access_token":"TOKEN","expires_in":7200,"created_at":1588219064}"#, ""),
    (r#"["TOKEN",1588219064]"#, ""),
    (r#""TOKEN""#, ""),
    ("access_token=TOKEN&expires_in=7200", ""),
    ("TOKEN\n1588219064", ""),
    ("<?php exit();?>[]1", ""),
    (r#"{"name":"vendor/package",}"#, ""),
    ("{\"name\":\"ab\u{fffd}\"}", ""),
    ("a:1:{s:4:\"name\";s:3:\"ab\u{fffd}\";}", ""),
    (r#"a:3:{s:5:"value";s:3:"abc";s:7:"expired";i:5;s:1:"o";O:8:"stdClass":0:{}}"#, ""),
    (r#"a:3:{s:4:"name";s:15:"wx_ticket_jsapi";s:5:"value";s:3:"abc";s:7:"expired";i:5;}"#, ""),
    (r#"a:2:{s:5:"value";s:3:"abc";s:7:"expired";i:7200;}"#, ""),
    (r#"{"openid":"o","access_token":"TOKEN","refresh_token":"TOKEN","expires_in":7200}"#, ""),
    (r#"{"access_token":"TOKEN"}"#, ""),
    (r#"{"access_token":"TOKEN","expire":20261130044259}"#, ""),
    (r#"{"access_token":"TOKEN","js_ticket":"TOKEN","expire":1588219064}"#, ""),
    ("TOKEN,7200", "csv:expiry"),
    ("<?xml version=\"1.0\"?>TOKEN", ""),
];

/// As it stands in the table: the problem, and the remedy.
fn row(content: &str, layout: &str) -> String {
    let spec = FileSpec { kind: CredentialKind::AccessToken, layout: Layout::by_name(layout) };
    let written = Timestamp::from_secs(1_588_219_064);
    let origin = Origin { name: "token.json".into(), written, attributes: Vec::new() };
    let content = content.replace("TOKEN", TOKEN);
    // No editor shows a byte that is not UTF-8.
    let bytes: Vec<_> = content.bytes().filter(|byte| !matches!(byte, 0xBF | 0xBD)).collect();
    match Document::parse(&bytes, spec, origin) {
        Ok(_) => panic!("{content} is accepted"),
        Err(Refusal::Foreign(reason)) => {
            format!("| it is not a token file: {reason} | Check the path |")
        }
        Err(Refusal::Ambiguous { reason, remedy }) => format!("| {reason} | {remedy} |"),
    }
}

#[test]
fn the_page_of_errors_has_every_message_of_a_rejected_file() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors.md");
    let page = fs::read_to_string(page).expect("the page");
    let rows: BTreeSet<_> = REJECTED.iter().map(|(content, layout)| row(content, layout)).collect();
    let table = page.split("## Rejected files").nth(1).expect("a chapter");
    let table = table.split("\n## ").next().expect("its text");
    let told: BTreeSet<_> =
        table.lines().filter(|line| line.starts_with("| ")).skip(1).map(str::to_owned).collect();
    let missing: Vec<_> = rows.difference(&told).map(String::as_str).collect();
    assert!(missing.is_empty(), "docs/errors.md lacks\n{}", missing.join("\n"));
    let gone: Vec<_> = told.difference(&rows).map(String::as_str).collect();
    assert!(gone.is_empty(), "docs/errors.md has what no file gets\n{}", gone.join("\n"));
}
