//! The locks, sockets and workers of this process, and how a fork forgets them.
//!
//! A forked child inherits the descriptors of its parent's locks, but neither the threads nor the right
//! to those locks. It closes its copies during the fork, so that no lock outlives the parent.

use std::cell::UnsafeCell;
use std::fs::File;
use std::ops::{Deref, DerefMut};
use std::os::fd::{AsRawFd, RawFd};
use std::sync::atomic::{AtomicIsize, Ordering};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};
use std::thread::Thread;
use std::time::Instant;

use crate::caller::LockOwner;
use crate::signals::SignalsBlocked;

/// Which file it is, whatever its name and its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    pub dev: u64,
    pub ino: u64,
}

#[derive(Debug)]
pub struct HeldLock {
    pub fd: RawFd,
    pub file: FileId,
    pub owner: LockOwner,
}

/// Everything that a fork must forget.
#[derive(Debug)]
pub struct ProcessState {
    /// Grows by one with each fork: what has another number is the parent's.
    pub generation: u64,
    pub locks: Vec<HeldLock>,
    /// Sockets of workers. A child that kept its copy would keep the connection open.
    pub sockets: Vec<RawFd>,
    pub workers: Vec<Worker>,
    pub finishing: Vec<Thread>,
}

#[derive(Debug)]
pub struct Worker {
    pub number: u64,
    /// When it has given up at the latest, or has stored its answer.
    pub limit: Instant,
    /// Whether it has its answer, and only stores it.
    pub is_storing: bool,
}

impl ProcessState {
    pub fn owner_of(&self, file: &File) -> LockOwner {
        let fd = file.as_raw_fd();
        let lock = self.locks.iter().find(|lock| lock.fd == fd);
        lock.map_or(LockOwner::Worker, |lock| lock.owner)
    }

    pub fn hold(&mut self, file: &File, id: FileId, owner: LockOwner) {
        self.locks.push(HeldLock { fd: file.as_raw_fd(), file: id, owner });
    }

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

/// The process state, locked. No signal reaches this thread meanwhile: a handler that ends the process, as
/// Apache's does, would wait for this mutex for ever.
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

/// A mutex that no fork finds locked: its users hold the process state, too.
pub struct ProcessMutex<T>(Mutex<T>);

impl<T> ProcessMutex<T> {
    pub const fn new(state: T) -> Self {
        Self(Mutex::new(state))
    }

    pub fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        self.with_under(&process_state(), work)
    }

    pub fn with_under<R>(&self, _: &ProcessState, work: impl FnOnce(&mut T) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

static PHP_THREADS: AtomicIsize = AtomicIsize::new(0);

/// A thread of PHP begins. There is one, unless PHP is thread-safe.
pub fn php_thread_begins() {
    PHP_THREADS.fetch_add(1, Ordering::Relaxed);
}

pub fn php_thread_ends() {
    PHP_THREADS.fetch_sub(1, Ordering::Relaxed);
}

/// Whether another thread than this one may run PHP code of this process.
pub fn has_several_php_threads() -> bool {
    PHP_THREADS.load(Ordering::Relaxed) > 1
}

/// Locks the process state. No fork happens until the guard is dropped.
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

pub fn generation() -> u64 {
    process_state().generation
}

fn lock() -> Guard {
    let signals = SignalsBlocked::new();
    Guard { state: STATE.lock().unwrap_or_else(PoisonError::into_inner), _signals: signals }
}

/// Keeps the guard from one fork handler to the next. They run on the thread that forks, one after
/// the other, and only the holder of the mutex touches it.
struct Stash(UnsafeCell<Option<Guard>>);

// SAFETY: used only between `before_fork` and the handler after it, under the mutex itself.
unsafe impl Sync for Stash {}

static STASH: Stash = Stash(UnsafeCell::new(None));

extern "C" fn before_fork() {
    let guard = lock();
    // SAFETY: the mutex is held, so no other thread is in here.
    unsafe { *STASH.0.get() = Some(guard) };
}

extern "C" fn after_in_parent() {
    // SAFETY: as above; this unlocks the mutex.
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
