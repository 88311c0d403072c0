//! The environment of the process, which other threads of PHP may be changing.

use std::env;
use std::ffi::CStr;
use std::mem;

/// The variable `name`.
pub fn variable(name: &str) -> Option<String> {
    call(c"tsrm_env_lock");
    let value = env::var(name).ok();
    call(c"tsrm_env_unlock");
    value
}

/// Calls a function of the lock that putenv() takes too. Only a thread-safe PHP has one.
fn call(name: &CStr) {
    // SAFETY: the name is NUL-terminated.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: a null pointer is None, and both functions take and return nothing (TSRM/TSRM.h).
    let function: Option<unsafe extern "C" fn()> = unsafe { mem::transmute(function) };
    if let Some(function) = function {
        // SAFETY: the lock is taken and given back in this order on one thread.
        unsafe { function() };
    }
}
