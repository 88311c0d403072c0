//! A JSON object with a token and an expiry, perhaps after the guard of the JS-SDK sample.

use serde_json::{Value, json};

use super::json::Object;
use super::layout::{Expiry, GUARD, Layout, UNAMBIGUOUS};
use super::refresh_state::{RefreshState, STATE, escape_lt};
use super::refusal::{Refusal, shown};
use super::{Content, CredentialKind, Edit, FileSpec, Format, Found};
use crate::clock::Timestamp;
use crate::token::is_token;

/// The object, and the places in it that a write changes.
#[derive(Clone)]
pub(super) struct JsonFile {
    /// What stands before the object.
    prefix: String,
    text: String,
    object: Object,
    token_key: &'static str,
    expiry: Expiry,
    /// The number under the key of the expiry.
    number: Option<i64>,
}

impl JsonFile {
    /// A new file.
    pub(super) fn new(kind: CredentialKind, expiry: Expiry, guarded: bool) -> Self {
        let prefix = if guarded { GUARD } else { "" }.to_owned();
        let (text, object) = ("{}".to_owned(), Object::default());
        let token_key = kind.keys().first().copied().unwrap_or_default();
        Self { prefix, text, object, token_key, expiry, number: None }
    }

    /// Reads `text`, which follows `prefix`. Without an expiry it gets that of `new`.
    pub(super) fn read(
        prefix: String,
        text: &str,
        new: Layout,
        spec: FileSpec,
        written: Timestamp,
    ) -> Result<Found, Refusal> {
        let Some(object) = Object::parse(text) else { return Ok(Found::Truncated) };
        let state = object.get(text, STATE).map(RefreshState::read).unwrap_or_default();
        let token_key = find_token(&object, text, spec.kind)?;
        let expiry = find_expiry(&object, spec.layout)?;
        if token_key.is_none() && expiry.is_none() && state == RefreshState::default() {
            // WeChat's error, stored by code that did not look at it, is nothing to keep.
            let is_nothing =
                object.keys().next().is_none() || object.get(text, "errcode").is_some();
            let foreign = Refusal::Foreign("it is JSON without a token and its expiry");
            return if is_nothing { Ok(Found::Nothing) } else { Err(foreign) };
        }
        let is_credential = |key: &&str| *key != STATE && is_credential(object.get(text, key));
        if token_key.is_none()
            && let Some(key) = object.keys().find(is_credential)
        {
            return Err(Refusal::ambiguous(
                format!("its token stands under {}, which is not supported", shown(key)),
                "Rename that key to \"access_token\", for a ticket \"jsapi_ticket\", or pass the path of a new file",
            ));
        }
        let expiry = expiry.unwrap_or(match new {
            Layout::Json { expiry, .. } => expiry,
            _ => Expiry::Expire,
        });
        let key = expiry.key();
        let number = object.get(text, key).map_or(Ok(None), |json| number_of(key, json))?;
        let found = token_key.and_then(|key| Some((key, object.get(text, key)?)));
        let value = found.map_or(Ok(None), |(key, json)| token_of(key, json))?;
        let token = value.zip(number.map(|number| expiry.to_timestamp(number, written)));
        let token_key = token_key.or(spec.kind.keys().first().copied()).unwrap_or_default();
        let file = Self { prefix, text: text.to_owned(), object, token_key, expiry, number };
        Ok(Found::Kept { format: Format::Json(file), token, state: Some(state) })
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::Json { expiry: self.expiry, guarded: !self.prefix.is_empty() }
    }

    pub(super) fn write(&self, edit: &Edit<'_>) -> Content {
        let mut changes = Vec::new();
        let mut number = self.number;
        if let Some(token) = edit.token {
            let expires = self.expiry.to_number(token.expiry, edit.at, self.number);
            // Strings stay strings, and numbers numbers.
            let old = self.object.get(&self.text, self.expiry.key()).unwrap_or_default();
            let quote = if old.starts_with('"') { "\"" } else { "" };
            changes.push((self.token_key, Some(escape_lt(&json!(&*token.value)))));
            changes.push((self.expiry.key(), Some(format!("{quote}{expires}{quote}"))));
            number = Some(expires);
        }
        changes.push((STATE, edit.state.clone()));
        let text = self.object.edit(&self.text, &changes);
        Content {
            bytes: format!("{}{text}", self.prefix).into_bytes(),
            // A duration counts from the modification: that of the token, not that of a failure.
            modified: number
                .filter(|number| self.expiry.counts_from_modification(*number))
                .map(|_| edit.at),
            attribute: None,
            may_be_padded: true,
        }
    }
}

/// The key of the token, if there is one.
fn find_token(
    object: &Object,
    text: &str,
    kind: CredentialKind,
) -> Result<Option<&'static str>, Refusal> {
    let has = |key: &&&str| object.get(text, key).is_some();
    let own = kind.keys().iter().find(has).copied();
    let is_other = |key: &&&str| {
        !kind.keys().contains(*key) && object.get(text, key).is_some_and(|value| value.len() > 2)
    };
    match (own, CredentialKind::Any.keys().iter().find(is_other)) {
        (None, Some(other)) => {
            let wanted = kind.keys().first().copied().unwrap_or_default();
            Err(Refusal::ambiguous(
                format!("it contains \"{other}\", not \"{wanted}\""),
                "Check the path: each kind of token or ticket has a file of its own",
            ))
        }
        (Some(own), Some(other)) => Err(Refusal::ambiguous(
            format!("it contains \"{own}\" and \"{other}\" with one expiry"),
            "Give each a file of its own",
        )),
        (own, None) => Ok(own),
    }
}

/// The key of the expiry, if there is one.
fn find_expiry(object: &Object, layout: Option<Layout>) -> Result<Option<Expiry>, Refusal> {
    let has = |expiry: &Expiry| object.keys().any(|key| key == expiry.key());
    if let Some(Layout::Json { expiry, .. }) = layout
        && has(&expiry)
    {
        return Ok(Some(expiry));
    }
    if has(&Expiry::Fetched) {
        return Err(Refusal::ambiguous(
            "its \"expires_time\" has two possible meanings",
            "Pass 'layout' => 'expires_time:expiry' if it is the expiry, or 'layout' => 'expires_time:fetched' if it is the time of the fetch",
        ));
    }
    let mut known = UNAMBIGUOUS.into_iter().filter(has);
    match (known.next(), known.find(|expiry| *expiry != Expiry::ExpiresIn)) {
        (Some(one), Some(other)) => Err(Refusal::ambiguous(
            format!("it has two expiry keys, \"{}\" and \"{}\"", one.key(), other.key()),
            "Pass the right one as the option 'layout'",
        )),
        (None, _) => match object.keys().find(is_about_time) {
            Some(key) => Err(Refusal::ambiguous(
                format!("its expiry seems to stand under {}, which is not supported", shown(key)),
                "Rename that key to \"expires_at\" if it is the expiry, or pass the path of a new file",
            )),
            None => Ok(None),
        },
        (known, _) => Ok(known),
    }
}

/// A file with such a key must not be completed with an `expire`.
fn is_about_time(key: &&str) -> bool {
    key.starts_with("expire") || key.ends_with("_time") || key.ends_with("_at")
}

/// Whether a value may well be a token or ticket: one under an unknown key must not be left beside a new
/// expiry.
fn is_credential(json: Option<&str>) -> bool {
    const SHORTEST: usize = 32;
    let value = json.and_then(|json| serde_json::from_str::<String>(json).ok());
    value.is_some_and(|text| text.len() >= SHORTEST && is_token(&text))
}

fn token_of(key: &str, json: &str) -> Result<Option<String>, Refusal> {
    match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => Ok(None),
        Ok(Value::String(token)) => Ok(Some(token).filter(|token| is_token(token))),
        _ => Err(Refusal::not_a_string(key)),
    }
}

fn number_of(key: &str, json: &str) -> Result<Option<i64>, Refusal> {
    let number = match serde_json::from_str(json) {
        Ok(Value::Null | Value::Bool(false)) => return Ok(None),
        Ok(Value::Number(number)) => number.as_i64().or_else(|| whole(number.as_f64()?)),
        Ok(Value::String(text)) => match text.trim() {
            "" => return Ok(None),
            text => text.parse().ok().or_else(|| whole(text.parse().ok()?)),
        },
        _ => None,
    };
    number.map(Some).ok_or_else(|| Refusal::not_a_number(key))
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole(number: f64) -> Option<i64> {
    (number.abs() < 1e15).then_some(number.floor() as i64)
}
