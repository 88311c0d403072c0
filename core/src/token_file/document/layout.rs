//! How legacy projects write an expiry, and what their numbers mean.
//!
//! Nothing is guessed: a key with two meanings is rejected until the caller says which.

use std::time::Duration;

use super::guard::GUARD;
use crate::clock::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A JSON object, perhaps behind a guard.
    Json { expiry: Expiry, guarded: bool },
    /// A JSON object of `token` and `expires`.
    TokenExpires,
    /// `serialize()` of an array of `name`, `value` and `expired`.
    Serialized,
    /// The token alone; it is valid for two hours from the file's modification time.
    Plain,
    /// The token and a moment on one line, with a comma between; or the token, a duration, and its start.
    Csv { moment: Meaning, is_millis: bool },
}

/// A key with a number of which an expiry depends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expiry {
    pub(super) key: &'static str,
    pub(super) meaning: Meaning,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// A Unix time, in seconds or milliseconds.
    Time,
    /// Below 10⁹ a duration in seconds, from there on a Unix time. The duration begins at the key of a start; without
    /// one, at the file's modification time.
    Lifetime { start: Option<&'static str> },
    /// The time of the fetch, from which a duration counts.
    Start,
    /// The time of the fetch: readers trust the token for so many seconds.
    Fetched(u64),
}

/// Keys with one meaning. A file that has several is valid until the earliest.
pub(super) const UNAMBIGUOUS: [Expiry; 6] = [
    Expiry::EXPIRE,
    Expiry::EXPIRE_TIME,
    Expiry::EXPIRES,
    Expiry::time("expires_at"),
    Expiry::EXPIRED,
    Expiry::EXPIRES_IN,
];

/// Keys of the time of the fetch, where a duration stands beside it.
pub(super) const STARTS: [&str; 7] =
    ["time", "tokentime", "get_time", "update_time", "create_time", "fetch_time", "timestamp"];

/// In some projects the time of the fetch, in others the expiry.
pub(super) const EXPIRES_TIME: &str = "expires_time";

/// From this number on, a Unix time counts milliseconds.
const MILLISECONDS_FROM: i64 = 1_000_000_000_000;

/// From this number on, that of 2001, it can be a Unix time.
pub(super) const LEAST_TIME: i64 = 1_000_000_000;

/// Above this number, milliseconds of 2286, it is none: PHP's `date('YmdHis')`, microseconds.
pub(super) const LARGEST_TIME: i64 = 9_999_999_999_999;

/// How long readers of `expires_time` trust a token after its fetch, in seconds.
const TRUSTED_EXPIRES_TIME: u64 = 3600;

/// How long a token lives after its fetch, in seconds, and how long readers of other files trust it at most.
const USUAL_LIFE: u64 = 7200;

/// How long readers of a plain file trust it after its modification.
pub(super) const PLAIN_LIFE: Duration = Duration::from_secs(USUAL_LIFE);

/// When a token expires, as its file says.
#[derive(Clone, Copy)]
pub(super) struct FileExpiry {
    pub(super) at: Timestamp,
    /// Whether it counts from the modification time of the file, which a copy may renew.
    pub(super) is_by_modification: bool,
    /// Whether the file says that it never comes.
    pub(super) is_never: bool,
}

impl FileExpiry {
    pub(super) const fn at(at: Timestamp) -> Self {
        Self { at, is_by_modification: false, is_never: false }
    }
}

/// Moments of a token that is written.
#[derive(Clone, Copy)]
pub(super) struct Moments {
    pub(super) expiry: Timestamp,
    /// When it was fetched, by the readers that trust it for two hours from then.
    pub(super) fetched: Timestamp,
    /// The modification time of the file.
    pub(super) written: Timestamp,
}

impl Moments {
    /// Those of a token that was asked for at `asked_at`, and may have had a shorter life left.
    pub(super) fn new(expiry: Timestamp, asked_at: Timestamp, written: Timestamp) -> Self {
        Self { expiry, fetched: asked_at.min(expiry.before(PLAIN_LIFE)), written }
    }

    /// The modification time with which a duration from then on ends at the expiry.
    pub(super) fn modified(&self) -> Timestamp {
        self.written.min(self.expiry.before(PLAIN_LIFE))
    }
}

impl Meaning {
    /// The number that says so, in the unit of the number `before` it. A duration counts from `start`.
    pub(super) fn number(self, moments: Moments, before: Option<i64>, start: Timestamp) -> i64 {
        let is_millis = before.is_some_and(is_millis);
        let number = |moment: Timestamp| if is_millis { moment.millis() } else { moment.secs() };
        let Moments { expiry, fetched, written } = moments;
        match self {
            Self::Lifetime { .. } if before.is_none_or(is_duration) => {
                // More would be read as a Unix time, long past.
                let seconds = i64::try_from(expiry.since(start).as_secs());
                seconds.map_or(LEAST_TIME - 1, |seconds| seconds.min(LEAST_TIME - 1))
            }
            Self::Start => number(fetched),
            Self::Fetched(trusted) => {
                number(expiry.before(Duration::from_secs(trusted)).min(written))
            }
            Self::Time | Self::Lifetime { .. } => number(expiry),
        }
    }

    /// The expiry that `number` means; a duration counts from `start`.
    pub(super) fn expiry(self, number: i64, start: Timestamp) -> Timestamp {
        match self {
            Self::Lifetime { .. } if is_duration(number) => {
                start + Duration::from_secs(u64::try_from(number).unwrap_or(0))
            }
            Self::Fetched(trusted) => timestamp(number) + Duration::from_secs(trusted),
            Self::Time | Self::Start | Self::Lifetime { .. } => timestamp(number),
        }
    }
}

pub(super) const fn is_duration(number: i64) -> bool {
    number < LEAST_TIME
}

/// Whether a number that should be a moment is a duration instead.
pub(super) fn looks_like_duration(number: i64) -> bool {
    (60..LEAST_TIME).contains(&number)
}

pub(super) const fn is_millis(number: i64) -> bool {
    number >= MILLISECONDS_FROM
}

pub(super) const fn timestamp(number: i64) -> Timestamp {
    if is_millis(number) { Timestamp::from_millis(number) } else { Timestamp::from_secs(number) }
}

impl Expiry {
    pub(super) const EXPIRE: Self = Self::time("expire");
    pub(super) const EXPIRES: Self = Self::time("expires");
    pub(super) const EXPIRED: Self = Self::time("expired");
    pub(super) const EXPIRES_IN: Self =
        Self { key: "expires_in", meaning: Meaning::Lifetime { start: None } };
    /// WeChat's JS-SDK sample has this key.
    const EXPIRE_TIME: Self = Self::time("expire_time");

    const fn time(key: &'static str) -> Self {
        Self { key, meaning: Meaning::Time }
    }

    /// The time of a fetch under `key`, which is all that its readers look at.
    const fn fetched(key: &'static str, trusted: u64) -> Self {
        Self { key, meaning: Meaning::Fetched(trusted) }
    }

    /// The expiry of a duration under `expires_in`, which counts from the time under `start`.
    const fn since(start: &'static str) -> Self {
        Self { key: Self::EXPIRES_IN.key, meaning: Meaning::Lifetime { start: Some(start) } }
    }

    /// The key at which its duration begins, if it is one that the caller names.
    pub(super) const fn start(self) -> Option<&'static str> {
        if let Meaning::Lifetime { start } = self.meaning { start } else { None }
    }

    fn all() -> impl Iterator<Item = Self> {
        let ambiguous = [
            Self::fetched(EXPIRES_TIME, TRUSTED_EXPIRES_TIME),
            Self::time(EXPIRES_TIME),
            Self::time(Self::EXPIRES_IN.key),
        ];
        let of_start = |key| [Self::since(key), Self::fetched(key, USUAL_LIFE), Self::time(key)];
        UNAMBIGUOUS.into_iter().chain(ambiguous).chain(STARTS.into_iter().flat_map(of_start))
    }

    fn by_name(name: &str) -> Option<Self> {
        if let Some(known) = UNAMBIGUOUS.into_iter().find(|known| known.key == name) {
            return Some(known);
        }
        let start = |name: &str| STARTS.into_iter().find(|start| *start == name);
        match name.split_once([':', '+'])? {
            (EXPIRES_TIME, "fetched") => Some(Self::fetched(EXPIRES_TIME, TRUSTED_EXPIRES_TIME)),
            (EXPIRES_TIME, "expiry") => Some(Self::time(EXPIRES_TIME)),
            ("expires_in", "expiry") => Some(Self::time(Self::EXPIRES_IN.key)),
            (key, "fetched") => Some(Self::fetched(start(key)?, USUAL_LIFE)),
            (key, "expiry") => Some(Self::time(start(key)?)),
            (key, "expires_in") => Some(Self::since(start(key)?)),
            _ => None,
        }
    }

    /// The key, and what tells its meanings apart if it has several.
    pub(super) fn name(self) -> String {
        let Self { key, meaning } = self;
        match meaning {
            Meaning::Fetched(_) => format!("{key}:fetched"),
            Meaning::Time if !UNAMBIGUOUS.contains(&self) => format!("{key}:expiry"),
            Meaning::Lifetime { start: Some(start) } => format!("{start}+{key}"),
            Meaning::Time | Meaning::Start | Meaning::Lifetime { start: None } => key.to_owned(),
        }
    }
}

impl Layout {
    /// The layout of a new file, unless the caller says otherwise.
    pub(super) const DEFAULT: Self = Self::Json { expiry: Expiry::EXPIRE, guarded: false };

    /// The layout of a new file whose name ends in `.php`.
    pub(super) const GUARDED: Self = Self::Json { expiry: Expiry::EXPIRE_TIME, guarded: true };

    pub(super) const CSV: Self = Self::csv(Meaning::Start);
    pub(super) const CSV_FETCHED: Self = Self::csv(Meaning::Fetched(USUAL_LIFE));
    pub(super) const CSV_EXPIRY: Self = Self::csv(Meaning::Time);

    const fn csv(moment: Meaning) -> Self {
        Self::Csv { moment, is_millis: false }
    }

    /// What a caller can name.
    pub const NAMES: &str = "expire, expire_time, expires, expires_at, expired, expires_in, token+expires, guarded, serialize, plain, csv, expires_in:expiry, START+expires_in, or KEY:MEANING, where START is time, tokentime, get_time, update_time, create_time, fetch_time or timestamp, KEY is expires_time, csv or a START, and MEANING is fetched or expiry";

    pub fn all() -> impl Iterator<Item = Self> {
        let json = Expiry::all().map(|expiry| Self::Json { expiry, guarded: false });
        let others = [Self::TokenExpires, Self::GUARDED, Self::Serialized, Self::Plain];
        json.chain(others).chain([Self::CSV, Self::CSV_FETCHED, Self::CSV_EXPIRY])
    }

    /// What a new file begins with.
    pub(super) const fn prefix(self) -> &'static str {
        if let Self::Json { guarded: true, .. } = self { GUARD } else { "" }
    }

    pub fn by_name(name: &str) -> Option<Self> {
        match name {
            "token+expires" => Some(Self::TokenExpires),
            "guarded" => Some(Self::GUARDED),
            "serialize" => Some(Self::Serialized),
            "plain" => Some(Self::Plain),
            "csv" => Some(Self::CSV),
            "csv:fetched" => Some(Self::CSV_FETCHED),
            "csv:expiry" => Some(Self::CSV_EXPIRY),
            _ => Expiry::by_name(name).map(|expiry| Self::Json { expiry, guarded: false }),
        }
    }

    /// What a caller calls it.
    pub fn name(self) -> String {
        match self {
            Self::Json { guarded: true, .. } => "guarded".to_owned(),
            Self::Json { expiry, guarded: false } => expiry.name(),
            Self::TokenExpires => "token+expires".to_owned(),
            Self::Serialized => "serialize".to_owned(),
            Self::Plain => "plain".to_owned(),
            Self::Csv { moment: Meaning::Fetched(_), .. } => "csv:fetched".to_owned(),
            Self::Csv { moment: Meaning::Time, .. } => "csv:expiry".to_owned(),
            Self::Csv { .. } => "csv".to_owned(),
        }
    }
}
