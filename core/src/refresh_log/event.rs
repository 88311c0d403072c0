//! What can happen to a token file, and what there is to say about it.

use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::clock::Timestamp;
use crate::fingerprint::Fingerprint;
use crate::printable::printable;

/// How severe an event is; the most severe comes first. The names are those of syslog(3).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Error,
    Warning,
    Notice,
    #[default]
    Info,
}

impl Level {
    /// As syslog(3) numbers it.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Error => 3,
            Self::Warning => 4,
            Self::Notice => 5,
            Self::Info => 6,
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "error" => Ok(Self::Error),
            "warning" => Ok(Self::Warning),
            "notice" => Ok(Self::Notice),
            "info" => Ok(Self::Info),
            _ => Err("must be \"error\", \"warning\", \"notice\" or \"info\"".to_owned()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventKind {
    /// A token was fetched and stored.
    Refreshed,
    /// The token of another machine was taken from the shared store, and stored.
    Adopted,
    /// A token that could not be stored before is stored.
    Stored,
    Failed,
    /// A token was fetched, and could not be stored: this process has it.
    NotStored,
    /// A caller says that an API has rejected a token.
    Rejected,
    /// A fetched token was not stored: a program without the lock had replaced the file, or its token.
    Displaced,
    /// A refresh had ended with its process, and its token is lost.
    Interrupted,
    LockTimeout,
    /// A caller has waited for the refresh of another one.
    Waited,
}

impl EventKind {
    pub const fn level(self) -> Level {
        match self {
            Self::Failed | Self::NotStored | Self::LockTimeout => Level::Error,
            Self::Rejected | Self::Displaced | Self::Interrupted => Level::Warning,
            Self::Refreshed | Self::Adopted | Self::Stored => Level::Notice,
            Self::Waited => Level::Info,
        }
    }
}

/// The members of an event, as docs/operating.md explains them. What does not apply is left out.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticket: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub appid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<&'static str>,
    /// Sent to WeChat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetch_ms: Option<u64>,
    /// How long the caller waited; none where nobody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errcode: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    /// Failures in a row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// The fingerprint of the token that the file had, or that was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// The old token has no record of this extension, although it could have one.
    #[serde(skip_serializing_if = "is_false")]
    pub foreign: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder_pid: Option<u32>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// Tells a token without telling what it is: the first eight hexadecimal digits of its SHA-256.
pub fn fingerprint(token: &str) -> String {
    Fingerprint::from_parts([token]).hex().chars().take(8).collect()
}

/// A time as RFC 3339 has it, in UTC.
pub fn rfc3339(at: Timestamp) -> String {
    let since_1970 = Duration::from_millis(u64::try_from(at.millis()).unwrap_or(0));
    // What a file says of its expiry may lie beyond the year 9999.
    let at = SystemTime::UNIX_EPOCH + since_1970.min(LAST);
    humantime::format_rfc3339_millis(at).to_string()
}

/// The end of the year 9999, the last that has four digits.
const LAST: Duration = Duration::from_secs(253_402_300_799);

pub fn in_millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// What went wrong, in one line.
pub fn message(text: &str) -> String {
    const MAX_MESSAGE: usize = 1500;
    cut(printable(text).to_string(), MAX_MESSAGE)
}

/// A name from outside, in one line.
pub fn short(text: &str) -> String {
    const MAX_NAME: usize = 128;
    cut(printable(text).to_string(), MAX_NAME)
}

/// `text`, cut where it is longer in a line than `max_bytes`. What is cut ends in `…`.
pub fn cut(text: String, max_bytes: usize) -> String {
    const MARK: char = '…';
    let in_line = |char: char| if matches!(char, '"' | '\\') { 2 } else { char.len_utf8() };
    if text.chars().map(in_line).sum::<usize>() <= max_bytes {
        return text;
    }
    let mut left = max_bytes - MARK.len_utf8();
    let fits = |char: &char| {
        let after = left.checked_sub(in_line(*char));
        left = after.unwrap_or(0);
        after.is_some()
    };
    text.chars().take_while(fits).chain([MARK]).collect()
}
