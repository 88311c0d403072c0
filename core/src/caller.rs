//! Who makes a call: a frame of the engine on a thread of PHP, or a worker for it.
//!
//! A Fiber or a coroutine stops in the middle of a call, and its thread goes on with another one. So a
//! thread does not tell who holds a lock. One call comes from within another if that one's frame is among
//! its callers.

use std::thread::{self, ThreadId};

use crate::process::LockOwner;

/// The frame of a call that runs: its address in the engine. When the call has returned, another call
/// may have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame(usize);

impl Frame {
    /// The frame at `address`.
    #[must_use]
    pub const fn at(address: usize) -> Self {
        Self(address)
    }
}

/// Who makes a call.
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
    /// The call with `frame` on this thread. `is_running` tells whether a frame is among the callers of
    /// what this thread runs.
    #[must_use]
    pub fn new(frame: Frame, is_running: fn(Frame) -> bool) -> Self {
        Self { thread: thread::current().id(), place: Place::Frame(frame, is_running) }
    }

    /// A worker that works for this caller.
    #[must_use]
    pub const fn on_worker(self) -> Self {
        Self { place: Place::Worker, ..self }
    }

    /// The caller's own frame; a worker has none.
    #[must_use]
    pub const fn frame(&self) -> Option<Frame> {
        match self.place {
            Place::Frame(frame, _) => Some(frame),
            Place::Worker => None,
        }
    }

    /// Whether this call comes from within the call that has `frame`.
    #[must_use]
    pub fn is_within(&self, frame: Frame) -> bool {
        match self.place {
            Place::Frame(_, is_running) => is_running(frame),
            Place::Worker => false,
        }
    }

    /// Whether what `thread` holds cannot be given back while this call waits for it.
    #[must_use]
    pub fn keeps_waiting(&self, thread: ThreadId) -> bool {
        self.thread == thread
    }

    /// The owner of what this call locks.
    #[must_use]
    pub const fn owner(&self) -> LockOwner {
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
