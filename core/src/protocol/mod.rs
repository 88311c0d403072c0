//! The decision: whether a caller gets the token that is there, waits for another's refresh, or
//! makes one.
//!
//! A valid token is handed out without a lock. When it is due, one caller starts a refresh and
//! nobody waits for it. Without a valid token, exactly one of all callers asks the upstream, under
//! the lock of the token file, and the others take what it leaves there: the token, or the failure.
//! Nobody waits inside flock(2).

pub mod critical;
mod cut_off;
mod due;
mod finding;
mod patience;
mod poll;
#[cfg(test)]
mod tests;
mod turn;
mod wait;

use std::convert;
use std::ffi::CStr;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use self::due::Renewal;
use self::finding::Finding;
pub use self::poll::try_get;
use self::turn::{Aim, Wanted};
use self::wait::Wait;
use crate::caller::Caller;
use crate::clock::{Clock, CoarseClock};
use crate::error::Error;
use crate::failure::{Asker, Failure, FailureRecord};
use crate::memory;
use crate::record::Owner;
use crate::refresh::{Manner, Outcome, TIME_TO_WRITE};
use crate::token::{Age, Token};
use crate::token_file::Expected;
use crate::token_file::lock::TokenLock;
use crate::token_file::replace::WriteMode;
use crate::upstream::Upstream;
use crate::worker;

/// One call on a token file.
#[derive(Clone)]
pub struct Call {
    /// The token file, as an absolute path.
    pub file: PathBuf,
    /// What the file keeps, and how.
    pub expected: Expected,
    /// How long before its expiry a token is due.
    pub refresh_ahead: Duration,
    /// Whether a due refresh runs on a thread, so that not even the caller that starts it waits.
    pub background: bool,
    /// The longest wait for the lock.
    pub lock_timeout: Duration,
    /// Permission bits of a token file that is made.
    pub file_mode: u32,
    /// How a token file is written.
    pub write_mode: WriteMode,
    /// How many files this process remembers.
    pub max_files: usize,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who makes the call.
    pub caller: Caller,
    /// Whose token it asks for, as far as that is known.
    pub owner: Option<Owner>,
}

/// An upstream that can be asked on a thread of its own.
pub type Remote = Arc<dyn Upstream + Send + Sync>;

/// Where a call's token comes from.
pub enum Source<'a> {
    /// An upstream that is made once it is known that there is something to ask.
    Remote(&'a dyn Fn() -> Result<Remote, Error>),
    /// An upstream that must be asked on this very thread: PHP code.
    Local(&'a dyn Upstream),
}

impl Source<'_> {
    fn open(&self) -> Result<Opened<'_>, Error> {
        match self {
            Self::Remote(make) => make().map(Opened::Remote),
            Self::Local(upstream) => Ok(Opened::Local(*upstream)),
        }
    }
}

/// A source that is ready to be asked.
enum Opened<'a> {
    Remote(Remote),
    Local(&'a dyn Upstream),
}

impl Opened<'_> {
    fn upstream(&self) -> &dyn Upstream {
        match self {
            Self::Remote(upstream) => upstream.as_ref(),
            Self::Local(upstream) => *upstream,
        }
    }
}

/// The fresh token that this process remembers of the file at `path`: for `trust` after a look at
/// the file without another. Not one whose owner `is_anothers` knows to be another than the caller.
#[must_use]
pub fn recall(
    path: &CStr,
    expected: Expected,
    refresh_ahead: Duration,
    trust: Duration,
    is_anothers: impl Fn(&Owner) -> bool + Copy,
) -> Option<Token> {
    let now = CoarseClock.now();
    let token = memory::with(|memory| memory.recall(path, expected, trust, is_anothers, now))?;
    (token.age(now + CoarseClock::LATE, refresh_ahead) == Age::Fresh).then_some(token)
}

/// The valid token of the file that `call` names, refreshed first if need be.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call, source: &Source<'_>) -> Result<Token, Error> {
    let first = call.look()?;
    let now = call.clock.now();
    let age = first.token().map(|token| token.age(now, call.refresh_ahead));
    match (age, first.token()) {
        (Some(Age::Fresh), Some(token)) if first.unstored.is_none() => {
            memory::with(|memory| {
                memory.remember(&call.file, call.expected, &first.snapshot, call.max_files, now);
            });
            Ok(token.clone())
        }
        (Some(Age::Fresh | Age::Due), Some(token)) => match due::refresh(call, source, &first)? {
            Renewal::Newer(newer) => Ok(newer),
            Renewal::Dead => {
                let dead = Arc::clone(&token.value);
                Wait::begin(call, source.open()?, first, Some(&dead))?.until_token()
            }
            Renewal::None if token.is_valid(call.clock.now()) => Ok(token.clone()),
            // It has expired during a refresh on this thread, which failed.
            Renewal::None => Wait::begin(call, source.open()?, call.look()?, None)?.until_token(),
        },
        _ => Wait::begin(call, source.open()?, first, None)?.until_token(),
    }
}

/// A valid token of the file that is not `rejected`: compare-and-refresh. Whoever comes with a token
/// that is no longer the file's gets the file's.
///
/// # Errors
/// As [`get`].
pub fn replace(call: &Call, source: &Source<'_>, rejected: &str) -> Result<Token, Error> {
    let first = call.look()?;
    let before = first.snapshot.identity;
    let token = match call.usable(&first, Some(rejected)) {
        Some(token) => Ok(token),
        None => Wait::begin(call, source.open()?, first, Some(rejected))?.until_token(),
    };
    // Whoever trusts the memory for a while must not get the rejected one.
    memory::with(|memory| memory.forget_rejected(&call.file, before, rejected));
    token
}

impl Call {
    fn manner(&self) -> Manner {
        Manner {
            file: self.file.clone(),
            refresh_ahead: self.refresh_ahead,
            write_mode: self.write_mode,
        }
    }

    /// The token in `found`, if it is valid and not `rejected`.
    fn usable(&self, found: &Finding, rejected: Option<&str>) -> Option<Token> {
        let token = found.token().filter(|token| token.is_valid(self.clock.now()))?;
        (rejected != Some(&*token.value)).then(|| token.clone())
    }

    /// What this call looks for, which has found no usable token in `found`.
    ///
    /// # Errors
    /// [`Error::Upstream`] if the last failure forbids `asker` to ask already.
    fn wanted(
        &self,
        found: &Finding,
        asker: &Asker,
        rejected: Option<&str>,
    ) -> Result<Wanted, Error> {
        let now = self.clock.now();
        let old_failure = found.failure().cloned();
        if let Some(record) = old_failure.as_ref().filter(|record| record.forbids(asker, now)) {
            return Err(Error::upstream(&self.file, record, now));
        }
        Ok(Wanted { rejected: rejected.map(Arc::from), old_failure, in_hand: None })
    }

    /// Starts to take a turn on a worker, which owns the lock from here on: it lives as long as the
    /// refresh, not as this call. `end` gets what comes of it.
    fn start_turn<T: Send + 'static>(
        &self,
        remote: &Remote,
        aim: Aim,
        lock: TokenLock,
        end: impl FnOnce(Result<Option<Outcome>, Error>) -> T + Send + 'static,
    ) -> io::Result<Receiver<T>> {
        // Nobody in this process need wait for a worker in vain.
        lock.hand_to_worker();
        let call = Self { caller: self.caller.on_worker(), ..self.clone() };
        let upstream = Arc::clone(remote);
        let limit = remote.time_limit() + TIME_TO_WRITE;
        worker::run(limit, move || end(turn::take(&call, &aim, lock, upstream.as_ref())))
    }

    /// Takes a turn on a worker, and waits for it.
    fn take_turn_on_worker(
        &self,
        remote: &Remote,
        aim: Aim,
        lock: TokenLock,
    ) -> Result<Option<Outcome>, Error> {
        let started = self.start_turn(remote, aim, lock, convert::identity);
        self.wait_for(remote.as_ref(), started)?
    }

    /// Runs `work`, which asks `upstream`, on a worker, and waits for it.
    fn on_worker<T: Send + 'static>(
        &self,
        upstream: &dyn Upstream,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let limit = upstream.time_limit() + TIME_TO_WRITE;
        self.wait_for(upstream, worker::run(limit, work))
    }

    fn wait_for<T>(
        &self,
        upstream: &dyn Upstream,
        started: io::Result<Receiver<T>>,
    ) -> Result<T, Error> {
        let receiver = started.map_err(|error| self.not_started(error))?;
        let limit = upstream.time_limit() + TIME_TO_WRITE;
        receiver.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::Unfinished { file: self.file.clone(), limit },
            RecvTimeoutError::Disconnected => self.died(upstream),
        })
    }

    fn not_started(&self, error: io::Error) -> Error {
        Error::NoThread { file: self.file.clone(), error }
    }

    fn died(&self, upstream: &dyn Upstream) -> Error {
        let now = self.clock.now();
        let failure = Failure::network("the refresh thread died");
        let record = FailureRecord::of(failure, &upstream.asker(), None, now);
        Error::upstream(&self.file, &record, now)
    }
}
