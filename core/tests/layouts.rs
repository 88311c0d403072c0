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

/// What would lose data, a token, or a reader's trust, if it were taken for something else.
#[test]
fn what_is_not_understood_is_neither_repaired_nor_completed() {
    for content in [
        r#"{"name":"x",}"#,
        "{ // comment\n \"name\":\"x\"}",
        "{{ twig }} hello",
        r#"{access_token:"TOKEN"}"#,
        r#"a:2:{s:4:"user";O:11:"ArrayObject":0:{}s:4:"cart";i:5;}"#,
        r#"a:3:{s:5:"value";s:58:"TOKEN";s:7:"expired";i:1588226264;s:1:"o";O:8:"stdClass":0:{}}"#,
        r#"{"errcode":0,"data":{"access_token":"TOKEN","expires_in":7200}}"#,
        r#"{"errcode":0,"accessToken":"TOKEN"}"#,
        r#"{"errcode":0,"template_list":[1,2]}"#,
        r#"{"errcode":40001,"session_key":"k","openid":"o"}"#,
        r#"{"data":{"access_token":"TOKEN","expires_in":7200},"expire_time":5}"#,
        r#"{"access_token":"TOKEN","jsapiTicket":"TOKEN","expire_time":5}"#,
        r#"{"token":"TOKEN","access_token":"","expires":5}"#,
        r#"{"token":"TOKEN","ticket":"TOKEN","time":1588219064}"#,
        r#"{"access_token":"TOKEN","expire":2592000}"#,
        r#"{"access_token":"TOKEN","expire_time":null,"time":1588219064}"#,
        r#"{"access_token":"TOKEN","expire_time":9223372036854775807}"#,
        r#"{"access_token":"TOKEN","expire_time":1e15}"#,
        r#"{"session":"abc","expire":0}"#,
        r#"{"version":1,"expires":1588226264,"user":"root"}"#,
        r#"{"wx1":{"access_token":"TOKEN"},"time":1588219064}"#,
        "TOKEN,7200,9223372036854775807",
        "[wx]\naccess_token=TOKEN",
    ] {
        let content = content.replace("TOKEN", TOKEN);
        assert!(parse(&content, None).is_err(), "{content}");
    }
    for (content, layout) in [
        (r#"{"access_token":"TOKEN","expires_time":7200}"#, "expires_time:expiry"),
        (r#"{"access_token":"TOKEN","time":7200}"#, "time:fetched"),
        ("TOKEN,7200", "csv:fetched"),
    ] {
        let content = content.replace("TOKEN", TOKEN);
        assert!(parse(&content, Layout::by_name(layout)).is_err(), "{content}");
    }
    for (content, kind) in [
        (r#"{"token":"TOKEN","ticket":"TOKEN","expires":5}"#, CredentialKind::JsapiTicket),
        (r#"{"jsapi_ticket":"TOKEN","ticket":"TOKEN","expire":5}"#, CredentialKind::JsapiTicket),
    ] {
        let written = Timestamp::from_secs(FETCHED);
        let origin = Origin { name: "ticket.json".into(), written, attributes: Vec::new() };
        let content = content.replace("TOKEN", TOKEN);
        let spec = FileSpec { kind, layout: None };
        assert!(Document::parse(content.as_bytes(), spec, origin).is_err(), "{content}");
    }
}

/// What stands beside a token in the files of projects, and is none.
#[test]
fn what_belongs_to_an_account_may_stand_beside_its_token() {
    let word = "0123456789abcdef0123456789abcdef";
    let content = format!(
        r#"{{"appid":"wx0123456789abcdef","secret":"{word}","token":"{word}","encodingaeskey":"{word}ABCDEFGHIJK","openid":"o","access_token":"{TOKEN}","expire_time":{}}}"#,
        FETCHED + LIFE
    );
    let document = parse(&content, None).expect("a token file");
    assert!(is_right(&document, &Sample { content, expiry: FETCHED + LIFE }));
}

/// A stable token is returned again with the rest of its life. Readers that do not look at the duration trust it for two hours
/// from the time beside it.
#[test]
fn no_reader_trusts_a_token_with_a_short_rest_of_life_for_longer() {
    let now = Timestamp::from_secs(1_700_000_000);
    let expiry = Timestamp::from_secs(now.secs() + 1000);
    let new = wx_token_core::token::Token::own(TOKEN, expiry);
    let record = wx_token_core::record::Record::new(&new, None, now);
    let begin = expiry.secs() - LIFE;
    for (content, layout, after) in [
        (
            r#"{"access_token":"","expires_in":7200,"time":5}"#,
            "",
            format!("7200,\"time\":{begin}}}"),
        ),
        ("", "time:fetched", format!("\"time\":{begin}}}")),
        ("", "csv", format!(",7200,{begin}")),
        ("", "plain", TOKEN.to_owned()),
        (r#"{"access_token":"","expires_in":7200}"#, "", String::new()),
    ] {
        let document = parse(content, Layout::by_name(layout)).expect("a file");
        let content = document.with_token(&new, &record, None, now);
        let text = String::from_utf8(content.bytes).expect("text");
        assert!(text.ends_with(&after), "{text}");
        let by_modification = layout == "plain" || text.contains("wx_token");
        assert_eq!(content.modified.is_some(), by_modification, "{text}");
        assert!(content.modified.is_none_or(|modified| modified.secs() == begin), "{text}");
    }
}
