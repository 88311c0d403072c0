//! Blocks signals: while a thread holds a mutex that a handler may want, and on threads that PHP does not
//! know.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

/// Blocks every signal on this thread until it is dropped. A thread that is started meanwhile inherits
/// the mask.
pub struct SignalsBlocked {
    before: libc::sigset_t,
}

impl SignalsBlocked {
    pub fn new() -> Self {
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

/// Runs `write`, whose failure may come with a signal that ends the process unless it is ignored: SIGPIPE where nobody reads,
/// SIGXFSZ beyond the largest size of a file. The error says the same.
pub fn without_signal_of_failure<T>(write: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let blocked = SignalsBlocked::new();
    let written = write();
    if let Err(error) = &written
        && matches!(error.raw_os_error(), Some(libc::EPIPE | libc::EFBIG))
    {
        let mut raised = MaybeUninit::uninit();
        let at_once = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: sigemptyset(3) initialises the set. The kernel raises both for the thread that writes, so that the one
        // that is pending is taken from nobody else.
        unsafe {
            libc::sigemptyset(raised.as_mut_ptr());
            libc::sigaddset(raised.as_mut_ptr(), libc::SIGPIPE);
            libc::sigaddset(raised.as_mut_ptr(), libc::SIGXFSZ);
            libc::sigtimedwait(raised.as_ptr(), ptr::null_mut(), &raw const at_once);
        }
    }
    drop(blocked);
    written
}
