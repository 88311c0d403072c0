//! `serialize()` of an array of `name`, `value` and `expired`, as WeChatDeveloper's cache writes it.

use super::layout::Expiry;
use super::refresh_state::{NEVER, RefreshState, STATE};
use super::refusal::Refusal;
use super::serialized::{Array, Scalar, string};
use super::{Content, Edit, Format, Found};
use crate::token::is_token;

const VALUE: &str = "value";
const EXPIRED: &str = "expired";

#[derive(Clone)]
pub(super) struct SerializedFile {
    text: String,
    array: Array,
}

impl SerializedFile {
    /// A new file called `name`.
    pub(super) fn new(name: &str) -> Self {
        let [key, name, value, empty, expired] = ["name", name, VALUE, "", EXPIRED].map(string);
        let text = format!("a:3:{{{key}{name}{value}{empty}{expired}i:1;}}");
        let array = Array::parse(&text).unwrap_or_default();
        Self { text, array }
    }

    pub(super) fn read(text: &str) -> Result<Found, Refusal> {
        let Some(array) = Array::parse(text) else { return Ok(Found::Truncated) };
        let file = Self { text: text.to_owned(), array };
        let (Some(value), Some(expired)) = (file.get(VALUE), file.get(EXPIRED)) else {
            return Err(Refusal::Foreign(
                "it is a serialized array without \"value\" and \"expired\"",
            ));
        };
        let value = match value {
            Scalar::Text(token) => Some(token.to_owned()).filter(|token| is_token(token)),
            Scalar::Nothing => None,
            Scalar::Number(_) => return Err(Refusal::not_a_string(VALUE)),
        };
        let number = match expired {
            Scalar::Number(number) => number,
            Scalar::Text(text) => {
                text.trim().parse().map_err(|_| Refusal::not_a_number(EXPIRED))?
            }
            Scalar::Nothing => 1,
        };
        // WeChatDeveloper's cache: 0 is never.
        let expiry = if number == 0 { NEVER } else { Expiry::Expired.to_timestamp(number, NEVER) };
        let state = match file.get(STATE) {
            Some(Scalar::Text(state)) => RefreshState::read(state),
            _ => RefreshState::default(),
        };
        let token = value.map(|value| (value, expiry));
        Ok(Found::Kept { format: Format::Serialized(file), token, state: Some(state) })
    }

    fn get(&self, key: &str) -> Option<Scalar<'_>> {
        self.array.get(&self.text, key)
    }

    pub(super) fn write(&self, edit: &Edit<'_>) -> Content {
        let mut changes = vec![(STATE, edit.state.as_deref().map(string))];
        if let Some(token) = edit.token {
            let seconds = token.expiry.secs();
            // Strings stay strings, and numbers numbers.
            let expired = match self.get(EXPIRED) {
                Some(Scalar::Text(_)) => string(&seconds.to_string()),
                Some(Scalar::Number(before)) => {
                    let number = Expiry::Expired.to_number(token.expiry, edit.at, Some(before));
                    format!("i:{number};")
                }
                _ => format!("i:{seconds};"),
            };
            changes.extend([(VALUE, Some(string(&token.value))), (EXPIRED, Some(expired))]);
        }
        let bytes = self.array.edit(&self.text, &changes).into_bytes();
        Content { bytes, modified: None, attribute: None, may_be_padded: false }
    }
}
