//! Waits for a lock: in short, jittered pauses, until a deadline, and never for a lock that this thread holds.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::error::Error;
use crate::token_file::{self, Wakeup, deadlock, holder};

/// The first pause and the longest, where nothing wakes the waiter when the lock is released.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// The pause where the extension wakes it: other code may hold the lock, and a process may die.
const WOKEN_PAUSE: Duration = Duration::from_millis(100);

/// The kernel's list of all locks is read so often: it is long when many wait, and most waits end before.
const DEADLOCK_CHECKS: Duration = Duration::from_millis(50);

pub struct LockWait<'a> {
    call: &'a Call,
    deadline: Instant,
    pause: Duration,
    next_check: Instant,
}

impl<'a> LockWait<'a> {
    pub fn new(call: &'a Call) -> Self {
        let now = Instant::now();
        let (deadline, next_check) = (now + call.lock_timeout, now + DEADLOCK_CHECKS);
        Self { call, deadline, pause: PAUSES.0, next_check }
    }

    pub fn renew(&mut self) {
        *self = Self::new(self.call);
    }

    /// Sleeps until the next attempt to lock the real file at `path`, or until `wakeup`; fails after the deadline, or if no wait
    /// could end.
    pub fn pause(&mut self, path: &Path, wakeup: Option<Wakeup>) -> Result<(), Error> {
        let now = Instant::now();
        let mut find = deadlock::find_own as fn(_, &_) -> _;
        if now >= self.next_check {
            self.next_check = now + DEADLOCK_CHECKS;
            find = deadlock::find;
        }
        let version = token_file::stat(path)?;
        if let Some(deadlock) = version.and_then(|file| find(file.id, &self.call.caller)) {
            return Err(Error::Deadlock { file: self.call.file.clone(), deadlock });
        }
        let remaining = self.deadline.saturating_duration_since(now);
        if remaining.is_zero() {
            return Err(timed_out(self.call));
        }
        if let Some(wakeup) = wakeup {
            wakeup.wait(jittered(WOKEN_PAUSE).min(remaining));
        } else {
            thread::sleep(jittered(self.pause).min(remaining));
            self.pause = (self.pause * 2).min(PAUSES.1);
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
