//! A call with a valid token that is due: at most one refresh is started, and nobody waits for it.

use super::finding::Finding;
use super::turn::{self, Aim};
use super::{Call, Opened, Source, critical, cut_off};
use crate::error::Error;
use crate::failure::Asker;
use crate::refresh::{self, Outcome, ROUNDING};
use crate::token::Token;
use crate::token_file;
use crate::token_file::lock::{Attempt, TokenLock};

/// What has become of a due token.
pub enum Renewal {
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
pub fn refresh(call: &Call, source: &Source<'_>, found: &Finding) -> Result<Renewal, Error> {
    match try_refresh(call, source, found) {
        Err(Error::Aborted) => Err(Error::Aborted),
        Err(_) => Ok(Renewal::None),
        Ok(renewal) => Ok(renewal),
    }
}

fn try_refresh(call: &Call, source: &Source<'_>, found: &Finding) -> Result<Renewal, Error> {
    let opened = source.open()?;
    let asker = opened.upstream().asker();
    if call.is_too_soon(found, &asker) {
        return Ok(Renewal::None);
    }
    let real = token_file::resolve(&call.file)?;
    // PHP code around this call may hold the lock. It need not be refreshed under its hands.
    if critical::holds(&call.caller, &real) {
        return Ok(Renewal::None);
    }
    let attempt = TokenLock::attempt(&real, call.file_mode, &call.caller)?;
    let Attempt::Held(lock) = attempt else { return Ok(Renewal::None) };
    let usable_until = cut_off::usable_until(&real, opened.upstream());
    if usable_until.is_some_and(|until| until <= call.clock.now()) {
        return Ok(Renewal::Dead);
    }
    let outcome = match opened {
        Opened::Local(upstream) => turn::take(call, &Aim::Renew, lock, upstream)?,
        Opened::Remote(remote) if call.background => {
            // If no thread can be started, the next caller tries.
            let _ = call.start_turn(&remote, Aim::Renew, lock, drop);
            return Ok(Renewal::None);
        }
        Opened::Remote(remote) => call.take_turn_on_worker(&remote, Aim::Renew, lock)?,
    };
    Ok(match outcome {
        Some(Outcome::Stored(token) | Outcome::Unstored(token)) => Renewal::Newer(token),
        Some(Outcome::Displaced(_)) | None => Renewal::None,
    })
}

impl Call {
    /// Whether the token is only just due, or the last refresh has said when to ask next and that lies
    /// ahead. One that could not be stored is tried again as soon as the failure allows.
    pub(super) fn is_too_soon(&self, found: &Finding, asker: &Asker) -> bool {
        let now = self.clock.now();
        // WeChat renews a stable token exactly when it is due by default: whoever asked on the dot would be
        // given the old one once more.
        let grace = ROUNDING.min(self.refresh_ahead / 4);
        let is_just_due = |token: &Token| now < token.expiry.before(self.refresh_ahead) + grace;
        let is_to_be_left = |token: &Token| {
            let rest = found.document().rest_until();
            is_just_due(token) || rest.is_some_and(|until| refresh::rests(token, until, now))
        };
        let rests = found.unstored.is_none() && found.document().token().is_some_and(is_to_be_left);
        rests || found.failure().is_some_and(|record| record.forbids(asker, now))
    }
}
