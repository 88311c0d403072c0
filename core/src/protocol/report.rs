//! What happens in a call, for the log. What a refresh has to tell is written after it has released its lock, unless that is
//! PHP code's: nobody waits for a log.

use std::time::Duration;

use super::call::Call;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::failure::{FailureRecord, Requester};
use crate::record::TokenOwner;
use crate::refresh_log::{Event, EventKind, Log, fingerprint, in_millis, message, rfc3339, short};
use crate::token::Token;

/// The events of one refresh.
pub struct Report<'a> {
    call: &'a Call,
    /// Since when the caller waits, by the monotonic clock; `None` if nobody does.
    waiting_since: Option<Duration>,
    events: Vec<(EventKind, Timestamp, Event)>,
}

impl<'a> Report<'a> {
    pub const fn new(call: &'a Call, waiting_since: Option<Duration>) -> Self {
        Self { call, waiting_since, events: Vec::new() }
    }

    /// Adds what has happened now, if the log takes it.
    pub fn add(&mut self, kind: EventKind, requester: &Requester, event: impl FnOnce() -> Event) {
        if self.call.log_of(kind).is_some() {
            let event = event().of(requester).waited(self.call, self.waiting_since);
            self.events.push((kind, self.call.clock.now(), event));
        }
    }

    pub fn write(self) {
        for (kind, at, event) in &self.events {
            if let Some(log) = &self.call.log {
                log.write(&self.call.file, *kind, *at, event);
            }
        }
    }
}

impl Call {
    fn log_of(&self, kind: EventKind) -> Option<&Log> {
        self.log.as_ref().filter(|log| log.takes(kind))
    }

    /// Writes what has happened to a caller that waits `since` then.
    fn write(&self, kind: EventKind, since: Duration, event: impl FnOnce() -> Event) {
        if let Some(log) = self.log_of(kind) {
            let event = event().waited(self, Some(since));
            log.write(&self.file, kind, self.clock.now(), &event);
        }
    }

    /// The caller has got what another call has stored.
    pub(super) fn report_wait(
        &self,
        since: Duration,
        requester: &Requester,
        outcome: &Result<Token, Error>,
    ) {
        self.write(EventKind::Waited, since, || outcome_of(outcome).of(requester));
    }

    /// An API has rejected a token, and this is what came of that.
    pub(super) fn report_rejected(
        &self,
        since: Duration,
        rejected: &str,
        outcome: &Result<Token, Error>,
    ) {
        self.write(EventKind::Rejected, since, || Event {
            appid: appid(self.owner.as_ref()),
            old: Some(fingerprint(rejected)),
            ..outcome_of(outcome)
        });
    }

    /// If a call ends with `error` because its wait for the lock did.
    pub(super) fn report_lock_timeout(&self, since: Duration, error: &Error) {
        if let Error::Lock { holder, .. } = error {
            self.write(EventKind::LockTimeout, since, || Event {
                appid: appid(self.owner.as_ref()),
                message: Some(message(&error.to_string())),
                holder_pid: holder.as_ref().map(|holder| holder.pid),
                ..Event::default()
            });
        }
    }
}

fn appid(owner: Option<&TokenOwner>) -> Option<String> {
    owner.map(|owner| short(&owner.account))
}

/// How a call has ended, for its event.
pub fn outcome_of(outcome: &Result<Token, Error>) -> Event {
    match outcome {
        Ok(token) => Event { new: Some(fingerprint(&token.value)), ..Event::default() },
        Err(Error::FetchFailed { cause, problem, retry_at, .. }) => Event {
            errcode: cause.errcode(),
            message: Some(message(problem)),
            retry_at: Some(rfc3339(*retry_at)),
            ..Event::default()
        },
        Err(error) => Event { message: Some(message(&error.to_string())), ..Event::default() },
    }
}

impl Event {
    /// The same event, of what `requester` asks for.
    fn of(self, requester: &Requester) -> Self {
        Self {
            ticket: requester.ticket,
            appid: appid(requester.owner.as_ref()),
            endpoint: Some(requester.endpoint),
            ..self
        }
    }

    fn waited(self, call: &Call, since: Option<Duration>) -> Self {
        let waited = since.map(|since| call.clock.monotonic().saturating_sub(since));
        Self { waited_ms: waited.map(in_millis), ..self }
    }

    /// The same event, which ends with a failure.
    pub(super) fn failed(self, record: &FailureRecord, requester: &Requester) -> Self {
        Self {
            errcode: record.cause.errcode(),
            message: Some(message(&(requester.describe)(&record.cause))),
            retry_at: Some(rfc3339(record.retry_at)),
            failures: Some(record.failures),
            ..self
        }
    }
}
