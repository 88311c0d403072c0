//! Why a refresh failed, in the form that all who waited for it share.
//!
//! A token source answers with a [`Failure`]; the refresh turns it into a [`FailureRecord`] and leaves that in
//! the token file. Nothing here may contain a secret or a token.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::{ClockOffset, Timestamp};
use crate::fingerprint::Fingerprint;
use crate::printable::printable;
use crate::record::TokenOwner;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    Api {
        errcode: i64,
        /// WeChat's `errmsg`, without control characters and secrets.
        errmsg: String,
    },
    StillRejected,
    /// There was no usable answer: DNS, TLS, connection, time limit, HTTP status, or content.
    Network {
        reason: String,
    },
    /// There was a token, and it could not be stored: only the process that fetched it has it.
    Store {
        reason: String,
    },
}

/// The errcode of a failure for which WeChat gave none: what its interfaces say of the rejected token.
const REJECTED: i64 = 40001;

impl Cause {
    /// As exceptions have it.
    pub const fn errcode(&self) -> Option<i64> {
        match self {
            Self::Api { errcode, .. } => Some(*errcode),
            Self::StillRejected => Some(REJECTED),
            Self::Network { .. } | Self::Store { .. } => None,
        }
    }

    /// Whether both have the same errcode. Messages end in a variable `rid`.
    fn is_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Api { errcode: one, .. }, Self::Api { errcode: two, .. }) => one == two,
            _ => false,
        }
    }
}

/// What happened, without a source's words for it. A record in a token file may be anybody's writing.
impl fmt::Display for Cause {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Api { errcode, errmsg } if errmsg.is_empty() => {
                write!(formatter, "errcode {errcode} (no errmsg)")
            }
            Self::Api { errcode, errmsg } => {
                write!(formatter, "errcode {errcode} ({})", printable(errmsg))
            }
            Self::StillRejected => formatter.write_str("the rejected token"),
            Self::Network { reason } => printable(reason).fmt(formatter),
            Self::Store { reason } => write!(
                formatter,
                "a process fetched a new token, which could not be stored: {}. The error log of that process says what to do",
                printable(reason)
            ),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryPolicy {
    /// One second, doubled by each failure in a row, sixty at most.
    Backoff,
    NextMinute,
    After(Duration),
    /// As [`Self::NextMinute`], and after a fixed time if the failure before this one had the same cause:
    /// a rate limit of which WeChat does not say whether it is the minute's or the day's.
    NextMinuteThen(Duration),
    /// After a fixed time, or at once with another account or by another route: WeChat rejected this one.
    AccountRefused(Duration),
    /// The same: WeChat rejected this server's address for this account.
    AccountAddressRefused(Duration),
    /// After a fixed time, or at once by another route: WeChat rejected this server's address.
    AddressRefused(Duration),
}

/// Whom a failure concerns, of all machines that share a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    Account,
    /// The one that has asked: it was not answered, or its address is rejected.
    Machine,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub cause: Cause,
    pub retry_policy: RetryPolicy,
}

impl Failure {
    pub const fn reach(&self) -> Reach {
        match (&self.cause, self.retry_policy) {
            (Cause::Network { .. } | Cause::Store { .. }, _)
            | (_, RetryPolicy::AddressRefused(_) | RetryPolicy::AccountAddressRefused(_)) => {
                Reach::Machine
            }
            _ => Reach::Account,
        }
    }

    pub fn network(reason: impl Into<String>) -> Self {
        Self { cause: Cause::Network { reason: reason.into() }, retry_policy: RetryPolicy::Backoff }
    }
}

/// Who asks, and how: what a failure may be due to.
#[derive(Debug, Clone)]
pub struct Requester {
    /// Whose token is asked for: appid, secret and endpoint.
    pub account: Fingerprint,
    /// Where it is asked for: addresses, proxy, trusted certificates.
    pub route: Fingerprint,
    /// Whose token it will be, as a record says it; `None` if that is not known.
    pub owner: Option<TokenOwner>,
    /// The name of the endpoint, or "loader".
    pub endpoint: &'static str,
    /// The type of the ticket; `None` for an access token.
    pub ticket: Option<&'static str>,
    /// Says what a failure of this source means and what to do about it: *problem. Advice*. A record does not
    /// contain that, so whoever reads one gets the advice of its own source.
    pub describe: fn(&Cause) -> String,
}

/// The last failed refresh of a token file. In the file, its times are those of the file system's clock,
/// which all who share the file have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRecord {
    pub cause: Cause,
    pub failed_at: Timestamp,
    /// Nobody asks the source before this time.
    pub retry_at: Timestamp,
    /// Failures in a row, this one included.
    pub failures: u32,
    /// Set when WeChat rejected this account: another account need not wait.
    pub refused_account: Option<Fingerprint>,
    /// Set when another route might have led to a token: a requester with another one need not wait.
    pub route: Option<Fingerprint>,
}

const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);

/// The least time between two forced refreshes of a stable token.
pub(crate) const FORCE_INTERVAL: Duration = Duration::from_secs(30);

/// The longest pause there is: WeChat blocks an address for a day (errcode 89506).
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// A record from this far in the future of its own clock was written before that was set back.
const SET_BACK: Duration = Duration::from_secs(60);

impl FailureRecord {
    /// The record of `failure`, which came after `previous`, at `now`.
    pub fn new(
        failure: Failure,
        requester: &Requester,
        previous: Option<&Self>,
        now: Timestamp,
    ) -> Self {
        let Failure { cause, retry_policy } = failure;
        let previous = previous.filter(|record| record.concerns(requester));
        let failures = previous.map_or(1, |record| record.failures.saturating_add(1));
        let retry_at = match retry_policy {
            RetryPolicy::Backoff => now + backoff(failures),
            RetryPolicy::NextMinuteThen(pause)
                if previous.is_some_and(|record| record.cause.is_as(&cause)) =>
            {
                now + pause
            }
            RetryPolicy::NextMinute | RetryPolicy::NextMinuteThen(_) => now.next_minute(),
            RetryPolicy::After(pause)
            | RetryPolicy::AccountRefused(pause)
            | RetryPolicy::AccountAddressRefused(pause)
            | RetryPolicy::AddressRefused(pause) => now + pause,
        };
        let is_account_refused = matches!(
            retry_policy,
            RetryPolicy::AccountRefused(_) | RetryPolicy::AccountAddressRefused(_)
        );
        // A whitelist is about the address from which WeChat was asked. Quotas are the account's.
        let is_due_to_route = is_account_refused
            || matches!(retry_policy, RetryPolicy::AddressRefused(_))
            || matches!(cause, Cause::Network { .. });
        Self {
            cause,
            failed_at: now,
            retry_at,
            failures,
            refused_account: is_account_refused.then(|| requester.account.clone()),
            route: is_due_to_route.then(|| requester.route.clone()),
        }
    }

    /// Whether `requester` must not ask the source yet at `now`, by a clock that may not be the record's: one
    /// that is behind takes it for a record from the future.
    pub(crate) fn forbids(&self, requester: &Requester, now: Timestamp) -> bool {
        self.failed_at <= now && self.forbids_by_own_clock(requester, now)
    }

    /// Whether `requester` must not ask the source yet at `now`, by the clock in which the record is written.
    pub(crate) fn forbids_by_own_clock(&self, requester: &Requester, now: Timestamp) -> bool {
        now < self.retry_at && self.failed_at <= now + SET_BACK && self.concerns(requester)
    }

    /// The record in this process's clock, from which that of the file system differs by `offset`.
    pub(crate) fn in_own_clock(&self, offset: ClockOffset) -> Self {
        let (failed_at, retry_at) = (self.failed_at - offset, self.retry_at - offset);
        Self { failed_at, retry_at, ..self.clone() }
    }

    /// Whether `requester` would fail as this record says. One of an older version names no route.
    pub(crate) fn concerns(&self, requester: &Requester) -> bool {
        self.refused_account.as_ref().is_none_or(|refused| *refused == requester.account)
            && self.route.as_ref().is_none_or(|route| *route == requester.route)
    }

    pub fn to_json(&self) -> Value {
        let mut json = match &self.cause {
            Cause::Api { errcode, errmsg } => json!({"errcode": errcode, "errmsg": errmsg}),
            Cause::StillRejected => json!({"still_rejected": true}),
            Cause::Network { reason } => json!({"network": reason}),
            Cause::Store { reason } => json!({"store": reason}),
        };
        if let Value::Object(members) = &mut json {
            members.insert("failed_at_ms".into(), self.failed_at.millis().into());
            members.insert("retry_at_ms".into(), self.retry_at.millis().into());
            members.insert("failures".into(), self.failures.into());
            if let Some(account) = &self.refused_account {
                members.insert("refused_account".into(), account.hex().into());
            }
            if let Some(route) = &self.route {
                members.insert("way".into(), route.hex().into());
            }
        }
        json
    }

    /// Reads what [`Self::to_json`] wrote; `None` for anything else.
    pub fn from_json(json: &Value) -> Option<Self> {
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        let time = |key: &str| json.get(key).and_then(Value::as_i64).map(Timestamp::from_millis);
        let cause = match json.get("errcode").and_then(Value::as_i64) {
            Some(errcode) => Cause::Api { errcode, errmsg: text("errmsg")? },
            None if json.get("still_rejected").is_some() => Cause::StillRejected,
            None => match text("store") {
                Some(reason) => Cause::Store { reason },
                None => Cause::Network { reason: text("network")? },
            },
        };
        let failed_at = time("failed_at_ms")?;
        Some(Self {
            cause,
            failed_at,
            retry_at: time("retry_at_ms")?.min(failed_at + LONGEST_PAUSE),
            failures: u32::try_from(json.get("failures")?.as_u64()?).ok()?,
            refused_account: text("refused_account").map(Fingerprint::from_hex),
            route: text("way").map(Fingerprint::from_hex),
        })
    }
}

fn backoff(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    BACKOFF_FIRST.saturating_mul(1 << doublings).min(BACKOFF_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_600_000_030);

    fn requester(account: &str, route: &str) -> Requester {
        Requester {
            account: Fingerprint::from_hex(account),
            route: Fingerprint::from_hex(route),
            owner: None,
            endpoint: "stable",
            ticket: None,
            describe: Cause::to_string,
        }
    }

    fn refused() -> Failure {
        Failure {
            cause: Cause::Api { errcode: 40125, errmsg: "invalid appsecret".into() },
            retry_policy: RetryPolicy::AccountRefused(Duration::from_secs(60)),
        }
    }

    #[test]
    fn network_failures_back_off_from_one_second_to_sixty() {
        let mut previous = None;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let record = FailureRecord::new(
                Failure::network("refused"),
                &requester("a", "direct"),
                previous.as_ref(),
                NOW,
            );
            pauses.push(record.retry_at.since(NOW).as_secs());
            previous = Some(record);
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
    }

    #[test]
    fn a_refused_account_waits_and_another_does_not() {
        let record = FailureRecord::new(refused(), &requester("a", "direct"), None, NOW);
        let soon = NOW + Duration::from_secs(59);
        assert!(record.forbids(&requester("a", "direct"), soon));
        assert!(!record.forbids(&requester("b", "direct"), soon));
        assert!(!record.forbids(&requester("a", "direct"), NOW + Duration::from_secs(60)));
    }

    #[test]
    fn a_network_failure_holds_for_every_account_that_goes_the_same_way() {
        let here = requester("a", "direct");
        let record = FailureRecord::new(Failure::network("refused"), &here, None, NOW);
        assert!(record.forbids(&requester("b", "direct"), NOW));
        assert!(!record.forbids(&requester("a", "proxy"), NOW));
    }

    #[test]
    fn a_refusal_may_be_of_the_address_and_a_quota_is_not() {
        let record_of = |retry_policy| {
            let cause = Cause::Api { errcode: 1, errmsg: String::new() };
            FailureRecord::new(
                Failure { cause, retry_policy },
                &requester("a", "direct"),
                None,
                NOW,
            )
        };
        let hour = Duration::from_secs(3600);
        for retry_policy in [RetryPolicy::AccountRefused(hour), RetryPolicy::AddressRefused(hour)] {
            assert!(
                record_of(retry_policy).forbids(&requester("a", "direct"), NOW),
                "{retry_policy:?}"
            );
            assert!(
                !record_of(retry_policy).forbids(&requester("a", "proxy"), NOW),
                "{retry_policy:?}"
            );
        }
        let quotas =
            [RetryPolicy::NextMinute, RetryPolicy::After(hour), RetryPolicy::NextMinuteThen(hour)];
        for retry_policy in [RetryPolicy::Backoff].into_iter().chain(quotas) {
            assert!(
                record_of(retry_policy).forbids(&requester("b", "proxy"), NOW),
                "{retry_policy:?}"
            );
        }
    }

    #[test]
    fn a_quota_is_the_minutes_until_the_next_minutes_try_finds_it_used_up_too() {
        let here = requester("a", "direct");
        let hour = Duration::from_secs(3600);
        let quota = |rid: &str| Failure {
            cause: Cause::Api { errcode: 45009, errmsg: format!("out of limit rid: {rid}") },
            retry_policy: RetryPolicy::NextMinuteThen(hour),
        };
        let first = FailureRecord::new(quota("1"), &here, None, NOW);
        assert_eq!(first.retry_at, NOW.next_minute());
        let later = first.retry_at;
        let second = FailureRecord::new(quota("2"), &here, Some(&first), later);
        assert_eq!(second.retry_at, later + hour);
        let third = FailureRecord::new(quota("3"), &here, Some(&second), second.retry_at);
        assert_eq!(third.retry_at, second.retry_at + hour);
        let busy = FailureRecord::new(Failure::network("reset"), &here, Some(&second), later);
        let again = FailureRecord::new(quota("4"), &here, Some(&busy), later);
        assert_eq!(again.retry_at, later.next_minute(), "not in a row");
    }

    #[test]
    fn failures_by_another_way_do_not_lengthen_the_pause() {
        let mut record = None;
        for _ in 0..5 {
            let failure = Failure::network("refused");
            record =
                Some(FailureRecord::new(failure, &requester("a", "proxy"), record.as_ref(), NOW));
        }
        let failure = Failure::network("refused");
        let own = FailureRecord::new(failure, &requester("a", "direct"), record.as_ref(), NOW);
        assert_eq!((own.failures, own.retry_at.since(NOW).as_secs()), (1, 1));
    }

    #[test]
    fn a_record_of_an_older_version_concerns_every_way() {
        let mut old =
            FailureRecord::new(Failure::network("refused"), &requester("a", "direct"), None, NOW)
                .to_json();
        old.as_object_mut().and_then(|members| members.remove("way")).expect("a way");
        let record = FailureRecord::from_json(&old).expect("a record");
        assert!(record.forbids(&requester("b", "proxy"), NOW));
    }

    #[test]
    fn a_record_from_the_future_is_not_believed() {
        let here = requester("a", "direct");
        let record = FailureRecord::new(refused(), &here, None, NOW);
        let earlier = |seconds| NOW.before(Duration::from_secs(seconds));
        assert!(!record.forbids(&here, earlier(1)), "it may be another's clock");
        assert!(record.forbids_by_own_clock(&here, earlier(60)));
        assert!(!record.forbids_by_own_clock(&here, earlier(61)), "its clock was set back");
    }

    #[test]
    fn no_pause_is_believed_that_is_longer_than_the_longest() {
        let mut json =
            FailureRecord::new(refused(), &requester("a", "direct"), None, NOW).to_json();
        json["retry_at_ms"] = (NOW.millis() + 365 * 24 * 3_600_000).into();
        let record = FailureRecord::from_json(&json).expect("a record");
        assert_eq!(record.retry_at, NOW + LONGEST_PAUSE);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let still_rejected =
            Failure { cause: Cause::StillRejected, retry_policy: RetryPolicy::NextMinute };
        let store = Failure {
            cause: Cause::Store { reason: "full".into() },
            retry_policy: RetryPolicy::Backoff,
        };
        for failure in [refused(), Failure::network("连接被拒绝"), still_rejected, store] {
            let record = FailureRecord::new(failure, &requester("a", "direct"), None, NOW);
            assert_eq!(FailureRecord::from_json(&record.to_json()), Some(record));
        }
        assert_eq!(FailureRecord::from_json(&json!({"errcode": "x"})), None);
    }
}
