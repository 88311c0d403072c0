//! What a call does under the lock: it reads the file again, and fetches only if nobody else has a token by now.

use std::sync::Arc;
use std::time::Duration;

use super::call::Call;
use super::interrupted;
use super::lookup::Lookup;
use super::refresh::{Outcome, Refresh, known_token};
use super::report::{Report, outcome_of};
use crate::error::Error;
use crate::failure::{FailureRecord, Requester};
use crate::record::Record;
use crate::refresh_log::{Event, EventKind};
use crate::token::{Freshness, Token};
use crate::token_file::lock::TokenLock;
use crate::token_file::siblings::{self, Leftovers};
use crate::token_source::{FetchError, IssuedToken, TokenSource, Wanted};
use crate::unstored_tokens::Fetched;

#[derive(Clone)]
pub enum Goal {
    /// To renew a valid token that is due, unless another call has done so or it is too soon.
    RenewDue,
    /// To obtain a token: the call has none that it can use.
    Obtain(Box<TokenRequest>),
    /// To learn whether another machine has a newer token than a fresh one.
    Confirm,
}

impl Goal {
    /// When the call began, by the monotonic clock, if it has waited before its refresh.
    pub fn began(&self) -> Option<Duration> {
        match self {
            Self::Obtain(request) => Some(request.began),
            Self::RenewDue | Self::Confirm => None,
        }
    }
}

#[derive(Clone)]
pub struct TokenRequest {
    pub rejected: Option<Arc<str>>,
    /// The failure record that the call found first: another one is of a refresh that failed since.
    pub old_failure: Option<FailureRecord>,
    /// A token that this call has fetched and could not store, because the file was replaced.
    pub displaced: Option<Fetched>,
    /// When the call began, by the monotonic clock.
    pub began: Duration,
}

impl TokenRequest {
    /// The token, or the failure, that another call has stored since this one began.
    pub fn answered_by(
        &self,
        found: &Lookup,
        call: &Call,
        requester: &Requester,
    ) -> Result<Option<Token>, Error> {
        if let Some(token) = call.usable(found, self.rejected.as_deref()) {
            return Ok(Some(token));
        }
        let failed = found.failure().filter(|record| {
            Some(*record) != self.old_failure.as_ref() && record.concerns(requester)
        });
        let Some(record) = failed else { return Ok(None) };
        // It failed a moment ago, whatever the clock of the file system says.
        let record = record.in_own_clock(call.clock.offset_to(record.failed_at));
        Err(Error::fetch_failed(&call.file, &record, requester, call.clock.now()))
    }
}

impl Call {
    /// The request of this call, which has found no usable token. The last failure may forbid `requester` to
    /// fetch yet.
    pub(super) fn request(
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
        let (rejected, began) = (rejected.map(Arc::from), self.clock.monotonic());
        Ok(TokenRequest { rejected, old_failure, displaced: None, began })
    }
}

/// Refreshes the locked file, if that is still necessary: `None` if it is not. A token that this process
/// could not store before is stored; else `fetch` asks `source` for one.
pub fn refresh(
    call: &Call,
    goal: &Goal,
    lock: &mut TokenLock,
    source: &dyn TokenSource,
    report: &mut Report<'_>,
    fetch: impl FnOnce(Wanted) -> Result<IssuedToken, FetchError>,
) -> Result<Option<Outcome>, Error> {
    let requester = source.requester();
    let mut found = call.look_up_in(lock.read(call.spec)?)?;
    call.check_owner(&found, requester.owner.as_ref())?;
    let mut leftovers = source.overlap().map(|_| siblings::scan(lock.path()));
    let mut interrupted = leftovers.as_ref().and_then(Leftovers::interrupted_at);
    if let Some(until) = interrupted::usable_until(interrupted, source) {
        let document = found.document().clone();
        let refresh = Refresh::prepare(call, lock, leftovers.take(), document, source, &requester)?;
        if interrupted::shorten_expiry(refresh, until, &call.file) {
            report.add(EventKind::Interrupted, &requester, Event::default);
            found = call.look_up_in(lock.read(call.spec)?)?;
            interrupted = None;
        }
    }
    let (rejected, unstored) = match goal {
        Goal::RenewDue => {
            let now = call.clock.now();
            let token = found.token();
            let is_fresh = token
                .is_some_and(|token| token.freshness(now, call.refresh_ahead) == Freshness::Fresh);
            if is_fresh && found.unstored.is_none() {
                return Ok(token.cloned().map(Outcome::Obtained));
            }
            if call.is_held_off(&found)
                || found.failure().is_some_and(|record| record.forbids(&requester, now))
            {
                return Ok(None);
            }
            if source.overlap().is_none() {
                interrupted = leftovers.insert(siblings::scan(lock.path())).interrupted_at();
            }
            if interrupted::is_recent(interrupted, now) {
                return Ok(None);
            }
            (None, found.unstored.filter(|_| is_fresh && !found.is_superseded))
        }
        Goal::Confirm => return confirm(call, lock, found, source, &requester, report),
        Goal::Obtain(request) => {
            if let Some(answer) = request.answered_by(&found, call, &requester).transpose() {
                report.add(EventKind::Waited, &requester, || outcome_of(&answer));
                return answer.map(|token| Some(Outcome::Obtained(token)));
            }
            (request.rejected.as_deref(), request.displaced.clone())
        }
    };
    let refresh =
        Refresh::prepare(call, lock, leftovers, found.snapshot.document, source, &requester)?;
    match unstored {
        Some(fetched) => {
            Ok(Some(refresh.store(fetched, EventKind::Stored, Event::default(), report)))
        }
        None => refresh.fetch_and_store(rejected, report, fetch).map(Some),
    }
}

/// Stores the newer token of another machine, if there is one: `None` if not.
fn confirm(
    call: &Call,
    lock: &mut TokenLock,
    found: Lookup,
    source: &dyn TokenSource,
    requester: &Requester,
    report: &mut Report<'_>,
) -> Result<Option<Outcome>, Error> {
    let asked_at = call.clock.now();
    let own = known_token(found.document(), asked_at).filter(|own| !own.life.is_zero());
    let Some(mut newer) = own.and_then(|own| source.confirm(&own)) else { return Ok(None) };
    let order = newer.take_order();
    let (value, expiry) = newer.into_parts(asked_at);
    let token = Token::own(value, expiry);
    let record = Record::new(&token, requester.owner.clone(), asked_at).with_order(order);
    let document = found.snapshot.document;
    let refresh = Refresh::prepare(call, lock, None, document, source, requester)?;
    let fetched = Fetched { token, record };
    Ok(Some(refresh.store(fetched, EventKind::Adopted, Event::default(), report)))
}
