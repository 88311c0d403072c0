//! The decision: whether a caller gets the token that is there, waits for another's refresh, or
//! makes one.
//!
//! A valid token is handed out without a lock. When it is due, one caller starts a refresh and
//! nobody waits for it. Without a valid token, exactly one of all callers asks the upstream, under
//! the lock of the token file, and the others take what it leaves there: the token, or the failure.
//! Nobody waits inside flock(2).

pub mod critical;
mod due;
mod patience;
#[cfg(test)]
mod tests;
mod wait;

use std::borrow::BorrowMut;
use std::ffi::CStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use self::wait::Wait;
use crate::clock::{Clock, CoarseClock};
use crate::error::Error;
use crate::failure::{Failure, FailureRecord};
use crate::memory;
use crate::refresh::{Manner, Refresh};
use crate::token::{Age, Token};
use crate::token_file::lock::TokenLock;
use crate::token_file::replace::WriteMode;
use crate::token_file::{self, Document, Expected};
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
/// the file without another.
#[must_use]
pub fn recall(
    path: &CStr,
    expected: Expected,
    refresh_ahead: Duration,
    trust: Duration,
) -> Option<Token> {
    let now = CoarseClock.now();
    let token = memory::with(|memory| memory.recall(path, expected, trust, now))?;
    (token.age(now + CoarseClock::LATE, refresh_ahead) == Age::Fresh).then_some(token)
}

/// The valid token of the file that `call` names, refreshed first if need be.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call, source: &Source<'_>) -> Result<Token, Error> {
    let first = token_file::read(&call.file, call.expected)?;
    let now = call.clock.now();
    let age = first.document.token().map(|token| token.age(now, call.refresh_ahead));
    match (age, first.document.token()) {
        (Some(Age::Fresh), Some(token)) => {
            memory::with(|memory| {
                memory.remember(&call.file, call.expected, &first, call.max_files, now);
            });
            Ok(token.clone())
        }
        (Some(Age::Due), Some(token)) => match due::refresh(call, source, &first.document)? {
            Some(newer) => Ok(newer),
            None if token.is_valid(call.clock.now()) => Ok(token.clone()),
            // It has expired during a refresh on this thread, which failed.
            None => {
                let now = token_file::read(&call.file, call.expected)?;
                Wait::begin(call, source.open()?, now, None)?.until_token()
            }
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
    let first = token_file::read(&call.file, call.expected)?;
    let token = match call.usable(&first.document, Some(rejected)) {
        Some(token) => Ok(token),
        None => Wait::begin(call, source.open()?, first, Some(rejected))?.until_token(),
    };
    // Whoever trusts the memory for a while must not get the rejected one.
    memory::with(|memory| memory.forget(&call.file));
    token
}

/// How long, beyond the upstream's own limit, a caller waits for its refresh to be written.
const TIME_TO_WRITE: Duration = Duration::from_secs(5);

impl Call {
    /// The token in `document`, if it is valid and not `rejected`.
    fn usable(&self, document: &Document, rejected: Option<&str>) -> Option<Token> {
        let token = document.token().filter(|token| token.is_valid(self.clock.now()))?;
        (rejected != Some(&*token.value)).then(|| token.clone())
    }

    fn prepare<L: BorrowMut<TokenLock>>(
        &self,
        lock: L,
        document: Document,
    ) -> Result<Refresh<L>, Error> {
        let manner = Manner {
            file: self.file.clone(),
            refresh_ahead: self.refresh_ahead,
            write_mode: self.write_mode,
        };
        Ok(Refresh::prepare(lock, document, manner)?)
    }

    /// Runs `work`, which asks `upstream`, on a worker and waits for it.
    fn on_worker<T: Send + 'static>(
        &self,
        upstream: &dyn Upstream,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let limit = upstream.time_limit() + TIME_TO_WRITE;
        let died = |reason: String| {
            let (failure, now) = (Failure::network(reason), self.clock.now());
            let record = FailureRecord::of(failure, &upstream.asker(), None, now);
            Error::upstream(&self.file, &record, now)
        };
        let receiver = worker::run(limit, work)
            .map_err(|error| died(format!("no thread can be started: {error}")))?;
        receiver.recv_timeout(limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => patience::locked_out(self),
            RecvTimeoutError::Disconnected => died("the refresh thread died".to_owned()),
        })
    }
}
