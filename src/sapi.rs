//! The interface that runs PHP, and the script that it runs.

use std::ffi::CStr;
use std::sync::OnceLock;

use ext_php_rs::zend::{SapiGlobals, SapiModule};

/// As `PHP_SAPI` has it.
pub fn name() -> &'static str {
    static NAME: OnceLock<&str> = OnceLock::new();
    NAME.get_or_init(|| {
        // SAFETY: the engine keeps the name, which is NUL-terminated, as long as the process.
        let name = unsafe { SapiModule::get().name.as_ref().map(|name| CStr::from_ptr(name)) };
        name.and_then(|name| name.to_str().ok()).unwrap_or_default()
    })
}

/// The path of the script, if it has one; for a thread of PHP, within a request.
pub fn script() -> Option<String> {
    SapiGlobals::get().request_info().path_translated().map(str::to_owned)
}
