//! Threads that no signal of PHP reaches.
//!
//! A signal handler of PHP or of a SAPI must never run on a thread that PHP does not know, so a
//! worker is born with every signal blocked, and so are the threads that it starts.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::process::{self, Worker};
use crate::signals::SignalsBlocked;

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
    process::under_way().finishing.push(thread::current());
    loop {
        let limit = process::under_way().workers.iter().map(|worker| worker.limit).max();
        let remaining = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
        match remaining.filter(|remaining| !remaining.is_zero()) {
            None => return,
            // Each worker wakes this thread when it ends. Meanwhile no mutex is held, and signals come
            // through.
            Some(remaining) => thread::park_timeout(remaining),
        }
    }
}

/// A worker's entry among what the process has under way.
struct Registered(u64);

impl Registered {
    fn new(limit: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        process::under_way().workers.push(Worker { number, limit: Instant::now() + limit });
        Self(number)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut under_way = process::under_way();
        under_way.workers.retain(|worker| worker.number != self.0);
        for thread in &under_way.finishing {
            thread.unpark();
        }
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
