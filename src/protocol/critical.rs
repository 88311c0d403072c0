//! Locks that PHP code of this thread holds around a callable.
//!
//! Calls on the same file from within use the lock that is held. It is lent to one refresh at a
//! time: a loader under it that calls back has to do without.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::Call;
use super::patience::Patience;
use crate::error::Error;
use crate::token_file;
use crate::token_file::lock::{Attempt, TokenLock};

struct Held {
    path: PathBuf,
    /// `None` while it is lent.
    lock: Option<TokenLock>,
}

thread_local! {
    static HELD: RefCell<Vec<Held>> = const { RefCell::new(Vec::new()) };
}

/// A lock that is held for as long as this lives.
#[derive(Debug)]
pub struct Critical {
    /// `None` if the lock was held already: then it is not ours to give back.
    path: Option<PathBuf>,
}

/// Locks the file of `call`, within its `lock_timeout`. The file is made if it is missing; its
/// content is neither read nor written.
///
/// # Errors
/// [`Error::Lock`], [`Error::Deadlock`] or [`Error::File`].
pub fn enter(call: &Call) -> Result<Critical, Error> {
    let mut patience = Patience::new(call);
    loop {
        let real = token_file::resolve(&call.file)?;
        if holds(&real) {
            return Ok(Critical { path: None });
        }
        match TokenLock::attempt(&real, call.file_mode)? {
            Attempt::Held(lock) => {
                let held = Held { path: real.clone(), lock: Some(lock) };
                HELD.with_borrow_mut(|all| all.push(held));
                return Ok(Critical { path: Some(real) });
            }
            Attempt::Busy | Attempt::Replaced => patience.pause(&real)?,
        }
    }
}

impl Drop for Critical {
    fn drop(&mut self) {
        let Some(path) = &self.path else { return };
        // The lock is dropped outside the borrow.
        let _released = HELD.with_borrow_mut(|all| {
            let last = all.iter().rposition(|held| held.path == *path)?;
            Some(all.remove(last))
        });
    }
}

/// Whether this thread holds the lock of the real file at `path`, and it is not lent.
#[must_use]
pub fn holds(path: &Path) -> bool {
    HELD.with_borrow(|all| all.iter().any(|held| held.is_usable(path)))
}

/// Lends the lock of the real file at `path` to `work`; `None` if this thread does not hold it.
pub fn with<R>(path: &Path, work: impl FnOnce(&mut TokenLock) -> R) -> Option<R> {
    let mut lock = HELD.with_borrow_mut(|all| {
        all.iter_mut().find(|held| held.is_usable(path)).and_then(|held| held.lock.take())
    })?;
    let result = work(&mut lock);
    HELD.with_borrow_mut(|all| {
        if let Some(held) = all.iter_mut().find(|held| held.path == path && held.lock.is_none()) {
            held.lock = Some(lock);
        }
    });
    Some(result)
}

impl Held {
    /// A forked child has its parent's list, and none of its locks.
    fn is_usable(&self, path: &Path) -> bool {
        self.path == path && self.lock.as_ref().is_some_and(|lock| !lock.is_inherited())
    }
}
