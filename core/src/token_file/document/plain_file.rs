//! The token alone, in a file without room for anything else. Its expiry counts from the modification time.

use super::content::Content;
use super::found::Found;
use super::layout::{FileExpiry, Layout, PLAIN_LIFE};
use super::refusal::Refusal;
use crate::clock::Timestamp;
use crate::token::Token;

/// WeChat's tokens have more; `null`, `Array` and `404` are none. Nor are dates, and words such as `invalid_credential`.
const LEAST_LENGTH: usize = 16;

/// Whether `text` can be a token that stands alone in a file: base64 in either alphabet, as a hint of what wrote it.
pub(super) fn is_alone(text: &str) -> bool {
    let unpadded = text.trim_end_matches('=');
    let is_char = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/".contains(&byte);
    let has = |kind: fn(&u8) -> bool| text.bytes().any(|byte| kind(&byte));
    let is_word = text.len() < 2 * LEAST_LENGTH && !has(u8::is_ascii_digit);
    text.len() >= LEAST_LENGTH
        && unpadded.bytes().all(is_char)
        && has(u8::is_ascii_alphabetic)
        && !is_word
}

/// Reads `trimmed`, the file without the white space around it.
pub(super) fn read(trimmed: &str, written: Timestamp) -> Result<Found, Refusal> {
    if !is_alone(trimmed) {
        return Err(Refusal::ambiguous(
            "it is not a token alone (at least 16 characters of A-Z a-z 0-9 - _ . ~ + / =)",
            "Pass another 'layout' than 'plain', or check the path",
        ));
    }
    let expiry = FileExpiry { is_by_modification: true, ..FileExpiry::at(written + PLAIN_LIFE) };
    Ok(Found::text(Layout::Plain, trimmed, expiry))
}

pub(super) fn write(token: Option<&Token>) -> Content {
    Content {
        bytes: token.map(|token| token.value.as_bytes().to_vec()).unwrap_or_default(),
        modified: token.map(|token| token.expiry.before(PLAIN_LIFE)),
        attribute: None,
        may_be_padded: false,
    }
}
