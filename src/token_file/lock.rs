//! The lock of a token file: `flock(2)` on the file itself.
//!
//! Every lock and unlock of the extension is in this module. Nothing here waits inside `flock`:
//! whoever waits looks at the file between two attempts. fs2 and PHP's `flock()` both use flock(2),
//! so they exclude each other.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use fs2::FileExt;

use super::{FileError, Identity, Snapshot, identify, read, regular};

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

/// An exclusive lock on a token file, given back when this is dropped.
#[derive(Debug)]
pub struct TokenLock {
    file: File,
    path: PathBuf,
    identity: Identity,
}

impl TokenLock {
    /// Tries once to lock the file at `path`, which must be free of symbolic links. A missing file
    /// is made, empty, with the permission bits `mode`.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be opened for writing or made.
    pub fn attempt(path: &Path, mode: u32) -> Result<Attempt, FileError> {
        let file = open_or_create(path, mode)?;
        match file.try_lock_exclusive() {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Attempt::Busy),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Attempt::Busy),
            Err(error) => return Err(FileError::from_io(path, "lock", error)),
        }
        let metadata = file.metadata().map_err(|error| FileError::from_io(path, "lock", error))?;
        let identity = regular(path, &metadata)?;
        let lock = Self { file, path: path.to_owned(), identity };
        Ok(if lock.is_current()? { Attempt::Held(lock) } else { Attempt::Replaced })
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
    pub const fn file(&self) -> &File {
        &self.file
    }

    /// Reads the token file under the lock.
    ///
    /// # Errors
    /// As [`read`].
    pub fn read(&self) -> Result<Snapshot, FileError> {
        read(&self.path)
    }
}

impl Drop for TokenLock {
    fn drop(&mut self) {
        // Closing is not enough: a forked child may hold a copy of this description.
        if let Err(error) = FileExt::unlock(&self.file) {
            debug_assert_eq!(error.kind(), io::ErrorKind::Interrupted, "unlock: {error}");
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
}
