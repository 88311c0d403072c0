//! A token, wherever it comes from and wherever it is kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Epoch;

/// A token and the moment from which it is dead. Never shown in full: it is a credential.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    /// The token itself; [`is_token`] holds for it.
    pub value: Arc<str>,
    /// The first moment at which it is no longer valid.
    pub expiry: Epoch,
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("expiry", &self.expiry).finish_non_exhaustive()
    }
}

/// What time has made of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// Valid, and not to be refreshed yet.
    Fresh,
    /// Valid, and close enough to its expiry to be refreshed.
    Due,
    /// No longer valid.
    Expired,
}

impl Token {
    /// The token's age at `now`, if it is due `refresh_ahead` before its expiry.
    #[must_use]
    pub fn age(&self, now: Epoch, refresh_ahead: Duration) -> Age {
        if now >= self.expiry {
            Age::Expired
        } else if now >= self.expiry.before(refresh_ahead) {
            Age::Due
        } else {
            Age::Fresh
        }
    }

    /// Whether the token is still valid at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Epoch) -> bool {
        now < self.expiry
    }
}

/// Whether `text` may be handed out as a token: visible ASCII, at least one character. WeChat's own
/// tokens are of `[A-Za-z0-9_-]`; other providers use more of ASCII.
#[must_use]
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_fresh_then_due_then_expired() {
        let token = Token { value: "t".into(), expiry: Epoch::from_secs(1000) };
        let age = |now| token.age(Epoch::from_secs(now), Duration::from_secs(300));
        assert_eq!([699, 700, 999, 1000].map(age), [Age::Fresh, Age::Due, Age::Due, Age::Expired]);
    }

    #[test]
    fn a_token_is_visible_ascii() {
        assert!(is_token("AbC-_9.~"));
        for text in ["", "a b", "a\n", "é"] {
            assert!(!is_token(text), "{text:?}");
        }
    }
}
