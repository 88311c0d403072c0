//! Worker threads, which no signal reaches: a signal handler of PHP or of a SAPI must never run on a thread that
//! PHP does not know. A worker starts with every signal blocked, and so do the threads that it starts.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use crate::memory;
use crate::process::{self, Worker};
use crate::signals::SignalsBlocked;

/// Runs `work`, which takes `limit` at most, on a thread of its own. The receiver gets the result, or is
/// disconnected if the work panics. If no thread can be started, `work` is dropped.
pub(crate) fn run<T: Send + 'static>(
    limit: Duration,
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Receiver<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let registered = Registered::new(limit);
    let blocked = SignalsBlocked::new();
    let thread = thread::Builder::new().name("wx_token".to_owned()).spawn(move || {
        NUMBER.set(Some(registered.0));
        let _registered = registered;
        // Nobody receives it if the caller has stopped waiting, or does not wait.
        let _ = sender.send(work());
    });
    drop(blocked);
    thread.map(|_| receiver)
}

/// How long the end of the process waits for a worker that has no answer yet: php-fpm kills an idle child
/// a second after SIGQUIT (`fpm_pctl_perform_idle_server_maintenance` in sapi/fpm/fpm/fpm_process_ctl.c),
/// and a request may be waiting for the next child.
pub const SHORT_WAIT: Duration = Duration::from_secs(1);

thread_local! {
    static NUMBER: Cell<Option<u64>> = const { Cell::new(None) };
}

/// The worker that calls this has its answer, and takes `limit` at most to store it: the end of the process
/// waits for that. On another thread it does nothing.
pub(crate) fn begin_to_store(limit: Duration) {
    let Some(number) = NUMBER.get() else { return };
    let mut process_state = process::process_state();
    for worker in process_state.workers.iter_mut().filter(|worker| worker.number == number) {
        worker.is_storing = true;
        worker.limit = worker.limit.min(Instant::now() + limit);
    }
    // The deadlines of those who wait for this worker have changed.
    for thread in &process_state.finishing {
        thread.unpark();
    }
}

/// Waits for the workers of this process: for one that has its answer until that is stored, for one that is still
/// fetching no longer than `wait`, if there is one. The end of the process interrupts it then.
pub fn finish_all(wait: Option<Duration>) {
    let end = wait.map(|wait| Instant::now() + wait);
    process::process_state().finishing.push(thread::current());
    loop {
        let limit_of = |worker: &Worker| {
            let end = end.filter(|_| !worker.is_storing);
            end.map_or(worker.limit, |end| worker.limit.min(end))
        };
        let limit = process::process_state().workers.iter().map(limit_of).max();
        let remaining = limit.map(|limit| limit.saturating_duration_since(Instant::now()));
        match remaining.filter(|remaining| !remaining.is_zero()) {
            None => return,
            // Each worker wakes this thread when it ends. No mutex is held during the wait, so signals
            // are not blocked.
            Some(remaining) => thread::park_timeout(remaining),
        }
    }
}

struct Registered(u64);

impl Registered {
    fn new(limit: Duration) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        process::process_state().workers.push(Worker {
            number,
            limit: Instant::now() + limit,
            is_storing: false,
        });
        Self(number)
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        // The token for a ticket. If no thread could be started, this is the caller's, which keeps its memory.
        if NUMBER.get() == Some(self.0) {
            memory::forget_thread();
        }
        let mut process_state = process::process_state();
        process_state.workers.retain(|worker| worker.number != self.0);
        for thread in &process_state.finishing {
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
            finish_all(Some(SHORT_WAIT));
            DONE.load(Ordering::SeqCst)
        });
        drop(go);
        assert!(finisher.join().is_ok_and(|done| done), "the worker was not waited for");

        let (never, hung) = mpsc::channel::<()>();
        drop(run(Duration::from_millis(50), move || hung.recv())?);
        finish_all(Some(SHORT_WAIT));
        drop(never);
        Ok(())
    }

    #[test]
    fn the_end_of_the_process_cuts_a_worker_off_that_asks_and_none_that_stores() -> io::Result<()> {
        static STORED: AtomicBool = AtomicBool::new(false);
        let (began, long) = (Instant::now(), Duration::from_secs(60));
        let (never, hung) = mpsc::channel::<()>();
        drop(run(long, move || hung.recv())?);
        let (said, heard) = mpsc::channel();
        drop(run(long, move || {
            begin_to_store(long);
            let _ = said.send(());
            // A slow disk.
            thread::sleep(SHORT_WAIT + Duration::from_millis(200));
            STORED.store(true, Ordering::SeqCst);
        })?);
        assert!(heard.recv().is_ok());
        finish_all(Some(SHORT_WAIT));
        assert!(STORED.load(Ordering::SeqCst), "what was fetched is lost");
        assert!(began.elapsed() < long, "the worker that asks was waited for");
        drop(never);
        Ok(())
    }
}
