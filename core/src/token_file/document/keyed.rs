//! Files that keep token, expiry and refresh state under keys: what is common to their formats.

use serde_json::json;

use super::layout::Expiry;
use super::members::Members;
use super::refresh_state::{STATE, escape_lt};
use super::{Content, Edit, json, serialized};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Serialized,
}

/// A file, and the places in it that a write changes.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) syntax: Syntax,
    /// What stands before `text`.
    pub(super) prefix: String,
    pub(super) text: String,
    pub(super) members: Members,
    pub(super) token_key: &'static str,
    pub(super) expiry: Expiry,
    /// The number under the key of the expiry, whose unit is kept.
    pub(super) number: Option<i64>,
    /// Whether the expiry is a string.
    pub(super) is_text: bool,
}

impl Keyed {
    pub(super) fn write(&self, edit: &Edit<'_>) -> Content {
        let is_json = self.syntax == Syntax::Json;
        let string = |text: &str| {
            if is_json { escape_lt(&json!(text)) } else { serialized::string(text) }
        };
        let mut changes = Vec::new();
        let mut number = self.number;
        if let Some(token) = edit.token {
            let expires = self.expiry.to_number(token.expiry, edit.at, self.number);
            number = Some(expires);
            let expires = match self.syntax {
                _ if self.is_text => string(&expires.to_string()),
                Syntax::Json => expires.to_string(),
                Syntax::Serialized => format!("i:{expires};"),
            };
            changes.push((self.token_key, Some(string(&token.value))));
            changes.push((self.expiry.key(), Some(expires)));
        }
        let state = edit.state.as_deref();
        changes
            .push((STATE, state.map(|json| if is_json { json.to_owned() } else { string(json) })));
        let edit_text = if is_json { json::edit } else { serialized::edit };
        // A duration counts from the modification: that of the token, not that of a failure.
        let is_duration = number.is_some_and(|number| self.expiry.counts_from_modification(number));
        Content {
            bytes: format!("{}{}", self.prefix, edit_text(&self.text, &self.members, &changes))
                .into(),
            modified: is_duration.then_some(edit.at),
            attribute: None,
            may_be_padded: is_json,
        }
    }
}
