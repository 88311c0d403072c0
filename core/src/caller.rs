//! Who makes a call, and so owns what it locks: a frame of the engine on a thread of PHP, or a worker.
//!
//! A Fiber or a coroutine stops in the middle of a call, and its thread continues with another one. So a thread
//! does not tell who holds a lock. A call is within another one if that one's frame is among its callers.

use std::thread::{self, ThreadId};

/// The frame of a call that runs: its address in the engine. After the call has returned, another call
/// may have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame(usize);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockOwner {
    /// A call of PHP, which cannot wait for itself, nor for another call of its thread.
    Call { thread: ThreadId, frame: Frame },
    /// A worker: it releases the lock when its refresh ends.
    Worker,
}

impl Frame {
    pub const fn at(address: usize) -> Self {
        Self(address)
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Caller {
    thread: ThreadId,
    place: Place,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// On the thread itself; whether a frame is among the callers of what runs there now.
    Frame(Frame, fn(Frame) -> bool),
    /// On a worker, for which the thread may be waiting.
    Worker,
}

impl Caller {
    /// The call with `frame` on this thread. `is_running` says whether a frame is among the callers of
    /// what this thread runs.
    pub fn new(frame: Frame, is_running: fn(Frame) -> bool) -> Self {
        Self { thread: thread::current().id(), place: Place::Frame(frame, is_running) }
    }

    pub const fn on_worker(self) -> Self {
        Self { place: Place::Worker, ..self }
    }

    pub(crate) const fn frame(&self) -> Option<Frame> {
        match self.place {
            Place::Frame(frame, _) => Some(frame),
            Place::Worker => None,
        }
    }

    /// Whether this call is within the call that has `frame`.
    pub(crate) fn is_within(&self, frame: Frame) -> bool {
        match self.place {
            Place::Frame(_, is_running) => is_running(frame),
            Place::Worker => false,
        }
    }

    /// Whether `thread` cannot release what it holds while this call waits for it.
    pub(crate) fn keeps_waiting(&self, thread: ThreadId) -> bool {
        self.thread == thread
    }

    pub(crate) const fn owner(&self) -> LockOwner {
        match self.place {
            Place::Frame(frame, _) => LockOwner::Call { thread: self.thread, frame },
            Place::Worker => LockOwner::Worker,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    const FRAME: Frame = Frame::at(0x1000);

    /// A call from within whatever else this thread runs.
    pub fn caller() -> Caller {
        Caller::new(FRAME, |_| true)
    }

    /// A call from within nothing.
    pub fn stranger() -> Caller {
        Caller::new(Frame::at(0x2000), |_| false)
    }

    #[test]
    fn a_worker_comes_from_within_nothing_and_owns_what_it_locks() {
        let worker = caller().on_worker();
        assert!(caller().is_within(FRAME) && !worker.is_within(FRAME));
        assert_eq!(worker.owner(), LockOwner::Worker);
        assert!(worker.keeps_waiting(thread::current().id()), "the thread waits for it");
    }
}
