//! What an administrator should know although a call has its token: lines for the error log. The core has
//! no log of its own; whoever calls it takes them, on a thread of PHP.

use std::collections::BTreeSet;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::process::{self, ProcessMutex, ProcessState};

struct Notices {
    /// The process that has left them: a forked child does not say what its parent says.
    generation: u64,
    untold: Vec<String>,
    /// Those that are left only once.
    known: BTreeSet<String>,
}

static NOTICES: ProcessMutex<Notices> =
    ProcessMutex::new(Notices { generation: 0, untold: Vec::new(), known: BTreeSet::new() });

/// Nobody pays for the mutex while there is nothing to say.
static IS_ANY: AtomicBool = AtomicBool::new(false);

/// More than this many are not kept, should nobody take them, nor known.
const MOST: usize = 64;

/// Leaves a notice, from any thread. Whoever leaves one sees to it that it does not come with every call.
pub fn leave(notice: String) {
    leave_under(&process::process_state(), notice);
}

/// Leaves a notice that this process has not left yet.
pub fn leave_once(notice: String) {
    leave_once_under(&process::process_state(), notice);
}

/// The same for whoever has what is under way in hand.
pub fn leave_once_under(process_state: &ProcessState, notice: String) {
    let is_new = NOTICES.with_under(process_state, |notices| {
        notices.known.len() < MOST && notices.known.insert(notice.clone())
    });
    if is_new {
        leave_under(process_state, notice);
    }
}

fn leave_under(process_state: &ProcessState, notice: String) {
    NOTICES.with_under(process_state, |notices| {
        notices.forget_parents(process_state);
        if notices.untold.len() < MOST {
            notices.untold.push(notice);
            IS_ANY.store(true, Ordering::Relaxed);
        }
    });
}

/// Takes what was left since the last time.
#[must_use]
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
