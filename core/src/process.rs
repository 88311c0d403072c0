//! What this process has under way, and how a fork forgets it.
//!
//! A forked child inherits the descriptors of its parent's locks, but neither its threads nor its
//! right to those locks. It closes its copies at the fork itself, so that a lock does not outlive
//! the parent, and works as a new process from then on.

use std::cell::UnsafeCell;
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::{Thread, ThreadId};
use std::time::Instant;

use crate::caller::Frame;
use crate::signals::SignalsBlocked;
use crate::token_file::FileVersion;

/// Who in this process holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOwner {
    /// A call of PHP, which cannot wait for itself, nor for another one of its thread.
    Call {
        /// The thread that makes it.
        thread: ThreadId,
        /// Its frame.
        frame: Frame,
    },
    /// A worker: it lets go when its refresh is done.
    Worker,
}

/// A lock that is held by this extension in this process.
#[derive(Debug)]
pub struct HeldLock {
    /// The locked description.
    pub fd: RawFd,
    /// Device and inode of the locked file.
    pub file: (u64, u64),
    /// Who holds it.
    pub owner: LockOwner,
}

impl HeldLock {
    /// The lock of `file`, held by `owner`.
    pub fn new(file: &File, identity: &FileVersion, owner: LockOwner) -> Self {
        Self { fd: file.as_raw_fd(), file: (identity.dev, identity.ino), owner }
    }
}

/// Everything that a fork must know of.
#[derive(Debug)]
pub struct ProcessState {
    /// Grows by one with each fork: what was made under another number is the parent's.
    pub generation: u64,
    /// Locks held now.
    pub locks: Vec<HeldLock>,
    /// Sockets of workers. A child that kept its copy would keep the connection open.
    pub sockets: Vec<RawFd>,
    /// Workers that run now.
    pub workers: Vec<Worker>,
    /// Threads that wait for the end of all workers.
    pub finishing: Vec<Thread>,
}

/// A worker that runs.
#[derive(Debug)]
pub struct Worker {
    /// Its number among the workers of this process.
    pub number: u64,
    /// The moment at which it has given up, or has stored what it has.
    pub limit: Instant,
    /// Whether it has its answer, which it has only to store.
    pub is_storing: bool,
}

impl ProcessState {
    /// Who holds the lock of `file`.
    pub fn owner_of(&self, file: &File) -> LockOwner {
        let fd = file.as_raw_fd();
        let lock = self.locks.iter().find(|lock| lock.fd == fd);
        lock.map_or(LockOwner::Worker, |lock| lock.owner)
    }

    /// Strikes the lock of `file` out.
    pub fn forget(&mut self, file: &File) {
        let fd = file.as_raw_fd();
        self.locks.retain(|lock| lock.fd != fd);
    }
}

static STATE: Mutex<ProcessState> = Mutex::new(ProcessState {
    generation: 0,
    locks: Vec::new(),
    sockets: Vec::new(),
    workers: Vec::new(),
    finishing: Vec::new(),
});

/// What is under way. Whoever has it holds a mutex, so no signal reaches this thread meanwhile: a handler
/// that ends the process, as Apache's does, would wait for that mutex for ever.
pub struct Guard {
    // Unlocked first.
    state: MutexGuard<'static, ProcessState>,
    _signals: SignalsBlocked,
}

impl Deref for Guard {
    type Target = ProcessState;

    fn deref(&self) -> &ProcessState {
        &self.state
    }
}

impl DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut ProcessState {
        &mut self.state
    }
}

/// State of this process that several threads change, and that no fork finds locked: whoever has its lock has
/// that of what is under way, too.
pub struct ProcessMutex<T>(Mutex<T>);

impl<T> ProcessMutex<T> {
    /// The `state` at first.
    pub const fn new(state: T) -> Self {
        Self(Mutex::new(state))
    }

    /// Gives the state to `work`.
    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.with_under(&process_state(), work)
    }

    /// The same for whoever has what is under way in hand.
    pub fn with_under<R>(&self, _: &ProcessState, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

static PHP_THREADS: AtomicIsize = AtomicIsize::new(0);

/// A thread of PHP begins. There is one, unless PHP is thread-safe.
pub fn php_thread_begins() {
    PHP_THREADS.fetch_add(1, Ordering::Relaxed);
}

/// A thread of PHP ends.
pub fn php_thread_ends() {
    PHP_THREADS.fetch_sub(1, Ordering::Relaxed);
}

/// Whether what PHP code of this process does may be done by another thread than this one.
pub fn has_several_php_threads() -> bool {
    PHP_THREADS.load(Ordering::Relaxed) > 1
}

/// What is under way, for as long as the guard lives. No fork happens meanwhile.
pub fn process_state() -> Guard {
    static FORK_HANDLERS: Once = Once::new();
    FORK_HANDLERS.call_once(|| {
        // SAFETY: the handlers are functions of this library, which build.rs links so that it is never
        // unloaded; on failure (no memory) forks go unnoticed, as they would without this call.
        unsafe {
            libc::pthread_atfork(Some(before_fork), Some(after_in_parent), Some(after_in_child))
        };
    });
    lock()
}

/// The number of this process among its ancestors: another one after each fork.
pub fn generation() -> u64 {
    process_state().generation
}

fn lock() -> Guard {
    let signals = SignalsBlocked::new();
    Guard { state: STATE.lock().unwrap_or_else(PoisonError::into_inner), _signals: signals }
}

/// Keeps the guard from one fork handler to the next. They run on the thread that forks, one after
/// the other, and only whoever holds the mutex touches it.
struct Stash(UnsafeCell<Option<Guard>>);

// SAFETY: accessed only between `before_fork` and the handler after it, under the mutex itself.
unsafe impl Sync for Stash {}

static STASH: Stash = Stash(UnsafeCell::new(None));

extern "C" fn before_fork() {
    let guard = lock();
    // SAFETY: the mutex is held, so no other thread is in here.
    unsafe { *STASH.0.get() = Some(guard) };
}

extern "C" fn after_in_parent() {
    // SAFETY: as above; this gives the mutex back.
    drop(unsafe { (*STASH.0.get()).take() });
}

extern "C" fn after_in_child() {
    // SAFETY: as above. The child has this one thread, which is the one that took the mutex.
    if let Some(mut process_state) = unsafe { (*STASH.0.get()).take() } {
        process_state.generation += 1;
        for lock in process_state.locks.drain(..) {
            // Closed, not unlocked: unlocking a copy would take the lock from the parent.
            // SAFETY: the child's own copy, which nothing in the child will use again.
            unsafe { libc::close(lock.fd) };
        }
        for socket in process_state.sockets.drain(..) {
            // SAFETY: as above; the worker that uses it is the parent's.
            unsafe { libc::close(socket) };
        }
        process_state.workers.clear();
        process_state.finishing.clear();
        PHP_THREADS.store(1, Ordering::Relaxed);
    }
}
