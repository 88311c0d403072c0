//! A call that never waits, for event loops: it takes the token that is there, or starts a refresh.
//!
//! PHP's thread does one stat, one read and one attempt to lock; where a new token invalidates the old one, it
//! also lists the directory under the lock of a due token. A worker does everything else: it reads a file that
//! was written just now, stages, fetches and stores.

use std::time::{Duration, Instant};

use super::call::{Call, LazySource, Remote};
use super::due::DueOutcome;
use super::lookup::Lookup;
use super::under_lock::Goal;
use super::{confirm, due, held_locks, runner};
use crate::error::Error;
use crate::process;
use crate::token::Token;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, Deadlock, KnownFiles};

/// The valid token of the file of `call`. `None` while there is none: a refresh is running, here or in
/// another process, or the file was written just now.
///
/// # Errors
/// Any [`Error`]: why the last refresh failed, until it may be tried again, or why this process could not
/// finish one that it started.
pub fn try_get(
    call: &Call,
    open: &dyn Fn() -> Result<Remote, Error>,
) -> Result<Option<Token>, Error> {
    let Some(snapshot) = token_file::read_unless_racy(&call.file, call.spec)? else {
        return Ok(None);
    };
    let found = call.look_up_in(snapshot)?;
    let Some(token) = call.usable(&found, None) else {
        start(call, &open()?, &found)?;
        return Ok(None);
    };
    if call.is_fresh(&token, &found) {
        // Nothing is waited for.
        let (_, confirm_at) =
            confirm::confirm(&call.without_wait(), &LazySource::Remote(open), token.clone());
        call.remember(&found, confirm_at);
        return Ok(Some(token));
    }
    let call = Call { background: true, ..call.clone() };
    if let DueOutcome::Invalidated = due::refresh(&call, &LazySource::Remote(open), &found)? {
        start(&call, &open()?, &found)?;
        return Ok(None);
    }
    Ok(Some(token))
}

fn start(call: &Call, remote: &Remote, found: &Lookup) -> Result<(), Error> {
    let real = token_file::resolve(&call.file)?;
    if let Some(unreported) = UNREPORTED.set(&real, None).filter(Unreported::is_current) {
        return Err(unreported.error);
    }
    let request = call.request(found, &remote.requester(), None)?;
    if held_locks::holds(&call.caller, &real) {
        let (file, deadlock) = (call.file.clone(), Deadlock::PollInsideLock);
        return Err(Error::Deadlock { file, deadlock });
    }
    let Attempt::Held(lock) = TokenLock::attempt(&real, call.file_mode, &call.caller)? else {
        return Ok(());
    };
    let report_later = move |outcome| {
        if let Err(error) = outcome {
            let (generation, since) = (process::generation(), Instant::now());
            UNREPORTED.set(&real, Some(Unreported { generation, since, error }));
        }
    };
    let goal = Goal::Obtain(Box::new(request));
    runner::start(call, remote, goal, None, lock, report_later).map(drop)
}

/// The errors of refreshes for which nobody waited, until the next call reports them. The file does not always tell:
/// perhaps it is what could not be written.
static UNREPORTED: KnownFiles<Unreported> = KnownFiles::new();

struct Unreported {
    /// The process whose refresh failed: a forked child is another one.
    generation: u64,
    since: Instant,
    error: Error,
}

impl Unreported {
    /// Only failures that the file records have a longer retry delay.
    const MAX_AGE: Duration = Duration::from_secs(60);

    fn is_current(&self) -> bool {
        self.generation == process::generation() && self.since.elapsed() < Self::MAX_AGE
    }
}
