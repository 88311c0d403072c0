//! A call with a valid token that is due: at most one refresh is started, and nobody waits for it.

use super::file_state::FileState;
use super::turn::{self, Aim};
use super::{Call, LazySource, ReadySource, held_locks, interrupted};
use crate::error::Error;
use crate::failure::Requester;
use crate::refresh::{self, Outcome, ROUNDING};
use crate::token::Token;
use crate::token_file;
use crate::token_file::lock::{Attempt, TokenLock};

/// What has become of a due token.
pub enum DueOutcome {
    /// There is a newer one by now.
    Newer(Token),
    /// It is still the newest. A refresh may be under way.
    None,
    /// It may have died: a refresh whose token nobody has was cut off long ago.
    Dead,
}

/// Starts a refresh of the due token in `found`, unless somebody is at it or it is too soon.
///
/// # Errors
/// [`Error::Aborted`] alone. Whatever else goes wrong is no concern of a caller with a valid token:
/// it is recorded, or met again when the token has expired.
pub fn refresh(
    call: &Call,
    source: &LazySource<'_>,
    found: &FileState,
) -> Result<DueOutcome, Error> {
    match try_refresh(call, source, found) {
        Err(Error::Aborted) => Err(Error::Aborted),
        Err(_) => Ok(DueOutcome::None),
        Ok(renewal) => Ok(renewal),
    }
}

fn try_refresh(
    call: &Call,
    source: &LazySource<'_>,
    found: &FileState,
) -> Result<DueOutcome, Error> {
    let ready = source.open()?;
    let requester = ready.source().requester();
    if call.is_too_soon(found, &requester) {
        return Ok(DueOutcome::None);
    }
    let real = token_file::resolve(&call.file)?;
    // PHP code around this call may hold the lock. It need not be refreshed under its hands.
    if held_locks::holds(&call.caller, &real) {
        return Ok(DueOutcome::None);
    }
    let attempt = TokenLock::attempt(&real, call.file_mode, &call.caller)?;
    let Attempt::Held(lock) = attempt else { return Ok(DueOutcome::None) };
    let usable_until = interrupted::usable_until(&real, ready.source());
    if usable_until.is_some_and(|until| until <= call.clock.now()) {
        return Ok(DueOutcome::Dead);
    }
    let outcome = match ready {
        ReadySource::Local(source) => turn::take(call, &Aim::Renew, lock, source)?,
        ReadySource::Remote(remote) if call.background => {
            // If no thread can be started, the next caller tries.
            let _ = call.start_turn(&remote, Aim::Renew, lock, drop);
            return Ok(DueOutcome::None);
        }
        ReadySource::Remote(remote) => call.take_turn_on_worker(&remote, Aim::Renew, lock)?,
    };
    Ok(match outcome {
        Some(Outcome::Stored(token) | Outcome::UnstoredToken(token)) => DueOutcome::Newer(token),
        Some(Outcome::Displaced(_)) | None => DueOutcome::None,
    })
}

impl Call {
    /// Whether the token is only just due, or the last refresh has said when to ask next and that lies
    /// ahead. One that could not be stored is tried again as soon as the failure allows.
    pub(super) fn is_too_soon(&self, found: &FileState, requester: &Requester) -> bool {
        let now = self.clock.now();
        // WeChat renews a stable token exactly when it is due by default: whoever asked on the dot would be
        // given the old one once more.
        let grace = ROUNDING.min(self.refresh_ahead / 4);
        let is_just_due = |token: &Token| now < token.expiry.before(self.refresh_ahead) + grace;
        let is_to_be_left = |token: &Token| {
            let rest = found.document().refresh_not_before();
            is_just_due(token) || rest.is_some_and(|until| refresh::is_held_off(token, until, now))
        };
        let is_held_off =
            found.unstored.is_none() && found.document().token().is_some_and(is_to_be_left);
        is_held_off || found.failure().is_some_and(|record| record.forbids(requester, now))
    }
}
