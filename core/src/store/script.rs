//! The four scripts that run in the store, each on one key and at once: what goes in, and what they answer.
//!
//! `now` is the store's clock, so no clock of a machine is compared with another's. A *stamp* is when, by that clock, the
//! fetch of a token began: a token never gives way to one with an earlier stamp.

use std::time::{Duration, Instant};

use super::error::StoreError;
use super::eval::Store;
use super::reply::Reply;
use crate::clock::millis;
use crate::fingerprint::Fingerprint;

const TAKE: &str = include_str!("scripts/take.lua");
const PUT: &str = include_str!("scripts/put.lua");
const FAIL: &str = include_str!("scripts/fail.lua");
const SYNC: &str = include_str!("scripts/sync.lua");

/// What is unknown, among numbers that are not negative.
const UNKNOWN: i64 = -1;

/// One key of the store, and who asks for it.
pub struct Scripts<'a> {
    pub store: &'a Store,
    pub key: &'a [u8],
    /// This machine, for a token file: whoever has that file's lock.
    pub own: &'a Fingerprint,
    pub deadline: Instant,
}

/// When a token was fetched, as far as that is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Age {
    /// By the store's clock, in milliseconds.
    Stamp(i64),
    /// So long ago.
    Fetched(Duration),
    Unknown,
}

impl Age {
    fn arguments(self) -> [String; 2] {
        let (stamp, age) = match self {
            Self::Stamp(stamp) => (stamp, UNKNOWN),
            Self::Fetched(age) => (UNKNOWN, millis(age)),
            Self::Unknown => (UNKNOWN, UNKNOWN),
        };
        [stamp.to_string(), age.to_string()]
    }
}

/// A token of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub sealed: Vec<u8>,
    pub tag: Fingerprint,
    /// The rest of its life.
    pub life: Duration,
    /// In milliseconds.
    pub stamp: i64,
}

/// A turn to fetch.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    /// The last failure, or nothing.
    pub previous: Vec<u8>,
    /// The token that WeChat still returned although it is rejected.
    pub rejected: Option<Fingerprint>,
    /// When the turn began, by the store's clock, in milliseconds.
    pub stamp: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Taken {
    /// A token that another machine has fetched, or my own, of which WeChat has just said that it is not replaced yet.
    Token(Stored),
    /// Another machine fetches, for so long at most.
    Busy(Duration),
    /// The last fetch failed, and nobody asks again for so long.
    Failure(Vec<u8>, Duration),
    /// I may not fetch, and nobody else does.
    Forbidden,
    /// It is my turn to fetch.
    Granted(Grant),
}

#[derive(Debug, PartialEq, Eq)]
pub enum PutAnswer {
    /// With this stamp.
    Stored(i64),
    /// This one was fetched later, and is there.
    Overtaken(Stored),
    Expired,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Synced {
    /// My token is there.
    Same,
    /// Mine is newer, or none is there.
    Wanted,
    Newer(Stored),
    /// Which one is newer, nobody knows; or there is none.
    Nothing,
}

/// What is asked for with [`Scripts::take`].
pub struct Wish<'a> {
    pub known: Option<(&'a Fingerprint, Age)>,
    pub rejected: Option<&'a Fingerprint>,
    pub may_fetch: bool,
    pub lease: Duration,
}

/// What is given with [`Scripts::put`].
pub struct Gift<'a> {
    pub sealed: &'a [u8],
    pub tag: &'a Fingerprint,
    pub life: Duration,
    pub age: Age,
    pub rejected: Option<&'a Fingerprint>,
    /// For how long WeChat would give the same token once more.
    pub rest: Duration,
}

impl Scripts<'_> {
    pub fn take(&self, wish: &Wish<'_>) -> Result<Taken, StoreError> {
        let (known, age) = wish.known.unzip();
        let [stamp, age] = age.unwrap_or(Age::Unknown).arguments();
        let reply = self.run(
            TAKE,
            &[
                self.own.hex().as_bytes(),
                millis(wish.lease).to_string().as_bytes(),
                tag(known),
                tag(wish.rejected),
                if wish.may_fetch { b"1" } else { b"0" },
                stamp.as_bytes(),
                age.as_bytes(),
            ],
        )?;
        let taken = match parts(&reply) {
            Some((b"T", rest)) => stored(rest).map(Taken::Token),
            Some((b"B", [left])) => span(left).map(Taken::Busy),
            Some((b"F", [Reply::Bytes(failure), left])) => {
                span(left).map(|left| Taken::Failure(failure.clone(), left))
            }
            Some((b"X", [])) => Some(Taken::Forbidden),
            Some((
                b"G",
                [Reply::Bytes(previous), Reply::Bytes(rejected), Reply::Integer(stamp)],
            )) => {
                let rejected = str::from_utf8(rejected).ok().filter(|tag| !tag.is_empty());
                let rejected = rejected.map(Fingerprint::from_hex);
                Some(Taken::Granted(Grant { previous: previous.clone(), rejected, stamp: *stamp }))
            }
            _ => None,
        };
        taken.ok_or_else(|| self.strange())
    }

    pub fn put(&self, gift: &Gift<'_>) -> Result<PutAnswer, StoreError> {
        let [stamp, age] = gift.age.arguments();
        let reply = self.run(
            PUT,
            &[
                self.own.hex().as_bytes(),
                gift.sealed,
                gift.tag.hex().as_bytes(),
                millis(gift.life).to_string().as_bytes(),
                age.as_bytes(),
                stamp.as_bytes(),
                tag(gift.rejected),
                millis(gift.rest).to_string().as_bytes(),
            ],
        )?;
        let answer = match parts(&reply) {
            Some((b"S", [Reply::Integer(stamp)])) => Some(PutAnswer::Stored(*stamp)),
            Some((b"T", rest)) => stored(rest).map(PutAnswer::Overtaken),
            Some((b"E", [])) => Some(PutAnswer::Expired),
            _ => None,
        };
        answer.ok_or_else(|| self.strange())
    }

    /// Ends my turn. `failure` is for all machines, for so long; else another may fetch at once. `rejected` is a token
    /// that WeChat still returns although it is rejected.
    pub fn fail(
        &self,
        failure: Option<(&[u8], Duration)>,
        rejected: Option<&Fingerprint>,
    ) -> Result<(), StoreError> {
        let (text, retry) = failure.unwrap_or_default();
        let retry = millis(retry).to_string();
        let own = self.own.hex().as_bytes();
        let reply = self.run(FAIL, &[own, text, retry.as_bytes(), tag(rejected)])?;
        match parts(&reply) {
            // Whoever was overtaken has nothing to say.
            Some((b"R" | b"O", [])) => Ok(()),
            _ => Err(self.strange()),
        }
    }

    pub fn sync(&self, own: &Fingerprint, life: Duration, age: Age) -> Result<Synced, StoreError> {
        let [stamp, age] = age.arguments();
        let life = millis(life).to_string();
        let arguments = [own.hex().as_bytes(), life.as_bytes(), stamp.as_bytes(), age.as_bytes()];
        let reply = self.run(SYNC, &arguments)?;
        let synced = match parts(&reply) {
            Some((b"=", [])) => Some(Synced::Same),
            Some((b"W", [])) => Some(Synced::Wanted),
            Some((b"T", rest)) => stored(rest).map(Synced::Newer),
            Some((b"-", [])) => Some(Synced::Nothing),
            _ => None,
        };
        synced.ok_or_else(|| self.strange())
    }

    fn run(&self, script: &str, arguments: &[&[u8]]) -> Result<Reply, StoreError> {
        self.store.eval(script, self.key, arguments, self.deadline)
    }

    fn strange(&self) -> StoreError {
        self.store.malformed("a script of wx_token answers otherwise")
    }
}

fn tag(tag: Option<&Fingerprint>) -> &[u8] {
    tag.map_or(b"", |tag| tag.hex().as_bytes())
}

/// The first word of an answer, and what follows it.
fn parts(reply: &Reply) -> Option<(&[u8], &[Reply])> {
    let Reply::Array(parts) = reply else { return None };
    let (Reply::Bytes(word), rest) = parts.split_first()? else { return None };
    Some((word, rest))
}

fn stored(parts: &[Reply]) -> Option<Stored> {
    let [Reply::Bytes(sealed), Reply::Bytes(tag), life, Reply::Integer(stamp)] = parts else {
        return None;
    };
    let tag = Fingerprint::from_hex(str::from_utf8(tag).ok()?);
    Some(Stored { sealed: sealed.clone(), tag, life: span(life)?, stamp: *stamp })
}

fn span(reply: &Reply) -> Option<Duration> {
    let Reply::Integer(millis) = reply else { return None };
    u64::try_from(*millis).ok().map(Duration::from_millis)
}
