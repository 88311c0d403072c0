//! This machine, for one token file: who it is in the store, and what its processes know of the store.

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use crate::clock::Timestamp;
use crate::descriptor::Unshared;
use crate::fingerprint::Fingerprint;
use crate::token_file::beside;

/// A store that failed is left alone: a second first, twice as long after each failure in a row.
const FIRST_BREAK: Duration = Duration::from_secs(1);
const LONGEST_BREAK: Duration = Duration::from_secs(30);

/// What only the administrator can mend.
const MISCONFIGURED_BREAK: Duration = Duration::from_secs(60);

/// The longest text of an error that is kept, in characters. What to do is at its end.
const MAX_REASON: usize = 800;

/// The largest file of an identity that is read, in bytes.
const MAX_IDENTITY: u64 = 256;

/// The identity of this machine in the store.
pub struct Identity {
    /// For one token file. Whoever has the lock of that file is this machine there: so the next holder continues where a
    /// killed one was. Two machines that have the same identity fetch once more, and nothing else.
    pub own: Fingerprint,
    /// This run of the machine: its monotonic clock compares with no other's.
    pub boot: Fingerprint,
}

impl Identity {
    /// For the token file at `real`.
    pub fn new(real: &Path) -> Self {
        let boot = read("/proc/sys/kernel/random/boot_id");
        let (machine, host) = (read("/etc/machine-id"), read("/proc/sys/kernel/hostname"));
        let file = real.to_string_lossy().replace('\0', "");
        let own = Fingerprint::from_parts([&machine, &host, &boot, &file].map(String::as_str));
        Self { own, boot: Fingerprint::from_parts([boot]) }
    }
}

fn read(path: &str) -> String {
    let bytes = Unshared::read(Path::new(path), MAX_IDENTITY).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', "")
}

/// What the processes of this machine know of the store. Times are those of its wall clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Knowledge {
    /// When the store last confirmed the token, or gave it.
    #[serde(rename = "confirmed_at_ms", default)]
    pub confirmed_at: Option<Timestamp>,
    /// When it was last asked to confirm it, whether it has answered or not.
    #[serde(rename = "asked_at_ms", default)]
    pub asked_at: Option<Timestamp>,
    /// The store is left alone until then.
    #[serde(rename = "broken_until_ms", default)]
    pub broken_until: Option<Timestamp>,
    /// Failures of the store in a row.
    #[serde(default)]
    pub failures: u32,
    /// Why it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// This machine does not ask WeChat until then: WeChat does not answer it, or rejects its address.
    #[serde(rename = "barred_until_ms", default)]
    pub barred_until: Option<Timestamp>,
    /// Why, as a record says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bar: Option<Value>,
    /// When it last asked for a classic token while the store was out of reach.
    #[serde(rename = "alone_at_ms", default)]
    pub alone_at: Option<Timestamp>,
}

impl Knowledge {
    /// For the token file at `real`.
    pub fn read(real: &Path) -> Self {
        beside::read(real).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Keeps it for all processes. The caller has the lock of the file.
    pub fn write(&self, real: &Path) {
        let Ok(text) = serde_json::to_string(self) else { return };
        beside::write(real, &text);
    }

    /// A time that was set in the future, by a clock that was ahead, is none.
    pub fn confirmed_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.confirmed_at.filter(|at| *at <= now)
    }

    /// When the store was last asked, or has given the token.
    pub fn last_asked_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.confirmed_at(now).max(self.asked_at.filter(|at| *at <= now))
    }

    pub fn is_broken(&self, now: Timestamp) -> bool {
        is_ahead(self.broken_until, MISCONFIGURED_BREAK, now)
    }

    pub fn store_answered(&mut self) {
        (self.broken_until, self.failures, self.reason) = (None, 0, None);
    }

    pub fn store_failed(&mut self, error: &StoreError, now: Timestamp) {
        let pause = if error.is_lasting() {
            MISCONFIGURED_BREAK
        } else {
            (FIRST_BREAK * 2_u32.saturating_pow(self.failures.min(8))).min(LONGEST_BREAK)
        };
        self.failures = self.failures.saturating_add(1);
        self.broken_until = Some(now + pause);
        self.reason = Some(error.to_string().chars().take(MAX_REASON).collect());
    }
}

/// Whether a time that was set to `most` ahead at most is still to come.
pub fn is_ahead(until: Option<Timestamp>, most: Duration, now: Timestamp) -> bool {
    until.is_some_and(|until| now < until && until <= now + most)
}
