//! The lock of a token file: `flock(2)` on the file itself.
//!
//! Every lock and unlock of the extension is in this module. Nothing here waits inside `flock`:
//! whoever waits looks at the file between two attempts. fs2 and PHP's `flock()` both use flock(2),
//! so they exclude each other.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::mem::{self, ManuallyDrop};
use std::os::fd::{AsRawFd, FromRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use fs2::FileExt;
use tempfile::NamedTempFile;

use super::{
    FileError, FileVersion, Snapshot, SystemError, holder, metadata, read_resolved, replace,
    stat_open, stat_resolved,
};
use crate::caller::{Caller, Frame};
use crate::descriptor;
use crate::notice;
use crate::printable::printable_path;
use crate::process::{self, HeldLock, LockOwner, ProcessState};
use crate::token_file::document::FileSpec;

/// What an attempt to lock came to.
#[derive(Debug)]
pub enum Attempt {
    /// The lock is ours.
    Held(TokenLock),
    /// Another open file description has it.
    Busy,
    /// What is at the path is exchanged meanwhile: resolve it anew, and try again.
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
    /// Another Fiber or coroutine of this thread holds the lock, and cannot go on while this call waits.
    OtherFiber,
    /// This call must not wait, and comes from within `wx_with_lock()`: nobody can refresh until that ends.
    PollInsideLock,
}

thread_local! {
    /// Whether a call has locked a file on this thread since the last [`release_abandoned`].
    static HAS_LOCKED: Cell<bool> = const { Cell::new(false) };
}

/// An exclusive lock on a token file, given back when this is dropped.
#[derive(Debug)]
pub struct TokenLock {
    file: ManuallyDrop<File>,
    path: PathBuf,
    identity: FileVersion,
    /// The process that made it: a forked child has closed its copy already.
    generation: u64,
}

impl TokenLock {
    /// Tries once to lock the file at `path`, which has been resolved, for `caller`. A missing file is made,
    /// empty, with the permission bits `mode`.
    ///
    /// # Errors
    /// [`FileError`] if the file cannot be opened for writing or made.
    pub fn attempt(path: &Path, mode: u32, caller: &Caller) -> Result<Attempt, FileError> {
        match Self::take(path, mode, caller.owner())? {
            Attempt::Held(lock) if !lock.is_current()? => Ok(Attempt::Replaced),
            attempt => Ok(attempt),
        }
    }

    /// Opens the file, locks it, and enters it among what the process holds, in one step: nobody in
    /// this process ever sees one without the others, and no child is forked in between.
    fn take(path: &Path, mode: u32, owner: LockOwner) -> Result<Attempt, FileError> {
        let mut process_state = process::process_state();
        let Some(file) = open_or_create(&process_state, path, mode)? else {
            return Ok(Attempt::Replaced);
        };
        let identity = stat_open(path, &file)?;
        if !try_lock(&file).map_err(|error| {
            FileError::from_io(path, "lock", SystemError::in_call("flock(2)", error))
        })? {
            return Ok(Attempt::Busy);
        }
        process_state.locks.push(HeldLock::new(&file, &identity, owner));
        HAS_LOCKED.set(true);
        let generation = process_state.generation;
        Ok(Attempt::Held(Self {
            file: ManuallyDrop::new(file),
            path: path.to_owned(),
            identity,
            generation,
        }))
    }

    /// From now on a worker holds the lock, whichever thread has taken it.
    pub fn hand_to_worker(&self) {
        self.hand_to(|owner| *owner = LockOwner::Worker);
    }

    /// From now on the call with `frame` holds the lock, among those of the thread that has taken it.
    pub fn belongs_to(&self, frame: Frame) {
        self.hand_to(|owner| {
            if let LockOwner::Call { frame: own, .. } = owner {
                *own = frame;
            }
        });
    }

    fn hand_to(&self, change: impl Fn(&mut LockOwner)) {
        let fd = self.file.as_raw_fd();
        let mut process_state = process::process_state();
        for lock in process_state.locks.iter_mut().filter(|lock| lock.fd == fd) {
            change(&mut lock.owner);
        }
    }

    /// Goes on with a successor that is now at this lock's path, and lets the old file go.
    fn move_to(&mut self, successor: File, identity: FileVersion) -> io::Result<()> {
        let mut process_state = process::process_state();
        process_state.forget(&self.file);
        let old = mem::replace(&mut *self.file, successor);
        self.identity = identity;
        FileExt::unlock(&old)
    }

    /// Whether the locked file is still the one at its path. If not, the lock excludes nobody.
    ///
    /// # Errors
    /// [`FileError`] if the path cannot be looked at.
    pub fn is_current(&self) -> Result<bool, FileError> {
        Ok(stat_resolved(&self.path)?.is_some_and(|now| now.is_same_file(&self.identity)))
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

    /// Reads the token file under the lock. If there is a link at its path by now, there is no file.
    ///
    /// # Errors
    /// As [`read`](super::read).
    pub fn read(&self, spec: FileSpec) -> Result<Snapshot, FileError> {
        read_resolved(&self.path, spec)
    }
}

impl Drop for TokenLock {
    fn drop(&mut self) {
        let mut process_state = process::process_state();
        if process_state.generation != self.generation {
            return;
        }
        process_state.forget(&self.file);
        // Closing is not enough: a forked child may hold a copy of this description.
        let unlocked = FileExt::unlock(&*self.file);
        debug_assert!(unlocked.is_ok(), "flock(LOCK_UN) does not fail on an open descriptor");
        // SAFETY: the file is not used after this.
        unsafe { ManuallyDrop::drop(&mut self.file) };
    }
}

/// A file that is made to take the place of a locked one. It is locked from its making: nobody sweeps
/// it away, and it excludes everybody as soon as it is in place.
#[derive(Debug)]
pub(super) struct StagedFile {
    /// `None` once it is in place.
    file: Option<NamedTempFile>,
    identity: FileVersion,
    generation: u64,
}

/// How often to make a file, or to open the one that another has made, while others remove or exchange
/// it at once.
const MAX_TRIES: usize = 16;

impl StagedFile {
    /// Makes one for the file of `lock`.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn make(
        lock: &TokenLock,
        make: impl Fn(&ProcessState) -> io::Result<NamedTempFile>,
    ) -> io::Result<Self> {
        let mut process_state = process::process_state();
        let owner = process_state.owner_of(&lock.file);
        for _ in 0..MAX_TRIES {
            let file = make(&process_state)?;
            // If not, somebody takes it for a leftover and is about to remove it.
            if try_lock(file.as_file())? {
                let identity = FileVersion::from_stat(&rustix::fs::fstat(file.as_file())?);
                process_state.locks.push(HeldLock::new(file.as_file(), &identity, owner));
                let generation = process_state.generation;
                return Ok(Self { file: Some(file), identity, generation });
            }
        }
        Err(io::ErrorKind::WouldBlock.into())
    }

    /// The file, as long as it is not in place.
    pub(super) fn file(&self) -> io::Result<&File> {
        let file = self.file.as_ref().map(NamedTempFile::as_file);
        file.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Puts it in the place of the file of `lock`, which goes on with it.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn take_place(&mut self, lock: &mut TokenLock) -> io::Result<()> {
        let file = self.file.take().ok_or(io::ErrorKind::NotFound)?;
        match file.persist(&lock.path) {
            Ok(file) => lock.move_to(file, self.identity),
            Err(failed) => {
                self.file = Some(failed.file);
                Err(failed.error)
            }
        }
    }
}

impl Drop for StagedFile {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        let (file, path) = file.into_parts();
        let mut process_state = process::process_state();
        if process_state.generation == self.generation {
            process_state.forget(&file);
            // While no fork can copy it; and closed first, for FUSE only renames what is open.
            drop(file);
            drop(path);
        } else {
            // A forked child: it has closed its copy already, and the file is its parent's.
            mem::forget(file);
            let _ = path.keep();
        }
    }
}

/// Removes the file at `path`, unless it is a successor that is in use.
pub(super) fn remove_leftover(path: &Path) -> io::Result<()> {
    // Nobody uses it again once its process has died.
    if is_leftover(path) { fs::remove_file(path) } else { Ok(()) }
}

/// Whether the file at `path` is a successor whose process has died.
pub(super) fn is_leftover(path: &Path) -> bool {
    // Nobody in this process takes the lock for one of PHP code, and no child inherits it.
    let process_state = process::process_state();
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;
    let options = OpenOptions::new().read(true).custom_flags(flags).clone();
    match descriptor::file_under(&process_state, path, &options) {
        Ok(file) => try_lock(&file).unwrap_or(false),
        // Another user's, who cannot be asked.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

fn try_lock(file: &File) -> io::Result<bool> {
    match file.try_lock_exclusive() {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(false),
            _ => Err(error),
        },
    }
}

/// Gives back what calls of this thread have locked and can no longer give back themselves: their frames
/// are gone, and nothing of them has been dropped.
pub fn release_abandoned() {
    if !HAS_LOCKED.take() {
        return;
    }
    let this_thread = thread::current().id();
    let mut process_state = process::process_state();
    process_state.locks.retain(|lock| {
        let is_abandoned =
            matches!(lock.owner, LockOwner::Call { thread, .. } if thread == this_thread);
        if is_abandoned {
            // SAFETY: a descriptor of ours, whose owner will not use it again.
            let file = unsafe { File::from_raw_fd(lock.fd) };
            // Closing is not enough: a forked child may hold a copy of this description.
            let _ = FileExt::unlock(&file);
        }
        !is_abandoned
    });
}

/// Whether `caller`, if it waited for the lock of `file`, would wait for its own thread or process.
#[must_use]
pub fn deadlock(file: &FileVersion, caller: &Caller) -> Option<Deadlock> {
    // No lock of ours comes or goes while this is compared with what the kernel tells.
    let process_state = process::process_state();
    let ours = process_state.locks.iter().find(|lock| lock.file == (file.dev, file.ino));
    match ours.map(|lock| lock.owner) {
        Some(LockOwner::Call { thread, frame }) if caller.keeps_waiting(thread) => {
            let is_own = caller.is_within(frame);
            Some(if is_own { Deadlock::OwnLoader } else { Deadlock::OtherFiber })
        }
        Some(_) => None,
        // The kernel tells the process, not the thread: another's flock() is worth waiting for.
        None if process::has_several_php_threads() => None,
        None => {
            let own = std::process::id();
            let is_own =
                holder::all_under(&process_state, file).iter().any(|holder| holder.pid == own);
            is_own.then_some(Deadlock::OwnFlock)
        }
    }
}

/// `None` if others exchange what is at `path` again and again, or have put a link there: whoever has
/// resolved it must do so anew.
fn open_or_create(
    process_state: &ProcessState,
    path: &Path,
    mode: u32,
) -> Result<Option<File>, FileError> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;
    let options = OpenOptions::new().read(true).write(true).custom_flags(flags).clone();
    for _ in 0..MAX_TRIES {
        // Never O_CREAT on a file that exists: fs.protected_regular forbids it in sticky
        // directories even to root (proc_sys_fs(5)).
        match descriptor::file_under(process_state, path, &options) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(None),
            Err(error) => {
                return Err(FileError::from_io(
                    path,
                    "write",
                    SystemError::in_call("openat(2)", error),
                ));
            }
            Ok(file) => return Ok(Some(file)),
        }
        match create(process_state, path, mode) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::from_io(path, "create", error)),
        }
    }
    Ok(None)
}

/// Makes the file, empty.
fn create(process_state: &ProcessState, path: &Path, mode: u32) -> Result<File, SystemError> {
    let file = match create_beside(process_state, path, mode) {
        // There may be neither renameat2(2) with RENAME_NOREPLACE nor link(2): FUSE, filters of containers.
        // Or somebody else has made the file and, under its lock, swept ours away.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            create_at_once(process_state, path, mode)?
        }
        created => created?,
    };
    if metadata::is_roots_alone(&file) {
        tell_that_it_is_roots_alone(process_state, path);
    }
    Ok(file)
}

/// The file comes to its path with the owner and mode that it is to have: whoever dies on the way leaves
/// nothing there that others cannot use.
fn create_beside(
    process_state: &ProcessState,
    path: &Path,
    mode: u32,
) -> Result<File, SystemError> {
    let new = replace::beside(process_state, path);
    let new = new.map_err(|error| SystemError::in_call("openat(2)", error))?;
    // Nobody takes it for a leftover. If somebody does just now, it is made at its path.
    let _ = try_lock(new.as_file());
    metadata::settle_in(process_state, new.as_file(), path, mode)?;
    new.persist_noclobber(path).map_err(|failed| {
        // Closed first, as above.
        let (file, path) = failed.file.into_parts();
        drop(file);
        drop(path);
        SystemError::in_call("renameat2(2) or linkat(2)", failed.error)
    })
}

fn create_at_once(
    process_state: &ProcessState,
    path: &Path,
    mode: u32,
) -> Result<File, SystemError> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600).custom_flags(flags);
    let new = descriptor::file_under(process_state, path, &options);
    let new = new.map_err(|error| SystemError::in_call("openat(2)", error))?;
    metadata::settle_in(process_state, &new, path, mode)
        .inspect_err(|_| drop(fs::remove_file(path)))?;
    Ok(new)
}

/// A web server is locked out by it, and learns that only from its own failed call.
fn tell_that_it_is_roots_alone(process_state: &ProcessState, path: &Path) {
    let (file, directory) = (path, path.parent().unwrap_or(path));
    let notice = format!(
        "wx_token: root has created {file}, and only root can read it. If the web server needs it, run chown WEBUSER {directory} {file}: in a directory of that user, root creates files for that user",
        file = printable_path(file),
        directory = printable_path(directory)
    );
    notice::leave_once_under(process_state, notice);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;
    use crate::caller::tests::{caller, stranger};
    use crate::token_file::{CredentialKind, stat};

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
        assert!(matches!(TokenLock::attempt(&path, 0o600, &caller()), Ok(Attempt::Busy)));
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
        assert!(lock.read(spec).unwrap().identity.is_none());
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
    fn a_lock_of_this_thread_is_a_deadlock_and_one_of_a_worker_is_not() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let lock = held(&path).unwrap();
        assert_eq!(deadlock(&lock.identity, &caller()), Some(Deadlock::OwnLoader));
        assert_eq!(deadlock(&lock.identity, &stranger()), Some(Deadlock::OtherFiber));
        assert_eq!(
            deadlock(&lock.identity, &caller().on_worker()),
            Some(Deadlock::OtherFiber),
            "this thread waits for the worker"
        );
        let elsewhere =
            thread::scope(|scope| scope.spawn(|| deadlock(&lock.identity, &caller())).join());
        assert_eq!(elsewhere.unwrap(), None, "another thread may wait for this one");
        lock.hand_to_worker();
        assert_eq!(deadlock(&lock.identity, &caller()), None);
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

    #[test]
    fn a_flock_of_this_process_outside_the_extension_is_a_deadlock() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let foreign = File::create(&path)?;
        let identity = stat(&path).unwrap().unwrap();
        assert_eq!(deadlock(&identity, &caller()), None);
        FileExt::try_lock_shared(&foreign)?;
        assert_eq!(deadlock(&identity, &caller()), Some(Deadlock::OwnFlock));
        Ok(())
    }
}
