//! Text from outside, as a message may contain it: paths, process names, a source's words.
//!
//! A message is one line that reads as it stands, in a terminal and in a log.

use std::fmt::{self, Write};
use std::path::Path;

/// A path is the longest text that a message must hold whole (PATH_MAX, limits.h).
const MAX_CHARS: usize = 4096;

/// Whatever comes from outside into a message, cleaned as it is displayed: see [`printable`].
#[derive(Clone, Copy)]
pub struct Printable<'a> {
    bytes: &'a [u8],
    max_chars: usize,
}

/// `text` without what a terminal or a log would act on: control characters, line separators, the marks
/// that reverse or hide text, and bytes that are not UTF-8 are escaped, as in `\n`, `\u{202e}` and `\xff`.
/// Quotes and backslashes stay, so a text that is cleaned twice reads the same.
pub fn printable<T: AsRef<[u8]> + ?Sized>(text: &T) -> Printable<'_> {
    Printable { bytes: text.as_ref(), max_chars: MAX_CHARS }
}

pub fn printable_path(path: &Path) -> Printable<'_> {
    printable(path.as_os_str().as_encoded_bytes())
}

impl Printable<'_> {
    /// The same with `max_chars` characters at most. What is cut ends in `…`.
    pub const fn at_most(mut self, max_chars: usize) -> Self {
        self.max_chars = max_chars;
        self
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // An escape is written whole or not at all, and the last character is kept for the mark of a cut.
        let mut pieces = pieces(self.bytes).peekable();
        let mut left = self.max_chars;
        while let Some(piece) = pieces.next() {
            let length = piece.chars().count();
            if length > left || (length == left && pieces.peek().is_some()) {
                return formatter.write_char('…');
            }
            left -= length;
            formatter.write_str(&piece)?;
        }
        Ok(())
    }
}

/// What becomes of each character, and of each byte that is not part of any.
fn pieces(bytes: &[u8]) -> impl Iterator<Item = String> {
    bytes.utf8_chunks().flat_map(|chunk| {
        let chars = chunk.valid().chars().map(|char| match char {
            '\'' | '"' | '\\' => char.to_string(),
            _ => char.escape_debug().to_string(),
        });
        chars.chain(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reads_as_it_stands_stays() {
        for text in ["", "/var/缓存/token.json", "it's \"C:\\x\"", "naïve – 😀 €", "a  b"]
        {
            assert_eq!(printable(text).to_string(), text);
        }
    }

    #[test]
    fn what_would_act_on_a_terminal_or_a_log_is_escaped() {
        for (text, spec) in [
            ("a\nb\r\tc\0", r"a\nb\r\tc\0"),
            ("\x1b[2J\x07\x7f", r"\u{1b}[2J\u{7}\u{7f}"),
            ("\u{85}\u{9b}", r"\u{85}\u{9b}"),
            ("a\u{202e}b\u{2066}\u{200f}", r"a\u{202e}b\u{2066}\u{200f}"),
            ("\u{2028}\u{2029}", r"\u{2028}\u{2029}"),
            ("\u{200b}\u{feff}\u{ad}", r"\u{200b}\u{feff}\u{ad}"),
            ("\u{a0}\u{e000}\u{e0041}", r"\u{a0}\u{e000}\u{e0041}"),
        ] {
            assert_eq!(printable(text).to_string(), spec);
        }
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_shown_each() {
        assert_eq!(printable(b"a\xff\xe4\xb8b\x80").to_string(), r"a\xff\xe4\xb8b\x80");
    }

    #[test]
    fn no_control_character_gets_through_and_cleaning_twice_changes_nothing() {
        for char in '\0'..=char::MAX {
            let once = printable(char.encode_utf8(&mut [0; 4])).to_string();
            assert!(!once.chars().any(char::is_control), "{char:?}");
            assert_eq!(printable(&once).to_string(), once);
        }
    }

    #[test]
    fn a_long_text_is_cut_between_escapes() {
        let cut = |text: &str, max_chars| printable(text).at_most(max_chars).to_string();
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("a\u{202e}b", 8), "a…");
        assert_eq!(cut("a\u{202e}b", 9), "a…");
        assert_eq!(cut("a\u{202e}b", 10), r"a\u{202e}b");
        assert_eq!(cut("ab\n", 3), "ab…");
        assert_eq!(printable(&"x".repeat(5000)).to_string().chars().count(), MAX_CHARS);
    }
}
