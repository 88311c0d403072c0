//! Files that are not read: what they seem to be, and where their token belongs instead.

use super::plain_file::is_alone;
use super::refusal::{Refusal, looks_like_token};

const RECIPE: &str = "Take its token from the library in a loader, or replace the cache by this call with a new file: MIGRATION.md has the recipe";

/// Whether `trimmed` begins as a serialized array does: `a:3:{`.
pub(super) fn is_serialized_array(trimmed: &[u8]) -> bool {
    let rest = trimmed.strip_prefix(b"a:").unwrap_or_default();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    digits > 0 && rest.get(digits..).is_some_and(|rest| rest.starts_with(b":{"))
}

/// Why a file is rejected whose `text` has no white space around it.
pub(super) fn describe(text: &str) -> Refusal {
    if let Some(library) = library(text) {
        return Refusal::ambiguous(format!("it is a cache file of {library}"), RECIPE);
    }
    if ["<?php", "<?=", "<? "].iter().any(|tag| text.starts_with(tag)) {
        return Refusal::ambiguous(
            "it is PHP code, which wx_token neither runs nor writes",
            "Pass the path of a new file, and let code that includes this one call wx_get_token()",
        );
    }
    if looks_like_token(text) && is_alone(text) {
        return Refusal::ambiguous(
            "it seems to contain only a token",
            "Pass 'layout' => 'plain' if it does: the token then counts as valid for two hours after the file's modification",
        );
    }
    if text.starts_with('[') && text.ends_with(']') {
        return Refusal::ambiguous(
            "it is a JSON array without keys",
            "Pass the path of a new file, or check the path",
        );
    }
    if text.starts_with('"') {
        return Refusal::ambiguous(
            "it is a JSON string, and no expiry",
            "Pass the path of a new file, or check the path",
        );
    }
    if is_number(text) && text.len() >= 9 {
        return Refusal::ambiguous(
            "it contains only a number, as the second of two text files does",
            "Pass the path of the file with the token and 'layout' => 'plain', or the path of a new file",
        );
    }
    if has_token(text) {
        return Refusal::ambiguous(
            "it seems to contain a token, in a format that is not supported",
            "Pass the path of a new file",
        );
    }
    Refusal::Foreign("it is neither JSON nor serialize() data")
}

pub(super) fn not_utf8(bytes: &[u8]) -> Refusal {
    if is_serialized_array(bytes) {
        return Refusal::ambiguous(
            "its serialize() data is not UTF-8",
            "Pass the path of a new file",
        );
    }
    Refusal::Foreign("it is not UTF-8 text")
}

/// Whether a token seems to stand somewhere in `text`.
fn has_token(text: &str) -> bool {
    let is_separator = |char: char| char.is_whitespace() || "|,;:&='\"<>[]{}()".contains(char);
    text.contains("access_token") || text.split(is_separator).any(looks_like_token)
}

/// Why a file is rejected that has `content` behind its guard.
pub(super) fn behind_guard(content: &str) -> Refusal {
    if has_token(content) {
        return Refusal::ambiguous(
            "after its guard it seems to contain a token, but no JSON object",
            "Pass the path of a new file",
        );
    }
    Refusal::Foreign("after its guard there is no JSON object")
}

/// The library whose cache writes files that begin so.
fn library(text: &str) -> Option<&'static str> {
    if let Some(code) = text.strip_prefix("<?php") {
        let code = code.trim_ascii_start();
        let comment = code.strip_prefix("//").unwrap_or_default();
        let begins_return = code
            .strip_prefix("return")
            .is_some_and(|rest| rest.contains("'lifetime'") || rest.contains("PHP_INT_MAX"));
        return if comment.get(..12).is_some_and(is_number) {
            Some("ThinkPHP")
        } else if begins_return && text.contains("'lifetime'") {
            Some("Doctrine")
        } else if comment.trim_start().starts_with("wx") || begins_return {
            Some("Symfony")
        } else {
            None
        };
    }
    // The expiry in ten digits, and the value at once.
    if text.get(..10).is_some_and(is_number) && text.get(10..).is_some_and(is_serialized) {
        return Some("Laravel");
    }
    let (first, rest) = text.split_once('\n')?;
    if !is_number(first.trim()) {
        return None;
    }
    match rest.split_once('\n') {
        _ if is_serialized(rest) => Some("Doctrine"),
        Some((_, value)) if is_serialized(value) => Some("Symfony"),
        _ => None,
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_serialized(text: &str) -> bool {
    ["s:", "a:", "O:", "i:", "d:", "b:", "N;"].iter().any(|kind| text.starts_with(kind))
}
