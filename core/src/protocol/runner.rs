//! Runs a refresh under a lock that the call has acquired, on the thread that its source allows: a loader is PHP
//! code and runs on PHP's thread, WeChat is asked on a worker.
//!
//! A worker that owns the lock keeps it until its refresh ends, however long its caller waits.

use std::convert;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::call::{Call, ReadySource, Remote};
use super::refresh::{Outcome, TIME_TO_STORE};
use super::report::Report;
use super::under_lock::{self, Goal};
use crate::error::Error;
use crate::failure::{Failure, FailureRecord};
use crate::token_file::lock::TokenLock;
use crate::token_source::{FetchError, Wanted};
use crate::worker;

pub enum HeldLock<'a> {
    Owned(TokenLock),
    /// PHP code holds it, and keeps it after the refresh: it stays with this thread.
    Borrowed(&'a mut TokenLock),
}

/// Runs a refresh and waits for its end. `None` if there was nothing to do.
pub fn run(
    call: &Call,
    source: &ReadySource<'_>,
    goal: Goal,
    lock: HeldLock<'_>,
) -> Result<Option<Outcome>, Error> {
    let since = Some(goal.began().unwrap_or_else(|| call.clock.monotonic()));
    let mut report = Report::new(call, since);
    let outcome = match (source, lock) {
        (ReadySource::Remote(remote), HeldLock::Owned(lock)) => {
            return start(call, remote, goal, since, lock, convert::identity)?
                .wait(call, remote)?;
        }
        (ReadySource::Remote(remote), HeldLock::Borrowed(lock)) => {
            let fetch = |wanted: Wanted| {
                let source = Arc::clone(remote);
                on_worker(call, remote, move || source.fetch(&wanted))
                    .and_then(|running| running.wait(call, remote))
                    .unwrap_or_else(|error| Err(FetchError::NotAttempted(error)))
            };
            under_lock::refresh(call, &goal, lock, remote.as_ref(), &mut report, fetch)
        }
        (ReadySource::Local(source), HeldLock::Owned(mut lock)) => {
            let (source, fetch) = (source.as_ref(), |wanted: Wanted| source.fetch(&wanted));
            under_lock::refresh(call, &goal, &mut lock, source, &mut report, fetch)
        }
        (ReadySource::Local(source), HeldLock::Borrowed(lock)) => {
            let (source, fetch) = (source.as_ref(), |wanted: Wanted| source.fetch(&wanted));
            under_lock::refresh(call, &goal, lock, source, &mut report, fetch)
        }
    };
    report.write();
    outcome
}

/// Starts a refresh on a worker, and returns at once. `end` gets the outcome when the lock is released. If there is
/// no thread, the lock is released, too. `waiting_since` is when the caller began to wait, if it waits for the end.
pub fn start<T: Send + 'static>(
    call: &Call,
    remote: &Remote,
    goal: Goal,
    waiting_since: Option<Duration>,
    mut lock: TokenLock,
    end: impl FnOnce(Result<Option<Outcome>, Error>) -> T + Send + 'static,
) -> Result<Running<T>, Error> {
    // Other calls of this process may wait for a worker, but not for their own thread.
    lock.hand_to_worker();
    let worker_call = call.clone().on_worker();
    let source = Arc::clone(remote);
    on_worker(call, remote, move || {
        let source = source.as_ref();
        let fetch = |wanted: Wanted| source.fetch(&wanted);
        let mut report = Report::new(&worker_call, waiting_since);
        let outcome =
            under_lock::refresh(&worker_call, &goal, &mut lock, source, &mut report, fetch);
        drop(lock);
        report.write();
        end(outcome)
    })
}

fn on_worker<T: Send + 'static>(
    call: &Call,
    remote: &Remote,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Running<T>, Error> {
    let limit = remote.time_limit() + TIME_TO_STORE;
    let receiver = worker::run(limit, work)
        .map_err(|error| Error::NoThread { file: call.file.clone(), error })?;
    Ok(Running { receiver, limit })
}

pub struct Running<T> {
    receiver: Receiver<T>,
    limit: Duration,
}

impl<T> Running<T> {
    /// What it has come to within `limit`.
    pub fn wait_for(&self, limit: Duration) -> Option<T> {
        self.receiver.recv_timeout(limit).ok()
    }

    fn wait(self, call: &Call, remote: &Remote) -> Result<T, Error> {
        self.receiver.recv_timeout(self.limit).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                Error::Unfinished { file: call.file.clone(), limit: self.limit }
            }
            RecvTimeoutError::Disconnected => {
                let failure = Failure::network(
                    "the refresh thread crashed. Report this as a bug of wx_token",
                );
                let now = call.clock.now();
                let requester = remote.requester();
                let record = FailureRecord::new(failure, &requester, None, now);
                Error::fetch_failed(&call.file, &record, &requester, now)
            }
        })
    }
}
