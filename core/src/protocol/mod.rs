//! The decision of a call: return the token that is there, wait for another call's refresh, or refresh.
//!
//! A valid token is returned without a lock. When it is due, one call starts a refresh and nobody waits for
//! it. Without a valid token, exactly one of all calls fetches, under the lock of the token file. The others
//! take what it stores there: the token, or the failure. Nobody waits inside flock(2).

mod due;
pub mod held_locks;
mod interrupted;
mod lock_wait;
mod lookup;
mod refresh;
mod runner;
#[cfg(test)]
mod tests;
mod try_get;
mod under_lock;
mod waiter;

use std::ffi::CStr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use self::due::DueOutcome;
use self::lookup::Lookup;
pub use self::try_get::try_get;
use self::under_lock::TokenRequest;
use crate::caller::Caller;
use crate::clock::{Clock, CoarseClock};
use crate::error::Error;
use crate::failure::Requester;
use crate::memory;
use crate::record::TokenOwner;
use crate::token::{Freshness, Token};
use crate::token_file::FileSpec;
use crate::token_file::replace::WriteMode;
use crate::token_source::TokenSource;

/// One call on a token file.
#[derive(Clone)]
pub struct Call {
    /// The token file, as an absolute path.
    pub file: PathBuf,
    /// What the file contains, and in which format.
    pub spec: FileSpec,
    /// How long before its expiry a token is due.
    pub refresh_ahead: Duration,
    /// Whether a due refresh runs on a thread, so that not even the caller that starts it waits.
    pub background: bool,
    /// The longest wait for the lock.
    pub lock_timeout: Duration,
    /// Permission bits of a token file that this call creates.
    pub file_mode: u32,
    /// How a token file is written.
    pub write_mode: WriteMode,
    /// How many files this process remembers.
    pub max_files: usize,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Who makes the call.
    pub caller: Caller,
    /// Which account the token must belong to, as far as that is known.
    pub owner: Option<TokenOwner>,
}

/// A source that may be asked on a worker.
pub type Remote = Arc<dyn TokenSource + Send + Sync>;

/// Where the token of a call comes from.
pub enum LazySource<'a> {
    /// A source that is made when it is needed.
    Remote(&'a dyn Fn() -> Result<Remote, Error>),
    /// A source that must be asked on this very thread: PHP code.
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

/// A source that can be asked.
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

/// The fresh token that this process remembers of the file at `path`. For `trust` after a look at the file,
/// it is not looked at again. `None` if `is_anothers` says that the token belongs to another account.
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

/// The valid token of the file of `call`, refreshed first if necessary.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call, source: &LazySource<'_>) -> Result<Token, Error> {
    let found = call.look_up()?;
    let Some(token) = call.usable(&found, None) else {
        return waiter::obtain(call, source, &found, None);
    };
    if call.remember_fresh(&token, &found) {
        return Ok(token);
    }
    match due::refresh(call, source, &found)? {
        DueOutcome::Newer(newer) => Ok(newer),
        DueOutcome::Invalidated => waiter::obtain(call, source, &found, Some(&token.value)),
        DueOutcome::Unchanged if token.is_valid(call.clock.now()) => Ok(token),
        // It has expired during a refresh on this thread, which failed.
        DueOutcome::Unchanged => waiter::obtain(call, source, &call.look_up()?, None),
    }
}

/// A valid token of the file other than `rejected`. If the file already holds another token, that one is
/// returned.
///
/// # Errors
/// As [`get`].
pub fn refresh_rejected(
    call: &Call,
    source: &LazySource<'_>,
    rejected: &str,
) -> Result<Token, Error> {
    let found = call.look_up()?;
    let token = match call.usable(&found, Some(rejected)) {
        Some(token) => Ok(token),
        None => waiter::obtain(call, source, &found, Some(rejected)),
    };
    // A call that trusts the memory for a while must not get the rejected token.
    let before = found.snapshot.identity;
    memory::with(|memory| memory.forget_rejected(&call.file, before, rejected));
    token
}

impl Call {
    /// The token in `found`, if it is valid and not `rejected`.
    fn usable(&self, found: &Lookup, rejected: Option<&str>) -> Option<Token> {
        let token = found.token().filter(|token| token.is_valid(self.clock.now()))?;
        (rejected != Some(&*token.value)).then(|| token.clone())
    }

    /// Remembers the file if its `token` is fresh and stored. Whether it is: then there is nothing to refresh.
    fn remember_fresh(&self, token: &Token, found: &Lookup) -> bool {
        let now = self.clock.now();
        let is_fresh = found.unstored.is_none()
            && token.freshness(now, self.refresh_ahead) == Freshness::Fresh;
        if is_fresh {
            memory::with(|memory| {
                memory.remember(&self.file, self.spec, &found.snapshot, self.max_files, now);
            });
        }
        is_fresh
    }

    /// The request of this call, which has found no usable token. The last failure may forbid `requester` to
    /// fetch yet.
    fn request(
        &self,
        found: &Lookup,
        requester: &Requester,
        rejected: Option<&str>,
    ) -> Result<TokenRequest, Error> {
        let now = self.clock.now();
        let old_failure = found.failure().cloned();
        if let Some(record) = old_failure.as_ref().filter(|record| record.forbids(requester, now)) {
            return Err(Error::fetch_failed(&self.file, record, requester, now));
        }
        Ok(TokenRequest { rejected: rejected.map(Arc::from), old_failure, displaced: None })
    }
}
