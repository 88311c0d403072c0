//! The lock of a token file: `flock(2)` on the file itself.
//!
//! Every lock and unlock of the extension is in this module. Nothing here waits inside `flock`:
//! whoever waits looks at the file between two attempts. fs2 and PHP's `flock()` both use flock(2),
//! so they exclude each other.

use std::fs::{File, OpenOptions};
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;

use fs2::FileExt;

use super::{FileError, Identity, Snapshot, holder, identify, identify_open, read};
use crate::process::{self, HeldLock, Owner};
use crate::token_file::document::Expected;

/// What an attempt to lock came to.
#[derive(Debug)]
pub enum Attempt {
    /// The lock is ours.
    Held(TokenLock),
    /// Another open file description has it.
    Busy,
    /// It was had, but on a file that has since been replaced: try again.
    Replaced,
}

/// Why waiting for a lock would never end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadlock {
    /// This thread holds the lock through this extension: it is running a loader for the file.
    OwnLoader,
    /// This process holds the lock outside this extension: PHP code has called `flock()`.
    OwnFlock,
    /// This process was forked while its parent held the lock, and the work under it is the parent's.
    ForkedChild,
    /// This thread holds the lock of a token file and asks for that account's ticket: others take
    /// the two locks in the other order.
    TicketInsideToken,
}

/// An exclusive lock on a token file, given back when this is dropped.
#[derive(Debug)]
pub struct TokenLock {
    file: ManuallyDrop<File>,
    path: PathBuf,
    identity: Identity,
    /// The process that made it: a forked child has closed its copy already.
    generation: u64,
}

impl TokenLock {
    /// Tries once to lock the file at `path`, which must be free of symbolic links. A missing file
    /// is made, empty, with the permission bits `mode`.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be opened for writing or made.
    pub fn attempt(path: &Path, mode: u32) -> Result<Attempt, FileError> {
        let failed = |error| FileError::from_io(path, "lock", error);
        let file = open_or_create(path, mode)?;
        let identity = identify_open(path, &file)?;
        let Some(lock) = Self::take(file, path, identity).map_err(failed)? else {
            return Ok(Attempt::Busy);
        };
        Ok(if lock.is_current()? { Attempt::Held(lock) } else { Attempt::Replaced })
    }

    /// Locks `file` and enters it among what the process holds, in one step: nobody in this process
    /// ever sees one without the other.
    fn take(file: File, path: &Path, identity: Identity) -> io::Result<Option<Self>> {
        let mut under_way = process::under_way();
        match file.try_lock_exclusive() {
            Ok(()) => {}
            Err(error) => {
                return match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                    _ => Err(error),
                };
            }
        }
        under_way.locks.push(HeldLock {
            fd: file.as_raw_fd(),
            file: (identity.dev, identity.ino),
            owner: Owner::Thread(thread::current().id()),
        });
        let generation = under_way.generation;
        Ok(Some(Self {
            file: ManuallyDrop::new(file),
            path: path.to_owned(),
            identity,
            generation,
        }))
    }

    /// From now on a worker holds the lock, whichever thread has taken it.
    pub fn hand_to_worker(&self) {
        let fd = self.file.as_raw_fd();
        let mut under_way = process::under_way();
        for lock in under_way.locks.iter_mut().filter(|lock| lock.fd == fd) {
            lock.owner = Owner::Worker;
        }
    }

    /// Takes a lock on `file` too, of which nobody else knows yet. When it is put at this lock's
    /// path, [`Self::move_to`] goes on with it.
    ///
    /// # Errors
    /// The operating system's, and `WouldBlock` if somebody else knows the file after all.
    pub(super) fn lock_successor(file: &File) -> io::Result<()> {
        file.try_lock_exclusive()
    }

    /// Goes on with `successor`, locked and now at this lock's path, and lets the old file go.
    pub(super) fn move_to(&mut self, successor: File) -> io::Result<()> {
        let identity = Identity::of(&rustix::fs::fstat(&successor)?);
        let mut under_way = process::under_way();
        let fd = self.file.as_raw_fd();
        for lock in under_way.locks.iter_mut().filter(|lock| lock.fd == fd) {
            lock.fd = successor.as_raw_fd();
            lock.file = (identity.dev, identity.ino);
        }
        drop(under_way);
        let old = std::mem::replace(&mut *self.file, successor);
        self.identity = identity;
        FileExt::unlock(&old)
    }

    /// Whether the locked file is still the one at its path. If not, the lock excludes nobody.
    ///
    /// # Errors
    /// [`FileError`] if the path cannot be looked at.
    pub fn is_current(&self) -> Result<bool, FileError> {
        Ok(identify(&self.path)?.is_some_and(|now| now.is_same_file(&self.identity)))
    }

    /// The real file that is locked.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open, locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Whether this process has forked since the lock was taken, and this is the child: the lock is
    /// the parent's.
    #[must_use]
    pub fn is_inherited(&self) -> bool {
        process::generation() != self.generation
    }

    /// Reads the token file under the lock.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&self, expected: Expected) -> Result<Snapshot, FileError> {
        read(&self.path, expected)
    }
}

impl Drop for TokenLock {
    fn drop(&mut self) {
        let fd = self.file.as_raw_fd();
        let mut under_way = process::under_way();
        if under_way.generation != self.generation {
            return;
        }
        under_way.locks.retain(|lock| lock.fd != fd);
        // Closing is not enough: a forked child may hold a copy of this description.
        let unlocked = FileExt::unlock(&*self.file);
        debug_assert!(unlocked.is_ok(), "flock(LOCK_UN) does not fail on an open descriptor");
        // SAFETY: the file is not used after this.
        unsafe { ManuallyDrop::drop(&mut self.file) };
    }
}

/// Whether waiting for the lock of `file` would be waiting for this very thread or process.
#[must_use]
pub fn deadlock(file: &Identity) -> Option<Deadlock> {
    // No lock of ours comes or goes while this is compared with what the kernel tells.
    let under_way = process::under_way();
    let ours = under_way.locks.iter().find(|lock| lock.file == (file.dev, file.ino));
    match ours.map(|lock| lock.owner) {
        Some(Owner::Thread(thread)) if thread == thread::current().id() => {
            Some(Deadlock::OwnLoader)
        }
        Some(_) => None,
        None => {
            let own = std::process::id();
            let is_own = holder::all(file).iter().any(|holder| holder.pid == own);
            is_own.then_some(Deadlock::OwnFlock)
        }
    }
}

fn open_or_create(path: &Path, mode: u32) -> Result<File, FileError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    loop {
        // Never O_CREAT on a file that exists: fs.protected_regular forbids it in sticky
        // directories even to root (proc_sys_fs(5)).
        match options.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(FileError::from_io(path, "write", error)),
            Ok(file) => return Ok(file),
        }
        match options.clone().create_new(true).mode(mode).open(path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::from_io(path, "create", error)),
            Ok(file) => {
                // The bits that were asked for, whatever the umask.
                file.set_permissions(PermissionsExt::from_mode(mode))
                    .and_then(|()| give_to_directory_owner(&file, path))
                    .map_err(|error| FileError::from_io(path, "create", error))?;
                return Ok(file);
            }
        }
    }
}

/// A file that root makes in another user's directory is meant for that user's web server.
fn give_to_directory_owner(file: &File, path: &Path) -> io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Some(directory) = path.parent() else { return Ok(()) };
    let owner = directory.metadata()?;
    fchown(file, Some(owner.uid()), Some(owner.gid()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn held(path: &Path) -> Option<TokenLock> {
        match TokenLock::attempt(path, 0o600) {
            Ok(Attempt::Held(lock)) => Some(lock),
            _ => None,
        }
    }

    #[test]
    fn a_second_description_is_kept_out_until_the_first_lets_go() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let first = held(&path);
        assert!(first.is_some());
        assert!(matches!(TokenLock::attempt(&path, 0o600), Ok(Attempt::Busy)));
        drop(first);
        assert!(held(&path).is_some());
        Ok(())
    }

    #[test]
    fn dropping_the_lock_frees_it_although_a_copy_of_the_description_lives() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let lock = held(&path);
        let copy = lock.as_ref().map(|lock| lock.file.try_clone()).transpose()?;
        drop(lock);
        assert!(copy.is_some() && held(&path).is_some());
        Ok(())
    }

    #[test]
    fn a_lock_on_a_replaced_file_is_no_longer_current() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let lock = held(&path);
        fs::write(dir.path().join("other"), "{}")?;
        fs::rename(dir.path().join("other"), &path)?;
        assert!(lock.is_some_and(|lock| matches!(lock.is_current(), Ok(false))));
        Ok(())
    }

    #[test]
    fn a_new_file_has_the_mode_that_was_asked_for() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        assert!(matches!(TokenLock::attempt(&path, 0o664), Ok(Attempt::Held(_))));
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o664);
        Ok(())
    }

    #[test]
    fn a_lock_of_this_thread_is_a_deadlock_and_one_of_a_worker_is_not() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let lock = held(&path).unwrap();
        assert_eq!(deadlock(&lock.identity), Some(Deadlock::OwnLoader));
        let elsewhere = thread::scope(|scope| scope.spawn(|| deadlock(&lock.identity)).join());
        assert_eq!(elsewhere.unwrap(), None, "another thread may wait for this one");
        lock.hand_to_worker();
        assert_eq!(deadlock(&lock.identity), None);
        Ok(())
    }

    #[test]
    fn a_flock_of_this_process_outside_the_extension_is_a_deadlock() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let foreign = File::create(&path)?;
        let identity = identify(&path).unwrap().unwrap();
        assert_eq!(deadlock(&identity), None);
        FileExt::try_lock_shared(&foreign)?;
        assert_eq!(deadlock(&identity), Some(Deadlock::OwnFlock));
        Ok(())
    }
}
