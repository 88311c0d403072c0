//! flock(2): every lock and unlock of the extension, and nothing else.
//!
//! Nothing here waits. PHP's `flock()` makes the same call, so PHP code and the extension exclude each other.

use std::fs::File;
use std::io;

use fs2::FileExt;

/// Tries to acquire the exclusive lock; `false` if another open file description holds a lock.
pub fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock_exclusive() {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
            _ => Err(error),
        },
    }
}

/// Releases the lock. To close the file is not enough: a forked child may hold a copy of this description.
pub fn unlock(file: &File) -> io::Result<()> {
    FileExt::unlock(file)
}
