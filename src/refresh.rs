//! One refresh under a held lock: ask the upstream, then write the token or record the failure.

use crate::clock::Clock;
use crate::error::Error;
use crate::failure::{Failure, FailureRecord};
use crate::token::Token;
use crate::token_file::lock::TokenLock;
use crate::token_file::replace::Replacement;
use crate::token_file::{Document, FileError};
use crate::upstream::Upstream;

/// A refresh with all that it needs of the file system in hand: once the upstream has been asked,
/// what it answers can be stored.
pub struct Refresh {
    lock: TokenLock,
    document: Document,
    replacement: Replacement,
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Outcome {
    /// The token is in the file.
    Stored(Token),
    /// The token was had, but meanwhile somebody without the lock put another file at the path.
    Displaced(Token),
}

impl Refresh {
    /// Prepares the refresh of the locked file, which holds `document`.
    ///
    /// # Errors
    /// [`FileError`] if a replacement cannot be made: nothing has been asked for then.
    pub fn prepare(lock: TokenLock, document: Document) -> Result<Self, FileError> {
        let replacement = Replacement::stage(&lock)?;
        Ok(Self { lock, document, replacement })
    }

    /// Asks `upstream` and stores what it answers, be it a token or a failure. The lock goes with
    /// the return.
    ///
    /// # Errors
    /// [`Error::Upstream`], recorded for all who wait; [`Error::File`] if a token cannot be stored.
    pub fn run(self, upstream: &dyn Upstream, clock: &dyn Clock) -> Result<Outcome, Error> {
        let asked_at = clock.now();
        match upstream.fetch() {
            Ok(grant) => {
                let (value, expires_in) = grant.into_parts();
                self.store(Token { value, expiry: asked_at + expires_in })
            }
            Err(failure) => Err(self.record(failure, upstream, clock)),
        }
    }

    /// Stores a token that an earlier refresh was given.
    ///
    /// # Errors
    /// [`Error::File`] if it cannot be stored.
    pub fn store(self, token: Token) -> Result<Outcome, Error> {
        if !self.lock.is_current()? {
            return Ok(Outcome::Displaced(token));
        }
        self.replacement.commit(&self.lock, &self.document.with_token(&token))?;
        Ok(Outcome::Stored(token))
    }

    fn record(self, failure: Failure, upstream: &dyn Upstream, clock: &dyn Clock) -> Error {
        let now = clock.now();
        let record = FailureRecord::of(failure, &upstream.account(), self.document.failure(), now);
        let error = Error::upstream(self.lock.path(), &record, now);
        if self.lock.is_current().unwrap_or(false) {
            // Without a record others learn of the failure by asking themselves: worse, not wrong.
            let _ = self.replacement.commit(&self.lock, &self.document.with_failure(&record));
        }
        error
    }
}
