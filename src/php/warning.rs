//! A warning at the end of a call. It runs PHP code, the user's error handler, which may do anything: no
//! lock may be held.

use std::ffi::CString;
use std::panic::AssertUnwindSafe;

use ext_php_rs::ffi::{E_WARNING, php_error_docref};
use ext_php_rs::zend::{ExecutorGlobals, try_catch};

use super::callback::Interruption;

/// Raises an `E_WARNING`, to which PHP adds the name of the function that it called.
///
/// # Errors
/// [`Interruption`] if the error handler did not return.
pub fn raise(message: &str) -> Result<(), Interruption> {
    let message = CString::new(message).unwrap_or_default();
    // SAFETY: format and argument are NUL-terminated, and "%s" takes one string.
    let raised = try_catch(AssertUnwindSafe(|| unsafe {
        php_error_docref(std::ptr::null(), E_WARNING as i32, c"%s".as_ptr(), message.as_ptr());
    }));
    match raised {
        Ok(()) if ExecutorGlobals::has_exception() => Err(Interruption::Thrown),
        Ok(()) => Ok(()),
        Err(_) => Err(Interruption::Fatal),
    }
}
