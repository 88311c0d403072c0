//! A call without a usable token: it waits for another's refresh, or makes one.

use super::file_state::FileState;
use super::lock_wait::LockWait;
use super::turn::{self, Aim, AskedOnWorker, Wanted};
use super::{Call, ReadySource, held_locks};
use crate::error::Error;
use crate::refresh::Outcome;
use crate::token::Token;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, FileVersion};

/// A caller without a usable token, until it has one.
pub struct Wait<'a> {
    call: &'a Call,
    source: ReadySource<'a>,
    wanted: Wanted,
    seen: Option<FileVersion>,
    lock_wait: LockWait<'a>,
}

impl<'a> Wait<'a> {
    /// Begins with `first`, in which there was no usable token.
    ///
    /// # Errors
    /// [`Error::FetchFailed`] if the last failure forbids to ask already.
    pub fn begin(
        call: &'a Call,
        source: ReadySource<'a>,
        first: FileState,
        rejected: Option<&str>,
    ) -> Result<Self, Error> {
        let wanted = call.wanted(&first, &source.source().requester(), rejected)?;
        let (seen, lock_wait) = (first.snapshot.identity, LockWait::new(call));
        Ok(Self { call, source, wanted, seen, lock_wait })
    }

    /// Waits, or refreshes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn until_token(mut self) -> Result<Token, Error> {
        match (self.stored(), self.wanted.in_hand) {
            // That it is not stored is no reason to keep it from its caller.
            (Err(_), Some(fetched)) => Ok(fetched.token),
            (token, _) => token,
        }
    }

    /// The token that this call, or another, has stored.
    fn stored(&mut self) -> Result<Token, Error> {
        let caller = &self.call.caller;
        loop {
            let real = token_file::resolve(&self.call.file)?;
            let within = held_locks::with(caller, &real, |lock| self.take_turn_within(lock));
            let outcome = match within {
                // PHP code goes on holding the lock: if the file is another by now, it stays so.
                Some(Ok(Some(outcome))) => return Ok(outcome.into_token()),
                Some(outcome) => outcome?,
                None => match TokenLock::attempt(&real, self.call.file_mode, caller)? {
                    Attempt::Held(lock) => self.take_turn(lock)?,
                    Attempt::Busy | Attempt::Replaced => self.look()?.map(Outcome::Stored),
                },
            };
            match outcome {
                Some(Outcome::Stored(token) | Outcome::UnstoredToken(token)) => return Ok(token),
                Some(Outcome::Displaced(fetched)) => {
                    // Time to store it, once: whoever goes on exchanging the file keeps nobody.
                    match self.wanted.in_hand.replace(fetched) {
                        None => self.lock_wait.renew(),
                        Some(_) => self.lock_wait.pause(&real)?,
                    }
                }
                None => self.lock_wait.pause(&real)?,
            }
        }
    }

    /// What the holder of the lock has left in the file since the last look.
    fn look(&mut self) -> Result<Option<Token>, Error> {
        let now = token_file::stat(&self.call.file)?;
        if now.is_none() || now == self.seen {
            return Ok(None);
        }
        let read = token_file::read_since(&self.call.file, self.call.spec, self.seen)?;
        let found = self.call.find(read)?;
        self.seen = found.snapshot.identity;
        self.wanted.answered(self.call, &self.source.source().requester(), &found)
    }

    /// Under a lock of its own.
    fn take_turn(&self, lock: TokenLock) -> Result<Option<Outcome>, Error> {
        let aim = Aim::Obtain(Box::new(self.wanted.clone()));
        match &self.source {
            ReadySource::Local(source) => turn::take(self.call, &aim, lock, *source),
            ReadySource::Remote(remote) => self.call.take_turn_on_worker(remote, aim, lock),
        }
    }

    /// Under a lock that PHP code holds and goes on holding.
    fn take_turn_within(&self, lock: &mut TokenLock) -> Result<Option<Outcome>, Error> {
        let aim = Aim::Obtain(Box::new(self.wanted.clone()));
        match &self.source {
            ReadySource::Local(source) => turn::take(self.call, &aim, lock, *source),
            ReadySource::Remote(remote) => {
                turn::take(self.call, &aim, lock, &AskedOnWorker { call: self.call, remote })
            }
        }
    }
}
