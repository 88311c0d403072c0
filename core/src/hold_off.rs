//! The hold-off time: how long a due token is left alone, because WeChat would only return the same one.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::token::Token;

/// WeChat answers with the same stable token until so long before its expiry
/// (doc/channels/API/leagueheadsupplier/getStableAccessToken.html).
const STABLE_RENEWAL: Duration = Duration::from_secs(300);

const SHORTEST: Duration = Duration::from_secs(1);

/// Lifetimes are rounded down to seconds, so a stored expiry is early by up to this.
const ROUNDING: Duration = Duration::from_secs(2);

/// The hold-off time of a new `token` that is due already: the same stable token with a shorter lifetime, or
/// one with a short lifetime.
pub fn of_new(token: &Token, refresh_ahead: Duration, now: Timestamp) -> Option<Timestamp> {
    (token.expiry.since(now) <= refresh_ahead).then(|| end(token.expiry, now))
}

fn end(expiry: Timestamp, now: Timestamp) -> Timestamp {
    let remaining = expiry.since(now);
    if remaining > STABLE_RENEWAL {
        expiry.before(STABLE_RENEWAL)
    } else {
        now + (remaining / 2).max(SHORTEST)
    }
}

/// Whether `token` has only just become due, or is held off until `not_before`, as its file says.
pub fn is_held_off(
    token: &Token,
    not_before: Option<Timestamp>,
    refresh_ahead: Duration,
    now: Timestamp,
) -> bool {
    // WeChat renews a stable token exactly when it is due by default: a fetch at that very moment would
    // return the same token once more.
    let grace = ROUNDING.min(refresh_ahead / 4);
    let is_just_due = now < token.expiry.before(refresh_ahead) + grace;
    is_just_due || not_before.is_some_and(|until| is_plausible(token, until, now))
}

/// Whether `until` is ahead, and a refresh up to `now` can have set it. A later time comes from another
/// token, or from a clock that was ahead.
fn is_plausible(token: &Token, until: Timestamp, now: Timestamp) -> bool {
    now < until && until <= end(token.expiry, now) + ROUNDING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_due_at_once_is_left_until_another_can_be_had() {
        let now = Timestamp::from_secs(1000);
        let seconds_of = |lifetime, ahead| {
            let token = Token::own("t", now + Duration::from_secs(lifetime));
            of_new(&token, Duration::from_secs(ahead), now).map(|until| until.since(now).as_secs())
        };
        assert_eq!(seconds_of(7200, 300), None);
        assert_eq!(seconds_of(301, 300), None);
        assert_eq!(seconds_of(500, 600), Some(200), "the same stable token");
        assert_eq!(seconds_of(300, 600), Some(150), "half of what is left");
        assert_eq!(seconds_of(1, 600), Some(1), "never less than a second");
    }

    #[test]
    fn a_token_is_held_off_no_longer_than_a_refresh_could_have_said() {
        let now = Timestamp::from_secs(1000);
        let after = |seconds| now + Duration::from_secs(seconds);
        for lifetime in [1, 2, 100, 300, 301, 500, 7200] {
            let expiry = after(lifetime);
            let until = end(expiry, now);
            // As it stands in the file: rounded down.
            let token = Token::foreign("t", expiry.before(Duration::from_millis(999)));
            for later in 0..until.since(now).as_secs() {
                assert!(is_plausible(&token, until, after(later)), "{lifetime}, {later} s later");
            }
            assert!(!is_plausible(&token, until, until), "{lifetime}");
            assert!(
                !is_plausible(&token, until + ROUNDING * 2, now),
                "{lifetime}: of a clock that was ahead"
            );
        }
    }
}
