//! One refresh under a lock: fetch, then store the token or record the failure. A token that cannot be
//! stored is not lost: the process keeps it, and records that failure instead.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::report::Report;
use crate::clock::{ClockOffset, Timestamp};
use crate::error::Error;
use crate::failure::{Cause, FORCE_INTERVAL, Failure, FailureRecord, Requester, RetryPolicy};
use crate::hold_off;
use crate::notice;
use crate::record::Record;
use crate::refresh_log::{Event, EventKind, fingerprint, in_millis, message, rfc3339};
use crate::secret::Secret;
use crate::token::Token;
use crate::token_file::lock::TokenLock;
use crate::token_file::replace::{self, PendingWrite, ReadyWrite};
use crate::token_file::siblings::{self, Leftovers};
use crate::token_file::{Deadlock, Document, FileError};
use crate::token_source::{FetchError, IssuedToken, KnownToken, TokenSource, Wanted};
use crate::unstored_tokens::{self, Fetched, UnstoredToken};
use crate::worker;

pub const TIME_TO_STORE: Duration = Duration::from_secs(5);

/// A refresh that is ready: all that storing the answer needs of the file system was acquired before the fetch.
pub struct Refresh<'a> {
    call: &'a Call,
    lock: &'a mut TokenLock,
    document: Document,
    pending: PendingWrite,
    source: &'a dyn TokenSource,
    requester: &'a Requester,
    /// The token of the file has no record of this extension, although it could have one; for the log.
    is_foreign: bool,
}

pub enum Outcome {
    /// The file holds the token; or this process keeps it, because it could not be stored.
    Obtained(Token),
    /// The token is not stored: meanwhile a program without the lock has replaced the file, or stored another
    /// valid token in it.
    Displaced(Fetched),
}

/// The token of a file, as its source wants to know it.
pub fn known_token(document: &Document, now: Timestamp) -> Option<KnownToken> {
    let token = document.token()?;
    Some(KnownToken {
        value: Secret::new(&*token.value),
        life: token.expiry.since(now),
        order: document.record().and_then(|record| record.order),
    })
}

impl Outcome {
    pub fn into_token(self) -> Token {
        match self {
            Self::Obtained(token) => token,
            Self::Displaced(fetched) => fetched.token,
        }
    }
}

impl<'a> Refresh<'a> {
    /// Prepares the refresh of the locked file, which holds `document`. It fails if nothing could be stored: then
    /// nothing is fetched, either. `leftovers` are those beside the file, if they are known already.
    pub fn prepare(
        call: &'a Call,
        lock: &'a mut TokenLock,
        leftovers: Option<Leftovers>,
        document: Document,
        source: &'a dyn TokenSource,
        requester: &'a Requester,
    ) -> Result<Self, FileError> {
        let leftovers = leftovers.unwrap_or_else(|| siblings::scan(lock.path()));
        let pending = PendingWrite::stage(lock, call.write_mode, leftovers)?;
        let is_foreign = call.log.is_some()
            && document.token().is_some()
            && document.record().is_none()
            && lock.keeps_records();
        Ok(Self { call, lock, document, pending, source, requester, is_foreign })
    }

    /// Fetches a token other than `rejected`, and stores it, or records the failure for all who wait.
    pub fn fetch_and_store(
        self,
        rejected: Option<&str>,
        report: &mut Report<'_>,
        fetch: impl FnOnce(Wanted) -> Result<IssuedToken, FetchError>,
    ) -> Result<Outcome, Error> {
        self.heed_failure()?;
        let clock = &self.call.clock;
        let began = clock.monotonic();
        let known = known_token(&self.document, clock.now());
        let asked_before = self.source.requests();
        let answer = fetch(Wanted { known, rejected: rejected.map(Secret::new) });
        let took = clock.monotonic().saturating_sub(began);
        let requests = self.source.requests().zip(asked_before).map(|(all, old)| all - old);
        let event = Event {
            requests: requests.filter(|requests| *requests > 0),
            fetch_ms: Some(in_millis(took)),
            ..Event::default()
        };
        // A loader may have forked.
        if self.lock.is_inherited() {
            let (file, deadlock) = (self.call.file.clone(), Deadlock::ForkedChild);
            return Err(Error::Deadlock { file, deadlock });
        }
        let failure = match answer {
            Ok(issued) if rejected == Some(issued.value()) => {
                let retry_policy = RetryPolicy::After(FORCE_INTERVAL);
                Failure { cause: Cause::StillRejected, retry_policy }
            }
            Ok(issued) if !self.document.can_hold(issued.value()) => Failure::network(
                "the layout of the file cannot hold the new token, which is short or has unusual characters. Use a new file in JSON",
            ),
            Ok(mut issued) => {
                // By the clock as it is after the answer: it may have been set during the fetch.
                let asked_at = clock.now().before(took);
                let order = issued.take_order();
                let is_adopted = issued.is_adopted();
                let kind = if is_adopted { EventKind::Adopted } else { EventKind::Refreshed };
                let (value, expiry) = issued.into_parts(asked_at);
                let token = Token::own(value, expiry);
                let owner = self.requester.owner.clone();
                let record = Record::new(&token, owner, asked_at).with_order(order);
                return Ok(self.store(Fetched { token, record }, kind, event, report));
            }
            Err(FetchError::Failed(failure)) => failure,
            Err(FetchError::NotAttempted(error)) => {
                // A ticket's request was sent, and there is no other access token for the next one.
                if event.requests.is_some() {
                    let event = || Event { message: Some(message(&error.to_string())), ..event };
                    report.add(EventKind::Failed, self.requester, event);
                }
                return Err(error);
            }
        };
        self.record_failure(failure, rejected, event, report)
    }

    /// A caller whose clock differs from that of the file system has not yet understood what the last failure
    /// forbids.
    fn heed_failure(&self) -> Result<(), Error> {
        let Some(record) = self.document.failure() else { return Ok(()) };
        let (offset, now) = (self.file_system_offset(), self.call.clock.now());
        if record.forbids_by_own_clock(self.requester, now + offset) {
            let record = record.in_own_clock(offset);
            return Err(Error::fetch_failed(&self.call.file, &record, self.requester, now));
        }
        Ok(())
    }

    /// Stores a token, and reports that as `kind`, with what `event` says of its fetch.
    pub fn store(
        self,
        fetched: Fetched,
        kind: EventKind,
        event: Event,
        report: &mut Report<'_>,
    ) -> Outcome {
        let (requester, is_foreign) = (self.requester, self.is_foreign);
        let old = self.document.token().cloned();
        let new = fetched.token.clone();
        let (outcome, problem) = self.try_store(fetched);
        let kind = match &outcome {
            Outcome::Displaced(_) => EventKind::Displaced,
            Outcome::Obtained(_) if problem.is_some() => EventKind::NotStored,
            Outcome::Obtained(_) => kind,
        };
        report.add(kind, requester, || Event {
            old: old.map(|token| fingerprint(&token.value)),
            new: Some(fingerprint(&new.value)),
            expires_at: Some(rfc3339(new.expiry)),
            foreign: is_foreign,
            message: problem.as_deref().map(message),
            ..event
        });
        outcome
    }

    /// Also why the token is not stored, if this process keeps it.
    fn try_store(mut self, fetched: Fetched) -> (Outcome, Option<String>) {
        worker::begin_to_store(TIME_TO_STORE);
        let now = self.call.clock.now();
        let not_before = hold_off::of_new(&fetched.token, self.call.refresh_ahead, now);
        let content = self.document.with_token(&fetched.token, &fetched.record, not_before, now);
        let ready_write = self.take_pending().fill(content);
        // The check may fail where a write does not. The token is fetched by now, so check twice.
        let stored = match self.changed_since(now).or_else(|_| self.changed_since(now)) {
            Ok(FileChange::None) => ready_write.commit(self.lock),
            Ok(FileChange::Replaced | FileChange::NewToken(_)) => {
                return (Outcome::Displaced(fetched), None);
            }
            Err(error) => Err(error),
        };
        match stored {
            Ok(()) => {
                unstored_tokens::stored(self.lock.path());
                (Outcome::Obtained(fetched.token), None)
            }
            Err(_) if self.lock.is_current().is_ok_and(|is_current| !is_current) => {
                (Outcome::Displaced(fetched), None)
            }
            Err(error) => (self.keep_unstored(fetched, &error), Some(error.to_string())),
        }
    }

    /// Keeps a token that could not be stored, because of `error`, in this process, and records the failure for
    /// others: a fetch of theirs would be in vain. Unless they have stored a token meanwhile: failing took time.
    fn keep_unstored(mut self, fetched: Fetched, error: &FileError) -> Outcome {
        let now = self.call.clock.now();
        if let Ok(FileChange::Replaced | FileChange::NewToken(_)) = self.changed_since(now) {
            return Outcome::Displaced(fetched);
        }
        let cause = Cause::Store { reason: error.problem().to_owned() };
        let failure = Failure { cause, retry_policy: RetryPolicy::Backoff };
        let (record, ready_write) = self.fill_failure(failure, self.file_system_offset(), now);
        self.commit_failure(ready_write, &record);
        let token = fetched.token.clone();
        let instead_of = self.document.token().map(|token| Arc::clone(&token.value));
        let overlap = self.source.overlap();
        let unstored = UnstoredToken { fetched, instead_of, failure: record, overlap };
        if unstored_tokens::keep_unstored(self.lock.path(), unstored, now) {
            notice::leave(format!(
                "wx_token: a new token could not be stored: {error}. Until it is stored, only this process has it"
            ));
        }
        Outcome::Obtained(token)
    }

    /// Stores that the file's own token expires at `until`, a time of the file system's clock, if that is
    /// earlier. Whether it is.
    pub fn shorten_expiry(mut self, until: Timestamp) -> Result<bool, FileError> {
        let expiry = until - self.file_system_offset();
        let Some(token) = self.document.token().filter(|token| expiry < token.expiry) else {
            return Ok(false);
        };
        let now = self.call.clock.now();
        let content = self.document.with_expiry(&Token { expiry, ..token.clone() }, now);
        let ready_write = self.take_pending().fill(content);
        match self.changed_since(now)? {
            FileChange::None => ready_write.commit(self.lock).map(|()| true),
            FileChange::Replaced | FileChange::NewToken(_) => Ok(false),
        }
    }

    fn record_failure(
        mut self,
        failure: Failure,
        rejected: Option<&str>,
        event: Event,
        report: &mut Report<'_>,
    ) -> Result<Outcome, Error> {
        worker::begin_to_store(TIME_TO_STORE);
        let (offset, now) = (self.file_system_offset(), self.call.clock.now());
        let (record, ready_write) = self.fill_failure(failure, offset, now);
        let told = record.in_own_clock(offset);
        report.add(EventKind::Failed, self.requester, || Event {
            old: self.document.token().map(|token| fingerprint(&token.value)),
            foreign: self.is_foreign,
            ..event.failed(&told, self.requester)
        });
        match self.changed_since(now) {
            Ok(FileChange::NewToken(token)) if rejected != Some(&*token.value) => {
                return Ok(Outcome::Obtained(token));
            }
            Ok(FileChange::None) => self.commit_failure(ready_write, &record),
            _ => {}
        }
        Err(Error::fetch_failed(&self.call.file, &told, self.requester, now))
    }

    fn fill_failure(
        &mut self,
        failure: Failure,
        offset: ClockOffset,
        now: Timestamp,
    ) -> (FailureRecord, Option<ReadyWrite>) {
        let last = self.document.failure();
        let record = FailureRecord::new(failure, self.requester, last, now + offset);
        let pending = self.take_pending();
        let ready_write = self.document.with_failure(&record).map(|content| pending.fill(content));
        (record, ready_write)
    }

    /// Records the failure where there is room for it: in the file; in its attribute; or in this process.
    fn commit_failure(&mut self, ready_write: Option<ReadyWrite>, record: &FailureRecord) {
        if ready_write.is_none_or(|ready_write| ready_write.commit(self.lock).is_err()) {
            replace::leave_attribute(self.lock, self.document.attribute_with_failure(record));
        }
    }

    /// The write that was staged. What is written after it is written in place.
    const fn take_pending(&mut self) -> PendingWrite {
        mem::replace(&mut self.pending, PendingWrite::in_place())
    }

    fn file_system_offset(&self) -> ClockOffset {
        let stamp = self.pending.stamp(self.lock);
        stamp.map_or_else(ClockOffset::default, |stamp| self.call.clock.offset_to(stamp))
    }

    /// What a program without the lock has done to the file. Whether the file is still at its path is checked
    /// last: only then is what was read the content of that file.
    fn changed_since(&self, now: Timestamp) -> Result<FileChange, FileError> {
        let current = self.lock.read(self.document.spec())?.document;
        if !self.lock.is_current()? {
            return Ok(FileChange::Replaced);
        }
        let new = current.token().filter(|token| token.is_valid(now));
        let new = new.filter(|new| self.document.token() != Some(new));
        Ok(new.map_or(FileChange::None, |new| FileChange::NewToken(new.clone())))
    }
}

enum FileChange {
    None,
    Replaced,
    NewToken(Token),
}
