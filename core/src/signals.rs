//! Blocks signals: while a thread holds a mutex that a handler may want, and on threads that PHP does not
//! know.

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
