//! Why a call on a token file has no token to return.
//!
//! Each message says what failed, on which file, why, and what to do about it. None ever holds a
//! secret or a token.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::failure::{Cause, FailureRecord};
use crate::printable::{printable, printable_path};
use crate::token_file::Deadlock;
use crate::token_file::FileError;
use crate::token_file::holder::Holder;
use crate::wechat::errcode;

/// Any failure of a call on a token file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The upstream has no token to give, as this call or another one was told.
    #[error("cannot refresh {}: {}; it is not asked again for {} s", printable_path(file), say(cause), wait.as_secs_f64().ceil())]
    FetchFailed {
        /// The token file.
        file: PathBuf,
        /// What went wrong.
        cause: Cause,
        /// Nobody asks again before this moment.
        retry_at: Timestamp,
        /// How far ahead that lies.
        wait: Duration,
    },
    /// The lock was not had in time.
    #[error(
        "cannot lock {}: the lock was not acquired within {} s; {} holds it now. See what that process does; the wait is lock_timeout (for wx_with_lock(): $timeout)",
        printable_path(file), waited.as_secs_f64(), name(holder.as_ref())
    )]
    Lock {
        /// The token file.
        file: PathBuf,
        /// How long this call was ready to wait.
        waited: Duration,
        /// Who holds the lock, if the kernel tells.
        holder: Option<Holder>,
    },
    /// The caller's own refresh has not ended in time.
    #[error(
        "cannot refresh {}: the refresh has not ended within {} s. WeChat is asked for no longer than timeout: see whether the disk of the token file hangs. The refresh goes on, and a later call gets what it stores",
        printable_path(file), limit.as_secs_f64()
    )]
    Unfinished {
        /// The token file.
        file: PathBuf,
        /// How long the refresh was waited for.
        limit: Duration,
    },
    /// The system has no thread for the refresh. Nobody was asked.
    #[error(
        "cannot refresh {}: no thread can be started for it: {error}. WeChat was not asked. Raise the limit of processes (ulimit -u; LimitNPROC= and TasksMax= of systemd; pids.max of a container), or free some memory",
        printable_path(file)
    )]
    NoThread {
        /// The token file.
        file: PathBuf,
        /// The system's words.
        error: io::Error,
    },
    /// Waiting for the lock would be waiting for oneself.
    #[error("cannot lock {}: {}", printable_path(file), explain(*deadlock))]
    Deadlock {
        /// The token file.
        file: PathBuf,
        /// How this process is in its own way.
        deadlock: Deadlock,
    },
    /// A callable has ended the script, or is about to: whoever called it must get out of its way.
    #[error("the script ends")]
    Aborted,
    /// The token file cannot be read, written, or is not a token file.
    #[error(transparent)]
    File(#[from] FileError),
    /// There is no account, or a setting that cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Error {
    /// The token or ticket file of the call that failed, where that is not the call of PHP's own.
    #[must_use]
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

    /// The failure that `record` tells of, as seen at `now`.
    #[must_use]
    pub fn fetch_failed(file: &Path, record: &FailureRecord, now: Timestamp) -> Self {
        Self::FetchFailed {
            file: file.to_owned(),
            cause: record.cause.clone(),
            retry_at: record.retry_at,
            wait: record.retry_at.since(now),
        }
    }
}

/// An account or a setting that is missing or cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", printable(.0))]
pub struct ConfigError(pub String);

/// What went wrong, and what to do about it.
pub fn say(cause: &Cause) -> String {
    match cause {
        Cause::Api { errcode, errmsg } => {
            let said = if errmsg.is_empty() { "without a message" } else { errmsg };
            // A record in a token file may be anybody's writing.
            let said = printable(said);
            format!("errcode {errcode}: {said}; {}", errcode::advice(*errcode, errmsg))
        }
        Cause::StillRejected => {
            "there is no other token than the rejected one; WeChat renews a stable token on demand at most every 30 s and 20 times a day".to_owned()
        }
        Cause::Network { reason } => printable(reason).to_string(),
        Cause::Store { reason } => {
            format!("there is a new token, and it could not be stored: {}", printable(reason))
        }
    }
}

const fn explain(deadlock: Deadlock) -> &'static str {
    match deadlock {
        Deadlock::OwnLoader => {
            "this call comes from a loader that is running under that lock; a loader must not call wx_token on its own file"
        }
        Deadlock::OwnFlock => {
            "this process holds it itself, outside the extension; remove the fopen() and flock() around this call, or use wx_with_lock() for them"
        }
        Deadlock::ForkedChild => {
            "this process was forked while its parent held the lock, and the refresh is the parent's; end the child where its own work ends"
        }
        Deadlock::OtherFiber => {
            "another Fiber or coroutine of this process holds the lock, and cannot go on while this call waits; let it end first, or poll with wx_try_token()"
        }
        Deadlock::PollInsideLock => {
            "this call comes from within wx_with_lock() on that file, so no refresh can begin; call wx_get_token() there, or wx_try_token() outside"
        }
        Deadlock::TicketInsideToken => {
            "the ticket must be asked for outside wx_with_lock() on its token file; locks are taken in the order ticket, then token"
        }
    }
}

fn name(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "a process that the system does not name".to_owned(), Holder::to_string)
}
