//! Notices for the error log, of what an administrator should know although a call has its token.
//!
//! The core has no log: the PHP boundary takes the notices and writes them, on a thread of PHP.

use std::collections::BTreeSet;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::process::{self, ProcessMutex, ProcessState};

struct Notices {
    /// The process that left them: a forked child does not repeat its parent's.
    generation: u64,
    untold: Vec<String>,
    known: BTreeSet<String>,
}

static NOTICES: ProcessMutex<Notices> =
    ProcessMutex::new(Notices { generation: 0, untold: Vec::new(), known: BTreeSet::new() });

/// Without a notice, no call pays for the mutex.
static IS_ANY: AtomicBool = AtomicBool::new(false);

/// The largest number that is kept until it is taken, and that is remembered.
const MAX_NOTICES: usize = 64;

/// Leaves a notice, from any thread. The caller makes sure that it does not come with every call.
pub(crate) fn leave(notice: String) {
    leave_under(&process::process_state(), notice);
}

pub fn leave_once(notice: String) {
    leave_once_under(&process::process_state(), notice);
}

pub(crate) fn leave_once_under(process_state: &ProcessState, notice: String) {
    let is_new = NOTICES.with_under(process_state, |notices| {
        notices.known.len() < MAX_NOTICES && notices.known.insert(notice.clone())
    });
    if is_new {
        leave_under(process_state, notice);
    }
}

fn leave_under(process_state: &ProcessState, notice: String) {
    NOTICES.with_under(process_state, |notices| {
        notices.forget_parents(process_state);
        if notices.untold.len() < MAX_NOTICES {
            notices.untold.push(notice);
            IS_ANY.store(true, Ordering::Relaxed);
        }
    });
}

pub fn take() -> Vec<String> {
    if !IS_ANY.load(Ordering::Relaxed) {
        return Vec::new();
    }
    let process_state = process::process_state();
    NOTICES.with_under(&process_state, |notices| {
        notices.forget_parents(&process_state);
        IS_ANY.store(false, Ordering::Relaxed);
        mem::take(&mut notices.untold)
    })
}

impl Notices {
    fn forget_parents(&mut self, process_state: &ProcessState) {
        if self.generation != process_state.generation {
            self.generation = process_state.generation;
            self.untold.clear();
        }
    }
}
