//! One refresh under a held lock: ask the upstream, then write the token or record the failure.

use std::borrow::BorrowMut;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::{Clock, Epoch, Offset};
use crate::error::Error;
use crate::failure::{Asker, Cause, Failure, FailureRecord, Pace};
use crate::token::Token;
use crate::token_file::lock::{Deadlock, TokenLock};
use crate::token_file::replace::{Replacement, WriteMode};
use crate::token_file::{Document, FileError};
use crate::upstream::{Grant, Setback, Upstream};

/// A refresh with all that it needs of the file system in hand: once the upstream has been asked,
/// what it answers can be stored. `L` is the lock itself, or a lock that outlives the refresh.
pub struct Refresh<L> {
    lock: L,
    document: Document,
    replacement: Replacement,
    manner: Manner,
}

/// How a caller wants a refresh to be made.
#[derive(Debug, Clone)]
pub struct Manner {
    /// The file as the caller names it: through links, perhaps.
    pub file: PathBuf,
    /// How long before its expiry a token is due.
    pub refresh_ahead: Duration,
    /// How the file is written.
    pub write_mode: WriteMode,
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Outcome {
    /// The token is in the file.
    Stored(Token),
    /// The token was had, but meanwhile somebody without the lock has put another file at the path, or
    /// another valid token into this one, or it cannot be told.
    Displaced(Token),
}

impl Outcome {
    /// The token, wherever it is now.
    #[must_use]
    pub fn into_token(self) -> Token {
        match self {
            Self::Stored(token) | Self::Displaced(token) => token,
        }
    }
}

impl<L: BorrowMut<TokenLock>> Refresh<L> {
    /// Prepares the refresh of the locked file, which holds `document`.
    ///
    /// # Errors
    /// [`FileError`] if a replacement cannot be made: nothing has been asked for then.
    pub fn prepare(lock: L, document: Document, manner: Manner) -> Result<Self, FileError> {
        let replacement = Replacement::stage(lock.borrow(), manner.write_mode)?;
        Ok(Self { lock, document, replacement, manner })
    }

    /// Asks `upstream` for another token than `rejected`, and stores what it answers, be it a token
    /// or a failure. An owned lock goes with the return.
    ///
    /// # Errors
    /// [`Error::Upstream`], recorded for all who wait; [`Error::File`] if a token cannot be stored;
    /// whatever kept the upstream from being asked.
    pub fn run(
        self,
        upstream: &dyn Upstream,
        rejected: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<Outcome, Error> {
        let asker = upstream.asker();
        self.heed_failure(&asker, clock)?;
        let began = clock.monotonic();
        let answer = upstream.fetch(rejected);
        let took = clock.monotonic().saturating_sub(began);
        self.settle(answer, rejected, took, &asker, clock)
    }

    /// Whoever came here by a clock that differs from that of the file system has not understood yet what
    /// the last failure forbids.
    fn heed_failure(&self, asker: &Asker, clock: &dyn Clock) -> Result<(), Error> {
        let Some(record) = self.document.failure() else { return Ok(()) };
        let offset = self.offset(clock);
        let now = clock.now();
        if record.forbids_by_its_clock(asker, now + offset) {
            return Err(Error::upstream(&self.manner.file, &record.in_own_clock(offset), now));
        }
        Ok(())
    }

    /// How far the file system's clock is ahead of `clock`; nothing if it cannot be told.
    fn offset(&self, clock: &dyn Clock) -> Offset {
        let stamp = self.replacement.stamp(self.lock.borrow());
        stamp.map_or_else(Offset::default, |stamp| clock.offset_to(stamp))
    }

    /// Stores what an upstream answered that was asked for another token than `rejected`, and took so long.
    ///
    /// # Errors
    /// As [`Self::run`].
    fn settle(
        self,
        answer: Result<Grant, Setback>,
        rejected: Option<&str>,
        took: Duration,
        asker: &Asker,
        clock: &dyn Clock,
    ) -> Result<Outcome, Error> {
        let now = clock.now();
        // A loader may have forked.
        if self.lock.borrow().is_inherited() {
            let deadlock = Deadlock::ForkedChild;
            return Err(Error::Deadlock { file: self.manner.file.clone(), deadlock });
        }
        match answer {
            Ok(grant) if rejected.is_some_and(|rejected| grant.is(rejected)) => {
                let pace = Pace::After(FORCE_INTERVAL);
                let failure = Failure { cause: Cause::StillRejected, pace };
                self.record(failure, rejected, asker, clock)
            }
            Ok(grant) => {
                // By the clock as it is after the answer: it may have been set meanwhile.
                let (value, expiry) = grant.into_parts(now.before(took));
                self.store(Token { value: value.into(), expiry, may_live_long: true }, now)
            }
            Err(Setback::Failed(failure)) => self.record(failure, rejected, asker, clock),
            Err(Setback::Unasked(error)) => Err(error),
        }
    }

    /// Stores `token`.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be stored.
    pub fn store(self, token: Token, now: Epoch) -> Result<Outcome, Error> {
        let Self { mut lock, document, replacement, manner } = self;
        let content = document.with_token(&token, rest(&token, manner.refresh_ahead, now), now);
        let filled = replacement.fill(lock.borrow(), content.clone())?;
        if !matches!(meanwhile(lock.borrow(), &document, now), Ok(Meanwhile::Undisturbed)) {
            return Ok(Outcome::Displaced(token));
        }
        match filled.commit(lock.borrow_mut()) {
            Ok(()) => Ok(Outcome::Stored(token)),
            Err(_) if !lock.borrow().is_current()? => Ok(Outcome::Displaced(token)),
            // Another user's process, whose own file was exchanged just after it had locked it, has
            // swept our replacement away.
            Err(error) if error.is_missing() => {
                let again = Replacement::stage(lock.borrow(), manner.write_mode)?;
                again.fill(lock.borrow(), content)?.commit(lock.borrow_mut())?;
                Ok(Outcome::Stored(token))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Leaves the failure for others, unless there is a token by now.
    fn record(
        self,
        failure: Failure,
        rejected: Option<&str>,
        asker: &Asker,
        clock: &dyn Clock,
    ) -> Result<Outcome, Error> {
        let (offset, now) = (self.offset(clock), clock.now());
        let Self { mut lock, document, replacement, manner } = self;
        let record = FailureRecord::of(failure, asker, document.failure(), now + offset);
        let error = Error::upstream(&manner.file, &record.in_own_clock(offset), now);
        let filled = replacement.fill(lock.borrow(), document.with_failure(&record));
        match (meanwhile(lock.borrow(), &document, now), filled) {
            (Ok(Meanwhile::Stored(token)), _) if rejected != Some(&*token.value) => {
                return Ok(Outcome::Stored(token));
            }
            // Without a record others learn of the failure by asking themselves: worse, not wrong.
            (Ok(Meanwhile::Undisturbed), Ok(filled)) => drop(filled.commit(lock.borrow_mut())),
            _ => {}
        }
        Err(error)
    }
}

/// What code without a lock has done to the locked file, which held `document`. Whether it is still the
/// one at its path is looked at last: what was read is then of that file.
fn meanwhile(lock: &TokenLock, document: &Document, now: Epoch) -> Result<Meanwhile, FileError> {
    let current = lock.read(document.expected())?.document;
    if !lock.is_current()? {
        return Ok(Meanwhile::Exchanged);
    }
    let newer = current.token().filter(|token| token.is_valid(now));
    match newer.filter(|newer| document.token() != Some(newer)) {
        Some(newer) => Ok(Meanwhile::Stored(newer.clone())),
        None => Ok(Meanwhile::Undisturbed),
    }
}

/// What has become of the locked file during a refresh.
enum Meanwhile {
    /// Nothing.
    Undisturbed,
    /// There is another file at its path.
    Exchanged,
    /// It holds another valid token.
    Stored(Token),
}

/// The least time between two forced refreshes of a stable token.
const FORCE_INTERVAL: Duration = Duration::from_secs(30);

/// WeChat answers with the same stable token until so long before its expiry
/// (doc/channels/API/leagueheadsupplier/getStableAccessToken.html).
const STABLE_RENEWAL: Duration = Duration::from_secs(300);
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// A token that is due as soon as it is had: the same stable token with the rest of its life, or one
/// with a short life. Asking again at once would bring no other; the moment until which to leave it.
fn rest(token: &Token, refresh_ahead: Duration, now: Epoch) -> Option<Epoch> {
    (token.expiry.since(now) <= refresh_ahead).then(|| rest_until(token.expiry, now))
}

fn rest_until(expiry: Epoch, now: Epoch) -> Epoch {
    let life = expiry.since(now);
    if life > STABLE_RENEWAL {
        expiry.before(STABLE_RENEWAL)
    } else {
        now + (life / 2).max(SHORTEST_REST)
    }
}

/// A stored expiry is early by what was rounded down.
pub const ROUNDING: Duration = Duration::from_secs(2);

/// Whether `token` is to be left alone until `until`, as its file says. No refresh up to `now` has set a
/// moment beyond that which one would set now: such a one is a relic of another token, or of a clock that
/// was ahead.
#[must_use]
pub fn rests(token: &Token, until: Epoch, now: Epoch) -> bool {
    now < until && until <= rest_until(token.expiry, now) + ROUNDING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_due_at_once_is_left_until_another_can_be_had() {
        let now = Epoch::from_secs(1000);
        let rest_of = |life, ahead| {
            let token = Token {
                value: "t".into(),
                expiry: now + Duration::from_secs(life),
                may_live_long: true,
            };
            rest(&token, Duration::from_secs(ahead), now).map(|until| until.since(now).as_secs())
        };
        assert_eq!(rest_of(7200, 300), None);
        assert_eq!(rest_of(301, 300), None);
        assert_eq!(rest_of(500, 600), Some(200), "the same stable token");
        assert_eq!(rest_of(300, 600), Some(150), "half of what is left");
        assert_eq!(rest_of(1, 600), Some(1), "never less than a second");
    }

    #[test]
    fn a_token_rests_no_longer_than_a_refresh_could_have_said() {
        let now = Epoch::from_secs(1000);
        let after = |seconds| now + Duration::from_secs(seconds);
        for life in [1, 2, 100, 300, 301, 500, 7200] {
            let expiry = after(life);
            let until = rest_until(expiry, now);
            // As it stands in the file: rounded down.
            let token = Token {
                value: "t".into(),
                expiry: expiry.before(Duration::from_millis(999)),
                may_live_long: false,
            };
            for later in 0..until.since(now).as_secs() {
                assert!(rests(&token, until, after(later)), "{life}, {later} s later");
            }
            assert!(!rests(&token, until, until), "{life}");
            assert!(!rests(&token, until + ROUNDING * 2, now), "{life}: of a clock that was ahead");
        }
    }
}
