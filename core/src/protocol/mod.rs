//! The decision of a call: return the token that is there, wait for another call's refresh, or refresh.
//!
//! A valid token is returned without a lock. When it is due, one call starts a refresh and nobody waits for
//! it. Without a valid token, exactly one of all calls fetches, under the lock of the token file. The others
//! take what it stores there: the token, or the failure. Nobody waits inside flock(2).

mod call;
mod confirm;
mod due;
pub mod held_locks;
mod interrupted;
mod lock_wait;
mod lookup;
mod refresh;
mod report;
mod runner;
#[cfg(test)]
mod tests;
mod try_get;
mod under_lock;
mod waiter;

use std::rc::Rc;
use std::time::Duration;

pub use self::call::{Call, Confirmation, LazySource, Local, Remote};
use self::due::DueOutcome;
pub use self::try_get::try_get;
use crate::clock::CoarseClock;
use crate::error::Error;
use crate::memory::{self, Query};
use crate::record::TokenOwner;
use crate::token::{Freshness, Token};

/// The fresh token that this thread remembers of a file. `None` if there is none, or if `is_anothers` says that it belongs
/// to another account.
pub fn recall(
    query: Query<'_>,
    refresh_ahead: Duration,
    is_anothers: impl Fn(&TokenOwner) -> bool,
) -> Option<Rc<str>> {
    let now = CoarseClock::now();
    let is_fresh =
        |token: &Token| token.freshness(now + CoarseClock::LATE, refresh_ahead) == Freshness::Fresh;
    memory::recall(query, is_anothers, is_fresh, now)
}

/// The valid token of the file of `call`, refreshed first if necessary.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call, source: &LazySource<'_>) -> Result<Token, Error> {
    let found = call.look_up()?;
    let Some(token) = call.usable(&found, None) else {
        return waiter::obtain(call, source, &found, None);
    };
    if call.is_fresh(&token, &found) {
        let (token, confirm_at) = confirm::confirm(call, source, token);
        call.remember(&found, confirm_at);
        return Ok(token);
    }
    match due::refresh(call, source, &found)? {
        DueOutcome::Newer(newer) => Ok(newer),
        DueOutcome::Invalidated => waiter::obtain(call, source, &found, Some(&token.value)),
        DueOutcome::Unchanged if token.is_valid(call.clock.now()) => Ok(token),
        // It has expired during a refresh on this thread, which failed.
        DueOutcome::Unchanged => waiter::obtain(call, source, &call.look_up()?, None),
    }
}

/// A valid token of the file other than `rejected`. If the file already holds another token, that one is
/// returned.
///
/// # Errors
/// As [`get`].
pub fn refresh_rejected(
    call: &Call,
    source: &LazySource<'_>,
    rejected: &str,
) -> Result<Token, Error> {
    let began = call.clock.monotonic();
    let found = call.look_up()?;
    let token = match call.usable(&found, Some(rejected)) {
        Some(token) => Ok(token),
        None => waiter::obtain(call, source, &found, Some(rejected)),
    };
    call.report_rejected(began, rejected, &token);
    // A call that trusts the memory for a while must not get the rejected token, on any thread and by any name.
    memory::void();
    token
}
