//! PHP's own errors about an argument.

use std::ffi::{CStr, CString, c_char};

use ext_php_rs::exception::PhpException;
use ext_php_rs::types::Zval;
use ext_php_rs::zend::{ExecutorGlobals, ce};

// Declared by hand, as in arguments.rs.
unsafe extern "C" {
    fn zend_argument_type_error(number: u32, format: *const c_char, ...);
    fn zend_argument_value_error(number: u32, format: *const c_char, ...);
    fn zend_zval_type_name(arg: *const Zval) -> *const c_char;
}

/// What a conversion returns after it has thrown: throwing this is then no more than a marker.
fn already_thrown() -> PhpException {
    PhpException::new("an argument is invalid".to_owned(), 0, ce::error())
}

/// Throws a `ValueError` that begins with the function and the argument.
pub fn value_error(number: u32, message: &str) -> PhpException {
    let message = CString::new(message.replace('\0', "\\0")).unwrap_or_default();
    // SAFETY: format and argument are NUL-terminated, and "%s" takes one string.
    unsafe { zend_argument_value_error(number, c"%s".as_ptr(), message.as_ptr()) };
    already_thrown()
}

/// Throws a `TypeError`, in which `spec` has one "%s" for the type of `zval`.
pub fn type_error(number: u32, spec: &CStr, zval: &Zval) {
    throw_type_error(number, spec, type_name(zval));
}

/// Throws a `TypeError` of `spec` with `reason` for "%s", unless the engine has thrown already.
pub fn throw_type_error(number: u32, spec: &CStr, reason: &CStr) {
    if !ExecutorGlobals::has_exception() {
        // SAFETY: both are NUL-terminated, and "%s" takes one string.
        unsafe { zend_argument_type_error(number, spec.as_ptr(), reason.as_ptr()) };
    }
}

/// PHP's name of the type of `zval`; for an object, its class.
pub fn type_name(zval: &Zval) -> &CStr {
    // SAFETY: a NUL-terminated text, which lives as long as the type.
    unsafe { CStr::from_ptr(zend_zval_type_name(zval)) }
}
