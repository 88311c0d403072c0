//! The decision: whether a caller gets the token that is there, waits for another's refresh, or
//! makes one.
//!
//! A valid token is handed out without a lock. When it is due, one caller starts a refresh and
//! nobody waits for it. Without a valid token, exactly one of all callers asks the upstream, under
//! the lock of the token file, and the others take what it leaves there: the token, or the failure.
//! Nobody waits inside flock(2).

mod due;
mod file_state;
pub mod held_locks;
mod interrupted;
mod lock_wait;
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

use self::due::DueOutcome;
use self::file_state::FileState;
pub use self::poll::try_get;
use self::turn::{Aim, Wanted};
use self::wait::Wait;
use crate::caller::Caller;
use crate::clock::{Clock, CoarseClock};
use crate::error::Error;
use crate::failure::{Failure, FailureRecord, Requester};
use crate::memory;
use crate::record::TokenOwner;
use crate::refresh::{Outcome, RefreshOptions, TIME_TO_WRITE};
use crate::token::{Freshness, Token};
use crate::token_file::FileSpec;
use crate::token_file::lock::TokenLock;
use crate::token_file::replace::WriteMode;
use crate::token_source::TokenSource;
use crate::worker;

/// One call on a token file.
#[derive(Clone)]
pub struct Call {
    /// The token file, as an absolute path.
    pub file: PathBuf,
    /// What the file keeps, and how.
    pub spec: FileSpec,
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
    pub owner: Option<TokenOwner>,
}

/// An upstream that can be asked on a thread of its own.
pub type Remote = Arc<dyn TokenSource + Send + Sync>;

/// Where a call's token comes from.
pub enum LazySource<'a> {
    /// An upstream that is made once it is known that there is something to ask.
    Remote(&'a dyn Fn() -> Result<Remote, Error>),
    /// An upstream that must be asked on this very thread: PHP code.
    Local(&'a dyn TokenSource),
}

impl LazySource<'_> {
    fn open(&self) -> Result<ReadySource<'_>, Error> {
        match self {
            Self::Remote(make) => make().map(ReadySource::Remote),
            Self::Local(source) => Ok(ReadySource::Local(*source)),
        }
    }
}

/// A source that is ready to be asked.
enum ReadySource<'a> {
    Remote(Remote),
    Local(&'a dyn TokenSource),
}

impl ReadySource<'_> {
    fn source(&self) -> &dyn TokenSource {
        match self {
            Self::Remote(source) => source.as_ref(),
            Self::Local(source) => *source,
        }
    }
}

/// The fresh token that this process remembers of the file at `path`: for `trust` after a look at
/// the file without another. Not one whose owner `is_anothers` knows to be another than the caller.
#[must_use]
pub fn recall(
    path: &CStr,
    spec: FileSpec,
    refresh_ahead: Duration,
    trust: Duration,
    is_anothers: impl Fn(&TokenOwner) -> bool + Copy,
) -> Option<Token> {
    let now = CoarseClock.now();
    let token = memory::with(|memory| memory.recall(path, spec, trust, is_anothers, now))?;
    (token.freshness(now + CoarseClock::LATE, refresh_ahead) == Freshness::Fresh).then_some(token)
}

/// The valid token of the file that `call` names, refreshed first if need be.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call, source: &LazySource<'_>) -> Result<Token, Error> {
    let first = call.look()?;
    let now = call.clock.now();
    let freshness = first.token().map(|token| token.freshness(now, call.refresh_ahead));
    match (freshness, first.token()) {
        (Some(Freshness::Fresh), Some(token)) if first.unstored.is_none() => {
            memory::with(|memory| {
                memory.remember(&call.file, call.spec, &first.snapshot, call.max_files, now);
            });
            Ok(token.clone())
        }
        (Some(Freshness::Fresh | Freshness::Due), Some(token)) => {
            match due::refresh(call, source, &first)? {
                DueOutcome::Newer(newer) => Ok(newer),
                DueOutcome::Dead => {
                    let dead = Arc::clone(&token.value);
                    Wait::begin(call, source.open()?, first, Some(&dead))?.until_token()
                }
                DueOutcome::None if token.is_valid(call.clock.now()) => Ok(token.clone()),
                // It has expired during a refresh on this thread, which failed.
                DueOutcome::None => {
                    Wait::begin(call, source.open()?, call.look()?, None)?.until_token()
                }
            }
        }
        _ => Wait::begin(call, source.open()?, first, None)?.until_token(),
    }
}

/// A valid token of the file that is not `rejected`: compare-and-refresh. Whoever comes with a token
/// that is no longer the file's gets the file's.
///
/// # Errors
/// As [`get`].
pub fn refresh_rejected(
    call: &Call,
    source: &LazySource<'_>,
    rejected: &str,
) -> Result<Token, Error> {
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
    fn options(&self) -> RefreshOptions {
        RefreshOptions {
            file: self.file.clone(),
            refresh_ahead: self.refresh_ahead,
            write_mode: self.write_mode,
        }
    }

    /// The token in `found`, if it is valid and not `rejected`.
    fn usable(&self, found: &FileState, rejected: Option<&str>) -> Option<Token> {
        let token = found.token().filter(|token| token.is_valid(self.clock.now()))?;
        (rejected != Some(&*token.value)).then(|| token.clone())
    }

    /// What this call looks for, which has found no usable token in `found`.
    ///
    /// # Errors
    /// [`Error::FetchFailed`] if the last failure forbids `requester` to ask already.
    fn wanted(
        &self,
        found: &FileState,
        requester: &Requester,
        rejected: Option<&str>,
    ) -> Result<Wanted, Error> {
        let now = self.clock.now();
        let old_failure = found.failure().cloned();
        if let Some(record) = old_failure.as_ref().filter(|record| record.forbids(requester, now)) {
            return Err(Error::fetch_failed(&self.file, record, requester, now));
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
        let source = Arc::clone(remote);
        let limit = remote.time_limit() + TIME_TO_WRITE;
        worker::run(limit, move || end(turn::take(&call, &aim, lock, source.as_ref())))
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

    /// Runs `work`, which asks `source`, on a worker, and waits for it.
    fn on_worker<T: Send + 'static>(
        &self,
        source: &dyn TokenSource,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let limit = source.time_limit() + TIME_TO_WRITE;
        self.wait_for(source, worker::run(limit, work))
    }

    fn wait_for<T>(
        &self,
        source: &dyn TokenSource,
        started: io::Result<Receiver<T>>,
    ) -> Result<T, Error> {
        let receiver = started.map_err(|error| self.not_started(error))?;
        let limit = source.time_limit() + TIME_TO_WRITE;
        receiver.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => Error::Unfinished { file: self.file.clone(), limit },
            RecvTimeoutError::Disconnected => self.died(source),
        })
    }

    fn not_started(&self, error: io::Error) -> Error {
        Error::NoThread { file: self.file.clone(), error }
    }

    fn died(&self, source: &dyn TokenSource) -> Error {
        let now = self.clock.now();
        let failure = Failure::network("the refresh thread died");
        let requester = source.requester();
        let record = FailureRecord::new(failure, &requester, None, now);
        Error::fetch_failed(&self.file, &record, &requester, now)
    }
}
