//! What an administrator should know although a call has its token: lines for the error log. The core has
//! no log of its own; whoever calls it takes them, on a thread of PHP.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::process::{self, UnderWay};

static NOTICES: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Nobody pays for the mutex while there is nothing to say.
static IS_ANY: AtomicBool = AtomicBool::new(false);

/// More than this many are not kept, should nobody take them.
const MOST: usize = 64;

/// Leaves a notice, from any thread. Whoever leaves one sees to it that it does not come with every call.
pub fn leave(notice: String) {
    with_notices(|notices| push(notices, notice));
}

/// The same for whoever holds what the process has under way.
pub fn leave_under(_no_fork: &UnderWay, notice: String) {
    push(&mut NOTICES.lock().unwrap_or_else(PoisonError::into_inner), notice);
}

fn push(notices: &mut Vec<String>, notice: String) {
    if notices.len() < MOST {
        notices.push(notice);
        IS_ANY.store(true, Ordering::Relaxed);
    }
}

/// Takes what was left since the last time.
#[must_use]
pub fn take() -> Vec<String> {
    if !IS_ANY.load(Ordering::Relaxed) {
        return Vec::new();
    }
    with_notices(|notices| {
        IS_ANY.store(false, Ordering::Relaxed);
        mem::take(notices)
    })
}

fn with_notices<R>(work: impl FnOnce(&mut Vec<String>) -> R) -> R {
    // Whoever has the one lock has the other: no fork leaves it locked in the child.
    let _no_fork = process::under_way();
    work(&mut NOTICES.lock().unwrap_or_else(PoisonError::into_inner))
}
