//! A token source behind the shared store: of all machines, one asks WeChat.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::error::StoreError;
use super::fleet::Fleet;
use super::machine::{self, Identity, Knowledge};
use super::script::{Age, Gift, Grant, PutAnswer, Scripts, Stored, Synced, Taken, Wish};
use crate::clock::{Clock, Timestamp, millis};
use crate::failure::{
    Cause, FORCE_INTERVAL, Failure, FailureRecord, LONGEST_PAUSE, Reach, Requester, RetryPolicy,
};
use crate::fingerprint::Fingerprint;
use crate::record::{Order, Record};
use crate::secret::Secret;
use crate::token_file;
use crate::token_source::{FetchError, IssuedToken, KnownToken, Remote, TokenSource, Wanted};

/// How soon a machine that may not fetch looks again for a token of another.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// A refresh of a due token that had better wait for the store.
const WAIT_FOR_STORE: Duration = Duration::from_secs(30);

/// Without the store, each machine may replace the classic token of all others: no more often than they can bear it.
const ALONE_INTERVAL: Duration = Duration::from_secs(5 * 60);

/// The longest pause that WeChat imposes on an account (errcode 45009). Whoever can write to the store could claim any.
const LONGEST_SHARED_PAUSE: Duration = Duration::from_secs(3600);

/// Pauses between two looks at a token that another machine fetches, in milliseconds.
const POLL_MS: std::ops::Range<u64> = 20..50;

/// What `inner` gives, once for all machines that share `fleet`.
pub struct SharedSource<S> {
    pub inner: S,
    pub fleet: Arc<Fleet>,
    /// The token file.
    pub file: PathBuf,
    pub clock: Arc<dyn Clock>,
}

impl<S: TokenSource> SharedSource<S> {
    fn turn(&self) -> Result<Turn<'_>, FetchError> {
        Turn::new(&self.inner, &self.fleet, &self.file, self.clock.as_ref())
    }
}

impl<S: TokenSource> TokenSource for SharedSource<S> {
    fn fetch(&self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        let mut turn = self.turn()?;
        let answer = turn.fetch(wanted);
        turn.knowledge.write(&turn.real);
        answer
    }

    fn confirm(&self, own: &KnownToken) -> Option<IssuedToken> {
        let mut turn = self.turn().ok()?;
        let newer = turn.confirm(own);
        turn.knowledge.write(&turn.real);
        newer
    }

    fn requester(&self) -> Requester {
        self.inner.requester()
    }

    fn time_limit(&self) -> Duration {
        // A fetch that brings a rejected token is followed by another.
        2 * self.inner.time_limit() + self.fleet.patience() + 2 * self.fleet.timeout
    }

    fn requests(&self) -> Option<u32> {
        self.inner.requests()
    }

    fn overlap(&self) -> Option<Duration> {
        self.inner.overlap()
    }

    fn comparer(&self) -> Option<Remote> {
        let (fleet, clock) = (Arc::clone(&self.fleet), Arc::clone(&self.clock));
        let inner = Uncalled(self.inner.requester());
        Some(Arc::new(SharedSource { inner, fleet, file: self.file.clone(), clock }))
    }
}

/// Stands for a loader where its token is only compared.
struct Uncalled(Requester);

impl TokenSource for Uncalled {
    fn fetch(&self, _wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        Err(Failure::network("a loader is called on its own thread only").into())
    }

    fn requester(&self) -> Requester {
        self.0.clone()
    }

    fn time_limit(&self) -> Duration {
        Duration::ZERO
    }
}

/// One use of the store, by the holder of the file's lock.
struct Turn<'a> {
    inner: &'a dyn TokenSource,
    fleet: &'a Fleet,
    clock: &'a dyn Clock,
    real: PathBuf,
    identity: Identity,
    knowledge: Knowledge,
}

impl<'a> Turn<'a> {
    fn new(
        inner: &'a dyn TokenSource,
        fleet: &'a Fleet,
        file: &Path,
        clock: &'a dyn Clock,
    ) -> Result<Self, FetchError> {
        let real =
            token_file::resolve(file).map_err(|error| FetchError::NotAttempted(error.into()))?;
        let (identity, knowledge) = (Identity::new(&real), Knowledge::read(&real));
        Ok(Self { inner, fleet, clock, real, identity, knowledge })
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn fetch(&mut self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        if self.knowledge.is_broken(self.now()) {
            return self.fetch_alone(wanted);
        }
        match self.fetch_once_for_all(wanted) {
            Ok(answer) => answer,
            Err(error) => {
                self.store_failed(&error);
                self.fetch_alone(wanted)
            }
        }
    }

    fn fetch_once_for_all(
        &mut self,
        wanted: &Wanted,
    ) -> Result<Result<IssuedToken, FetchError>, StoreError> {
        let known = wanted.known.as_ref().map(|known| (tag(known), self.age(known)));
        let rejected = wanted.rejected().map(Record::tag_of);
        let wish = Wish {
            known: known.as_ref().map(|(tag, age)| (tag, *age)),
            rejected: rejected.as_ref(),
            may_fetch: self.fleet.may_fetch && !self.is_barred(),
            lease: self.fleet.lease,
        };
        let patience = Instant::now() + self.fleet.patience();
        loop {
            let taken = self.scripts().take(&wish)?;
            self.knowledge.store_answered();
            match taken {
                Taken::Token(stored) => return self.adopt(stored).map(Ok),
                Taken::Granted(grant) => return Ok(self.fetch_for_all(wanted, &grant)),
                Taken::Failure(text, left) => return Ok(Err(shared_failure(&text, left))),
                Taken::Forbidden => return Ok(Err(self.forbidden().into())),
                // One after another has died, or cannot be served.
                Taken::Busy(_) if Instant::now() >= patience => {
                    return Ok(self.fetch_alone(wanted));
                }
                Taken::Busy(left) => {
                    let pause = Duration::from_millis(fastrand::u64(POLL_MS));
                    thread::sleep(pause.min(left.max(Duration::from_millis(1))));
                }
            }
        }
    }

    /// Asks WeChat, and gives all machines what it answers.
    fn fetch_for_all(&mut self, wanted: &Wanted, grant: &Grant) -> Result<IssuedToken, FetchError> {
        let asked = Asked::new(self);
        let Grant { previous, rejected, stamp } = grant;
        let mut wanted = wanted.clone();
        let mut answer = self.inner.fetch(&wanted);
        if let Ok(issued) = &answer
            && wanted.rejected.is_none()
            && rejected.as_ref() == Some(&Record::tag_of(issued.value()))
        {
            // Another machine's caller was refused with it.
            wanted.rejected = Some(Secret::new(issued.value()));
            answer = self.inner.fetch(&wanted);
        }
        match answer {
            Ok(issued) if wanted.rejected() == Some(issued.value()) => {
                // Whoever has none takes it for a good one.
                let record = self.record(still_rejected(), parsed(previous));
                let tag = Record::tag_of(issued.value());
                self.end_turn(Some(&record), Some(&tag));
                Ok(asked.issued(self, issued))
            }
            Ok(issued) => {
                (self.knowledge.barred_until, self.knowledge.bar) = (None, None);
                Ok(self.give(asked, issued, &wanted, *stamp))
            }
            Err(FetchError::Failed(failure)) => match failure.reach() {
                Reach::Account => {
                    let record = self.record(failure.clone(), parsed(previous));
                    self.end_turn(Some(&record), None);
                    Err(failure.into())
                }
                Reach::Machine => {
                    self.bar(failure.clone());
                    self.end_turn(None, None);
                    Err(Failure { retry_policy: RetryPolicy::After(LOOK_AGAIN), ..failure }.into())
                }
            },
            Err(not_attempted) => {
                self.end_turn(None, None);
                Err(not_attempted)
            }
        }
    }

    /// Stores a token for all; if one that was fetched later is there, that one counts.
    fn give(
        &mut self,
        asked: Asked,
        issued: IssuedToken,
        wanted: &Wanted,
        granted_at: i64,
    ) -> IssuedToken {
        let tag = Record::tag_of(issued.value());
        let life = issued.expires_in().saturating_sub(asked.age(self));
        let stamp = granted_at.saturating_sub(millis(self.made_before(&issued)));
        let is_same =
            wanted.known.as_ref().is_some_and(|known| known.value.reveal() == issued.value());
        let rejected = wanted.rejected().map(Record::tag_of);
        let sealed = self.fleet.seal.seal(issued.value(), &tag);
        let answer = sealed.map(|sealed| {
            self.scripts().put(&Gift {
                sealed: &sealed,
                tag: &tag,
                life,
                age: Age::Stamp(stamp),
                rejected: rejected.as_ref(),
                rest: if is_same { life / 2 } else { Duration::ZERO },
            })
        });
        let own = asked.issued(self, issued);
        match answer {
            Some(Ok(PutAnswer::Stored(stamp_ms))) => {
                self.confirmed();
                own.with_order(Order::Confirmed { stamp_ms })
            }
            Some(Ok(PutAnswer::Overtaken(stored))) => self.adopt(stored).unwrap_or(own),
            Some(Ok(PutAnswer::Expired)) | None => own,
            // The token is good, and reaches the others when the store answers again.
            Some(Err(error)) => {
                self.store_failed(&error);
                own
            }
        }
    }

    fn adopt(&mut self, stored: Stored) -> Result<IssuedToken, StoreError> {
        let now = self.now();
        let token = self.fleet.seal.open(&stored.sealed, &stored.tag);
        let issued = token.and_then(|token| IssuedToken::new(token, stored.life).ok());
        let issued = issued.ok_or_else(|| self.fleet.sealed_otherwise())?;
        self.confirmed();
        let order = Order::Confirmed { stamp_ms: stored.stamp };
        Ok(issued.until(now + stored.life).with_order(order).adopted())
    }

    /// Asks WeChat without the others, who do the same.
    fn fetch_alone(&mut self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        if !self.fleet.may_fetch || self.is_barred() {
            return Err(self.forbidden().into());
        }
        let now = self.now();
        if self.inner.overlap().is_some() {
            let reason = self.knowledge.reason.clone().unwrap_or_default();
            let later = |pause| {
                let cause = Cause::Network { reason: reason.clone() };
                Failure { cause, retry_policy: RetryPolicy::After(pause) }
            };
            let is_valid = wanted.known.as_ref().is_some_and(|known| !known.life.is_zero());
            if is_valid && wanted.rejected.is_none() {
                return Err(later(WAIT_FOR_STORE).into());
            }
            if let Some(at) = self.knowledge.alone_at
                && at <= now
                && now.since(at) < ALONE_INTERVAL
            {
                return Err(later(ALONE_INTERVAL - now.since(at)).into());
            }
            self.knowledge.alone_at = Some(now);
        }
        let asked = Asked::new(self);
        let issued = self.inner.fetch(wanted)?;
        Ok(asked.issued(self, issued))
    }

    fn confirm(&mut self, own: &KnownToken) -> Option<IssuedToken> {
        match self.try_confirm(own) {
            Ok(newer) => newer,
            Err(error) => {
                self.store_failed(&error);
                None
            }
        }
    }

    fn try_confirm(&mut self, own: &KnownToken) -> Result<Option<IssuedToken>, StoreError> {
        let (tag, age) = (tag(own), self.age(own));
        let synced = self.scripts().sync(&tag, own.life, age)?;
        self.knowledge.store_answered();
        self.confirmed();
        match synced {
            Synced::Same | Synced::Nothing => Ok(None),
            Synced::Newer(stored) => self.adopt(stored).map(Some),
            Synced::Wanted => {
                let Some(sealed) = self.fleet.seal.seal(own.value.reveal(), &tag) else {
                    return Ok(None);
                };
                let (life, rest) = (own.life, Duration::ZERO);
                let gift = Gift { sealed: &sealed, tag: &tag, life, age, rejected: None, rest };
                match self.scripts().put(&gift)? {
                    PutAnswer::Overtaken(stored) => self.adopt(stored).map(Some),
                    PutAnswer::Stored(_) | PutAnswer::Expired => Ok(None),
                }
            }
        }
    }

    fn scripts(&self) -> Scripts<'_> {
        let Fleet { store, key, timeout, .. } = self.fleet;
        Scripts { store, key, own: &self.identity.own, deadline: Instant::now() + *timeout }
    }

    /// How long before it was asked for WeChat has made a token: a stable one is returned again and again, and what is left
    /// of its life tells.
    fn made_before(&self, issued: &IssuedToken) -> Duration {
        let is_new = self.inner.overlap().is_some();
        if is_new { Duration::ZERO } else { self.age_of(issued.expires_in()).unwrap_or_default() }
    }

    /// How old a token of this machine is. Its own clock is compared with itself alone, and only since it was started.
    fn age(&self, known: &KnownToken) -> Age {
        match &known.order {
            Some(Order::Confirmed { stamp_ms }) => Age::Stamp(*stamp_ms),
            Some(Order::Unconfirmed { boot, asked_uptime_ms }) if *boot == self.identity.boot => {
                let asked = Duration::from_millis(*asked_uptime_ms);
                Age::Fetched(self.clock.monotonic().saturating_sub(asked))
            }
            // Other code has stored it, or the machine was started anew.
            _ if known.life.is_zero() => Age::Unknown,
            _ => self.age_of(known.life).map_or(Age::Unknown, Age::Fetched),
        }
    }

    /// How old a token is of whose life so much is left, if that can be told.
    fn age_of(&self, left: Duration) -> Option<Duration> {
        self.fleet.lifetime.map(|whole| whole.saturating_sub(left))
    }

    fn confirmed(&mut self) {
        self.knowledge.confirmed_at = Some(self.now());
    }

    fn store_failed(&mut self, error: &StoreError) {
        let now = self.now();
        self.knowledge.store_failed(error, now);
    }

    /// Ends this machine's turn. If the store does not answer, its lease ends by itself.
    fn end_turn(&mut self, failure: Option<&FailureRecord>, rejected: Option<&Fingerprint>) {
        let now = self.now();
        let text = failure.map(|record| record.to_json().to_string());
        let failure = text.as_ref().zip(failure);
        let failure = failure.map(|(text, record)| (text.as_bytes(), record.retry_at.since(now)));
        if let Err(error) = self.scripts().fail(failure, rejected) {
            self.store_failed(&error);
        }
    }

    fn record(&self, failure: Failure, previous: Option<FailureRecord>) -> FailureRecord {
        let requester = self.inner.requester();
        FailureRecord::new(failure, &requester, previous.as_ref(), self.now())
    }

    /// Keeps this machine from asking WeChat: the longer, the more often it has failed in a row.
    fn bar(&mut self, failure: Failure) {
        let record = self.record(failure, self.last_bar());
        self.knowledge.barred_until = Some(record.retry_at);
        self.knowledge.bar = Some(record.to_json());
    }

    fn last_bar(&self) -> Option<FailureRecord> {
        self.knowledge.bar.as_ref().and_then(FailureRecord::from_json)
    }

    fn is_barred(&self) -> bool {
        machine::is_ahead(self.knowledge.barred_until, LONGEST_PAUSE, self.now())
    }

    /// Why this machine does not fetch: it looks soon whether another one has.
    fn forbidden(&self) -> Failure {
        let cause = self.last_bar().filter(|_| self.is_barred()).map_or_else(
            || Cause::Network {
                reason: "this server has no AppSecret, and no other server has stored a token. Check the servers that have it, and wx_token.store".to_owned(),
            },
            |record| record.cause,
        );
        Failure { cause, retry_policy: RetryPolicy::After(LOOK_AGAIN) }
    }
}

/// When WeChat was asked, by the monotonic clock.
struct Asked(Duration);

impl Asked {
    fn new(turn: &Turn<'_>) -> Self {
        Self(turn.clock.monotonic())
    }

    fn age(&self, turn: &Turn<'_>) -> Duration {
        turn.clock.monotonic().saturating_sub(self.0)
    }

    /// The token with its expiry, and with its age until the store has confirmed it.
    fn issued(&self, turn: &Turn<'_>, issued: IssuedToken) -> IssuedToken {
        let expiry = turn.now() + issued.expires_in().saturating_sub(self.age(turn));
        let made = self.0.saturating_sub(turn.made_before(&issued));
        let asked_uptime_ms = made.as_millis().try_into().unwrap_or(u64::MAX);
        let boot = turn.identity.boot.clone();
        issued.or_until(expiry).with_order(Order::Unconfirmed { boot, asked_uptime_ms })
    }
}

fn tag(known: &KnownToken) -> Fingerprint {
    Record::tag_of(known.value.reveal())
}

fn still_rejected() -> Failure {
    Failure { cause: Cause::StillRejected, retry_policy: RetryPolicy::After(FORCE_INTERVAL) }
}

fn parsed(text: &[u8]) -> Option<FailureRecord> {
    serde_json::from_slice::<Value>(text).ok().as_ref().and_then(FailureRecord::from_json)
}

/// A failure that another machine has met, for as long as it forbids to ask.
fn shared_failure(text: &[u8], left: Duration) -> FetchError {
    let cause = parsed(text).map_or_else(
        || Cause::Network { reason: "another server could not fetch a token".to_owned() },
        |record| record.cause,
    );
    let retry_policy = RetryPolicy::After(left.min(LONGEST_SHARED_PAUSE));
    Failure { cause, retry_policy }.into()
}
