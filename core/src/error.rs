//! Why a call on a token file has no token to return.
//!
//! Each message says what failed, on which file, why, and what to do about it. None contains a secret or a
//! token.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::failure::{Cause, FailureRecord, Requester};
use crate::printable::{printable, printable_path};
use crate::token_file::Deadlock;
use crate::token_file::FileError;
use crate::token_file::holder::Holder;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The source has no token to give, as this call or another one was told.
    #[error(
        "cannot refresh {}: {problem}; next attempt in {} s{}",
        printable_path(file), wait.as_secs_f64().ceil(),
        if *is_account_refused { ", or at once with another appid or secret" } else { "" }
    )]
    FetchFailed {
        file: PathBuf,
        cause: Cause,
        /// The same in the words of the source, with its advice.
        problem: String,
        /// Nobody asks again before this time.
        retry_at: Timestamp,
        wait: Duration,
        /// Whether another account of this source may ask at once.
        is_account_refused: bool,
    },
    #[error(
        "cannot lock {}: the lock was not acquired within {} s; {} holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout)",
        printable_path(file), waited.as_secs_f64(), name(holder.as_ref())
    )]
    Lock {
        file: PathBuf,
        /// How long this call was ready to wait.
        waited: Duration,
        holder: Option<Holder>,
    },
    #[error(
        "cannot refresh {}: the refresh did not end within {} s, although its fetch takes no longer than timeout. Check whether the disk of the token file hangs; the refresh continues, and a later call gets its token",
        printable_path(file), limit.as_secs_f64()
    )]
    Unfinished { file: PathBuf, limit: Duration },
    /// The system has no thread for the refresh. Nothing was fetched.
    #[error(
        "cannot refresh {}: no thread can be started: {error}. Raise the limit of processes (ulimit -u; LimitNPROC= and TasksMax= of systemd; pids.max of a container), or free some memory; nothing was fetched",
        printable_path(file)
    )]
    NoThread { file: PathBuf, error: io::Error },
    /// The call would wait for its own process.
    #[error("cannot lock {}: {}", printable_path(file), explain(*deadlock))]
    Deadlock { file: PathBuf, deadlock: Deadlock },
    /// A callable has ended the script, or is about to: its caller must return at once.
    #[error("the script ends")]
    Aborted,
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Error {
    /// The token or ticket file of the call that failed, where that is not the call of PHP's own.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::FetchFailed { file, .. }
            | Self::Lock { file, .. }
            | Self::Unfinished { file, .. }
            | Self::NoThread { file, .. }
            | Self::Deadlock { file, .. } => Some(file),
            Self::File(_) | Self::Config(_) | Self::Aborted => None,
        }
    }

    /// The failure that `record` tells `requester` of, as seen at `now`.
    pub(crate) fn fetch_failed(
        file: &Path,
        record: &FailureRecord,
        requester: &Requester,
        now: Timestamp,
    ) -> Self {
        Self::FetchFailed {
            file: file.to_owned(),
            cause: record.cause.clone(),
            problem: (requester.describe)(&record.cause),
            retry_at: record.retry_at,
            wait: record.retry_at.since(now),
            // A loader does not say whose token it fetches: another one would wait as well.
            is_account_refused: record.refused_account.is_some() && requester.owner.is_some(),
        }
    }
}

/// An account or a setting that is missing or cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", printable(.0))]
pub struct ConfigError(pub String);

#[rustfmt::skip]
const fn explain(deadlock: Deadlock) -> &'static str {
    match deadlock {
        Deadlock::OwnLoader => "a loader for this file is running and called wx_token on the same file. Remove that call from the loader",
        Deadlock::OwnFlock => "this process already holds a flock() on it. Remove the fopen() and flock() around this call, or use wx_with_lock() instead",
        Deadlock::ForkedChild => "this process was forked while its parent held the lock, so only the parent can store the token. Call exit() in the child before the loader returns",
        Deadlock::OtherFiber => "another Fiber or coroutine of this process holds the lock, and cannot continue while this call waits. Let it end first, or poll with wx_try_token()",
        Deadlock::PollInsideLock => "wx_try_token() was called inside wx_with_lock() on this file, so no refresh can start. Call wx_get_token() there, or wx_try_token() outside",
        Deadlock::TicketInsideToken => "it is locked by wx_with_lock(), and the ticket file must be locked first. Move wx_get_ticket() out of wx_with_lock()",
    }
}

fn name(holder: Option<&Holder>) -> String {
    let unknown = || "another process (the system does not say which)".to_owned();
    holder.map_or_else(unknown, Holder::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::{Failure, RetryPolicy};
    use crate::fingerprint::Fingerprint;
    use crate::record::TokenOwner;

    #[test]
    fn a_record_is_told_in_the_words_of_the_source_that_meets_it() {
        let now = Timestamp::from_secs(1_700_000_000);
        let owner = TokenOwner { account: "wx1".into(), application: None };
        let wechat = Requester {
            account: Fingerprint::from_hex("a"),
            route: Fingerprint::from_hex("r"),
            owner: Some(owner),
            endpoint: "stable",
            ticket: None,
            describe: |cause| format!("WeChat answered {cause}. Check it"),
        };
        let loader = Requester { owner: None, describe: Cause::to_string, ..wechat.clone() };
        let cause = Cause::Api { errcode: 40125, errmsg: "bad\n".into() };
        let retry_policy = RetryPolicy::AccountRefused(Duration::from_secs(60));
        let record = FailureRecord::new(Failure { cause, retry_policy }, &wechat, None, now);
        let record = FailureRecord::from_json(&record.to_json()).expect("a record");
        let told = |requester| {
            Error::fetch_failed(Path::new("/t.json"), &record, requester, now).to_string()
        };
        assert_eq!(
            told(&wechat),
            r"cannot refresh /t.json: WeChat answered errcode 40125 (bad\n). Check it; next attempt in 60 s, or at once with another appid or secret"
        );
        assert_eq!(
            told(&loader),
            r"cannot refresh /t.json: errcode 40125 (bad\n); next attempt in 60 s"
        );
    }
}
