//! A token, wherever it comes from and wherever it is kept.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;

/// A token and the moment from which it is dead. Never shown in full: it is a credential.
#[derive(Clone, Eq)]
pub struct Token {
    /// The token itself; [`is_token`] holds for it.
    pub value: Arc<str>,
    /// The first moment at which it is no longer valid.
    pub expiry: Timestamp,
    /// The first moment at which that is believed. (Another moment, not a flag: a token whose size is no
    /// multiple of its alignment is copied in pieces, on which every hot call stumbled.)
    pub believed_from: Timestamp,
}

/// The longest life that is believed of a token which other code has stored. WeChat gives two hours; an
/// expiry that lies farther ahead was written by a clock that was ahead itself.
pub const MAX_FOREIGN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// How far it is believed is no part of what it is.
impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        (&self.value, self.expiry) == (&other.value, other.expiry)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Token").field("expiry", &self.expiry).finish_non_exhaustive()
    }
}

/// What time has made of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Valid, and not to be refreshed yet.
    Fresh,
    /// Valid, and close enough to its expiry to be refreshed.
    Due,
    /// No longer valid.
    Expired,
}

impl Token {
    /// A token that may live for as long as it says: this extension has stored it, or stores it now, or its
    /// file says that it never expires.
    #[must_use]
    pub fn own(value: impl Into<Arc<str>>, expiry: Timestamp) -> Self {
        Self { value: value.into(), expiry, believed_from: Timestamp::MIN }
    }

    /// A token that other code has stored. It lives for [`MAX_FOREIGN_LIFE`] at most.
    #[must_use]
    pub fn foreign(value: impl Into<Arc<str>>, expiry: Timestamp) -> Self {
        let believed_from = expiry.before(MAX_FOREIGN_LIFE);
        Self { value: value.into(), expiry, believed_from }
    }

    /// The token's age at `now`, if it is due `refresh_ahead` before its expiry.
    #[must_use]
    pub fn freshness(&self, now: Timestamp, refresh_ahead: Duration) -> Freshness {
        if !self.is_valid(now) {
            Freshness::Expired
        } else if now >= self.expiry.before(refresh_ahead) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    /// Whether the token is still valid at `now`.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.believed_from <= now && now < self.expiry
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
        let token = Token::foreign("t", Timestamp::from_secs(1000));
        let freshness = |now| token.freshness(Timestamp::from_secs(now), Duration::from_secs(300));
        assert_eq!(
            [699, 700, 999, 1000].map(freshness),
            [Freshness::Fresh, Freshness::Due, Freshness::Due, Freshness::Expired]
        );
    }

    #[test]
    fn a_life_that_wechat_does_not_give_is_believed_only_of_what_was_stored_here() {
        let expiry = Timestamp::from_secs(200_000);
        let token = Token::foreign("t", expiry);
        let too_far = expiry.before(MAX_FOREIGN_LIFE + Duration::from_millis(1));
        assert_eq!(token.freshness(too_far, Duration::ZERO), Freshness::Expired);
        assert_eq!(
            token.freshness(expiry.before(MAX_FOREIGN_LIFE), Duration::ZERO),
            Freshness::Fresh
        );
        let own = Token::own("t", expiry);
        assert_eq!(own.freshness(too_far, Duration::ZERO), Freshness::Fresh);
    }

    #[test]
    fn a_token_is_visible_ascii() {
        assert!(is_token("AbC-_9.~"));
        for text in ["", "a b", "a\n", "é"] {
            assert!(!is_token(text), "{text:?}");
        }
    }
}
