//! The content of a token file: found in it, and changed in it, byte by byte.
//!
//! What is not token, expiry or failure record is never touched: values are replaced at the place
//! where they stand, so key order, spacing, and keys that we do not know survive.

use std::fmt;
use std::ops::Range;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::clock::Epoch;
use crate::failure::FailureRecord;
use crate::token::{Token, is_token};

const EXPIRY: &str = "expire";

/// The key of our own: the failure record, or the moment until which to leave the token.
const NOTE: &str = "wx_token";
const REST: &str = "refresh_not_before_ms";

/// What a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An access token.
    AccessToken,
    /// A ticket for web pages that use WeChat's JavaScript interface.
    JsapiTicket,
    /// A ticket for cards and coupons.
    CardTicket,
    /// A ticket of one WeCom application.
    AgentConfigTicket,
    /// Any of these: whoever only describes the file need not know.
    Any,
}

impl Subject {
    /// The keys under which files keep it. A new file has the first.
    const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::AccessToken => &["access_token"],
            Self::JsapiTicket => &["jsapi_ticket", "ticket"],
            Self::CardTicket => &["wx_card_ticket", "ticket"],
            Self::AgentConfigTicket => &["agent_config_ticket", "ticket"],
            Self::Any => {
                &["access_token", "jsapi_ticket", "wx_card_ticket", "agent_config_ticket", "ticket"]
            }
        }
    }
}

/// What a refresh leaves beside the token.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Note {
    /// It failed.
    Failed(FailureRecord),
    /// Its token is due at once, but is to be left until then.
    RestUntil(Epoch),
}

impl Note {
    fn from_json(json: &Value) -> Option<Self> {
        match json.get(REST).and_then(Value::as_i64) {
            Some(millis) => Some(Self::RestUntil(Epoch::from_millis(millis))),
            None => FailureRecord::from_json(json).map(Self::Failed),
        }
    }
}

/// How a token file spells token and expiry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// `{"access_token":"…","expire":seconds}`
    Expire,
}

impl Layout {
    /// The layout's name in the `layout` option and in a status.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Expire => "expire",
        }
    }
}

/// A whole token file.
#[derive(Clone)]
pub struct Document {
    /// A JSON object, or nothing: torn, empty and all-NUL files have nothing worth keeping.
    text: String,
    subject: Subject,
    token: Option<Token>,
    note: Option<Note>,
    damaged: bool,
}

impl fmt::Debug for Document {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Document")
            .field("token", &self.token)
            .field("note", &self.note)
            .finish_non_exhaustive()
    }
}

impl Document {
    /// A file with nothing in it.
    #[must_use]
    pub const fn empty(subject: Subject) -> Self {
        Self { text: String::new(), subject, token: None, note: None, damaged: false }
    }

    /// Reads the bytes of a file that keeps a `subject`.
    ///
    /// # Errors
    /// Why this is no such file and must not be overwritten.
    pub fn parse(bytes: Vec<u8>, subject: Subject) -> Result<Self, &'static str> {
        let empty = Self::empty(subject);
        let seen = visible(&bytes);
        if seen.is_empty() {
            return Ok(Self { damaged: !bytes.is_empty(), ..empty });
        }
        // What json_encode() makes of a failed fetch. There is nothing in it to lose.
        if matches!(seen, b"null" | b"false" | b"[]" | b"{}" | b"\"\"") {
            return Ok(empty);
        }
        if seen.first() != Some(&b'{') {
            return Err("it does not begin like one");
        }
        let torn = Self { damaged: true, ..empty.clone() };
        let Ok(text) = String::from_utf8(bytes) else { return Ok(torn) };
        let Ok(members) = members(&text) else { return Ok(torn) };

        let note = find(&members, NOTE)
            .and_then(|member| serde_json::from_str(member.value(&text)).ok())
            .and_then(|json: Value| Note::from_json(&json));
        let value = find_any(&members, subject.keys());
        let expiry = find(&members, EXPIRY);
        if value.is_none() && expiry.is_none() && note.is_none() {
            return if is_error_answer(&members) {
                Ok(empty)
            } else {
                Err("it is JSON with neither what is kept here nor its \"expire\"")
            };
        }
        if expiry.is_none() && members.iter().any(|member| is_other_expiry(&member.key)) {
            return Err("its expiry stands under another key than \"expire\"");
        }
        if value.is_none() && find_any(&members, Subject::Any.keys()).is_some() {
            return Err("it keeps another kind of token or ticket");
        }
        let value = value.map_or(Ok(None), |member| token_of(member.value(&text)))?;
        let expiry = expiry.map_or(Ok(None), |member| expiry_of(member.value(&text)))?;
        let token = value.zip(expiry).map(|(value, expiry)| Token { value, expiry });
        Ok(Self { text, subject, token, note, damaged: false })
    }

    /// The token, if there is a usable one, dead or alive.
    #[must_use]
    pub const fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// What the last failed refresh left.
    #[must_use]
    pub const fn failure(&self) -> Option<&FailureRecord> {
        match &self.note {
            Some(Note::Failed(record)) => Some(record),
            _ => None,
        }
    }

    /// The moment until which a token that is due is to be left, if the last refresh set one.
    #[must_use]
    pub const fn rest_until(&self) -> Option<Epoch> {
        match &self.note {
            Some(Note::RestUntil(moment)) => Some(*moment),
            _ => None,
        }
    }

    /// How the file spells what it holds; `None` while it holds nothing.
    #[must_use]
    pub fn layout(&self) -> Option<Layout> {
        (!self.text.is_empty()).then_some(Layout::Expire)
    }

    /// Whether the file was torn: half written, or all NUL bytes.
    #[must_use]
    pub const fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// The file's bytes with `token` in place of the old one, and without a failure record. A token
    /// that is due at once is to be left until `rest_until`.
    #[must_use]
    pub fn with_token(&self, token: &Token, rest_until: Option<Epoch>) -> Vec<u8> {
        let expiry = token.expiry.secs();
        let mut text = edit(self.text(), self.value_key(), |_| Some(json!(token.value)));
        text = edit(text, EXPIRY, |old| {
            Some(if old.starts_with('"') { json!(expiry.to_string()) } else { json!(expiry) })
        });
        text = edit(text, NOTE, |_| rest_until.map(|moment| json!({REST: moment.millis()})));
        text.into_bytes()
    }

    /// The file's bytes with `record` in place of the last failure; token and expiry stay.
    #[must_use]
    pub fn with_failure(&self, record: &FailureRecord) -> Vec<u8> {
        edit(self.text(), NOTE, |_| Some(record.to_json())).into_bytes()
    }

    fn text(&self) -> String {
        if self.text.is_empty() { "{}".to_owned() } else { self.text.clone() }
    }

    /// The key under which this file keeps its token.
    fn value_key(&self) -> &'static str {
        let keys = self.subject.keys();
        let members = members(&self.text).unwrap_or_default();
        let present = keys.iter().find(|key| find(&members, key).is_some());
        present.or(keys.first()).copied().unwrap_or_default()
    }
}

/// `text` with the value of `key` replaced, appended, or (for `None`) taken out with its key.
fn edit(mut text: String, key: &str, new_value: impl Fn(&str) -> Option<Value>) -> String {
    let Ok(members) = members(&text) else { return text };
    let span = members.iter().rposition(|member| member.key == key);
    let old = span.and_then(|index| members.get(index));
    match (new_value(old.map_or("", |member| member.value(&text))), old) {
        (Some(value), Some(member)) => {
            let span = member.span.clone();
            text.replace_range(span, &value.to_string());
        }
        (Some(value), None) => {
            let comma = if members.is_empty() { "" } else { "," };
            let end = members.last().map_or_else(
                || text.find('{').map_or(0, |brace| brace + 1),
                |member| member.span.end,
            );
            text.insert_str(end, &format!("{comma}{}:{value}", json!(key)));
        }
        (None, Some(member)) => {
            let before = span.and_then(|index| index.checked_sub(1)).and_then(|i| members.get(i));
            let gap = match before {
                Some(before) => before.span.end..member.span.end,
                None => leading_gap(&text, member, members.len()),
            };
            text.replace_range(gap, "");
        }
        (None, None) => {}
    }
    text
}

/// The first member of an object, with the comma that follows it if others do.
fn leading_gap(text: &str, first: &Member, members: usize) -> Range<usize> {
    let start = text.find('{').map_or(0, |brace| brace + 1);
    let rest = text.get(first.span.end..).unwrap_or_default();
    let comma = if members > 1 { rest.find(',').map_or(0, |comma| comma + 1) } else { 0 };
    start..first.span.end + comma
}

struct Member {
    key: String,
    /// Where its value stands in the text.
    span: Range<usize>,
}

impl Member {
    fn value<'t>(&self, text: &'t str) -> &'t str {
        text.get(self.span.clone()).unwrap_or_default()
    }
}

/// The last of several members with one name, as json_decode() takes it.
fn find<'m>(members: &'m [Member], key: &str) -> Option<&'m Member> {
    members.iter().rfind(|member| member.key == key)
}

fn find_any<'m>(members: &'m [Member], keys: &[&str]) -> Option<&'m Member> {
    keys.iter().find_map(|key| find(members, key))
}

/// The members of the JSON object that `text` is, and where their values stand in it.
fn members(text: &str) -> serde_json::Result<Vec<Member>> {
    struct Members<'t>(&'t str);

    impl<'de> Visitor<'de> for Members<'de> {
        type Value = Vec<Member>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a JSON object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                // Raw values are slices of the text that they were read from.
                let start = value.get().as_ptr().addr() - self.0.as_ptr().addr();
                let span = start..start + value.get().len();
                members.push(Member { key, span });
            }
            Ok(members)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let members = deserializer.deserialize_map(Members(text))?;
    deserializer.end()?;
    Ok(members)
}

fn token_of(json: &str) -> Result<Option<String>, &'static str> {
    match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => Ok(None),
        Ok(Value::String(token)) => Ok(Some(token).filter(|token| is_token(token))),
        _ => Err("what is kept in it is not a string"),
    }
}

fn expiry_of(json: &str) -> Result<Option<Epoch>, &'static str> {
    const UNREADABLE: &str = "its \"expire\" is not a number of seconds";
    let seconds = match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => return Ok(None),
        Ok(Value::Number(number)) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Ok(Value::String(text)) if text.trim().is_empty() => return Ok(None),
        Ok(Value::String(text)) => {
            let text = text.trim();
            text.parse().ok().or_else(|| whole(text.parse().ok()?))
        }
        _ => None,
    };
    seconds.map(|seconds| Some(Epoch::from_secs(seconds))).ok_or(UNREADABLE)
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(seconds: f64) -> Option<i64> {
    (seconds.abs() < 1e15).then_some(seconds.floor() as i64)
}

/// Keys under which other layouts keep their expiry: a file with one of these is not ours to
/// complete with an `expire` of our own.
fn is_other_expiry(key: &str) -> bool {
    key.starts_with("expire") || key.ends_with("_time") || key.ends_with("_at")
}

/// WeChat's refusal, stored by code that did not look at it.
fn is_error_answer(members: &[Member]) -> bool {
    find(members, "errcode").is_some() && find(members, "errmsg").is_some()
}

/// `bytes` without the NUL bytes and white space around them, and without a byte order mark.
fn visible(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == 0 || byte.is_ascii_whitespace();
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, Fingerprint};

    const TOKEN_FILE: &str = r#"{"access_token":"abc","expire":1588219064}"#;

    fn parse(text: &str) -> Result<Document, &'static str> {
        Document::parse(text.as_bytes().to_vec(), Subject::AccessToken)
    }

    fn expiry(text: &str) -> Option<i64> {
        parse(text).ok()?.token().map(|token| token.expiry.secs())
    }

    fn fresh() -> Token {
        Token { value: "NEW".into(), expiry: Epoch::from_secs(1_700_000_000) }
    }

    fn rewritten(text: &str) -> String {
        let bytes =
            parse(text).map(|document| document.with_token(&fresh(), None)).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    fn record() -> FailureRecord {
        let account = Fingerprint::new("a");
        FailureRecord::of(Failure::network("refused"), &account, None, Epoch::from_secs(5))
    }

    #[test]
    fn a_token_file_tells_its_token_and_expiry() {
        let token = parse(TOKEN_FILE).ok().and_then(|document| document.token().cloned());
        let expected = Token { value: "abc".into(), expiry: Epoch::from_secs(1_588_219_064) };
        assert_eq!(token, Some(expected));
    }

    #[test]
    fn an_expiry_may_be_a_string_a_float_or_long_past() {
        assert_eq!(expiry(r#"{"access_token":"a","expire":"1588219064"}"#), Some(1_588_219_064));
        assert_eq!(expiry(r#"{"access_token":"a","expire":1588219064.9}"#), Some(1_588_219_064));
        assert_eq!(expiry(r#"{"access_token":"a","expire":-5}"#), Some(-5));
    }

    #[test]
    fn without_token_or_expiry_there_is_no_usable_token() {
        for text in [
            r#"{"access_token":"a","expire":null}"#,
            r#"{"access_token":"a"}"#,
            r#"{"access_token":"","expire":9999999999}"#,
            r#"{"access_token":null,"expire":9999999999}"#,
            r#"{"access_token":"a\nb","expire":9999999999}"#,
        ] {
            assert!(parse(text).is_ok_and(|document| document.token().is_none()), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_token_file_is_refused() {
        for text in [
            "debian\n",
            "<?php echo 1;",
            "\u{7f}ELF",
            r#"{"name":"vendor/package","require":{}}"#,
            r#"{"access_token":"a","expires_at":1}"#,
            r#"{"access_token":{"a":1},"expire":1}"#,
            r#"{"access_token":"a","expire":"soon"}"#,
            r#"{"access_token":"a","expire":[1]}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn torn_content_is_damaged_and_replaced_as_a_whole() {
        for text in [r#"{"access_token":"easWas"#, "\0\0\0\0", "{", "{\"access_token\":\"a\"}}"] {
            let document = parse(text);
            assert!(document.as_ref().is_ok_and(Document::is_damaged), "{text:?}");
            assert_eq!(rewritten(text), r#"{"access_token":"NEW","expire":1700000000}"#);
        }
    }

    #[test]
    fn content_with_nothing_to_lose_is_replaced_as_a_whole() {
        for text in ["", "null", "[]", " {}\n", r#"{"errcode":40013,"errmsg":"invalid appid"}"#] {
            assert!(parse(text).is_ok_and(|document| !document.is_damaged()), "{text:?}");
            assert_eq!(rewritten(text), r#"{"access_token":"NEW","expire":1700000000}"#);
        }
    }

    #[test]
    fn a_rewrite_touches_token_and_expiry_alone() {
        let text = "{ \"a\" : 1.0,\n\t\"expire\": \"5\", \"n\\u0061\":[ 1,2 ], \"access_token\" :\"x\" }\n";
        assert_eq!(
            rewritten(text),
            "{ \"a\" : 1.0,\n\t\"expire\": \"1700000000\", \"n\\u0061\":[ 1,2 ], \"access_token\" :\"NEW\" }\n"
        );
    }

    #[test]
    fn the_last_of_two_equal_keys_counts_and_is_rewritten() {
        let text = r#"{"access_token":"a","access_token":"b","expire":5}"#;
        let token = parse(text).ok().and_then(|document| document.token().cloned());
        assert_eq!(token.map(|token| token.value), Some("b".to_owned()));
        assert!(rewritten(text).contains(r#""access_token":"NEW","expire""#));
    }

    #[test]
    fn a_failure_record_comes_and_goes_without_a_trace() {
        let document = parse(TOKEN_FILE).unwrap_or(Document::empty(Subject::AccessToken));
        let failed = Document::parse(document.with_failure(&record()), Subject::AccessToken);
        assert_eq!(failed.as_ref().ok().and_then(Document::failure), Some(&record()));
        assert_eq!(failed.as_ref().ok().and_then(Document::token), document.token());
        let healed = failed.map(|document| document.with_token(&fresh(), None)).unwrap_or_default();
        assert_eq!(healed, document.with_token(&fresh(), None));
    }

    #[test]
    fn a_failure_record_goes_wherever_it_stands() {
        let record = record().to_json();
        for text in [
            format!(r#"{{"wx_token":{record},"access_token":"a","expire":5}}"#),
            format!(r#"{{"access_token":"a","wx_token" : {record} ,"expire":5}}"#),
            format!(r#"{{"wx_token":{record}}}"#),
        ] {
            let after = rewritten(&text);
            assert!(!after.contains("wx_token"), "{after}");
            assert_eq!(expiry(&after), Some(1_700_000_000), "{after}");
        }
    }

    #[test]
    fn a_rest_is_noted_and_goes_with_the_next_token() {
        let until = Epoch::from_millis(1_234_567);
        let document = parse(TOKEN_FILE).unwrap();
        let resting = document.with_token(&fresh(), Some(until));
        let resting = Document::parse(resting, Subject::AccessToken).unwrap();
        assert_eq!((resting.rest_until(), resting.token()), (Some(until), Some(&fresh())));
        assert_eq!(resting.with_token(&fresh(), None), document.with_token(&fresh(), None));
    }

    #[test]
    fn a_ticket_file_keeps_the_key_that_it_has_and_is_no_token_file() {
        let text = r#"{"expire":5,"ticket":"abc","for":"us"}"#;
        let ticket = Document::parse(text.into(), Subject::JsapiTicket).unwrap();
        assert_eq!(
            String::from_utf8(ticket.with_token(&fresh(), None)).unwrap(),
            r#"{"expire":1700000000,"ticket":"NEW","for":"us"}"#
        );
        let new = Document::empty(Subject::JsapiTicket).with_token(&fresh(), None);
        assert!(new.starts_with(br#"{"jsapi_ticket":"NEW","#));
        assert!(Document::parse(new.clone(), Subject::CardTicket).is_err());
        assert!(Document::parse(new.clone(), Subject::AccessToken).is_err());
        assert!(
            Document::parse(new, Subject::Any).is_ok_and(|document| document.token().is_some())
        );
    }

    #[test]
    fn a_failure_leaves_a_record_in_an_empty_file() {
        let bytes = Document::empty(Subject::AccessToken).with_failure(&record());
        let document = Document::parse(bytes, Subject::AccessToken);
        assert!(document.is_ok_and(|document| document.failure() == Some(&record())));
    }
}
