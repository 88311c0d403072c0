//! Why a file is rejected, and what the user can do without losing a token.

use crate::token::is_token;

/// Why a file is not used as it is. No value of the file is in it, and no key that may be a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    Foreign(&'static str),
    /// It is, or may be, a file with a token that must not be lost.
    Ambiguous {
        reason: String,
        remedy: &'static str,
    },
}

impl Refusal {
    pub(super) fn ambiguous(reason: impl Into<String>, remedy: &'static str) -> Self {
        Self::Ambiguous { reason: reason.into(), remedy }
    }

    pub(super) fn not_a_string(key: &str) -> Self {
        let remedy = "Store the token there as a string, or pass the path of a new file";
        Self::ambiguous(format!("its \"{key}\" is not a string"), remedy)
    }

    pub(super) fn not_a_number(key: &str) -> Self {
        let remedy = "Store a Unix timestamp there, or pass the path of a new file";
        Self::ambiguous(format!("its \"{key}\" is not a number"), remedy)
    }
}

/// `key` as a message may show it: other code may use a secret or a token as the key.
pub(super) fn shown(key: &str) -> String {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_shown = key.len() <= 24 && key.bytes().all(is_name);
    if is_shown { format!("the key \"{key}\"") } else { "a key".to_owned() }
}

/// Whether `text`, which stands in an unknown place, may well be a token or ticket.
pub(super) fn looks_like_token(text: &str) -> bool {
    text.len() >= 32 && is_token(text)
}
