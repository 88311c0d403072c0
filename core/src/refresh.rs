//! One refresh under a held lock: ask the upstream, then write the token or record the failure. A token that
//! cannot be written is not lost: its process keeps it, and a failure is recorded in its place.

use std::borrow::BorrowMut;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, ClockOffset, Timestamp};
use crate::error::Error;
use crate::failure::{Cause, Failure, FailureRecord, Requester, RetryPolicy};
use crate::notice;
use crate::record::Record;
use crate::token::Token;
use crate::token_file::lock::{Deadlock, TokenLock};
use crate::token_file::replace::{self, PendingWrite, ReadyWrite, WriteMode};
use crate::token_file::{Document, FileError};
use crate::token_source::{FetchError, IssuedToken, TokenSource};
use crate::unstored_tokens::{self, Fetched, UnstoredToken};
use crate::worker;

/// How long it takes at most to store what the upstream has answered.
pub const TIME_TO_WRITE: Duration = Duration::from_secs(5);

/// A refresh with all that it needs of the file system in hand: once the upstream has been asked,
/// what it answers can be stored. `L` is the lock itself, or a lock that outlives the refresh.
pub struct Refresh<L> {
    lock: L,
    document: Document,
    pending: PendingWrite,
    options: RefreshOptions,
}

/// How a caller wants a refresh to be made.
#[derive(Debug, Clone)]
pub struct RefreshOptions {
    /// The file as the caller names it: through links, perhaps.
    pub file: PathBuf,
    /// How long before its expiry a token is due.
    pub refresh_ahead: Duration,
    /// How the file is written.
    pub write_mode: WriteMode,
}

/// What a refresh came to.
#[derive(Debug)]
pub enum Outcome {
    /// The token is in the file.
    Stored(Token),
    /// The token was had, but meanwhile somebody without the lock has put another file at the path, or
    /// another valid token into this one.
    Displaced(Fetched),
    /// The token was had, and could not be stored: this process keeps it.
    UnstoredToken(Token),
}

impl Outcome {
    /// The token, wherever it is now.
    #[must_use]
    pub fn into_token(self) -> Token {
        match self {
            Self::Stored(token) | Self::UnstoredToken(token) => token,
            Self::Displaced(fetched) => fetched.token,
        }
    }
}

impl<L: BorrowMut<TokenLock>> Refresh<L> {
    /// Prepares the refresh of the locked file, which holds `document`.
    ///
    /// # Errors
    /// [`FileError`] if a replacement cannot be made: nothing has been asked for then.
    pub fn prepare(
        lock: L,
        document: Document,
        options: RefreshOptions,
    ) -> Result<Self, FileError> {
        let pending = PendingWrite::stage(lock.borrow(), options.write_mode)?;
        Ok(Self { lock, document, pending, options })
    }

    /// Asks `source` for another token than `rejected`, and stores what it answers, be it a token
    /// or a failure. An owned lock goes with the return.
    ///
    /// # Errors
    /// [`Error::FetchFailed`], recorded for all who wait; whatever kept the upstream from being asked.
    pub fn run(
        self,
        source: &dyn TokenSource,
        rejected: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<Outcome, Error> {
        let requester = source.requester();
        self.heed_failure(&requester, clock)?;
        let began = clock.monotonic();
        let answer = source.fetch(rejected);
        let took = clock.monotonic().saturating_sub(began);
        self.settle(answer, rejected, took, source, clock)
    }

    /// Whoever came here by a clock that differs from that of the file system has not understood yet what
    /// the last failure forbids.
    fn heed_failure(&self, requester: &Requester, clock: &dyn Clock) -> Result<(), Error> {
        let Some(record) = self.document.failure() else { return Ok(()) };
        let offset = offset(&self.pending, self.lock.borrow(), clock);
        let now = clock.now();
        if record.forbids_by_own_clock(requester, now + offset) {
            return Err(Error::fetch_failed(
                &self.options.file,
                &record.in_own_clock(offset),
                requester,
                now,
            ));
        }
        Ok(())
    }

    /// Stores what an upstream answered that was asked for another token than `rejected`, and took so long.
    ///
    /// # Errors
    /// As [`Self::run`].
    fn settle(
        self,
        answer: Result<IssuedToken, FetchError>,
        rejected: Option<&str>,
        took: Duration,
        source: &dyn TokenSource,
        clock: &dyn Clock,
    ) -> Result<Outcome, Error> {
        let (now, requester) = (clock.now(), source.requester());
        // A loader may have forked.
        if self.lock.borrow().is_inherited() {
            let deadlock = Deadlock::ForkedChild;
            return Err(Error::Deadlock { file: self.options.file.clone(), deadlock });
        }
        match answer {
            Ok(grant) if rejected.is_some_and(|rejected| grant.is(rejected)) => {
                let retry_policy = RetryPolicy::After(FORCE_INTERVAL);
                let failure = Failure { cause: Cause::StillRejected, retry_policy };
                self.record(failure, rejected, &requester, clock)
            }
            Ok(grant) => {
                // By the clock as it is after the answer: it may have been set meanwhile.
                let asked_at = now.before(took);
                let (value, expiry) = grant.into_parts(asked_at);
                let token = Token::own(value, expiry);
                let record = Record::new(&token, requester.owner, asked_at);
                Ok(self.store(Fetched { token, record }, source, clock))
            }
            Err(FetchError::Failed(failure)) => self.record(failure, rejected, &requester, clock),
            Err(FetchError::NotAttempted(error)) => Err(error),
        }
    }

    /// Stores `fetched`, which `source` has given.
    pub fn store(self, fetched: Fetched, source: &dyn TokenSource, clock: &dyn Clock) -> Outcome {
        worker::begin_to_store(TIME_TO_WRITE);
        let now = clock.now();
        let Self { mut lock, document, pending, options } = self;
        let lock = lock.borrow_mut();
        let rest = rest(&fetched.token, options.refresh_ahead, now);
        let ready_write =
            pending.fill(document.with_token(&fetched.token, &fetched.record, rest, now));
        // The look may fail where a write does not: the token is in hand, so once more.
        let looked = meanwhile(lock, &document, now).or_else(|_| meanwhile(lock, &document, now));
        let stored = match looked {
            Ok(Meanwhile::Undisturbed) => ready_write.commit(lock),
            Ok(Meanwhile::Exchanged | Meanwhile::Stored(_)) => return Outcome::Displaced(fetched),
            Err(error) => Err(error),
        };
        match stored {
            Ok(()) => {
                unstored_tokens::stored(lock.path());
                Outcome::Stored(fetched.token)
            }
            Err(_) if lock.is_current().is_ok_and(|is_current| !is_current) => {
                Outcome::Displaced(fetched)
            }
            Err(error) => keep(lock, &document, fetched, &error, source, clock),
        }
    }

    /// Stores the file's own token with an expiry of `until`, a moment of the file system's clock, if it
    /// would expire later. Whether it would.
    ///
    /// # Errors
    /// [`FileError`] if that cannot be stored.
    pub fn shorten_expiry(self, until: Timestamp, clock: &dyn Clock) -> Result<bool, FileError> {
        let expiry = until - offset(&self.pending, self.lock.borrow(), clock);
        let Self { mut lock, document, pending, .. } = self;
        let lock = lock.borrow_mut();
        let Some(token) = document.token().filter(|token| expiry < token.expiry) else {
            return Ok(false);
        };
        let now = clock.now();
        let ready_write =
            pending.fill(document.with_expiry(&Token { expiry, ..token.clone() }, now));
        match meanwhile(lock, &document, now)? {
            Meanwhile::Undisturbed => ready_write.commit(lock).map(|()| true),
            Meanwhile::Exchanged | Meanwhile::Stored(_) => Ok(false),
        }
    }

    /// Leaves the failure for others, unless there is a token by now.
    fn record(
        self,
        failure: Failure,
        rejected: Option<&str>,
        requester: &Requester,
        clock: &dyn Clock,
    ) -> Result<Outcome, Error> {
        worker::begin_to_store(TIME_TO_WRITE);
        let (offset, now) = (offset(&self.pending, self.lock.borrow(), clock), clock.now());
        let Self { mut lock, document, pending, options } = self;
        let lock = lock.borrow_mut();
        let record = FailureRecord::new(failure, requester, document.failure(), now + offset);
        let ready_write = document.with_failure(&record).map(|content| pending.fill(content));
        match meanwhile(lock, &document, now) {
            Ok(Meanwhile::Stored(token)) if rejected != Some(&*token.value) => {
                return Ok(Outcome::Stored(token));
            }
            Ok(Meanwhile::Undisturbed) => leave(lock, &document, ready_write, &record),
            _ => {}
        }
        Err(Error::fetch_failed(&options.file, &record.in_own_clock(offset), requester, now))
    }
}

/// How far the file system's clock is ahead of `clock`; nothing if it cannot be told.
fn offset(pending: &PendingWrite, lock: &TokenLock, clock: &dyn Clock) -> ClockOffset {
    pending.stamp(lock).map_or_else(ClockOffset::default, |stamp| clock.offset_to(stamp))
}

/// Keeps a token that could not be stored, because of `error`, with this process, and leaves a record of that
/// for others: whoever asked for another one would ask in vain. Unless they have stored one meanwhile: to
/// fail took time.
fn keep(
    lock: &mut TokenLock,
    document: &Document,
    fetched: Fetched,
    error: &FileError,
    source: &dyn TokenSource,
    clock: &dyn Clock,
) -> Outcome {
    let now = clock.now();
    if let Ok(Meanwhile::Exchanged | Meanwhile::Stored(_)) = meanwhile(lock, document, now) {
        return Outcome::Displaced(fetched);
    }
    let in_place = PendingWrite::in_place();
    let failed_at = now + offset(&in_place, lock, clock);
    let cause = Cause::Store { reason: error.problem().to_owned() };
    let failure = Failure { cause, retry_policy: RetryPolicy::Backoff };
    let record = FailureRecord::new(failure, &source.requester(), document.failure(), failed_at);
    let ready_write = document.with_failure(&record).map(|content| in_place.fill(content));
    leave(lock, document, ready_write, &record);
    let token = fetched.token.clone();
    let instead_of = document.token().map(|token| Arc::clone(&token.value));
    let unstored =
        UnstoredToken { fetched, instead_of, failure: record, overlap: source.overlap() };
    if unstored_tokens::keep_unstored(lock.path(), unstored, now) {
        notice::leave(format!(
            "wx_token: a new token could not be stored: {error}. Until it is stored, only this process has it"
        ));
    }
    Outcome::UnstoredToken(token)
}

/// Leaves `record` where there is room for it: in the file, as `ready_write`; beside it; or with this process.
fn leave(
    lock: &mut TokenLock,
    document: &Document,
    ready_write: Option<ReadyWrite>,
    record: &FailureRecord,
) {
    if ready_write.is_none_or(|ready_write| ready_write.commit(lock).is_err()) {
        replace::leave_attribute(lock, document.attribute_with_failure(record));
    }
}

/// What code without a lock has done to the locked file, which held `document`. Whether it is still the
/// one at its path is looked at last: what was read is then of that file.
fn meanwhile(
    lock: &TokenLock,
    document: &Document,
    now: Timestamp,
) -> Result<Meanwhile, FileError> {
    let current = lock.read(document.spec())?.document;
    if !lock.is_current()? {
        return Ok(Meanwhile::Exchanged);
    }
    let newer = current.token().filter(|token| token.is_valid(now));
    match newer.filter(|newer| document.token() != Some(newer)) {
        Some(newer) => Ok(Meanwhile::Stored(newer.clone())),
        None => Ok(Meanwhile::Undisturbed),
    }
}

/// What has become of the locked file during a refresh.
enum Meanwhile {
    /// Nothing.
    Undisturbed,
    /// There is another file at its path.
    Exchanged,
    /// It holds another valid token.
    Stored(Token),
}

/// The least time between two forced refreshes of a stable token.
const FORCE_INTERVAL: Duration = Duration::from_secs(30);

/// WeChat answers with the same stable token until so long before its expiry
/// (doc/channels/API/leagueheadsupplier/getStableAccessToken.html).
const STABLE_RENEWAL: Duration = Duration::from_secs(300);
const SHORTEST_REST: Duration = Duration::from_secs(1);

/// A token that is due as soon as it is had: the same stable token with the rest of its life, or one
/// with a short life. Asking again at once would bring no other; the moment until which to leave it.
fn rest(token: &Token, refresh_ahead: Duration, now: Timestamp) -> Option<Timestamp> {
    (token.expiry.since(now) <= refresh_ahead).then(|| refresh_not_before(token.expiry, now))
}

fn refresh_not_before(expiry: Timestamp, now: Timestamp) -> Timestamp {
    let life = expiry.since(now);
    if life > STABLE_RENEWAL {
        expiry.before(STABLE_RENEWAL)
    } else {
        now + (life / 2).max(SHORTEST_REST)
    }
}

/// A stored expiry is early by what was rounded down.
pub const ROUNDING: Duration = Duration::from_secs(2);

/// Whether `token` is to be left alone until `until`, as its file says. No refresh up to `now` has set a
/// moment beyond that which one would set now: such a one is a relic of another token, or of a clock that
/// was ahead.
#[must_use]
pub fn is_held_off(token: &Token, until: Timestamp, now: Timestamp) -> bool {
    now < until && until <= refresh_not_before(token.expiry, now) + ROUNDING
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_is_due_at_once_is_left_until_another_can_be_had() {
        let now = Timestamp::from_secs(1000);
        let rest_of = |life, ahead| {
            let token = Token::own("t", now + Duration::from_secs(life));
            rest(&token, Duration::from_secs(ahead), now).map(|until| until.since(now).as_secs())
        };
        assert_eq!(rest_of(7200, 300), None);
        assert_eq!(rest_of(301, 300), None);
        assert_eq!(rest_of(500, 600), Some(200), "the same stable token");
        assert_eq!(rest_of(300, 600), Some(150), "half of what is left");
        assert_eq!(rest_of(1, 600), Some(1), "never less than a second");
    }

    #[test]
    fn a_token_rests_no_longer_than_a_refresh_could_have_said() {
        let now = Timestamp::from_secs(1000);
        let after = |seconds| now + Duration::from_secs(seconds);
        for life in [1, 2, 100, 300, 301, 500, 7200] {
            let expiry = after(life);
            let until = refresh_not_before(expiry, now);
            // As it stands in the file: rounded down.
            let token = Token::foreign("t", expiry.before(Duration::from_millis(999)));
            for later in 0..until.since(now).as_secs() {
                assert!(is_held_off(&token, until, after(later)), "{life}, {later} s later");
            }
            assert!(!is_held_off(&token, until, until), "{life}");
            assert!(
                !is_held_off(&token, until + ROUNDING * 2, now),
                "{life}: of a clock that was ahead"
            );
        }
    }
}
