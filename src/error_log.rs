//! PHP's error log. Unlike a warning, a line there runs no error handler: that may throw, and a call that
//! has its token must return it.

use std::ffi::{CString, c_char, c_int};

use wx_token_core::notice;

unsafe extern "C" {
    fn php_log_err_with_severity(message: *const c_char, severity: c_int);
}

/// Writes what the core has left to say to the error log: the file of `error_log`, or that of the SAPI.
pub fn write_notices() {
    for notice in notice::take() {
        write(&notice);
    }
}

fn write(message: &str) {
    let message = CString::new(message.replace('\0', "\\0")).unwrap_or_default();
    // SAFETY: the message is NUL-terminated, and copied.
    unsafe { php_log_err_with_severity(message.as_ptr(), libc::LOG_WARNING) };
}
