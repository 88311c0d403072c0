//! Waits for a lock: in short, jittered pauses, until a deadline, and never for a lock that this thread holds.

use std::mem;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::call::Call;
use crate::error::Error;
use crate::process::FileId;
use crate::token_file::lock::Busy;
use crate::token_file::{self, Deadlock, Woken, deadlock, holder};

/// The first pause and the longest where nothing wakes the waiter when the lock is released.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// The same where the extension wakes it: other code may hold the lock, and a process may die.
const WOKEN_PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_millis(100));

/// The kernel's list of all locks is read after so long: it is long when many wait, and most waits end before.
const LIST_AFTER: Duration = Duration::from_millis(50);

pub struct LockWait<'a> {
    call: &'a Call,
    deadline: Instant,
    /// The next pauses, without and with somebody who wakes it.
    pause: Duration,
    woken_pause: Duration,
    list_at: Instant,
    /// The file whose lock was looked for in the kernel's list.
    listed: Option<FileId>,
    /// It was woken on the release of this file: the next waiter is, when this one has looked at what there is now.
    turn: Option<(FileId, Woken)>,
}

impl<'a> LockWait<'a> {
    pub fn new(call: &'a Call) -> Self {
        let now = Instant::now();
        let (deadline, list_at) = (now + call.lock_timeout, now + LIST_AFTER);
        let (pause, woken_pause) = (PAUSES.0, WOKEN_PAUSES.0);
        Self { call, deadline, pause, woken_pause, list_at, listed: None, turn: None }
    }

    pub fn renew(&mut self) {
        *self = Self::new(self.call);
    }

    /// Sleeps until the next attempt to lock the real file at `path`, which found it `busy` or not there any more; fails
    /// after the deadline, or if no wait could end.
    pub fn pause(&mut self, path: &Path, busy: Option<Busy>) -> Result<(), Error> {
        let locked = busy.as_ref().map(|busy| busy.version.id);
        if let Some((file, turn)) = self.turn.take()
            && locked == Some(file)
        {
            // Its lock is another's again, whose release wakes those who wait.
            turn.keep();
        }
        let now = Instant::now();
        if let Some(file) = locked
            && let Some(deadlock) = self.find_deadlock(file, now)
        {
            return Err(Error::Deadlock { file: self.call.file.clone(), deadlock });
        }
        let remaining = self.deadline.saturating_duration_since(now);
        if remaining.is_zero() {
            return Err(timed_out(self.call));
        }
        if let Some(Busy { version, wakeup: Some(wakeup) }) = busy {
            let pause = mem::replace(&mut self.woken_pause, WOKEN_PAUSES.1);
            // Who has replaced the file since that attempt has woken only those who were waiting by then.
            if token_file::stat(path)? == Some(version) {
                let turn = wakeup.wait(jittered(pause).min(remaining));
                self.turn = turn.map(|turn| (version.id, turn));
            }
        } else {
            thread::sleep(jittered(self.pause).min(remaining));
            self.pause = (self.pause * 2).min(PAUSES.1);
        }
        Ok(())
    }
}

impl LockWait<'_> {
    /// Whether the wait for the lock of `file` could not end. The kernel's list of all locks is read once: who waits acquires
    /// nothing meanwhile.
    fn find_deadlock(&mut self, file: FileId, now: Instant) -> Option<Deadlock> {
        if now < self.list_at || self.listed == Some(file) {
            return deadlock::find_own(file, &self.call.caller);
        }
        self.listed = Some(file);
        deadlock::find(file, &self.call.caller)
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

/// From three quarters of `pause` to all of it, so that waiters do not try at the same time.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.25, 0.75))
}
