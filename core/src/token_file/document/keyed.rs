//! Files that keep token, expiry and refresh state under keys: what is common to their formats.

use serde_json::json;

use super::content::Content;
use super::layout::{Expiry, FileExpiry, Layout, Meaning, Moments, is_duration, timestamp};
use super::members::Members;
use super::refresh_state::{STATE, escape_lt};
use super::{json, serialized};
use crate::clock::Timestamp;
use crate::record::Record;
use crate::token::Token;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    Json,
    Serialized,
}

/// A number in a file, of which the expiry depends.
#[derive(Clone)]
pub(super) struct Number {
    pub(super) expiry: Expiry,
    /// What stands there; its unit is kept.
    pub(super) value: Option<i64>,
    pub(super) is_text: bool,
}

impl Number {
    /// Whether it still says what this extension wrote with another token, whose `record` this is: then other code
    /// has renewed the token and another number, and knows nothing of this one.
    fn is_stale(&self, record: &Record) -> bool {
        let moments = Moments::new(record.expiry, record.asked_at, record.expiry);
        let is_lasting = matches!(self.expiry.meaning, Meaning::Lifetime { .. })
            && self.value.is_none_or(is_duration);
        let written = self.expiry.meaning.number(moments, self.value, moments.fetched);
        !is_lasting && self.value == Some(written)
    }
}

/// A file, and the places in it that a write changes.
#[derive(Clone)]
pub(super) struct Keyed {
    pub(super) syntax: Syntax,
    pub(super) prefix: String,
    pub(super) text: String,
    pub(super) members: Members,
    pub(super) token_key: &'static str,
    pub(super) numbers: Vec<Number>,
}

impl Keyed {
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.numbers.iter().map(|number| number.expiry.key)
    }

    /// Whether there is an expiry under `key`, and not a start.
    pub(super) fn has_expiry(&self, key: &str) -> bool {
        let is_one = |number: &Number| number.expiry.meaning != Meaning::Start;
        self.numbers.iter().any(|number| number.expiry.key == key && is_one(number))
    }

    pub(super) fn is_guarded(&self) -> bool {
        self.prefix.contains("<?")
    }

    /// The layout in the words of the option `layout`.
    pub(super) fn layout_name(&self) -> String {
        if self.syntax == Syntax::Serialized {
            return Layout::Serialized.name();
        }
        // Starts first, as in "time+expires_in".
        let (starts, others): (Vec<_>, Vec<_>) =
            self.numbers.iter().partition(|number| number.expiry.meaning == Meaning::Start);
        let names = starts.into_iter().chain(others).map(|number| number.expiry.name());
        let is_token = self.token_key == "token";
        let names: Vec<_> = is_token.then(|| "token".to_owned()).into_iter().chain(names).collect();
        let guard = if self.is_guarded() { "guarded " } else { "" };
        format!("{guard}{}", names.join("+"))
    }

    /// The earliest expiry that the numbers of a file say that was `written` then. Those that other code has not renewed
    /// since this extension wrote them, with the token of `old`, do not count. With `named`, only that one does.
    pub(super) fn expiry(
        &self,
        written: Timestamp,
        old: Option<&Record>,
        named: Option<Expiry>,
    ) -> Option<FileExpiry> {
        let earliest = |old| self.earliest(written, old, named);
        earliest(old).or_else(|| earliest(None))
    }

    fn earliest(
        &self,
        written: Timestamp,
        old: Option<&Record>,
        named: Option<Expiry>,
    ) -> Option<FileExpiry> {
        let is_current = |number: &&Number| old.is_none_or(|old| !number.is_stale(old));
        let starts = self.starts().filter(is_current).filter_map(|start| start.value);
        let start = starts.min().map(timestamp);
        let is_counted =
            |number: &&Number| named.is_none_or(|named| named.key == number.expiry.key);
        let counted = self.numbers.iter().filter(is_current).filter(is_counted);
        let expiries = counted.filter_map(|number| {
            let (value, meaning) = (number.value?, number.expiry.meaning);
            let is_duration = matches!(meaning, Meaning::Lifetime { .. }) && is_duration(value);
            let is_by_modification = is_duration && self.starts().next().is_none();
            let start = if is_duration && !is_by_modification { start? } else { written };
            (meaning != Meaning::Start).then(|| (is_by_modification, meaning.expiry(value, start)))
        });
        // A modification time says less than whatever else there is.
        let (is_by_modification, at) = expiries.min()?;
        Some(FileExpiry { is_by_modification, ..FileExpiry::at(at) })
    }

    fn starts(&self) -> impl Iterator<Item = &Number> {
        self.numbers.iter().filter(|number| number.expiry.meaning == Meaning::Start)
    }

    /// Whether the expiry of a token that is written here counts from the modification time of the file alone.
    pub(super) fn counts_from_modification(&self) -> bool {
        self.numbers.iter().all(|number| {
            matches!(number.expiry.meaning, Meaning::Lifetime { .. })
                && number.value.is_none_or(is_duration)
        })
    }

    /// The content with `token` in place of the old one, if there is one, and with the refresh state `state`. Without a
    /// token, the file keeps the modification time `modified` if durations in it count from then.
    pub(super) fn write(
        &self,
        token: Option<(&Token, Moments)>,
        modified: Timestamp,
        state: Option<&str>,
    ) -> Content {
        let is_json = self.syntax == Syntax::Json;
        let string = |text: &str| {
            if is_json { escape_lt(&json!(text)) } else { serialized::string(text) }
        };
        let has_start = self.starts().next().is_some();
        let modified = token.map_or(modified, |(_, moments)| moments.modified());
        let mut changes = Vec::new();
        let mut is_lasting = false;
        if let Some((token, _)) = token {
            changes.push((self.token_key, Some(string(&token.value))));
        }
        for Number { expiry, value, is_text } in &self.numbers {
            let new = token.map(|(_, moments)| {
                // A start may be in whole seconds, and a duration ends no later for that.
                let fetched = Timestamp::from_secs(moments.fetched.secs());
                let start = if has_start { fetched } else { modified };
                expiry.meaning.number(moments, *value, start)
            });
            is_lasting |= matches!(expiry.meaning, Meaning::Lifetime { .. })
                && new.or(*value).is_none_or(is_duration);
            changes.extend(new.map(|new| {
                let text = match self.syntax {
                    _ if *is_text => string(&new.to_string()),
                    Syntax::Json => new.to_string(),
                    Syntax::Serialized => format!("i:{new};"),
                };
                (expiry.key, Some(text))
            }));
        }
        let state = state.map(|json| if is_json { json.to_owned() } else { string(json) });
        changes.push((STATE, state));
        let edit = if is_json { json::edit } else { serialized::edit };
        let text = edit(&self.text, &self.members, &changes);
        Content {
            bytes: format!("{}{text}", self.prefix).into(),
            modified: (is_lasting && !has_start).then_some(modified),
            attribute: None,
            may_be_padded: is_json,
        }
    }
}
