//! The token alone, in a file without room for anything else. Its expiry counts from the modification time.

use super::content::Content;
use super::found::Found;
use super::layout::{Layout, PLAIN_LIFE};
use super::refusal::Refusal;
use crate::clock::Timestamp;
use crate::token::{Token, is_token};

/// Reads `trimmed`, the file without the white space around it.
pub(super) fn read(trimmed: &[u8], written: Timestamp) -> Result<Found, Refusal> {
    let value = str::from_utf8(trimmed).ok();
    let value = value.filter(|text| is_token(text) && !text.starts_with('{')).ok_or(
        Refusal::Foreign("with layout \"plain\", it must contain the token and nothing else"),
    )?;
    let token = Some((value.to_owned(), written + PLAIN_LIFE));
    Ok(Found { layout: Layout::Plain, file: None, token, state: None, is_damaged: false })
}

pub(super) fn write(token: Option<&Token>) -> Content {
    Content {
        bytes: token.map(|token| token.value.as_bytes().to_vec()).unwrap_or_default(),
        modified: token.map(|token| token.expiry.before(PLAIN_LIFE)),
        attribute: None,
        may_be_padded: false,
    }
}
