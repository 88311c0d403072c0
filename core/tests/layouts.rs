//! The token files of 121 public PHP projects, as shapes in `layouts.json`: nothing is misread, and what is not read says
//! what to do.

#![allow(clippy::expect_used, clippy::panic, reason = "a broken promise fails the test")]

use std::collections::BTreeMap;

use serde_json::{Value, json};
use wx_token_core::clock::Timestamp;
use wx_token_core::token_file::{CredentialKind, Document, FileSpec, Layout, Origin, Refusal};

const TOKEN: &str = "26_dY8Ls-R2xXKcT5Hn7q0aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789";

/// The token was fetched at this moment, and lives for [`LIFE`].
const FETCHED: i64 = 1_588_219_064;
const LIFE: i64 = 7200;

/// A shape that a file may have, and when its token expires by the code that reads it.
struct Sample {
    content: String,
    expiry: i64,
}

/// How a file of a shape is treated.
#[derive(Debug, PartialEq, Eq, Clone, Copy, PartialOrd, Ord)]
enum Outcome {
    AsIs,
    Option,
    Refused,
    Misread,
}

fn samples(file: &str, keys: &serde_json::Map<String, Value>) -> Vec<Sample> {
    match file {
        "text" if keys.values().any(|kind| kind == "token") => {
            vec![Sample { content: TOKEN.to_owned(), expiry: FETCHED + LIFE }]
        }
        "text" => [format!("{TOKEN},{FETCHED}"), format!("{TOKEN},{LIFE},{FETCHED}\n")]
            .map(|content| Sample { content, expiry: FETCHED + LIFE })
            .into(),
        // The call names the file with the token.
        "two text files" => vec![Sample { content: format!("{TOKEN}\n"), expiry: 0 }],
        "serialize" => ["", "s:4:\"name\";s:2:\"wx\";"]
            .map(|name| {
                let (count, length) = (if name.is_empty() { 2 } else { 3 }, TOKEN.len());
                let expiry = FETCHED + LIFE;
                let content = format!(
                    "a:{count}:{{{name}s:5:\"value\";s:{length}:\"{TOKEN}\";s:7:\"expired\";i:{expiry};}}"
                );
                Sample { content, expiry }
            })
            .into(),
        _ => {
            let guard = if file.contains("behind") { "<?php exit();?>" } else { "" };
            // Moments in seconds, as numbers and as text, and in milliseconds.
            let spellings: [fn(i64) -> Value; 3] =
                [Value::from, |moment| moment.to_string().into(), |moment| (moment * 1000).into()];
            spellings.iter().map(|moment| json_sample(guard, keys, *moment)).collect()
        }
    }
}

fn json_sample(
    guard: &str,
    keys: &serde_json::Map<String, Value>,
    moment: fn(i64) -> Value,
) -> Sample {
    let mut members = serde_json::Map::new();
    for (key, kind) in keys {
        let value = match kind.as_str().expect("a kind") {
            "token" => TOKEN.into(),
            "expiry" => moment(FETCHED + LIFE),
            "duration" => LIFE.into(),
            "moment of the fetch" | "moment" => moment(FETCHED),
            "date without time zone" => "2020-04-30 11:57:44".into(),
            "json in a string" => json!({"access_token": TOKEN}).to_string().into(),
            other => panic!("{other}"),
        };
        members.insert(key.clone(), value);
    }
    // Readers of this key trust it for an hour.
    let is_short = keys.get("expires_time").is_some_and(|kind| kind == "moment of the fetch");
    let expiry = if is_short { FETCHED + 3600 } else { FETCHED + LIFE };
    Sample { content: format!("{guard}{}", Value::Object(members)), expiry }
}

fn parse(content: &str, layout: Option<Layout>) -> Result<Document, Refusal> {
    let spec = FileSpec { kind: CredentialKind::AccessToken, layout };
    let written = Timestamp::from_secs(FETCHED);
    let origin = Origin { name: "access_token.json".into(), written, attributes: Vec::new() };
    Document::parse(content.as_bytes(), spec, origin)
}

/// Whether the token is read, with its expiry.
fn is_right(document: &Document, sample: &Sample) -> bool {
    document.token().is_some_and(|token| {
        &*token.value == TOKEN && token.expiry == Timestamp::from_secs(sample.expiry)
    })
}

/// The layouts that a message names, as one that a caller can pass.
fn options(remedy: &str) -> Vec<Layout> {
    remedy.split('\'').filter_map(Layout::by_name).collect()
}

fn outcome(sample: &Sample) -> Outcome {
    match parse(&sample.content, None) {
        Ok(document) if is_right(&document, sample) => Outcome::AsIs,
        Ok(_) => Outcome::Misread,
        Err(Refusal::Foreign(why)) => panic!("{}: it is foreign: {why}", sample.content),
        Err(Refusal::Ambiguous { remedy, .. }) => {
            let is_right = |layout| {
                parse(&sample.content, Some(layout)).is_ok_and(|read| is_right(&read, sample))
            };
            assert!(remedy.len() > 20, "{}: {remedy}", sample.content);
            if options(&remedy).into_iter().any(is_right) {
                Outcome::Option
            } else {
                Outcome::Refused
            }
        }
    }
}

#[test]
fn no_file_of_a_public_project_is_misread_or_locked_out() {
    let shapes: Value = serde_json::from_str(include_str!("layouts.json")).expect("JSON");
    let mut seen: BTreeMap<Outcome, i64> = BTreeMap::new();
    let mut all = 0;
    for shape in shapes["layouts"].as_array().expect("a list") {
        let keys = shape["keys"].as_object().expect("keys");
        let outcomes: Vec<_> =
            samples(shape["file"].as_str().expect("a file"), keys).iter().map(outcome).collect();
        let want = shape["want"].as_str().expect("a wish");
        for outcome in &outcomes {
            let is_wanted = match outcome {
                Outcome::AsIs => want.contains("as is"),
                Outcome::Option => want.contains("option") || shape["file"] == "two text files",
                Outcome::Refused => want.contains("refused"),
                Outcome::Misread => false,
            };
            assert!(is_wanted, "{outcome:?}, not {want}: {shape}");
        }
        let count = shape["seen"].as_i64().expect("a number");
        *seen.entry(*outcomes.iter().max().expect("a sample")).or_default() += count;
        all += count;
    }
    let share = |outcome| 100 * seen.get(&outcome).copied().unwrap_or_default() / all;
    assert!(share(Outcome::AsIs) >= 72, "{seen:?} of {all}");
    assert!(share(Outcome::Option) <= 25, "{seen:?} of {all}");
}

#[test]
fn what_was_read_is_written_so_that_its_readers_see_the_new_token() {
    let shapes: Value = serde_json::from_str(include_str!("layouts.json")).expect("JSON");
    let now = Timestamp::from_secs(1_700_000_000);
    for shape in shapes["layouts"].as_array().expect("a list") {
        let keys = shape["keys"].as_object().expect("keys");
        for sample in samples(shape["file"].as_str().expect("a file"), keys) {
            let Ok(document) = parse(&sample.content, None) else { continue };
            let old = document.token().expect("a token");
            // The same token a while later: each number moves by that while.
            let expiry = Timestamp::from_secs(now.secs() + LIFE);
            let new = wx_token_core::token::Token::own(TOKEN.replace("26_", "27_"), expiry);
            let record = wx_token_core::record::Record::new(&new, None, now);
            let content = document.with_token(&new, &record, None, now);
            let text = String::from_utf8(content.bytes).expect("text");
            let while_ = now.since(Timestamp::from_secs(FETCHED));
            assert_eq!(old.expiry + while_, expiry, "{}", sample.content);
            let mut expected = sample.content.replace("26_", "27_");
            for moment in [FETCHED, FETCHED + LIFE] {
                let moved = moment + i64::try_from(while_.as_secs()).expect("a while");
                expected = expected.replace(&moment.to_string(), &moved.to_string());
            }
            if content.modified.is_some() {
                // What a copy of the file would lose stands in it.
                assert!(text.contains("\"wx_token\""), "{text}");
                continue;
            }
            assert_eq!(text.trim(), expected.trim(), "{}", sample.content);
        }
    }
}
