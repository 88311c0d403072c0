//! What a refresh leaves beside the token: in the file's content, or in an extended attribute.
//!
//! Legacy code reads the same file, so nothing here may become code in a file that a web server runs.

use std::time::Duration;

use serde_json::{Value, json};

use super::layout::FileExpiry;
use crate::clock::Timestamp;
use crate::failure::FailureRecord;
use crate::fingerprint::Fingerprint;
use crate::record::Record;
use crate::token::Token;

pub(super) const STATE: &str = "wx_token";
const NOT_BEFORE: &str = "refresh_not_before_ms";
const EXPIRY: &str = "expires_at_ms";
const TAG: &str = "token";

/// The key of the record, which stands in the attribute alone.
const RECORD: &str = "record";

pub(super) const NEVER: Timestamp = Timestamp::from_secs(i64::MAX);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RefreshState {
    pub(super) failure: Option<FailureRecord>,
    /// The token is due at once, but is not refreshed before this moment.
    pub(super) not_before: Option<Timestamp>,
    /// The token's expiry, if the file alone does not say enough: it counts from a modification time, or lives longer
    /// than is believed of tokens that other code has stored.
    pub(super) expiry: Option<Timestamp>,
    /// The token of that expiry. An older version left none.
    pub(super) tag: Option<Fingerprint>,
    /// The record of a token as it stands there, for a newer version's is kept. In an attribute alone.
    pub(super) record: Option<Value>,
}

impl RefreshState {
    /// Reads what stands in a file's content.
    pub(super) fn read_inside(text: &str) -> Self {
        Self { record: None, ..Self::read(text) }
    }

    /// Reads what stands in an attribute.
    pub(super) fn read(text: &str) -> Self {
        let json: Value = serde_json::from_str(text).unwrap_or_default();
        let moment = |key: &str| json.get(key).and_then(Value::as_i64).map(Timestamp::from_millis);
        Self {
            failure: FailureRecord::from_json(&json),
            not_before: moment(NOT_BEFORE),
            expiry: moment(EXPIRY),
            tag: json.get(TAG).and_then(Value::as_str).map(Fingerprint::from_hex),
            record: json.get(RECORD).cloned(),
        }
    }

    pub(super) fn to_text(&self) -> Option<String> {
        let mut json = self.failure.as_ref().map_or_else(|| json!({}), FailureRecord::to_json);
        let members = json.as_object_mut()?;
        for (key, moment) in [(NOT_BEFORE, self.not_before), (EXPIRY, self.expiry)] {
            members.extend(moment.map(|moment| (key.to_owned(), moment.millis().into())));
        }
        members.extend(self.tag.as_ref().map(|tag| (TAG.to_owned(), tag.hex().into())));
        members.extend(self.record.clone().map(|record| (RECORD.to_owned(), record)));
        (!members.is_empty()).then(|| escape_lt(&json))
    }

    /// The record, whichever token's.
    pub(super) fn record(&self) -> Option<Record> {
        self.record.as_ref().and_then(Record::from_json)
    }

    /// The same with the `expiry` of `token`, as its file alone does not say it.
    pub(super) fn with_expiry(self, token: &Token) -> Self {
        Self { expiry: Some(token.expiry), tag: Some(Record::tag_of(&token.value)), ..self }
    }

    /// The token `value` with the expiry of the file, which may be rounded, and shorter than it was where a
    /// layout has no room for more.
    pub(super) fn token(&self, value: String, file: FileExpiry) -> Token {
        let is_tagged = self.tag.as_ref().map(|tag| *tag == Record::tag_of(&value));
        match self.expiry.filter(|_| is_tagged.unwrap_or(true)) {
            Some(expiry) if file.is_by_modification && is_tagged.is_some() => {
                Token::own(value, file.at.min(expiry))
            }
            Some(long) if file.at <= long + Duration::from_secs(1) => Token::own(value, file.at),
            _ if file.is_never => Token::own(value, file.at),
            _ => Token::foreign(value, file.at),
        }
    }
}

/// The text of `json` without a `<`: a token file named `*.php` without a guard would run what a source says.
pub(super) fn escape_lt(json: &Value) -> String {
    json.to_string().replace('<', "\\u003c")
}
