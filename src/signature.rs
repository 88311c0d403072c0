//! The parts of a signature that ext-php-rs cannot write: a union type, and `#[SensitiveParameter]`.

use std::ffi::CStr;

use ext_php_rs::ffi::{
    HashTable, IS_CALLABLE, ext_php_rs_compiler_globals, zend_function, zend_hash_str_find_ptr_lc,
    zend_string,
};
use ext_php_rs::types::ZendStr;

unsafe extern "C" {
    fn zend_add_attribute(
        attributes: *mut *mut HashTable,
        name: *mut zend_string,
        arguments: u32,
        flags: u32,
        offset: u32,
        line: u32,
    ) -> *mut std::ffi::c_void;
}

/// Every parameter that may hold a secret or a token, and so appears in no trace: its function, its index, and
/// whether it takes a callable, too.
const SENSITIVE: &[(&CStr, usize, bool)] = &[
    (c"wx_get_token", 1, true),
    (c"wx_try_token", 1, false),
    (c"wx_refresh_token", 1, false),
    (c"wx_refresh_token", 2, true),
    (c"wx_get_ticket", 3, false),
    (c"wx_token_status", 1, false),
];

/// Zend/zend_attributes.h: the attribute outlives the request.
const PERSISTENT: u32 = 1;

/// Completes the signatures of the registered functions; for module start-up alone.
pub fn complete() {
    for (function, parameter, takes_callable) in SENSITIVE {
        // SAFETY: start-up is single-threaded; the table holds the functions of this module, whose
        // argument tables ext-php-rs has put on the heap, for good.
        unsafe { complete_parameter(function, *parameter, *takes_callable) };
    }
}

/// # Safety
/// `function`, if it is in the function table, is this module's and has more than `parameter` parameters.
unsafe fn complete_parameter(function: &CStr, parameter: usize, takes_callable: bool) {
    // SAFETY: the compiler's globals and their function table live as long as the engine. Entries of the
    // table are functions, and those of a module are internal.
    unsafe {
        let table = (*ext_php_rs_compiler_globals()).function_table;
        let entry = zend_hash_str_find_ptr_lc(table, function.as_ptr(), function.count_bytes());
        let Some(function) = entry.cast::<zend_function>().as_mut() else { return };
        let function = &mut function.internal_function;
        if takes_callable {
            (*function.arg_info.add(parameter)).type_.type_mask |= 1 << IS_CALLABLE;
        }
        let attribute = ZendStr::new_interned("SensitiveParameter", true).into_raw();
        let offset = u32::try_from(parameter + 1).unwrap_or(u32::MAX);
        zend_add_attribute(&raw mut function.attributes, attribute, 0, PERSISTENT, offset, 0);
    }
}
