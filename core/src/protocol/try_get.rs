//! A call that never waits, for event loops: it takes the token that is there, or has a refresh started.
//!
//! On the thread of PHP there is a stat, a read and one attempt at the lock; with `classic`, whoever has the
//! lock of a due token looks for a refresh that was cut off. Everything else is a worker's: to read what was
//! written just now, to stage, to ask, to store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::due::DueOutcome;
use super::file_state::FileState;
use super::turn::Aim;
use super::{Call, LazySource, Remote, due, held_locks};
use crate::error::Error;
use crate::memory;
use crate::process::{self, ProcessMutex};
use crate::token::{Freshness, Token};
use crate::token_file;
use crate::token_file::lock::{Attempt, Deadlock, TokenLock};

/// The valid token of the file that `call` names, or `None` while there is none: a refresh is then under
/// way, here or elsewhere, or the file was written just now.
///
/// # Errors
/// Any [`Error`]: that of a refresh which failed, until it may be tried again; that of one which this
/// process has started and could not finish.
pub fn try_get(
    call: &Call,
    open: &dyn Fn() -> Result<Remote, Error>,
) -> Result<Option<Token>, Error> {
    let Some(first) = token_file::read_unless_racy(&call.file, call.spec)? else {
        return Ok(None);
    };
    let first = call.find(first)?;
    let now = call.clock.now();
    match first.token().map(|token| token.freshness(now, call.refresh_ahead)) {
        Some(Freshness::Fresh) if first.unstored.is_none() => memory::with(|memory| {
            memory.remember(&call.file, call.spec, &first.snapshot, call.max_files, now);
        }),
        Some(Freshness::Fresh | Freshness::Due) => {
            let call = Call { background: true, ..call.clone() };
            if let DueOutcome::Dead = due::refresh(&call, &LazySource::Remote(open), &first)? {
                start(&call, &open()?, &first)?;
                return Ok(None);
            }
        }
        Some(Freshness::Expired) | None => {
            start(call, &open()?, &first)?;
            return Ok(None);
        }
    }
    Ok(first.token().cloned())
}

/// Has a refresh started, unless somebody is at it.
fn start(call: &Call, remote: &Remote, found: &FileState) -> Result<(), Error> {
    if let Some(error) = take_untold(&call.file) {
        return Err(error);
    }
    let aim = Aim::Obtain(Box::new(call.wanted(found, &remote.requester(), None)?));
    let real = token_file::resolve(&call.file)?;
    if held_locks::holds(&call.caller, &real) {
        let (file, deadlock) = (call.file.clone(), Deadlock::PollInsideLock);
        return Err(Error::Deadlock { file, deadlock });
    }
    let Attempt::Held(lock) = TokenLock::attempt(&real, call.file_mode, &call.caller)? else {
        return Ok(());
    };
    let file = call.file.clone();
    let started = call.start_turn(remote, aim, lock, move |ended| {
        if let Err(error) = ended {
            keep_untold(file, error);
        }
    });
    started.map(drop).map_err(|error| call.not_started(error))
}

/// Why refreshes that nobody waited for have ended without a token, by file, until the next call asks. Not
/// all of it can be read in the file: that may be what cannot be written.
static UNTOLD: ProcessMutex<BTreeMap<PathBuf, Untold>> = ProcessMutex::new(BTreeMap::new());

struct Untold {
    /// The process whose refresh it was: a forked child's is another.
    generation: u64,
    since: Instant,
    error: Error,
}

/// The longest time for which a failure is of interest: no pause after one is longer, but for those that
/// the file itself tells of.
const INTEREST: Duration = Duration::from_secs(60);

fn keep_untold(file: PathBuf, error: Error) {
    let process_state = process::process_state();
    UNTOLD.with_under(&process_state, |all| {
        all.retain(|_, untold| untold.since.elapsed() < INTEREST);
        let (generation, since) = (process_state.generation, Instant::now());
        all.insert(file, Untold { generation, since, error });
    });
}

fn take_untold(file: &Path) -> Option<Error> {
    let process_state = process::process_state();
    let untold = UNTOLD.with_under(&process_state, |all| all.remove(file))?;
    let is_own = untold.generation == process_state.generation;
    (is_own && untold.since.elapsed() < INTEREST).then_some(untold.error)
}
