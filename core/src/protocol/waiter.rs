//! A call without a usable token: it refreshes the file, or waits while another call does.

use super::call::{Call, LazySource, ReadySource};
use super::held_locks;
use super::lock_wait::LockWait;
use super::lookup::Lookup;
use super::refresh::Outcome;
use super::runner::{self, HeldLock};
use super::under_lock::{Goal, TokenRequest};
use crate::error::Error;
use crate::failure::Requester;
use crate::token::Token;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, FileVersion};

struct Waiter<'a> {
    call: &'a Call,
    source: ReadySource<'a>,
    requester: Requester,
    request: TokenRequest,
    seen: Option<FileVersion>,
    lock_wait: LockWait<'a>,
    /// Whether it has found what another call has stored: a token or a failure.
    is_answered: bool,
}

/// Refreshes, or waits, until there is a token other than `rejected`: `found` has none that is usable. Fails at
/// once if the last failure forbids to fetch yet.
pub fn obtain(
    call: &Call,
    source: &LazySource<'_>,
    found: &Lookup,
    rejected: Option<&str>,
) -> Result<Token, Error> {
    let source = source.open()?;
    let requester = source.source().requester();
    let request = call.request(found, &requester, rejected)?;
    let (seen, lock_wait) = (found.snapshot.version, LockWait::new(call));
    let is_answered = false;
    let mut waiter = Waiter { call, source, requester, request, seen, lock_wait, is_answered };
    let stored = waiter.obtain_stored();
    if waiter.is_answered {
        call.report_wait(waiter.request.began, &waiter.requester, &stored);
    }
    if let Err(error) = &stored {
        call.report_lock_timeout(waiter.request.began, error);
    }
    match (stored, waiter.request.displaced) {
        // The caller gets its token although storing it failed.
        (Err(_), Some(fetched)) => Ok(fetched.token),
        (token, _) => token,
    }
}

impl Waiter<'_> {
    fn obtain_stored(&mut self) -> Result<Token, Error> {
        let caller = &self.call.caller;
        loop {
            let real = token_file::resolve(&self.call.file)?;
            let run = |lock: HeldLock<'_>| {
                let goal = Goal::Obtain(Box::new(self.request.clone()));
                runner::run(self.call, &self.source, goal, lock)
            };
            let mut busy = None;
            let nested = held_locks::borrow(caller, &real, |lock| run(HeldLock::Borrowed(lock)));
            let outcome = match nested {
                // PHP code keeps the lock: if the file has been replaced, it stays so.
                Some(Ok(Some(outcome))) => return Ok(outcome.into_token()),
                Some(outcome) => outcome?,
                None => match TokenLock::attempt(&real, self.call.file_mode, caller)? {
                    Attempt::Held(lock) => run(HeldLock::Owned(lock))?,
                    Attempt::Busy(found) => {
                        busy = Some(found);
                        self.stored_by_another()?.map(Outcome::Obtained)
                    }
                    Attempt::Replaced => self.stored_by_another()?.map(Outcome::Obtained),
                },
            };
            match outcome {
                Some(Outcome::Obtained(token)) => return Ok(token),
                Some(Outcome::Displaced(fetched)) => {
                    // The deadline is extended once, to store the token: a program that replaces the file
                    // again and again cannot block the caller.
                    match self.request.displaced.replace(fetched) {
                        None => self.lock_wait.renew(),
                        Some(_) => self.lock_wait.pause(&real, busy)?,
                    }
                }
                None => {
                    self.lock_wait.pause(&real, busy)?;
                    // What another call has stored needs no lock: after a storm, no caller queues to read it.
                    if let Some(token) = self.stored_by_another()? {
                        return Ok(token);
                    }
                }
            }
        }
    }

    /// The token that the lock holder has stored since this call last read the file.
    fn stored_by_another(&mut self) -> Result<Option<Token>, Error> {
        let now = token_file::stat(&self.call.file)?;
        if now.is_none() || now == self.seen {
            return Ok(None);
        }
        let snapshot = token_file::read_since(&self.call.file, self.call.spec, self.seen)?;
        let found = self.call.look_up_in(snapshot)?;
        self.seen = found.snapshot.version;
        let answer = self.request.answered_by(&found, self.call, &self.requester).transpose();
        self.is_answered = answer.is_some();
        answer.transpose()
    }
}
