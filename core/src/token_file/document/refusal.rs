//! Why a file is rejected, and what the user can do without losing a token.

use serde_json::Value;

use crate::token::is_token;

/// Why a file is not used as it is. No value of the file is in it, and no key that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Foreign(&'static str),
    /// It is, or may be, a file with a token that must not be lost.
    Ambiguous {
        reason: String,
        remedy: String,
    },
}

impl Refusal {
    pub(super) fn ambiguous(reason: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Ambiguous { reason: reason.into(), remedy: remedy.into() }
    }

    pub(super) fn not_a_string(key: &str, shape: &str) -> Self {
        let remedy = "Store the token there as a string, or pass the path of a new file";
        Self::ambiguous(format!("its \"{key}\" is {shape}, not a string"), remedy)
    }

    pub(super) fn not_a_number(key: &str, shape: &str) -> Self {
        let remedy = "Store a number there, or pass the path of a new file";
        Self::ambiguous(format!("its \"{key}\" is {shape}, not a number"), remedy)
    }

    pub(super) fn not_a_time(key: &str) -> Self {
        let remedy = "Store a Unix timestamp there, or pass the path of a new file";
        Self::ambiguous(format!("its \"{key}\" is a number, but no Unix timestamp"), remedy)
    }
}

/// `key` as a message may show it: other code may use a secret or a token as the key.
pub(super) fn shown(key: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_shown = key.len() <= 24 && key.bytes().all(is_name);
    if is_shown { format!("the key \"{key}\"") } else { "a key".to_owned() }
}

/// What a JSON value is, without what it says.
pub(super) fn shape(json: &str) -> String {
    match serde_json::from_str(json) {
        Ok(Value::String(text)) if text.starts_with('{') => "JSON in a string".to_owned(),
        Ok(Value::String(text)) if is_date(&text) => "a date".to_owned(),
        Ok(Value::String(text)) => format!("a string of {} characters", text.chars().count()),
        Ok(Value::Number(_)) => "a number".to_owned(),
        Ok(Value::Array(_)) => "an array".to_owned(),
        Ok(Value::Object(_)) => "an object".to_owned(),
        Ok(Value::Bool(_)) => "true or false".to_owned(),
        Ok(Value::Null) | Err(_) => "null".to_owned(),
    }
}

/// Whether `text`, which stands in an unknown place, may well be a token or ticket.
pub(super) fn looks_like_token(text: &str) -> bool {
    text.len() >= 32 && is_token(text)
}

/// Whether a JSON value is a date such as "2019-05-07 09:13:27", of no time zone that is known.
pub(super) fn looks_like_date(json: &str) -> bool {
    serde_json::from_str(json).is_ok_and(|text: String| is_date(&text))
}

fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, ['-', '/', '.']);
    let mut is_part = |lengths: &[usize]| {
        parts.next().is_some_and(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            lengths.contains(&digits)
        })
    };
    is_part(&[4]) && is_part(&[1, 2]) && is_part(&[1, 2])
}
