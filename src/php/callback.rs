//! PHP code that is called while a lock is held.
//!
//! Whatever it does, the call returns to Rust, so that the lock is given back before the script goes
//! on to throw, to exit or to die.

use std::panic::AssertUnwindSafe;

use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{ExecutorGlobals, bailout, ce, try_catch};

unsafe extern "C" {
    fn zend_is_unwind_exit(exception: *const zend_object) -> bool;
    fn zend_is_graceful_exit(exception: *const zend_object) -> bool;
}

/// How PHP code ended that did not return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interruption {
    /// It threw: the exception is pending.
    Thrown,
    /// It called `exit()`: the engine unwinds with an exception of its own, which is pending.
    Exit,
    /// A fatal error: the engine has left by a long jump, which [`Interruption::go_on`] takes up.
    Fatal,
}

/// Calls `callable` without arguments.
///
/// # Errors
/// [`Interruption`] if it did not return.
pub fn call(callable: &Zval) -> Result<Zval, Interruption> {
    match try_catch(AssertUnwindSafe(|| callable.try_call(vec![]))) {
        // What a function gives by reference is a reference, which no value that goes on may be.
        Ok(Ok(value)) => Ok(value.dereference().shallow_clone()),
        Ok(Err(error)) => {
            if !ExecutorGlobals::has_exception() {
                PhpException::new(format!("wx_token: {error}"), 0, ce::error()).throw();
            }
            Err(if is_exit() { Interruption::Exit } else { Interruption::Thrown })
        }
        Err(_) => Err(Interruption::Fatal),
    }
}

fn is_exit() -> bool {
    let globals = ExecutorGlobals::get();
    globals.exception().is_some_and(|exception| {
        let exception = std::ptr::from_ref(exception);
        // SAFETY: a live object of the engine.
        unsafe { zend_is_unwind_exit(exception) || zend_is_graceful_exit(exception) }
    })
}

impl Interruption {
    /// Goes on with what was interrupted. No lock may be held any more, and nothing be left to drop.
    pub fn go_on(self) -> PhpException {
        if self == Self::Fatal {
            // SAFETY: the engine's own jump, to the frame that it was on its way to.
            unsafe { bailout() }
        }
        // Pending already: throwing this is then no more than a marker.
        PhpException::new("the callable threw".to_owned(), 0, ce::error())
    }
}
