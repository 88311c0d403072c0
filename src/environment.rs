//! Variables of the request and of the process, as PHP's `getenv()` finds them.
//!
//! Nothing here may run on a worker: the variables of a request belong to its thread, and another thread of PHP may
//! change those of the process. The compiler checks it: a source borrows these from the call, and a worker takes
//! nothing borrowed.

use std::env;
use std::ffi::{CStr, CString, c_char};
use std::mem;

use ext_php_rs::alloc::efree;

unsafe extern "C" {
    fn sapi_getenv(name: *const c_char, name_len: usize) -> *mut c_char;
}

/// The variable `name`: the request's, or else the process's. For use within a request.
pub fn variable(name: &str) -> Option<String> {
    match request_variable(name) {
        Some(value) => String::from_utf8(value).ok(),
        None => process_variable(name),
    }
}

/// What the web server has set for this request, with `fastcgi_param` or `SetEnv`. The client can set only names that
/// begin with HTTP_, by its headers (RFC 3875, section 4.1.18).
fn request_variable(name: &str) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name and its length. This is a thread of PHP, within a request.
    let value = unsafe { sapi_getenv(name.as_ptr(), name.count_bytes()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: a NUL-terminated string that the engine has allocated for its caller (main/SAPI.c). It is freed once.
    unsafe {
        let bytes = CStr::from_ptr(value).to_bytes().to_vec();
        efree(value.cast());
        Some(bytes)
    }
}

fn process_variable(name: &str) -> Option<String> {
    call_if_present(c"tsrm_env_lock");
    let value = env::var(name).ok();
    call_if_present(c"tsrm_env_unlock");
    value
}

/// Calls a function of the lock that putenv() takes, too. Only a thread-safe PHP has one.
fn call_if_present(name: &CStr) {
    // SAFETY: the name is NUL-terminated.
    let function = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
    // SAFETY: a null pointer is None, and both functions take and return nothing (TSRM/TSRM.h).
    let function: Option<unsafe extern "C" fn()> = unsafe { mem::transmute(function) };
    if let Some(function) = function {
        // SAFETY: the caller acquires and releases the lock in this order on one thread.
        unsafe { function() };
    }
}
