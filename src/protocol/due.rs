//! A call with a valid token that is due: at most one refresh is started, and nobody waits for it.

use std::sync::Arc;
use std::time::Duration;

use super::{Call, Opened, Source, critical};
use crate::error::Error;
use crate::failure::Asker;
use crate::refresh::Outcome;
use crate::token::{Age, Token};
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, Document};
use crate::worker;

/// Starts a refresh of the due token in `document`, unless somebody is at it or it is too soon.
/// Returns a newer token if there is one by now.
///
/// # Errors
/// [`Error::Aborted`] alone. Whatever else goes wrong is no concern of a caller with a valid token:
/// it is recorded, or met again when the token has expired.
pub fn refresh(
    call: &Call,
    source: &Source<'_>,
    document: &Document,
) -> Result<Option<Token>, Error> {
    match try_refresh(call, source, document) {
        Err(Error::Aborted) => Err(Error::Aborted),
        Err(_) => Ok(None),
        Ok(newer) => Ok(newer),
    }
}

fn try_refresh(
    call: &Call,
    source: &Source<'_>,
    document: &Document,
) -> Result<Option<Token>, Error> {
    let opened = source.open()?;
    let asker = opened.upstream().asker();
    if call.is_too_soon(document, &asker) {
        return Ok(None);
    }
    let real = token_file::resolve(&call.file)?;
    // PHP code of this thread may hold the lock. It need not be refreshed under its hands.
    if critical::holds(&real) {
        return Ok(None);
    }
    let Attempt::Held(lock) = TokenLock::attempt(&real, call.file_mode)? else { return Ok(None) };
    let document = lock.read(call.expected)?.document;
    let age = document.token().map(|token| token.age(call.clock.now(), call.refresh_ahead));
    if age == Some(Age::Fresh) {
        return Ok(document.token().cloned());
    }
    if call.is_too_soon(&document, &asker) {
        return Ok(None);
    }
    run(call, opened, lock, document)
}

fn run(
    call: &Call,
    opened: Opened<'_>,
    lock: TokenLock,
    document: Document,
) -> Result<Option<Token>, Error> {
    if matches!(opened, Opened::Remote(_)) {
        lock.hand_to_worker();
    }
    let refresh = call.prepare(lock, document)?;
    let outcome = match opened {
        Opened::Local(upstream) => refresh.run(upstream, None, call.clock.as_ref())?,
        Opened::Remote(upstream) => {
            let clock = Arc::clone(&call.clock);
            let limit = upstream.time_limit() + super::TIME_TO_WRITE;
            let asked = Arc::clone(&upstream);
            let work = move || refresh.run(asked.as_ref(), None, clock.as_ref());
            if call.background {
                // If no thread can be started, the next caller tries.
                let _ = worker::run(limit, work);
                return Ok(None);
            }
            call.on_worker(upstream.as_ref(), work)??
        }
    };
    match outcome {
        Outcome::Stored(token) => Ok(Some(token)),
        Outcome::Displaced(_) => Ok(None),
    }
}

/// A stored expiry is early by what was rounded down. WeChat renews a stable token exactly when it is
/// due by default: whoever asked on the dot would be given the old one once more.
const ROUNDING: Duration = Duration::from_secs(2);

impl Call {
    /// Whether the token is only just due, or the last refresh has said when to ask next and that lies
    /// ahead.
    fn is_too_soon(&self, document: &Document, asker: &Asker) -> bool {
        let now = self.clock.now();
        let grace = ROUNDING.min(self.refresh_ahead / 4);
        let is_just_due = |token: &Token| now < token.expiry.before(self.refresh_ahead) + grace;
        document.token().is_some_and(is_just_due)
            || document.rest_until().is_some_and(|until| now < until)
            || document.failure().is_some_and(|record| record.forbids(asker, now))
    }
}
