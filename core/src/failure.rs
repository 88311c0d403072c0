//! Why a refresh failed, in the form that all who waited for it share.
//!
//! An upstream answers with a [`Failure`]; the refresh turns it into a [`FailureRecord`] and leaves
//! that in the token file. Nothing here may ever hold a secret or a token.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::clock::{Epoch, Offset};
use crate::record::Owner;

/// What went wrong upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// WeChat answered with an error code.
    Api {
        /// WeChat's `errcode`.
        errcode: i64,
        /// WeChat's `errmsg`, cleaned of control characters and secrets.
        errmsg: String,
    },
    /// WeChat goes on giving the token that its own interfaces reject.
    StillRejected,
    /// There was no usable answer.
    Network {
        /// DNS, TLS, connection, time limit, HTTP status, or a body that is no answer.
        reason: String,
    },
    /// There was a token, and it could not be stored: the process that asked for it alone has it.
    Store {
        /// The operating system's words.
        reason: String,
    },
}

impl Cause {
    /// Whether both have the same errcode. Messages end in a variable `rid`.
    fn is_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Api { errcode: one, .. }, Self::Api { errcode: two, .. }) => one == two,
            _ => false,
        }
    }
}

/// How soon an upstream may be asked again after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// One second, doubled by each failure in a row, sixty at most.
    Backoff,
    /// When the next minute of the wall clock begins.
    NextMinute,
    /// After a fixed time.
    After(Duration),
    /// As [`Self::NextMinute`], and after a fixed time if the failure before this one had the same cause:
    /// a quota of which WeChat does not say whether it is the minute's or the day's.
    NextMinuteThen(Duration),
    /// After a fixed time, or at once with another account or by another way: this one was refused.
    AccountRefused(Duration),
    /// After a fixed time, or at once by another way: this server's address was refused.
    AddressRefused(Duration),
}

/// An upstream's answer when it has no token to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What went wrong.
    pub cause: Cause,
    /// How soon to ask again.
    pub pace: Pace,
}

impl Failure {
    /// No usable answer; ask again with growing pauses.
    pub fn network(reason: impl Into<String>) -> Self {
        Self { cause: Cause::Network { reason: reason.into() }, pace: Pace::Backoff }
    }
}

/// Tells things apart without telling what they are: a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint that `hex` spells.
    pub fn new(hex: impl Into<String>) -> Self {
        Self(hex.into())
    }

    /// The fingerprint of `parts`, none of which holds a NUL byte.
    #[must_use]
    pub fn of(parts: impl IntoIterator<Item = String>) -> Self {
        let joined = parts.into_iter().collect::<Vec<_>>().join("\0");
        let hash = Sha256::digest(joined);
        Self(hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its sixteen hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> &str {
        &self.0
    }
}

/// Who asks, and how: what a failure may be due to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asker {
    /// Whose token is asked for: appid, secret and endpoint.
    pub account: Fingerprint,
    /// Where it is asked for: addresses, proxy, trusted certificates.
    pub way: Fingerprint,
    /// Whose token it will be, as a record says it; `None` if that is not known.
    pub owner: Option<Owner>,
}

/// The last failed refresh of a token file. In the file, its moments are those of the file system's clock,
/// which all who share the file have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureRecord {
    /// What went wrong.
    pub cause: Cause,
    /// When the refresh gave up.
    pub failed_at: Epoch,
    /// Nobody asks the upstream before this moment.
    pub retry_at: Epoch,
    /// Failures in a row, this one included.
    pub failures: u32,
    /// Set when it was this account that was refused: another account need not wait.
    pub refused_account: Option<Fingerprint>,
    /// Set when another way might have led to a token: whoever goes by another one need not wait.
    pub way: Option<Fingerprint>,
}

const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const BACKOFF_MOST: Duration = Duration::from_secs(60);

/// The longest pause there is: WeChat blocks an address for a day (errcode 89506).
pub const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// A record from this far in the future of its own clock was written before that was set back.
const SET_BACK: Duration = Duration::from_secs(60);

impl FailureRecord {
    /// The record of `failure`, which came after `previous`, at `now`.
    #[must_use]
    pub fn of(failure: Failure, asker: &Asker, previous: Option<&Self>, now: Epoch) -> Self {
        let previous = previous.filter(|record| record.concerns(asker));
        let failures = previous.map_or(1, |record| record.failures.saturating_add(1));
        let retry_at = match failure.pace {
            Pace::Backoff => now + backoff(failures),
            Pace::NextMinute => now.next_minute(),
            Pace::NextMinuteThen(pause) => match previous {
                Some(record) if record.cause.is_as(&failure.cause) => now + pause,
                _ => now.next_minute(),
            },
            Pace::After(pause) | Pace::AccountRefused(pause) | Pace::AddressRefused(pause) => {
                now + pause
            }
        };
        let refused_account =
            matches!(failure.pace, Pace::AccountRefused(_)).then(|| asker.account.clone());
        // A whitelist is about the address from which WeChat was asked. Quotas are the account's.
        let is_due_to_way = matches!(failure.cause, Cause::Network { .. })
            || matches!(failure.pace, Pace::AccountRefused(_) | Pace::AddressRefused(_));
        let way = is_due_to_way.then(|| asker.way.clone());
        Self { cause: failure.cause, failed_at: now, retry_at, failures, refused_account, way }
    }

    /// Whether `asker` must not ask the upstream yet at `now`, by a clock that may not be the record's: one
    /// that is behind takes it for a record from the future.
    #[must_use]
    pub fn forbids(&self, asker: &Asker, now: Epoch) -> bool {
        self.failed_at <= now && self.forbids_by_its_clock(asker, now)
    }

    /// Whether `asker` must not ask the upstream yet at `now`, by the clock in which the record is written.
    #[must_use]
    pub fn forbids_by_its_clock(&self, asker: &Asker, now: Epoch) -> bool {
        now < self.retry_at && self.failed_at <= now + SET_BACK && self.concerns(asker)
    }

    /// The record in this process's clock, from which that of the file system differs by `offset`.
    #[must_use]
    pub fn in_own_clock(&self, offset: Offset) -> Self {
        let (failed_at, retry_at) = (self.failed_at - offset, self.retry_at - offset);
        Self { failed_at, retry_at, ..self.clone() }
    }

    /// Whether `asker` would fare as this record says. One of an older version tells of no way.
    #[must_use]
    pub fn concerns(&self, asker: &Asker) -> bool {
        self.refused_account.as_ref().is_none_or(|refused| *refused == asker.account)
            && self.way.as_ref().is_none_or(|way| *way == asker.way)
    }

    /// The record as it stands in a token file.
    #[must_use]
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
            if let Some(Fingerprint(hex)) = &self.refused_account {
                members.insert("refused_account".into(), hex.as_str().into());
            }
            if let Some(Fingerprint(hex)) = &self.way {
                members.insert("way".into(), hex.as_str().into());
            }
        }
        json
    }

    /// Reads what [`Self::to_json`] wrote; `None` for anything else.
    #[must_use]
    pub fn from_json(json: &Value) -> Option<Self> {
        let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
        let moment = |key: &str| json.get(key).and_then(Value::as_i64).map(Epoch::from_millis);
        let cause = match json.get("errcode").and_then(Value::as_i64) {
            Some(errcode) => Cause::Api { errcode, errmsg: text("errmsg")? },
            None if json.get("still_rejected").is_some() => Cause::StillRejected,
            None => match text("store") {
                Some(reason) => Cause::Store { reason },
                None => Cause::Network { reason: text("network")? },
            },
        };
        let failed_at = moment("failed_at_ms")?;
        Some(Self {
            cause,
            failed_at,
            retry_at: moment("retry_at_ms")?.min(failed_at + LONGEST_PAUSE),
            failures: u32::try_from(json.get("failures")?.as_u64()?).ok()?,
            refused_account: text("refused_account").map(Fingerprint),
            way: text("way").map(Fingerprint),
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

    const NOW: Epoch = Epoch::from_secs(1_600_000_030);

    fn asker(account: &str, way: &str) -> Asker {
        Asker { account: Fingerprint::new(account), way: Fingerprint::new(way), owner: None }
    }

    fn refused() -> Failure {
        Failure {
            cause: Cause::Api { errcode: 40125, errmsg: "invalid appsecret".into() },
            pace: Pace::AccountRefused(Duration::from_secs(60)),
        }
    }

    #[test]
    fn network_failures_back_off_from_one_second_to_sixty() {
        let mut previous = None;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let record = FailureRecord::of(
                Failure::network("refused"),
                &asker("a", "direct"),
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
        let record = FailureRecord::of(refused(), &asker("a", "direct"), None, NOW);
        let soon = NOW + Duration::from_secs(59);
        assert!(record.forbids(&asker("a", "direct"), soon));
        assert!(!record.forbids(&asker("b", "direct"), soon));
        assert!(!record.forbids(&asker("a", "direct"), NOW + Duration::from_secs(60)));
    }

    #[test]
    fn a_network_failure_holds_for_every_account_that_goes_the_same_way() {
        let here = asker("a", "direct");
        let record = FailureRecord::of(Failure::network("refused"), &here, None, NOW);
        assert!(record.forbids(&asker("b", "direct"), NOW));
        assert!(!record.forbids(&asker("a", "proxy"), NOW));
    }

    #[test]
    fn a_refusal_may_be_of_the_address_and_a_quota_is_not() {
        let record_of = |pace| {
            let cause = Cause::Api { errcode: 1, errmsg: String::new() };
            FailureRecord::of(Failure { cause, pace }, &asker("a", "direct"), None, NOW)
        };
        let hour = Duration::from_secs(3600);
        for pace in [Pace::AccountRefused(hour), Pace::AddressRefused(hour)] {
            assert!(record_of(pace).forbids(&asker("a", "direct"), NOW), "{pace:?}");
            assert!(!record_of(pace).forbids(&asker("a", "proxy"), NOW), "{pace:?}");
        }
        let quotas = [Pace::NextMinute, Pace::After(hour), Pace::NextMinuteThen(hour)];
        for pace in [Pace::Backoff].into_iter().chain(quotas) {
            assert!(record_of(pace).forbids(&asker("b", "proxy"), NOW), "{pace:?}");
        }
    }

    #[test]
    fn a_quota_is_the_minutes_until_the_next_minutes_try_finds_it_used_up_too() {
        let here = asker("a", "direct");
        let hour = Duration::from_secs(3600);
        let quota = |rid: &str| Failure {
            cause: Cause::Api { errcode: 45009, errmsg: format!("out of limit rid: {rid}") },
            pace: Pace::NextMinuteThen(hour),
        };
        let first = FailureRecord::of(quota("1"), &here, None, NOW);
        assert_eq!(first.retry_at, NOW.next_minute());
        let later = first.retry_at;
        let second = FailureRecord::of(quota("2"), &here, Some(&first), later);
        assert_eq!(second.retry_at, later + hour);
        let third = FailureRecord::of(quota("3"), &here, Some(&second), second.retry_at);
        assert_eq!(third.retry_at, second.retry_at + hour);
        let busy = FailureRecord::of(Failure::network("reset"), &here, Some(&second), later);
        let again = FailureRecord::of(quota("4"), &here, Some(&busy), later);
        assert_eq!(again.retry_at, later.next_minute(), "not in a row");
    }

    #[test]
    fn failures_by_another_way_do_not_lengthen_the_pause() {
        let mut record = None;
        for _ in 0..5 {
            let failure = Failure::network("refused");
            record = Some(FailureRecord::of(failure, &asker("a", "proxy"), record.as_ref(), NOW));
        }
        let failure = Failure::network("refused");
        let own = FailureRecord::of(failure, &asker("a", "direct"), record.as_ref(), NOW);
        assert_eq!((own.failures, own.retry_at.since(NOW).as_secs()), (1, 1));
    }

    #[test]
    fn a_record_of_an_older_version_concerns_every_way() {
        let mut old =
            FailureRecord::of(Failure::network("refused"), &asker("a", "direct"), None, NOW)
                .to_json();
        old.as_object_mut().and_then(|members| members.remove("way")).expect("a way");
        let record = FailureRecord::from_json(&old).expect("a record");
        assert!(record.forbids(&asker("b", "proxy"), NOW));
    }

    #[test]
    fn a_record_from_the_future_is_not_believed() {
        let here = asker("a", "direct");
        let record = FailureRecord::of(refused(), &here, None, NOW);
        let earlier = |seconds| NOW.before(Duration::from_secs(seconds));
        assert!(!record.forbids(&here, earlier(1)), "it may be another's clock");
        assert!(record.forbids_by_its_clock(&here, earlier(60)));
        assert!(!record.forbids_by_its_clock(&here, earlier(61)), "its clock was set back");
    }

    #[test]
    fn no_pause_is_believed_that_is_longer_than_the_longest() {
        let mut json = FailureRecord::of(refused(), &asker("a", "direct"), None, NOW).to_json();
        json["retry_at_ms"] = (NOW.millis() + 365 * 24 * 3_600_000).into();
        let record = FailureRecord::from_json(&json).expect("a record");
        assert_eq!(record.retry_at, NOW + LONGEST_PAUSE);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let still_rejected = Failure { cause: Cause::StillRejected, pace: Pace::NextMinute };
        let store = Failure { cause: Cause::Store { reason: "full".into() }, pace: Pace::Backoff };
        for failure in [refused(), Failure::network("连接被拒绝"), still_rejected, store] {
            let record = FailureRecord::of(failure, &asker("a", "direct"), None, NOW);
            assert_eq!(FailureRecord::from_json(&record.to_json()), Some(record));
        }
        assert_eq!(FailureRecord::from_json(&json!({"errcode": "x"})), None);
    }
}
