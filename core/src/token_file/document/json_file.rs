//! A JSON object with a token and an expiry, perhaps after the guard of the JS-SDK sample.

use serde_json::Value;

use super::found::Found;
use super::json;
use super::keyed::{Keyed, Syntax};
use super::layout::{Expiry, GUARD, Layout, UNAMBIGUOUS};
use super::members::Members;
use super::refresh_state::{RefreshState, STATE};
use super::refusal::{Refusal, looks_like_token, shown};
use super::spec::{CredentialKind, FileSpec};
use crate::clock::Timestamp;
use crate::token::is_token;

pub(super) fn new(kind: CredentialKind, expiry: Expiry, guarded: bool) -> Keyed {
    let (prefix, text) = (if guarded { GUARD } else { "" }.to_owned(), "{}".to_owned());
    let (members, token_key) = (Members::new("{".len()), kind.key());
    let (syntax, number, is_text) = (Syntax::Json, None, false);
    Keyed { syntax, prefix, text, members, token_key, expiry, number, is_text }
}

/// Reads `text`, which follows `prefix`. Without an expiry it gets that of `new`.
pub(super) fn read(
    prefix: String,
    text: &str,
    new: Layout,
    spec: FileSpec,
    written: Timestamp,
) -> Result<Found, Refusal> {
    let Some(members) = json::parse(text) else { return Ok(Found::truncated(new)) };
    let get = |key: &str| members.get(text, key);
    let state = get(STATE).map(RefreshState::read_inside).unwrap_or_default();
    let token_key = find_token(get, spec.kind)?;
    let expiry = find_expiry(&members, spec.layout)?;
    if token_key.is_none() && expiry.is_none() && state == RefreshState::default() {
        // WeChat's error, stored by code that did not look at it, is nothing to keep.
        let is_nothing = members.keys().next().is_none() || get("errcode").is_some();
        let foreign = Refusal::Foreign("it is JSON without a token and its expiry");
        return if is_nothing { Ok(Found::nothing(new)) } else { Err(foreign) };
    }
    let is_unknown = |key: &&str| *key != STATE && get(key).is_some_and(is_credential);
    if token_key.is_none()
        && let Some(key) = members.keys().find(is_unknown)
    {
        return Err(Refusal::ambiguous(
            format!("its token stands under {}, which is not supported", shown(key)),
            "Rename that key to \"access_token\", for a ticket \"jsapi_ticket\", or pass the path of a new file",
        ));
    }
    let in_new = if let Layout::Json { expiry, .. } = new { expiry } else { Expiry::EXPIRE };
    let expiry = expiry.unwrap_or(in_new);
    let old = get(expiry.key());
    let number = old.map_or(Ok(None), |json| number_of(expiry.key(), json))?;
    let token_key = token_key.unwrap_or(spec.kind.key());
    let value = get(token_key).map_or(Ok(None), |json| token_of(token_key, json))?;
    let token = value.zip(number.map(|number| expiry.to_timestamp(number, written)));
    let layout = Layout::Json { expiry, guarded: !prefix.is_empty() };
    let is_text = old.is_some_and(|old| old.starts_with('"'));
    let (syntax, text) = (Syntax::Json, text.to_owned());
    let file = Keyed { syntax, prefix, text, members, token_key, expiry, number, is_text };
    Ok(Found { layout, file: Some(file), token, state: Some(state), is_damaged: false })
}

fn find_token<'t>(
    get: impl Fn(&str) -> Option<&'t str>,
    kind: CredentialKind,
) -> Result<Option<&'static str>, Refusal> {
    let own = kind.keys().iter().find(|key| get(key).is_some()).copied();
    let others = CredentialKind::Any.keys().iter().filter(|key| !kind.keys().contains(*key));
    let other = others.copied().find(|key| get(key).is_some_and(|value| value.len() > 2));
    match (own, other) {
        (None, Some(other)) => Err(Refusal::ambiguous(
            format!("it contains \"{other}\", not \"{}\"", kind.key()),
            "Check the path: each kind of token or ticket has a file of its own",
        )),
        (Some(own), Some(other)) => Err(Refusal::ambiguous(
            format!("it contains \"{own}\" and \"{other}\" with one expiry"),
            "Give each a file of its own",
        )),
        (own, None) => Ok(own),
    }
}

fn find_expiry(members: &Members, layout: Option<Layout>) -> Result<Option<Expiry>, Refusal> {
    let has = |expiry: &Expiry| members.keys().any(|key| key == expiry.key());
    if let Some(Layout::Json { expiry, .. }) = layout
        && has(&expiry)
    {
        return Ok(Some(expiry));
    }
    if has(&Expiry::FETCHED) {
        return Err(Refusal::ambiguous(
            "its \"expires_time\" has two possible meanings",
            "Pass 'layout' => 'expires_time:expiry' if it is the expiry, or 'layout' => 'expires_time:fetched' if it is the time of the fetch",
        ));
    }
    let mut known = UNAMBIGUOUS.into_iter().filter(has);
    match (known.next(), known.find(|expiry| *expiry != Expiry::EXPIRES_IN)) {
        (Some(one), Some(other)) => Err(Refusal::ambiguous(
            format!("it has two expiry keys, \"{}\" and \"{}\"", one.key(), other.key()),
            "Pass the right one as the option 'layout'",
        )),
        (None, _) => match members.keys().find(is_about_time) {
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
fn is_credential(json: &str) -> bool {
    serde_json::from_str(json).is_ok_and(|text: String| looks_like_token(&text))
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
