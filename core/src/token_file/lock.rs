//! The lock of a token file: `flock(2)` on the file itself, which the process state remembers.
//!
//! Nothing here waits for the lock: a waiter looks at the file between two attempts.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::mem::{self, ManuallyDrop};
use std::os::fd::{AsRawFd, FromRawFd};
use std::path::{Path, PathBuf};
use std::thread;

use super::attributes;
use super::create::open_or_create;
use super::document::FileSpec;
use super::error::FileError;
use super::flock::{try_lock, unlock};
use super::read::{Snapshot, read_resolved};
use super::system_error::SystemError;
use super::version::{FileVersion, stat_open, stat_resolved};
use super::wakeup::Wakeup;
use crate::caller::{Caller, Frame, LockOwner};
use crate::process::{self, FileId};

#[derive(Debug)]
pub enum Attempt {
    Held(TokenLock),
    /// Another open file description holds it.
    Busy(Busy),
    /// The file at the path has been replaced meanwhile: resolve the path again, and try again.
    Replaced,
}

/// A file that another holds locked.
#[derive(Debug)]
pub struct Busy {
    pub version: FileVersion,
    /// Its release wakes those who wait, where that can be.
    pub wakeup: Option<Wakeup>,
}

thread_local! {
    /// Whether a call has locked a file on this thread since the last [`release_abandoned`].
    static HAS_LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// An exclusive lock on a token file, released when this is dropped.
#[derive(Debug)]
pub struct TokenLock {
    file: ManuallyDrop<File>,
    path: PathBuf,
    pub(super) id: FileId,
    /// The process that acquired it: a forked child has closed its copy already.
    generation: u64,
}

impl TokenLock {
    /// Tries once to lock the file at `path`, which has been resolved, for `caller`. A missing file is created,
    /// empty, with the permission bits `mode`.
    pub fn attempt(path: &Path, mode: u32, caller: &Caller) -> Result<Attempt, FileError> {
        match Self::acquire(path, mode, caller.owner())? {
            Attempt::Held(lock) if !lock.is_current()? => Ok(Attempt::Replaced),
            attempt => Ok(attempt),
        }
    }

    /// Opens the file, locks it, and adds it to the process state, in one step: no thread of this process
    /// sees one without the others, and no child is forked in between.
    fn acquire(path: &Path, mode: u32, owner: LockOwner) -> Result<Attempt, FileError> {
        let mut process_state = process::process_state();
        let Some(file) = open_or_create(&process_state, path, mode)? else {
            return Ok(Attempt::Replaced);
        };
        let version = stat_open(path, &file)?;
        let locked = try_lock(&file).map_err(SystemError::of("flock(2)"));
        if !locked.map_err(|error| FileError::from_io(path, "lock", error))? {
            return Ok(Attempt::Busy(Busy { version, wakeup: Wakeup::of(&file) }));
        }
        process_state.hold(&file, version.id, owner);
        HAS_LOCKED.set(true);
        let (path, id) = (path.to_owned(), version.id);
        let generation = process_state.generation;
        Ok(Attempt::Held(Self { file: ManuallyDrop::new(file), path, id, generation }))
    }

    /// From now on a worker owns the lock, whichever thread has acquired it.
    pub fn hand_to_worker(&self) {
        self.change_owner(|owner| *owner = LockOwner::Worker);
    }

    /// From now on the call with `frame` owns the lock, among those of the thread that has acquired it.
    pub fn belongs_to(&self, frame: Frame) {
        self.change_owner(|owner| {
            if let LockOwner::Call { frame: own, .. } = owner {
                *own = frame;
            }
        });
    }

    fn change_owner(&self, change: impl Fn(&mut LockOwner)) {
        let fd = self.file.as_raw_fd();
        let mut process_state = process::process_state();
        for lock in process_state.locks.iter_mut().filter(|lock| lock.fd == fd) {
            change(&mut lock.owner);
        }
    }

    /// Continues with the `staged` file, which is locked and now at this lock's path, and releases the old one.
    pub(super) fn move_to(&mut self, staged: File, id: FileId) -> io::Result<()> {
        let wakeup = Wakeup::of(&self.file);
        let mut process_state = process::process_state();
        process_state.forget(&self.file);
        let old = mem::replace(&mut *self.file, staged);
        self.id = id;
        let unlocked = unlock(&old);
        // No child is forked with it: nobody would close it there.
        drop(old);
        drop(process_state);
        wakeup.iter().for_each(Wakeup::wake);
        unlocked
    }

    /// Whether the locked file is still the one at its path. If not, the lock excludes nobody.
    pub fn is_current(&self) -> Result<bool, FileError> {
        Ok(stat_resolved(&self.path)?.is_some_and(|now| now.id == self.id))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Whether this process was forked after the lock was acquired: the lock is the parent's.
    pub fn is_inherited(&self) -> bool {
        process::generation() != self.generation
    }

    /// Reads the token file under the lock. If a link is at its path now, there is no file.
    /// Whether a record can stand beside the file, so that one that is missing tells something.
    pub fn keeps_records(&self) -> bool {
        attributes::are_supported(self.file())
    }

    pub fn read(&self, spec: FileSpec) -> Result<Snapshot, FileError> {
        read_resolved(&self.path, spec)
    }
}

impl Drop for TokenLock {
    fn drop(&mut self) {
        let wakeup = Wakeup::of(&self.file);
        let mut process_state = process::process_state();
        if process_state.generation != self.generation {
            return;
        }
        process_state.forget(&self.file);
        let unlocked = unlock(&self.file);
        debug_assert!(unlocked.is_ok(), "flock(LOCK_UN) does not fail on an open descriptor");
        // SAFETY: the file is not used after this.
        unsafe { ManuallyDrop::drop(&mut self.file) };
        drop(process_state);
        wakeup.iter().for_each(Wakeup::wake);
    }
}

/// Releases the locks of calls of this thread that cannot do so themselves any more: their frames are gone, and
/// nothing of them has been dropped.
pub fn release_abandoned() {
    if !HAS_LOCKED.take() {
        return;
    }
    let this_thread = thread::current().id();
    let mut wakeups = Vec::new();
    let mut process_state = process::process_state();
    process_state.locks.retain(|lock| {
        let is_abandoned =
            matches!(lock.owner, LockOwner::Call { thread, .. } if thread == this_thread);
        if is_abandoned {
            // SAFETY: a descriptor of ours, whose owner will not use it again.
            let file = unsafe { File::from_raw_fd(lock.fd) };
            let _ = unlock(&file);
            wakeups.extend(Wakeup::of(&file));
        }
        !is_abandoned
    });
    drop(process_state);
    wakeups.iter().for_each(Wakeup::wake);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::caller::tests::caller;
    use crate::token_file::CredentialKind;

    fn held(path: &Path) -> Option<TokenLock> {
        match TokenLock::attempt(path, 0o600, &caller()) {
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
        assert!(matches!(TokenLock::attempt(&path, 0o600, &caller()), Ok(Attempt::Busy(_))));
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
    fn a_link_at_the_path_is_an_exchange_and_not_followed() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (path, other) = (dir.path().join("token.json"), dir.path().join("other.json"));
        symlink(&other, &path)?;
        let (sender, receiver) = std::sync::mpsc::channel();
        let dangling = path.clone();
        thread::spawn(move || sender.send(TokenLock::attempt(&dangling, 0o600, &caller())));
        let attempt = receiver.recv_timeout(std::time::Duration::from_secs(10));
        assert!(matches!(attempt, Ok(Ok(Attempt::Replaced))), "{attempt:?}");
        assert!(!other.exists(), "nothing is made where the link leads");
        fs::write(&other, "{}")?;
        assert!(matches!(TokenLock::attempt(&path, 0o600, &caller()), Ok(Attempt::Replaced)));
        Ok(())
    }

    #[test]
    fn a_link_that_comes_to_the_path_of_a_locked_file_is_neither_followed_nor_read()
    -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (path, moved) = (dir.path().join("token.json"), dir.path().join("moved.json"));
        fs::write(&path, r#"{"access_token":"t","expire":5}"#)?;
        let lock = held(&path).unwrap();
        let spec = FileSpec { kind: CredentialKind::AccessToken, layout: None };
        assert!(lock.read(spec).unwrap().document.token().is_some());
        fs::rename(&path, &moved)?;
        symlink(&moved, &path)?;
        assert!(!lock.is_current().unwrap(), "a rename would replace the link");
        assert!(lock.read(spec).unwrap().version.is_none());
        Ok(())
    }

    #[test]
    fn a_new_file_has_the_mode_that_was_asked_for() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        assert!(matches!(TokenLock::attempt(&path, 0o664, &caller()), Ok(Attempt::Held(_))));
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o664);
        Ok(())
    }

    #[test]
    fn what_a_thread_has_left_is_given_back_and_what_a_worker_holds_is_not() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (path, other) = (dir.path().join("token.json"), dir.path().join("other.json"));
        let abandoned = held(&path).unwrap();
        let copy = abandoned.file.try_clone()?;
        let at_work = held(&other).unwrap();
        at_work.hand_to_worker();
        // What unwinding would have done.
        mem::forget(abandoned);
        release_abandoned();
        assert!(held(&path).is_some(), "although a copy of the description lives");
        assert!(held(&other).is_none());
        drop((copy, at_work));
        assert!(held(&other).is_some());
        Ok(())
    }
}
