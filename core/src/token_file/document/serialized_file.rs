//! `serialize()` of an array of `name`, `value` and `expired`, as WeChatDeveloper's cache writes it.

use super::found::Found;
use super::keyed::{Keyed, Number, Syntax};
use super::layout::{Expiry, FileExpiry, LARGEST_TIME, Layout, looks_like_duration};
use super::members::Members;
use super::refresh_state::{NEVER, RefreshState, STATE};
use super::refusal::Refusal;
use super::serialized::{self, NotRead, Scalar, scalar, string};
use super::spec::CredentialKind;
use crate::token::is_token;

const VALUE: &str = "value";
const EXPIRY: Expiry = Expiry::EXPIRED;

pub(super) fn new(name: &str) -> Keyed {
    // Somebody may run the file.
    let name = &name.replace('<', "_");
    let parts = ["name", name, VALUE, "", EXPIRY.key].map(string).concat();
    let text = format!("a:3:{{{parts}i:1;}}");
    let members = serialized::parse(&text).unwrap_or_default();
    keyed(text, members, None, false)
}

fn keyed(text: String, members: Members, value: Option<i64>, is_text: bool) -> Keyed {
    let numbers = vec![Number { expiry: EXPIRY, value, is_text }];
    let (syntax, prefix) = (Syntax::Serialized, String::new());
    Keyed { syntax, prefix, text, members, token_key: VALUE, numbers }
}

pub(super) fn read(text: &str, kind: CredentialKind) -> Result<Found, Refusal> {
    let layout = Layout::Serialized;
    let members = match serialized::parse(text) {
        Ok(members) => members,
        Err(NotRead { is_torn: true }) => return Ok(Found::truncated(layout, "")),
        Err(NotRead { is_torn: false }) => {
            return Err(Refusal::ambiguous(
                "its serialize() data is not valid, or has objects or references",
                "Pass the path of a new file, or check the path",
            ));
        }
    };
    let get = |key: &str| members.get(text, key).and_then(scalar);
    let (Some(value), Some(expired)) = (get(VALUE), get(EXPIRY.key)) else {
        return Err(Refusal::ambiguous(
            "its serialize() array has no text under \"value\", or no number under \"expired\"",
            "Pass the path of a new file, or check the path",
        ));
    };
    if let Some(Scalar::Text(name)) = get("name")
        && let Some(other) = other_kind(name, kind)
    {
        return Err(Refusal::ambiguous(
            format!("its name says that it contains {other}"),
            "Check the path: each kind of token or ticket has a file of its own",
        ));
    }
    let value = match value {
        Scalar::Text(token) => Some(token.to_owned()).filter(|token| is_token(token)),
        Scalar::Nothing => None,
        Scalar::Number(_) => return Err(Refusal::not_a_string(VALUE, "a number")),
    };
    let (number, unit) = match expired {
        Scalar::Number(number) => (number, Some(number)),
        Scalar::Text(text) => {
            let not_a_number = |_| Refusal::not_a_number(EXPIRY.key, "a string");
            let number = text.trim().parse().map_err(not_a_number)?;
            (number, Some(number))
        }
        Scalar::Nothing => (1, None),
    };
    if looks_like_duration(number) || number > LARGEST_TIME {
        return Err(Refusal::not_a_time(EXPIRY.key));
    }
    // WeChatDeveloper's cache: 0 is never.
    let is_never = number == 0;
    let at = if is_never { NEVER } else { EXPIRY.meaning.expiry(number, NEVER) };
    let state = match get(STATE) {
        Some(Scalar::Text(state)) => RefreshState::read_inside(state),
        _ => RefreshState::default(),
    };
    let is_text = matches!(expired, Scalar::Text(_));
    let file = Some(keyed(text.to_owned(), members, unit, is_text));
    let token = value.map(|value| (value, FileExpiry { is_never, ..FileExpiry::at(at) }));
    Ok(Found { file, token, state: Some(state), ..Found::nothing(layout, "") })
}

/// What a cache entry called `name` contains, if that is no credential of `kind`.
fn other_kind(name: &str, kind: CredentialKind) -> Option<&'static str> {
    match kind {
        CredentialKind::Any => None,
        CredentialKind::AccessToken => name.contains("ticket").then_some("a ticket"),
        _ => name.ends_with("access_token").then_some("an access token"),
    }
}
