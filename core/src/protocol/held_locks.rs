//! The locks that PHP code of this thread holds around a callable: wx_with_lock().
//!
//! A call on the same file from within the callable uses the held lock; a call of another Fiber does not. So
//! each lock knows the frames of the calls that are inside, and is released with the last of them: a nested call
//! may still be suspended when the first one leaves. The lock is lent to one refresh at a time: a call of its
//! loader on the same file cannot use it.

use std::cell::{Cell, RefCell};
use std::mem::{self, ManuallyDrop};
use std::path::{Path, PathBuf};

use super::call::Call;
use super::lock_wait::LockWait;
use crate::caller::{Caller, Frame};
use crate::error::Error;
use crate::token_file;
use crate::token_file::lock::{self, Attempt, TokenLock};

struct Held {
    number: u64,
    path: PathBuf,
    /// `None` while it is lent.
    lock: Option<TokenLock>,
    /// The frames of the calls that are inside, the latest last.
    inside: Vec<Frame>,
}

thread_local! {
    /// Without a destructor: it is empty at the end of each request, and needs none when a signal handler ends
    /// the process.
    static HELD: ManuallyDrop<RefCell<Vec<Held>>> =
        const { ManuallyDrop::new(RefCell::new(Vec::new())) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// A call is inside as long as this lives.
#[derive(Debug)]
pub struct LockGuard {
    number: u64,
    frame: Option<Frame>,
}

/// Locks the file of `call` within its `lock_timeout`. A missing file is created; the content is neither read
/// nor written.
///
/// # Errors
/// [`Error::Lock`], [`Error::Deadlock`] or [`Error::File`].
pub fn enter(call: &Call) -> Result<LockGuard, Error> {
    let began = call.clock.monotonic();
    let entered = try_enter(call);
    if let Err(error) = &entered {
        call.report_lock_timeout(began, error);
    }
    entered
}

fn try_enter(call: &Call) -> Result<LockGuard, Error> {
    let frame = call.caller.frame();
    let mut lock_wait = LockWait::new(call);
    loop {
        let real = token_file::resolve(&call.file)?;
        let nested = with_held(&call.caller, &real, |held| {
            held.inside.extend(frame);
            held.number
        });
        if let Some(number) = nested {
            return Ok(LockGuard { number, frame });
        }
        match TokenLock::attempt(&real, call.file_mode, &call.caller)? {
            Attempt::Held(lock) => {
                let number = NEXT.replace(NEXT.get() + 1);
                let inside = frame.into_iter().collect();
                let held = Held { number, path: real, lock: Some(lock), inside };
                HELD.with(|all| all.borrow_mut().push(held));
                return Ok(LockGuard { number, frame });
            }
            Attempt::Busy(busy) => lock_wait.pause(&real, Some(busy))?,
            Attempt::Replaced => lock_wait.pause(&real, None)?,
        }
    }
}

impl Drop for LockGuard {
    fn drop(&mut self) {
        leave(self.number, self.frame, None);
    }
}

/// Removes `frame` from the lock with this number, and returns a `borrowed` lock to it. The last frame to leave
/// releases the lock.
fn leave(number: u64, frame: Option<Frame>, borrowed: Option<TokenLock>) {
    let is_it = |held: &Held| held.number == number;
    // The lock is dropped outside the borrow.
    let _released = HELD.with(|all| {
        let mut all = all.borrow_mut();
        let index = all.iter().position(is_it)?;
        let held = all.get_mut(index)?;
        if borrowed.is_some() {
            held.lock = borrowed;
        }
        if let Some(last) = held.inside.iter().rposition(|inside| Some(*inside) == frame) {
            held.inside.remove(last);
        }
        match (held.inside.last(), &held.lock) {
            // It is lent: the borrower will call this function.
            (_, None) => None,
            (None, Some(_)) => all.remove(index).lock,
            (Some(frame), Some(lock)) => {
                lock.belongs_to(*frame);
                None
            }
        }
    });
}

/// Whether `caller` comes from within a call that holds the lock of the real file at `path`, which is not lent.
pub fn holds(caller: &Caller, path: &Path) -> bool {
    with_held(caller, path, |_| ()).is_some()
}

/// Lends the lock of the real file at `path` to `work`. `None` if `caller` does not come from within a call
/// that holds it.
pub(super) fn borrow<R>(
    caller: &Caller,
    path: &Path,
    work: impl FnOnce(&mut TokenLock) -> R,
) -> Option<R> {
    let frame = caller.frame();
    let (number, mut lock) = with_held(caller, path, |held| {
        held.inside.extend(frame);
        held.lock.take().map(|lock| (held.number, lock))
    })??;
    if let Some(frame) = frame {
        lock.belongs_to(frame);
    }
    let result = work(&mut lock);
    leave(number, frame, Some(lock));
    Some(result)
}

fn with_held<R>(caller: &Caller, path: &Path, work: impl FnOnce(&mut Held) -> R) -> Option<R> {
    HELD.with(|all| {
        let mut all = all.borrow_mut();
        all.iter_mut().find(|held| held.serves(caller, path)).map(work)
    })
}

impl Held {
    fn serves(&self, caller: &Caller, path: &Path) -> bool {
        // A forked child has its parent's list, but not its locks.
        self.path == path
            && self.lock.as_ref().is_some_and(|lock| !lock.is_inherited())
            && self.inside.iter().any(|frame| caller.is_within(*frame))
    }
}

/// Releases the locks of this thread's calls that were never unwound: after a fatal error the engine frees the
/// stack of a suspended Fiber. Only for the end of a request, when none of its calls can continue.
pub fn end_of_request() {
    let held = HELD.with(|all| mem::take(&mut *all.borrow_mut()));
    drop(held);
    lock::release_abandoned();
}
