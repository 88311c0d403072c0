//! Waits for a lock: in short, jittered pauses, until a deadline, and never for a lock that this thread holds.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::error::Error;
use crate::token_file::{self, Wakeup, deadlock, holder};

/// The first pause and the longest, where nothing wakes the waiter when the lock is released.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// The same, where the extension wakes it: other code may hold the lock, and a process may die.
const WOKEN_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

const DEADLOCK_CHECKS: Duration = Duration::from_millis(100);

pub struct LockWait<'a> {
    call: &'a Call,
    deadline: Instant,
    pause: Duration,
    next_check: Instant,
}

impl<'a> LockWait<'a> {
    pub fn new(call: &'a Call) -> Self {
        let now = Instant::now();
        Self { call, deadline: now + call.lock_timeout, pause: Duration::ZERO, next_check: now }
    }

    pub fn renew(&mut self) {
        *self = Self::new(self.call);
    }

    /// Sleeps until the next attempt to lock the real file at `path`, or until `wakeup`; fails after the deadline, or if no wait
    /// could end.
    pub fn pause(&mut self, path: &Path, wakeup: Option<Wakeup>) -> Result<(), Error> {
        let now = Instant::now();
        if now >= self.next_check {
            self.next_check = now + DEADLOCK_CHECKS;
            let version = token_file::stat(path)?;
            let caller = &self.call.caller;
            if let Some(deadlock) = version.and_then(|file| deadlock::find(file.id, caller)) {
                return Err(Error::Deadlock { file: self.call.file.clone(), deadlock });
            }
        }
        let remaining = self.deadline.saturating_duration_since(now);
        if remaining.is_zero() {
            return Err(timed_out(self.call));
        }
        let (first, longest) = if wakeup.is_some() { WOKEN_PAUSES } else { PAUSES };
        let pause = self.pause.clamp(first, longest);
        self.pause = pause * 2;
        let limit = jittered(pause).min(remaining);
        match wakeup {
            Some(wakeup) => wakeup.wait(limit),
            None => thread::sleep(limit),
        }
        Ok(())
    }
}

fn timed_out(call: &Call) -> Error {
    let version = token_file::stat(&call.file).ok().flatten();
    Error::Lock {
        file: call.file.clone(),
        waited: call.lock_timeout,
        holder: version.and_then(|version| holder::find(version.id)),
    }
}

/// From half of `pause` to all of it, so that waiters do not try at the same time.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}
