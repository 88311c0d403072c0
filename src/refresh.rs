//! One refresh under a held lock: ask the upstream, then write the token or record the failure.

use std::borrow::BorrowMut;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{Clock, Epoch};
use crate::error::Error;
use crate::failure::{Failure, FailureRecord, Fingerprint};
use crate::token::Token;
use crate::token_file::lock::TokenLock;
use crate::token_file::replace::Replacement;
use crate::token_file::{Document, FileError};
use crate::upstream::{Grant, Setback, Upstream};

/// A refresh with all that it needs of the file system in hand: once the upstream has been asked,
/// what it answers can be stored. `L` is the lock itself, or a lock that outlives the refresh.
pub struct Refresh<L> {
    lock: L,
    document: Document,
    replacement: Replacement,
    /// The file as the caller names it: through links, perhaps.
    file: PathBuf,
    refresh_ahead: Duration,
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Outcome {
    /// The token is in the file.
    Stored(Token),
    /// The token was had, but meanwhile somebody without the lock put another file at the path.
    Displaced(Token),
}

impl<L: BorrowMut<TokenLock>> Refresh<L> {
    /// Prepares the refresh of the locked file, which is called `file` and holds `document`.
    ///
    /// # Errors
    /// [`FileError`] if a replacement cannot be made: nothing has been asked for then.
    pub fn prepare(
        lock: L,
        document: Document,
        file: &Path,
        refresh_ahead: Duration,
    ) -> Result<Self, FileError> {
        let replacement = Replacement::stage(lock.borrow())?;
        Ok(Self { lock, document, replacement, file: file.to_owned(), refresh_ahead })
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
        self.settle(answer, asked_at, &upstream.account(), clock.now())
    }

    /// Stores what an upstream answered that was asked at `asked_at`.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn settle(
        self,
        answer: Result<Grant, Setback>,
        asked_at: Epoch,
        account: &Fingerprint,
        now: Epoch,
    ) -> Result<Outcome, Error> {
        match answer {
            Ok(grant) => {
                let (value, expires_in) = grant.into_parts();
                self.store(Token { value, expiry: asked_at + expires_in }, now)
            }
            Err(Setback::Failed(failure)) => Err(self.record(failure, account, now)),
            Err(Setback::Unasked(error)) => Err(error),
        }
    }

    /// Stores `token`.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be stored.
    pub fn store(mut self, token: Token, now: Epoch) -> Result<Outcome, Error> {
        if !self.lock.borrow().is_current()? {
            return Ok(Outcome::Displaced(token));
        }
        let content = self.document.with_token(&token, rest(&token, self.refresh_ahead, now));
        self.replacement.commit(self.lock.borrow_mut(), &content)?;
        Ok(Outcome::Stored(token))
    }

    fn record(mut self, failure: Failure, account: &Fingerprint, now: Epoch) -> Error {
        let record = FailureRecord::of(failure, account, self.document.failure(), now);
        let lock = self.lock.borrow_mut();
        let error = Error::upstream(&self.file, &record, now);
        if lock.is_current().unwrap_or(false) {
            // Without a record others learn of the failure by asking themselves: worse, not wrong.
            let _ = self.replacement.commit(lock, &self.document.with_failure(&record));
        }
        error
    }
}

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
            let token = Token { value: "t".into(), expiry: now + Duration::from_secs(life) };
            rest(&token, Duration::from_secs(ahead), now).map(|until| until.since(now).as_secs())
        };
        assert_eq!(rest_of(7200, 300), None);
        assert_eq!(rest_of(301, 300), None);
        assert_eq!(rest_of(500, 600), Some(200), "the same stable token");
        assert_eq!(rest_of(300, 600), Some(150), "half of what is left");
        assert_eq!(rest_of(1, 600), Some(1), "never less than a second");
    }
}
