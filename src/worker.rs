//! Threads that no signal of PHP reaches.
//!
//! A signal handler of PHP or of a SAPI must never run on a thread that PHP does not know, so a
//! worker is born with every signal blocked, and so are the threads that it starts.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{self, WORKER_ENDED};

/// Runs `work`, which takes `limit` at most, on a thread of its own with every signal blocked. Its
/// result comes through the receiver, which is disconnected without one if the work panics.
///
/// # Errors
/// If no thread can be started; `work` is then dropped.
pub fn run<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Receiver<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let registered = Registered::new(limit);
    let blocked = SignalsBlocked::new();
    let thread = thread::Builder::new().name("wx_token".to_owned()).spawn(move || {
        let _registered = registered;
        // Nobody listens if the caller has stopped waiting, or never meant to wait.
        let _ = sender.send(work());
    });
    drop(blocked);
    thread.map(|_| receiver)
}

/// Waits until every worker of this process has ended, each within its own limit: what one has
/// fetched is stored, not lost.
pub fn finish_all() {
    let mut under_way = process::under_way();
    loop {
        let limit = under_way.workers.iter().map(|(_, limit)| *limit).max();
        let remaining = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
        match remaining.filter(|remaining| !remaining.is_zero()) {
            None => return,
            Some(remaining) => {
                let waited = WORKER_ENDED.wait_timeout(under_way, remaining);
                under_way = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}

/// A worker's entry among what the process has under way.
struct Registered(u64);

impl Registered {
    fn new(limit: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        process::under_way().workers.push((number, Instant::now() + limit));
        Self(number)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        process::under_way().workers.retain(|(number, _)| *number != self.0);
        WORKER_ENDED.notify_all();
    }
}

/// Every signal is blocked on this thread while this lives: a thread that is started meanwhile
/// inherits the mask.
struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    fn new() -> Self {
        let mut all = MaybeUninit::uninit();
        let mut before = MaybeUninit::uninit();
        // SAFETY: sigfillset(3) and pthread_sigmask(3) initialise the sets that they are given, and
        // cannot fail with a valid `how`.
        let before = unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(before.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), before.as_mut_ptr());
            before.assume_init()
        };
        Self { before }
    }
}

impl Drop for SignalsBlocked {
    fn drop(&mut self) {
        // SAFETY: `before` is the mask that pthread_sigmask(3) gave for this very thread.
        unsafe {
            libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.before, ptr::null_mut())
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::atomic::AtomicBool;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    fn blocked_signals() -> Option<u64> {
        let status = fs::read_to_string("/proc/thread-self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    #[test]
    fn a_worker_and_its_threads_block_every_signal_and_the_caller_none() -> io::Result<()> {
        let before = blocked_signals();
        let masks = || (blocked_signals(), thread::spawn(blocked_signals).join().ok().flatten());
        let receiver = run(LIMIT, masks)?;
        // The kernel never blocks SIGKILL (9) and SIGSTOP (19); glibc keeps 32 and 33 for itself.
        let usual = !(1 << 8 | 1 << 18 | 1 << 31 | 1 << 32);
        assert_eq!(receiver.recv().ok(), Some((Some(usual), Some(usual))));
        assert_eq!(blocked_signals(), before);
        Ok(())
    }

    #[test]
    fn a_panic_disconnects_instead_of_hanging() -> io::Result<()> {
        let receiver = run(LIMIT, || -> () { panic!("on purpose") })?;
        assert!(receiver.recv().is_err());
        Ok(())
    }

    #[test]
    fn the_end_of_the_process_waits_for_a_worker_and_not_beyond_its_limit() -> io::Result<()> {
        static DONE: AtomicBool = AtomicBool::new(false);
        let (go, gone) = mpsc::channel::<()>();
        drop(run(LIMIT, move || {
            let _ = gone.recv();
            DONE.store(true, Ordering::SeqCst);
        })?);
        let finisher = thread::spawn(|| {
            finish_all();
            DONE.load(Ordering::SeqCst)
        });
        drop(go);
        assert!(finisher.join().is_ok_and(|done| done), "the worker was not waited for");

        let (never, hung) = mpsc::channel::<()>();
        drop(run(Duration::from_millis(50), move || hung.recv())?);
        finish_all();
        drop(never);
        Ok(())
    }
}
