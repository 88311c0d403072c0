//! How legacy projects write an expiry, and what their numbers mean.
//!
//! Nothing is guessed: a key with two meanings is rejected until the caller says which.

use std::time::Duration;

use crate::clock::Timestamp;

/// The first bytes of the JS-SDK sample's files: a browser that opens one shows nothing. Its readers
/// cut off 15 bytes without a look at them.
pub(super) const GUARD: &str = "<?php exit();?>";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A JSON object, perhaps behind the guard.
    Json { expiry: Expiry, guarded: bool },
    /// `serialize()` of an array of `name`, `value` and `expired`.
    Serialized,
    /// The token alone; it is valid for two hours from the file's modification time.
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    /// The key, and what tells its meanings apart if it has two.
    name: &'static str,
    meaning: Meaning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meaning {
    /// A Unix time, in seconds or milliseconds.
    Time,
    /// Up to 100 000 a duration from the file's modification time, above a Unix time.
    Lifetime,
    /// The time of the fetch: readers trust the token for an hour.
    Fetched,
}

/// Keys with one meaning, in the order in which they count: a file of WeChat's whole answer has an
/// `expires_in` beside the Unix time that its writer added.
pub(super) const UNAMBIGUOUS: [Expiry; 6] = [
    Expiry::EXPIRE,
    Expiry::EXPIRE_TIME,
    Expiry::time("expires"),
    Expiry::time("expires_at"),
    Expiry::EXPIRED,
    Expiry::EXPIRES_IN,
];

const MILLISECONDS_FROM: i64 = 1_000_000_000_000;

/// Up to this number, `expires_in` is a duration in seconds.
const LONGEST_DURATION: i64 = 100_000;

/// How long readers of `expires_time` trust a token after its fetch.
const TRUSTED_AFTER_FETCH: Duration = Duration::from_secs(3600);

/// How long readers of a plain file trust it after its modification.
pub(super) const PLAIN_LIFE: Duration = Duration::from_secs(7200);

impl Expiry {
    pub(super) const EXPIRE: Self = Self::time("expire");
    pub(super) const EXPIRED: Self = Self::time("expired");
    pub(super) const EXPIRES_IN: Self = Self { name: "expires_in", meaning: Meaning::Lifetime };
    pub(super) const FETCHED: Self =
        Self { name: "expires_time:fetched", meaning: Meaning::Fetched };
    /// WeChat's JS-SDK sample has this key.
    const EXPIRE_TIME: Self = Self::time("expire_time");

    const fn time(name: &'static str) -> Self {
        Self { name, meaning: Meaning::Time }
    }

    pub fn key(self) -> &'static str {
        self.name.split_once(':').map_or(self.name, |(key, _)| key)
    }

    /// The expiry that `number` means in a file that was written at `written`.
    pub(super) fn to_timestamp(self, number: i64, written: Timestamp) -> Timestamp {
        match self.meaning {
            Meaning::Lifetime if number <= LONGEST_DURATION => {
                written + Duration::from_secs(u64::try_from(number).unwrap_or(0))
            }
            Meaning::Fetched => timestamp(number) + TRUSTED_AFTER_FETCH,
            _ => timestamp(number),
        }
    }

    /// The number that means `expiry` in a file that is written at `now`, in the unit of the number
    /// `before` it.
    pub(super) fn to_number(self, expiry: Timestamp, now: Timestamp, before: Option<i64>) -> i64 {
        let is_millis = before.is_some_and(|number| number >= MILLISECONDS_FROM);
        let number = |moment: Timestamp| if is_millis { moment.millis() } else { moment.secs() };
        match self.meaning {
            Meaning::Lifetime if before.is_none_or(|number| number <= LONGEST_DURATION) => {
                // More would be read as a Unix time, long past.
                let seconds = i64::try_from(expiry.since(now).as_secs());
                seconds.map_or(LONGEST_DURATION, |seconds| seconds.min(LONGEST_DURATION))
            }
            Meaning::Fetched => number(expiry.before(TRUSTED_AFTER_FETCH).min(now)),
            _ => number(expiry),
        }
    }

    pub(super) const fn counts_from_modification(self, number: i64) -> bool {
        matches!(self.meaning, Meaning::Lifetime) && number <= LONGEST_DURATION
    }
}

const fn timestamp(number: i64) -> Timestamp {
    if number >= MILLISECONDS_FROM {
        Timestamp::from_millis(number)
    } else {
        Timestamp::from_secs(number)
    }
}

impl Layout {
    /// The layout of a new file, unless the caller says otherwise.
    pub(super) const DEFAULT: Self = Self::Json { expiry: Expiry::EXPIRE, guarded: false };

    /// The layout of a new file whose name ends in `.php`.
    pub(super) const GUARDED: Self = Self::Json { expiry: Expiry::EXPIRE_TIME, guarded: true };

    pub const NAMES: &str = "expire, expire_time, expires, expires_at, expired, expires_in, \
        expires_time:fetched, expires_time:expiry, guarded, serialize, plain";

    pub fn by_name(name: &str) -> Option<Self> {
        let mut expiries =
            UNAMBIGUOUS.into_iter().chain([Expiry::FETCHED, Expiry::time("expires_time:expiry")]);
        match name {
            "guarded" => Some(Self::GUARDED),
            "serialize" => Some(Self::Serialized),
            "plain" => Some(Self::Plain),
            _ => {
                let expiry = expiries.find(|expiry| expiry.name == name)?;
                Some(Self::Json { expiry, guarded: false })
            }
        }
    }

    pub fn name(self) -> String {
        match self {
            Self::Serialized => "serialize".to_owned(),
            Self::Plain => "plain".to_owned(),
            Self::Json { expiry, guarded: true } => format!("guarded {}", expiry.name),
            Self::Json { expiry, guarded: false } => expiry.name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: Timestamp = Timestamp::from_secs(1_600_000_000);

    #[test]
    fn moments_are_seconds_or_milliseconds() {
        assert_eq!(
            Expiry::EXPIRE.to_timestamp(1_588_219_064, WRITTEN),
            Timestamp::from_secs(1_588_219_064)
        );
        let millis = Expiry::EXPIRE_TIME.to_timestamp(1_588_219_064_123, WRITTEN);
        assert_eq!(millis, Timestamp::from_millis(1_588_219_064_123));
        assert_eq!(
            Expiry::EXPIRE_TIME.to_number(millis, WRITTEN, Some(1_500_000_000_000)),
            1_588_219_064_123
        );
        assert_eq!(Expiry::EXPIRE_TIME.to_number(millis, WRITTEN, Some(5)), 1_588_219_064);
    }

    #[test]
    fn a_small_expires_in_is_a_duration_and_a_large_one_a_moment() {
        let duration = Expiry::EXPIRES_IN.to_timestamp(7200, WRITTEN);
        assert_eq!(duration, WRITTEN + Duration::from_secs(7200));
        assert_eq!(Expiry::EXPIRES_IN.to_number(duration, WRITTEN, Some(7200)), 7200);
        assert_eq!(
            Expiry::EXPIRES_IN.to_number(duration, WRITTEN, Some(1_588_219_064)),
            1_600_007_200
        );
    }

    #[test]
    fn a_duration_is_never_so_long_that_it_would_be_read_as_a_moment() {
        let month = WRITTEN + Duration::from_secs(30 * 24 * 3600);
        let number = Expiry::EXPIRES_IN.to_number(month, WRITTEN, None);
        assert!(Expiry::EXPIRES_IN.to_timestamp(number, WRITTEN) > WRITTEN, "{number}");
    }

    #[test]
    fn readers_of_a_time_of_fetch_never_trust_a_token_beyond_its_expiry() {
        let long = WRITTEN + Duration::from_secs(7200);
        assert_eq!(Expiry::FETCHED.to_number(long, WRITTEN, None), WRITTEN.secs());
        let short = WRITTEN + Duration::from_secs(1000);
        let number = Expiry::FETCHED.to_number(short, WRITTEN, None);
        assert_eq!(Expiry::FETCHED.to_timestamp(number, WRITTEN), short);
    }

    #[test]
    fn every_name_is_that_of_a_layout() {
        for name in Layout::NAMES.split(", ") {
            assert!(Layout::by_name(name).is_some(), "{name}");
        }
        assert_eq!(Layout::by_name("expires_time"), None, "it must be said which");
    }
}
