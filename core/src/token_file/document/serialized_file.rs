//! `serialize()` of an array of `name`, `value` and `expired`, as WeChatDeveloper's cache writes it.

use super::found::Found;
use super::keyed::{Keyed, Number, Syntax};
use super::layout::{Expiry, FileExpiry, Layout};
use super::members::Members;
use super::refresh_state::{NEVER, RefreshState, STATE};
use super::refusal::Refusal;
use super::serialized::{self, Scalar, scalar, string};
use crate::token::is_token;

const VALUE: &str = "value";
const EXPIRY: Expiry = Expiry::EXPIRED;

pub(super) fn new(name: &str) -> Keyed {
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

pub(super) fn read(text: &str) -> Result<Found, Refusal> {
    let layout = Layout::Serialized;
    let Some(members) = serialized::parse(text) else { return Ok(Found::truncated(layout, "")) };
    let get = |key: &str| members.get(text, key).and_then(scalar);
    let (Some(value), Some(expired)) = (get(VALUE), get(EXPIRY.key)) else {
        return Err(Refusal::ambiguous(
            "its serialize() array is without the keys \"value\" and \"expired\"",
            "Pass the path of a new file, or check the path",
        ));
    };
    let value = match value {
        Scalar::Text(token) => Some(token.to_owned()).filter(|token| is_token(token)),
        Scalar::Nothing => None,
        Scalar::Number(_) => return Err(Refusal::not_a_string(VALUE, "a number")),
    };
    let (number, unit) = match expired {
        Scalar::Number(number) => (number, Some(number)),
        Scalar::Text(text) => {
            let not_a_number = |_| Refusal::not_a_number(EXPIRY.key, "a string");
            (text.trim().parse().map_err(not_a_number)?, None)
        }
        Scalar::Nothing => (1, None),
    };
    // WeChatDeveloper's cache: 0 is never.
    let at = if number == 0 { NEVER } else { EXPIRY.meaning.expiry(number, NEVER) };
    let state = match get(STATE) {
        Some(Scalar::Text(state)) => RefreshState::read_inside(state),
        _ => RefreshState::default(),
    };
    let is_text = matches!(expired, Scalar::Text(_));
    let file = Some(keyed(text.to_owned(), members, unit, is_text));
    let token = value.map(|value| (value, FileExpiry { at, is_by_modification: false }));
    Ok(Found { file, token, state: Some(state), ..Found::nothing(layout, "") })
}
