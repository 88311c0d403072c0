//! Files that keep token, expiry and refresh state under keys: what is common to their formats.

use serde_json::json;

use super::content::Content;
use super::layout::Expiry;
use super::members::Members;
use super::refresh_state::{STATE, escape_lt};
use super::{json, serialized};
use crate::clock::Timestamp;
use crate::token::Token;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Serialized,
}

/// A file, and the places in it that a write changes.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) syntax: Syntax,
    pub(super) prefix: String,
    pub(super) text: String,
    pub(super) members: Members,
    pub(super) token_key: &'static str,
    pub(super) expiry: Expiry,
    /// The number under the key of the expiry, whose unit is kept.
    pub(super) number: Option<i64>,
    pub(super) is_text: bool,
}

impl Keyed {
    /// The content with `token` in place of the old one, if there is one, and with the refresh state `state`.
    /// Durations in the file count from `at`: the modification time of its token, not that of a failure.
    pub(super) fn write(
        &self,
        token: Option<&Token>,
        at: Timestamp,
        state: Option<&str>,
    ) -> Content {
        let is_json = self.syntax == Syntax::Json;
        let string = |text: &str| {
            if is_json { escape_lt(&json!(text)) } else { serialized::string(text) }
        };
        let mut changes = Vec::new();
        let mut number = self.number;
        if let Some(token) = token {
            let expires = self.expiry.to_number(token.expiry, at, self.number);
            number = Some(expires);
            let expires = match self.syntax {
                _ if self.is_text => string(&expires.to_string()),
                Syntax::Json => expires.to_string(),
                Syntax::Serialized => format!("i:{expires};"),
            };
            changes.push((self.token_key, Some(string(&token.value))));
            changes.push((self.expiry.key(), Some(expires)));
        }
        let state = state.map(|json| if is_json { json.to_owned() } else { string(json) });
        changes.push((STATE, state));
        let edit = if is_json { json::edit } else { serialized::edit };
        let text = edit(&self.text, &self.members, &changes);
        let is_duration = number.is_some_and(|number| self.expiry.counts_from_modification(number));
        Content {
            bytes: format!("{}{text}", self.prefix).into(),
            modified: is_duration.then_some(at),
            attribute: None,
            may_be_padded: is_json,
        }
    }
}
