//! Threads that no signal of PHP reaches.
//!
//! A signal handler of PHP or of a SAPI must never run on a thread that PHP does not know, so a
//! worker is born with every signal blocked, and so are the threads that it starts.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Runs `work` on a thread of its own, with every signal blocked. Its result comes through the
/// receiver, which is disconnected without one if the work panics.
///
/// # Errors
/// If no thread can be started; `work` is then dropped.
pub fn run<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Receiver<T>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    let blocked = SignalsBlocked::new();
    let thread = thread::Builder::new().name("wx_token".to_owned()).spawn(move || {
        // Nobody listens any more if the caller has stopped waiting.
        let _ = sender.send(work());
    });
    drop(blocked);
    thread.map(|_| receiver)
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

    use super::*;

    fn blocked_signals() -> Option<u64> {
        let status = fs::read_to_string("/proc/thread-self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    #[test]
    fn a_worker_and_its_threads_block_every_signal_and_the_caller_none() -> io::Result<()> {
        let before = blocked_signals();
        let receiver =
            run(|| (blocked_signals(), thread::spawn(blocked_signals).join().ok().flatten()))?;
        // The kernel never blocks SIGKILL (9) and SIGSTOP (19); glibc keeps 32 and 33 for itself.
        let usual = !(1 << 8 | 1 << 18 | 1 << 31 | 1 << 32);
        let masks = receiver.recv().ok();
        assert_eq!(masks, Some((Some(usual), Some(usual))));
        assert_eq!(blocked_signals(), before);
        Ok(())
    }

    #[test]
    fn a_panic_disconnects_instead_of_hanging() -> io::Result<()> {
        #[expect(clippy::panic, reason = "the panic is what is tested")]
        let receiver = run(|| -> () { panic!("on purpose") })?;
        assert!(receiver.recv().is_err());
        Ok(())
    }
}
