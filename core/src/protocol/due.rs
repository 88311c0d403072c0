//! A call with a valid token that is due: it starts at most one refresh, and never waits for another's.

use super::call::{Call, LazySource, ReadySource};
use super::lookup::Lookup;
use super::refresh::Outcome;
use super::runner::{self, HeldLock};
use super::under_lock::Goal;
use super::{held_locks, interrupted};
use crate::error::Error;
use crate::failure::FailureRecord;
use crate::hold_off;
use crate::token::Token;
use crate::token_file;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::siblings;

pub enum DueOutcome {
    Newer(Token),
    /// The due token is still the newest. A refresh may be running.
    Unchanged,
    /// WeChat may have invalidated the due token: a refresh was interrupted long ago.
    Invalidated,
}

/// Starts a refresh of the due token in `found`, unless another one is running or it is too soon.
///
/// # Errors
/// Only [`Error::Aborted`]. Any other error is no concern of a caller that has a valid token: it is
/// recorded, or it happens again when the token has expired.
pub fn refresh(call: &Call, source: &LazySource<'_>, found: &Lookup) -> Result<DueOutcome, Error> {
    match try_refresh(call, source, found) {
        Err(Error::Aborted) => Err(Error::Aborted),
        outcome => Ok(outcome.unwrap_or(DueOutcome::Unchanged)),
    }
}

fn try_refresh(call: &Call, source: &LazySource<'_>, found: &Lookup) -> Result<DueOutcome, Error> {
    let ready = source.open()?;
    let is_forbidden =
        |record: &FailureRecord| record.forbids(&ready.source().requester(), call.clock.now());
    if call.is_held_off(found) || found.failure().is_some_and(is_forbidden) {
        return Ok(DueOutcome::Unchanged);
    }
    let real = token_file::resolve(&call.file)?;
    // PHP code around this call may hold the lock, and does not expect the file to change.
    if held_locks::holds(&call.caller, &real) {
        return Ok(DueOutcome::Unchanged);
    }
    let attempt = TokenLock::attempt(&real, call.file_mode, &call.caller)?;
    let Attempt::Held(lock) = attempt else { return Ok(DueOutcome::Unchanged) };
    // The directory is listed only where a new token invalidates the old one.
    let began = ready.source().overlap().and_then(|_| siblings::scan(&real).interrupted_at());
    let usable_until = interrupted::usable_until(began, ready.source());
    if usable_until.is_some_and(|until| until <= call.clock.now()) {
        return Ok(DueOutcome::Invalidated);
    }
    let outcome = match &ready {
        ReadySource::Remote(remote) if call.background => {
            runner::start(call, remote, Goal::RenewDue, None, lock, drop)?;
            None
        }
        ready => runner::run(call, ready, Goal::RenewDue, HeldLock::Owned(lock))?,
    };
    Ok(match outcome {
        Some(Outcome::Obtained(token)) => DueOutcome::Newer(token),
        Some(Outcome::Displaced(_)) | None => DueOutcome::Unchanged,
    })
}

impl Call {
    /// Whether the token has only just become due, or the file says not to refresh it yet. A token that could
    /// not be stored is not held off: only its failure record is.
    pub(super) fn is_held_off(&self, found: &Lookup) -> bool {
        let document = found.document();
        found.unstored.is_none()
            && document.token().is_some_and(|token| {
                let (now, not_before) = (self.clock.now(), document.refresh_not_before());
                hold_off::is_held_off(token, not_before, self.refresh_ahead, now)
            })
    }
}
