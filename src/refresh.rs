//! One refresh under a held lock: ask the upstream, then write the token or record the failure.

use std::borrow::BorrowMut;
use std::path::PathBuf;
use std::time::Duration;

use crate::clock::{Clock, Epoch};
use crate::error::Error;
use crate::failure::{Asker, Cause, Failure, FailureRecord, Pace};
use crate::token::Token;
use crate::token_file::lock::{Deadlock, TokenLock};
use crate::token_file::replace::{Replacement, WriteMode};
use crate::token_file::{Document, FileError};
use crate::upstream::{Grant, Setback, Upstream};
use crate::worker;

/// How long it takes at most to store what the upstream has answered.
pub const TIME_TO_WRITE: Duration = Duration::from_secs(5);

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
        let asked_at = clock.now();
        let answer = upstream.fetch(rejected);
        worker::begin_to_store(TIME_TO_WRITE);
        self.settle(answer, rejected, asked_at, &upstream.asker(), clock.now())
    }

    /// Stores what an upstream answered that was asked at `asked_at` for another token than
    /// `rejected`.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn settle(
        self,
        answer: Result<Grant, Setback>,
        rejected: Option<&str>,
        asked_at: Epoch,
        asker: &Asker,
        now: Epoch,
    ) -> Result<Outcome, Error> {
        // A loader may have forked.
        if self.lock.borrow().is_inherited() {
            let deadlock = Deadlock::ForkedChild;
            return Err(Error::Deadlock { file: self.manner.file.clone(), deadlock });
        }
        match answer {
            Ok(grant) if rejected.is_some_and(|rejected| grant.is(rejected)) => {
                let pace = Pace::After(FORCE_INTERVAL);
                let failure = Failure { cause: Cause::StillRejected, pace };
                self.record(failure, rejected, asker, now)
            }
            Ok(grant) => {
                let (value, expires_in) = grant.into_parts();
                let expiry = asked_at + expires_in;
                self.store(Token { value: value.into(), expiry, may_live_long: true }, now)
            }
            Err(Setback::Failed(failure)) => self.record(failure, rejected, asker, now),
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

    /// Stores the file's own token with the earlier expiry that `token` has.
    ///
    /// # Errors
    /// [`FileError`] if it cannot be stored.
    pub fn bring_forward(self, token: &Token, now: Epoch) -> Result<(), FileError> {
        let Self { mut lock, document, replacement, .. } = self;
        let content = document.with_token(token, document.rest_until(), now);
        let filled = replacement.fill(lock.borrow(), content)?;
        match meanwhile(lock.borrow(), &document, now)? {
            Meanwhile::Undisturbed => filled.commit(lock.borrow_mut()),
            Meanwhile::Exchanged | Meanwhile::Stored(_) => Ok(()),
        }
    }

    /// Leaves the failure for others, unless there is a token by now.
    fn record(
        self,
        failure: Failure,
        rejected: Option<&str>,
        asker: &Asker,
        now: Epoch,
    ) -> Result<Outcome, Error> {
        let Self { mut lock, document, replacement, manner } = self;
        let record = FailureRecord::of(failure, asker, document.failure(), now);
        let error = Error::upstream(&manner.file, &record, now);
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
    let life = token.expiry.since(now);
    if life > refresh_ahead {
        None
    } else if life > STABLE_RENEWAL {
        Some(token.expiry.before(STABLE_RENEWAL))
    } else {
        Some(now + (life / 2).max(SHORTEST_REST))
    }
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
}
