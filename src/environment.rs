//! Variables of the request and of the process, as PHP's `getenv()` finds them.
//!
//! Nothing here may run on a worker: the request's are the thread's own, and another thread of PHP may be
//! changing the process's. The compiler sees to that: what opens an upstream borrows from the call, and a
//! worker takes nothing that is borrowed.

use std::env;
use std::ffi::{CStr, CString, c_char};
use std::mem;

use ext_php_rs::alloc::efree;

unsafe extern "C" {
    fn sapi_getenv(name: *const c_char, name_len: usize) -> *mut c_char;
}

/// The variable `name`: the request's, or else the process's. For use within a request.
pub fn variable(name: &str) -> Option<String> {
    match of_request(name) {
        Some(value) => String::from_utf8(value).ok(),
        None => of_process(name),
    }
}

/// What the web server has set for this request, with `fastcgi_param` or `SetEnv`. Whoever sends the request
/// can set none but those that begin with HTTP_, which his headers become (RFC 3875, section 4.1.18).
fn of_request(name: &str) -> Option<Vec<u8>> {
    let name = CString::new(name).ok()?;
    // SAFETY: a NUL-terminated name and its length. This is a thread of PHP, within a request.
    let value = unsafe { sapi_getenv(name.as_ptr(), name.count_bytes()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: a NUL-terminated string that the engine has allocated for its caller (main/SAPI.c), and that is
    // freed once.
    unsafe {
        let bytes = CStr::from_ptr(value).to_bytes().to_vec();
        efree(value.cast());
        Some(bytes)
    }
}

fn of_process(name: &str) -> Option<String> {
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
