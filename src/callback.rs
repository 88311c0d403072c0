//! Calls of PHP code while a lock is held.
//!
//! Whatever that code does, the call returns to Rust, which releases the lock before the script throws, exits or
//! dies. The destructors of what it returns are its code, too.

use std::panic::AssertUnwindSafe;

use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::zend_object;
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{self, ExecutorGlobals, ce, try_catch};

unsafe extern "C" {
    fn zend_is_unwind_exit(exception: *const zend_object) -> bool;
    fn zend_is_graceful_exit(exception: *const zend_object) -> bool;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bailout {
    Thrown,
    /// It called `exit()`: the engine unwinds with an exception of its own, which is pending.
    Exit,
    /// A fatal error: the engine has left by a long jump, which [`Bailout::resume`] continues.
    Fatal,
}

pub struct Called<T> {
    /// Its result, read; `None` if it did not return.
    pub result: Option<T>,
    /// How it ended, or the destruction of its result, if that did not return.
    pub bailout: Option<Bailout>,
}

impl Bailout {
    /// Continues what PHP code began. The caller holds no lock any more and has nothing left to drop: a fatal error
    /// continues with a long jump.
    pub fn resume(self) -> PhpException {
        if self == Self::Fatal {
            // SAFETY: the engine's own jump, to the frame that it was on its way to.
            unsafe { zend::bailout() }
        }
        // The exception is pending already: throwing this one is only a marker.
        PhpException::new("the callable threw".to_owned(), 0, ce::error())
    }
}

impl From<PhpException> for Bailout {
    fn from(exception: PhpException) -> Self {
        exception.throw();
        Self::Thrown
    }
}

/// Calls `callable` without arguments, and destroys its result once `read` has read it.
pub fn call<T>(callable: &Zval, read: impl FnOnce(&Zval) -> T) -> Called<T> {
    let mut result = None;
    let bailout = guard(|| {
        let returned = callable.try_call(vec![])?;
        result = Some(read(&returned));
        drop(returned);
        Ok(())
    });
    Called { result, bailout }
}

pub fn destroy<T>(value: T) -> Option<Bailout> {
    guard(|| {
        drop(value);
        Ok(())
    })
}

fn guard(work: impl FnOnce() -> ext_php_rs::error::Result<()>) -> Option<Bailout> {
    let ended = try_catch(AssertUnwindSafe(work));
    let Ok(ended) = ended else { return Some(Bailout::Fatal) };
    if let Err(error) = ended
        && !ExecutorGlobals::has_exception()
    {
        PhpException::new(format!("wx_token: {error}"), 0, ce::error()).throw();
    }
    if !ExecutorGlobals::has_exception() {
        return None;
    }
    Some(if is_exit() { Bailout::Exit } else { Bailout::Thrown })
}

fn is_exit() -> bool {
    let globals = ExecutorGlobals::get();
    globals.exception().is_some_and(|exception| {
        let exception = std::ptr::from_ref(exception);
        // SAFETY: a live object of the engine.
        unsafe { zend_is_unwind_exit(exception) || zend_is_graceful_exit(exception) }
    })
}
