//! Replacing a token file: whole, or not at all.
//!
//! A replacement is made beside the file, under the lock, and takes its place by rename(2). It is
//! staged before the upstream is asked, so that a full disk or a barred directory costs no token.

use std::ffi::OsString;
use std::fs::{self, DirEntry, File};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::FallocateFlags;
use tempfile::NamedTempFile;

use super::FileError;
use super::lock::TokenLock;

/// Marks a name as that of a replacement under way: `.<file>.wx_token.<random>`.
const MARK: &str = ".wx_token.";
const RANDOM_CHARS: usize = 6;

/// Room for a token of the longest kind and a failure record, in bytes.
const HEADROOM: u64 = 4096;

/// A file that is ready to take the place of a token file; removed if it never does.
#[derive(Debug)]
pub struct Replacement {
    file: NamedTempFile,
}

impl Replacement {
    /// Makes an empty replacement beside the locked file, with its disk space reserved, and sweeps
    /// away what killed processes left there.
    ///
    /// # Errors
    /// [`FileError`] if the directory cannot be written or the disk is full.
    pub fn stage(lock: &TokenLock) -> Result<Self, FileError> {
        let failed = |error| FileError::from_io(lock.path(), "replace", error);
        let (directory, prefix) = place(lock.path()).map_err(failed)?;
        sweep(directory, &prefix);
        let file = tempfile::Builder::new()
            .prefix(&prefix)
            .rand_bytes(RANDOM_CHARS)
            .tempfile_in(directory)
            .map_err(failed)?;
        let old = lock.file().metadata().map_err(failed)?;
        reserve(file.as_file(), old.len() + HEADROOM).map_err(failed)?;
        Ok(Self { file })
    }

    /// Puts `content` in the place of the locked file, durably. The lock goes on with the new file.
    ///
    /// # Errors
    /// [`FileError`]; the old file is then untouched.
    pub fn commit(self, lock: &mut TokenLock, content: &[u8]) -> Result<(), FileError> {
        let path = lock.path().to_owned();
        self.try_commit(lock, content).map_err(|error| FileError::from_io(&path, "replace", error))
    }

    fn try_commit(self, lock: &mut TokenLock, content: &[u8]) -> io::Result<()> {
        let new = self.file.as_file();
        new.write_all_at(content, 0)?;
        new.set_len(content.len() as u64)?;
        take_after(new, lock.file())?;
        new.sync_all()?;
        TokenLock::lock_successor(new)?;
        let new = self.file.persist(lock.path())?;
        lock.move_to(new)?;
        // The new file is in place. Should the directory not reach the disk before a power cut, the
        // old file is back: an expired token, not a lost one.
        if let Ok((directory, _)) = place(lock.path()) {
            let _ = File::open(directory).and_then(|directory| directory.sync_all());
        }
        Ok(())
    }
}

/// Gives `new` the owner and mode of `old`.
fn take_after(new: &File, old: &File) -> io::Result<()> {
    let (old, made) = (old.metadata()?, new.metadata()?);
    if (old.uid(), old.gid()) != (made.uid(), made.gid()) {
        // Only root may give a file away; anyone may replace a file in a directory of his own.
        match fchown(new, Some(old.uid()), Some(old.gid())) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
            _ => {}
        }
    }
    new.set_permissions(old.permissions())
}

fn place(path: &Path) -> io::Result<(&Path, OsString)> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let prefix = [b".", name.as_bytes(), MARK.as_bytes()].concat();
    Ok((directory, OsString::from_vec(prefix)))
}

/// Reserves disk space. File systems that cannot (NFS, ZFS) tell of a full disk at the write.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INTR)
        | Ok(()) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether a replacement of the file at `path` is under way, or was when its process died.
#[must_use]
pub fn is_staged(path: &Path) -> bool {
    place(path).is_ok_and(|(directory, prefix)| !leftovers(directory, &prefix).is_empty())
}

/// Removes replacements that were never put in place. Under the lock, none can be in use. What
/// cannot be removed does no harm.
fn sweep(directory: &Path, prefix: &OsString) {
    for path in leftovers(directory, prefix) {
        let _ = fs::remove_file(path);
    }
}

fn leftovers(directory: &Path, prefix: &OsString) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let is_leftover = |entry: &DirEntry| {
        let name = entry.file_name();
        let random = name.as_bytes().strip_prefix(prefix.as_bytes());
        random.is_some_and(|random| {
            random.len() == RANDOM_CHARS && random.iter().all(u8::is_ascii_alphanumeric)
        }) && entry.file_type().is_ok_and(|kind| kind.is_file())
    };
    entries.flatten().filter(is_leftover).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::token_file::lock::Attempt;

    fn lock(path: &Path) -> Option<TokenLock> {
        match TokenLock::attempt(path, 0o600) {
            Ok(Attempt::Held(lock)) => Some(lock),
            _ => None,
        }
    }

    fn names(directory: &Path) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.push(entry?.file_name());
        }
        names.sort();
        Ok(names)
    }

    #[test]
    fn a_commit_replaces_the_content_and_keeps_the_mode() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "an old and much longer content")?;
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640))?;
        let committed = lock(&path).map(|mut lock| {
            let staged = Replacement::stage(&lock);
            staged.and_then(|replacement| replacement.commit(&mut lock, b"new"))
        });
        assert!(matches!(committed, Some(Ok(()))));
        assert_eq!(fs::read(&path)?, b"new");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o640);
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    #[test]
    fn the_lock_goes_on_with_the_new_file() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let mut held = lock(&path).unwrap();
        Replacement::stage(&held).unwrap().commit(&mut held, b"new").unwrap();
        assert!(matches!(TokenLock::attempt(&path, 0o600), Ok(Attempt::Busy)));
        assert!(held.is_current().unwrap());
        drop(held);
        assert!(lock(&path).is_some());
        Ok(())
    }

    #[test]
    fn a_replacement_that_is_not_committed_goes_and_the_file_stays() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "old")?;
        assert!(lock(&path).is_some_and(|lock| Replacement::stage(&lock).is_ok()));
        assert_eq!(fs::read(&path)?, b"old");
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    #[test]
    fn leftovers_of_this_file_are_swept_and_nothing_else() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let kept = [".other.json.wx_token.abc123", ".token.json.wx_token.note", "token.json"];
        for name in kept.iter().chain(&[".token.json.wx_token.aB3dE9"]) {
            fs::write(dir.path().join(name), "")?;
        }
        let path = dir.path().join("token.json");
        assert!(lock(&path).is_some_and(|lock| Replacement::stage(&lock).is_ok()));
        assert_eq!(names(dir.path())?, kept);
        Ok(())
    }
}
