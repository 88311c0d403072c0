//! Waits that would never end.

use super::holder;
use crate::caller::{Caller, LockOwner};
use crate::process::{self, FileId, ProcessState};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadlock {
    /// This thread holds the lock through this extension: it is running a loader for the file.
    OwnLoader,
    /// This process holds the lock outside this extension: PHP code has called `flock()`.
    OwnFlock,
    /// This process was forked while its parent held the lock, and the refresh is the parent's.
    ForkedChild,
    /// This thread holds the lock of a token file and asks for that account's ticket: others acquire
    /// the two locks in the other order.
    TicketInsideToken,
    /// Another Fiber or coroutine of this thread holds the lock, and cannot continue while this call waits.
    OtherFiber,
    /// This call must not wait, and is within `wx_with_lock()`: no refresh can begin until that ends.
    PollInsideLock,
}

/// Why `caller`, if it waited for the lock of `file`, would wait for its own thread, by what this process knows.
pub fn find_own(file: FileId, caller: &Caller) -> Option<Deadlock> {
    let owner = owner(&process::process_state(), file)?;
    among_calls(owner, caller)
}

/// The same, and whether it would wait for its own process, by the kernel's list of all locks.
pub fn find(file: FileId, caller: &Caller) -> Option<Deadlock> {
    // No lock of ours comes or goes between this comparison and the kernel's list.
    let process_state = process::process_state();
    match owner(&process_state, file) {
        Some(owner) => among_calls(owner, caller),
        // The kernel names the process, not the thread: another thread's flock() is worth waiting for.
        None if process::has_several_php_threads() => None,
        None => {
            let own = std::process::id();
            let is_own =
                holder::all_under(&process_state, file).iter().any(|holder| holder.pid == own);
            is_own.then_some(Deadlock::OwnFlock)
        }
    }
}

fn owner(process_state: &ProcessState, file: FileId) -> Option<LockOwner> {
    process_state.locks.iter().find(|lock| lock.file == file).map(|lock| lock.owner)
}

fn among_calls(owner: LockOwner, caller: &Caller) -> Option<Deadlock> {
    match owner {
        LockOwner::Call { thread, frame } if caller.keeps_waiting(thread) => {
            let is_own = caller.is_within(frame);
            Some(if is_own { Deadlock::OwnLoader } else { Deadlock::OtherFiber })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io;
    use std::thread;

    use super::*;
    use crate::caller::tests::{caller, stranger};
    use crate::token_file::lock::{Attempt, TokenLock};
    use crate::token_file::stat;

    #[test]
    fn a_lock_of_this_thread_is_a_deadlock_and_one_of_a_worker_is_not() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let attempt = TokenLock::attempt(&path, 0o600, &caller());
        let Ok(Attempt::Held(lock)) = attempt else { panic!("{attempt:?}") };
        assert_eq!(find(lock.id, &caller()), Some(Deadlock::OwnLoader));
        assert_eq!(find(lock.id, &stranger()), Some(Deadlock::OtherFiber));
        assert_eq!(
            find(lock.id, &caller().on_worker()),
            Some(Deadlock::OtherFiber),
            "this thread waits for the worker"
        );
        let elsewhere = thread::scope(|scope| scope.spawn(|| find(lock.id, &caller())).join());
        assert_eq!(elsewhere.unwrap(), None, "another thread may wait for this one");
        lock.hand_to_worker();
        assert_eq!(find(lock.id, &caller()), None);
        Ok(())
    }

    #[test]
    fn a_flock_of_this_process_outside_the_extension_is_a_deadlock() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let foreign = File::create(&path)?;
        let id = stat(&path).unwrap().unwrap().id;
        assert_eq!(find(id, &caller()), None);
        fs2::FileExt::try_lock_shared(&foreign)?;
        assert_eq!(find(id, &caller()), Some(Deadlock::OwnFlock));
        Ok(())
    }
}
