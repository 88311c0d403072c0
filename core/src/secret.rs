//! Text that must never be shown.

use std::fmt;

use crate::printable::printable;

/// A secret: it is sent to WeChat and to nobody else.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// `text` without the secret, should it contain it, and printable; 300 characters at most.
    pub(crate) fn scrub(&self, text: &str) -> String {
        const MAX_CHARS: usize = 300;
        let hidden = match self.reveal() {
            "" => text.to_owned(),
            secret => text.replace(secret, "***"),
        };
        printable(&hidden).at_most(MAX_CHARS).to_string()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// What an account proves itself with. The two belong together.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// AppID, or WeCom's corpid. It is case-sensitive.
    pub id: String,
    /// AppSecret, or WeCom's corpsecret.
    pub secret: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_scrubbed_from_what_others_say() {
        let secret = Secret::new("s3cr3t");
        assert_eq!(secret.scrub("bad secret s3cr3t\r\nsent"), r"bad secret ***\r\nsent");
        assert_eq!(secret.scrub("\u{202e}s3cr3t\u{2028}"), r"\u{202e}***\u{2028}");
        assert_eq!(secret.scrub(&"x".repeat(1000)).chars().count(), 300);
        assert_eq!(format!("{secret:?}"), "***");
    }
}
