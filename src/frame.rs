//! The frames of PHP's calls, which show whether a call comes from within another.

use ext_php_rs::ffi::ext_php_rs_executor_globals;
use ext_php_rs::zend::ExecuteData;

use wx_token_core::caller::{Caller, Frame};

pub fn caller() -> Caller {
    Caller::new(Frame::at(innermost().addr()), is_running)
}

/// Whether `frame` is among the callers of what this thread runs. The engine links the frames of a Fiber to those of
/// the code that resumed it, and cuts that link when the Fiber is suspended (Zend/zend_fibers.c).
fn is_running(frame: Frame) -> bool {
    let mut running = innermost();
    while !running.is_null() {
        if Frame::at(running.addr()) == frame {
            return true;
        }
        // SAFETY: each frame of the chain is alive, and so is the one that it returns to, or null.
        running = unsafe { (*running).prev_execute_data };
    }
    false
}

fn innermost() -> *const ExecuteData {
    // SAFETY: this thread's own globals. ExecutorGlobals::get() would take a lock.
    unsafe { (*ext_php_rs_executor_globals()).current_execute_data }
}
