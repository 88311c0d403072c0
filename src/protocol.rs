//! The decision: whether a caller gets the token that is there, waits for another's refresh, or
//! makes one.
//!
//! A valid token is handed out without a lock. Without one, exactly one of all callers asks the
//! upstream, under the lock of the token file, and the others take what it leaves there: the token,
//! or the failure. Nobody waits inside flock(2).

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::error::{ConfigError, Error};
use crate::failure::{Failure, FailureRecord};
use crate::refresh::{Outcome, Refresh};
use crate::token::Token;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, Document, Identity, Snapshot, holder};
use crate::upstream::Upstream;
use crate::worker;

/// An upstream that can be asked on a thread of its own.
pub type Remote = Arc<dyn Upstream + Send + Sync>;

/// One call on a token file.
pub struct Call<'a> {
    /// The token file, as an absolute path.
    pub file: &'a Path,
    /// The longest wait for the lock.
    pub lock_timeout: Duration,
    /// Permission bits of a token file that is made.
    pub file_mode: u32,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Makes the upstream, once it is known that there is something to ask.
    pub upstream: &'a dyn Fn() -> Result<Remote, ConfigError>,
}

/// The shortest and the longest pause between two attempts to lock.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// How long, beyond the upstream's own limit, a caller waits for its refresh to be written.
const TIME_TO_WRITE: Duration = Duration::from_secs(5);

/// The valid token of the file that `call` names, refreshed first if need be.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call<'_>) -> Result<Token, Error> {
    let first = token_file::read(call.file)?;
    if let Some(token) = call.valid(&first.document) {
        return Ok(token);
    }
    let upstream = (call.upstream)()?;
    Wait::begin(call, upstream, first)?.until_token()
}

impl Call<'_> {
    fn valid(&self, document: &Document) -> Option<Token> {
        document.token().filter(|token| token.is_valid(self.clock.now())).cloned()
    }
}

/// A caller without a valid token, until it has one.
struct Wait<'a> {
    call: &'a Call<'a>,
    upstream: Remote,
    /// The failure that stood in the file when the wait began: any other one happened since.
    old_failure: Option<FailureRecord>,
    seen: Option<Identity>,
    /// A token that a refresh of ours could not store, because the file was exchanged.
    in_hand: Option<Token>,
    deadline: Instant,
}

impl<'a> Wait<'a> {
    fn begin(call: &'a Call<'a>, upstream: Remote, first: Snapshot) -> Result<Self, Error> {
        let now = call.clock.now();
        let old_failure = first.document.failure().cloned();
        if let Some(record) = old_failure.as_ref() {
            if record.forbids(&upstream.account(), now) {
                return Err(Error::upstream(call.file, record, now));
            }
        }
        let deadline = Instant::now() + call.lock_timeout;
        Ok(Self { call, upstream, old_failure, seen: first.identity, in_hand: None, deadline })
    }

    fn until_token(mut self) -> Result<Token, Error> {
        let mut pause = PAUSES.0;
        loop {
            let real = token_file::resolve(self.call.file)?;
            match TokenLock::attempt(&real, self.call.file_mode)? {
                Attempt::Held(lock) => match self.take_over(lock)? {
                    Outcome::Stored(token) => return Ok(token),
                    Outcome::Displaced(token) => {
                        self.in_hand = Some(token);
                        self.deadline = Instant::now() + self.call.lock_timeout;
                    }
                },
                Attempt::Busy | Attempt::Replaced => {
                    if let Some(token) = self.look()? {
                        return Ok(token);
                    }
                }
            }
            let remaining = self.deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Err(self.locked_out());
            }
            thread::sleep(jittered(pause).min(remaining));
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// What the holder of the lock has left in the file since the last look.
    fn look(&mut self) -> Result<Option<Token>, Error> {
        let now = token_file::identify(self.call.file)?;
        if now.is_none() || now == self.seen {
            return Ok(None);
        }
        let snapshot = token_file::read(self.call.file)?;
        self.seen = snapshot.identity;
        self.answered(&snapshot.document)
    }

    /// The token, or the failure, that another call has brought about while this one waited.
    fn answered(&self, document: &Document) -> Result<Option<Token>, Error> {
        if let Some(token) = self.call.valid(document) {
            return Ok(Some(token));
        }
        let failed = document.failure().filter(|record| {
            Some(*record) != self.old_failure.as_ref() && record.concerns(&self.upstream.account())
        });
        failed.map_or(Ok(None), |record| {
            Err(Error::upstream(self.call.file, record, self.call.clock.now()))
        })
    }

    /// Under the lock: what others did last counts first, then a token in hand, then the upstream.
    fn take_over(&mut self, lock: TokenLock) -> Result<Outcome, Error> {
        let document = lock.read()?.document;
        if let Some(token) = self.answered(&document)? {
            return Ok(Outcome::Stored(token));
        }
        let refresh = Refresh::prepare(lock, document)?;
        match self.in_hand.take() {
            Some(token) => refresh.store(token),
            None => self.refresh_on_thread(refresh),
        }
    }

    /// The thread owns the lock from here on: it lives as long as the fetch, not as this call.
    fn refresh_on_thread(&self, refresh: Refresh) -> Result<Outcome, Error> {
        let limit = self.upstream.time_limit() + TIME_TO_WRITE;
        let clock = Arc::clone(&self.call.clock);
        let upstream = Arc::clone(&self.upstream);
        let result = worker::run(move || refresh.run(upstream.as_ref(), clock.as_ref()))
            .map_err(|error| self.no_thread(&format!("no thread can be started: {error}")))?
            .recv_timeout(limit);
        match result {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(self.locked_out()),
            Err(RecvTimeoutError::Disconnected) => Err(self.no_thread("the refresh thread died")),
        }
    }

    fn no_thread(&self, reason: &str) -> Error {
        let now = self.call.clock.now();
        let account = self.upstream.account();
        let record = FailureRecord::of(Failure::network(reason), &account, None, now);
        Error::upstream(self.call.file, &record, now)
    }

    fn locked_out(&self) -> Error {
        let identity = token_file::identify(self.call.file).ok().flatten();
        Error::Lock {
            file: self.call.file.to_owned(),
            waited: self.call.lock_timeout,
            holder: identity.and_then(|identity| holder::find(&identity)),
        }
    }
}

/// A pause from half of `pause` to all of it, so that waiters do not march in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}
