//! A token and its expiry, whatever its source and its file format.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;

/// A token and its expiry. Never shown in full: it is a credential.
#[derive(Clone, Eq)]
pub struct Token {
    pub value: Arc<str>,
    pub expiry: Timestamp,
    /// The first time at which that expiry is plausible. (A time, not a flag: a struct whose size is not a
    /// multiple of its alignment is copied in pieces, which slowed down every hot call.)
    pub believed_from: Timestamp,
}

/// The longest plausible lifetime of a token that other code has stored. WeChat's tokens are valid for two
/// hours; a clock that was ahead has written a later expiry.
pub const MAX_FOREIGN_LIFE: Duration = Duration::from_secs(24 * 3600);

/// `believed_from` does not tell two tokens apart.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    Fresh,
    /// Valid, and close enough to its expiry to refresh.
    Due,
    Expired,
}

impl Token {
    /// A token with any lifetime: this extension has stored it or stores it now, or its file says that it never
    /// expires.
    pub fn own(value: impl Into<Arc<str>>, expiry: Timestamp) -> Self {
        Self { value: value.into(), expiry, believed_from: Timestamp::from_millis(i64::MIN) }
    }

    /// A token that other code has stored. It is valid for [`MAX_FOREIGN_LIFE`] at most.
    pub fn foreign(value: impl Into<Arc<str>>, expiry: Timestamp) -> Self {
        let believed_from = expiry.before(MAX_FOREIGN_LIFE);
        Self { value: value.into(), expiry, believed_from }
    }

    /// The state at `now` of a token that is due `refresh_ahead` before its expiry.
    pub(crate) fn freshness(&self, now: Timestamp, refresh_ahead: Duration) -> Freshness {
        if !self.is_valid(now) {
            Freshness::Expired
        } else if now >= self.expiry.before(refresh_ahead) {
            Freshness::Due
        } else {
            Freshness::Fresh
        }
    }

    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.believed_from <= now && now < self.expiry
    }
}

/// Whether `text` can be a token: visible ASCII, at least one character. WeChat's own tokens consist of
/// `[A-Za-z0-9_-]`; other providers use more of ASCII.
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
