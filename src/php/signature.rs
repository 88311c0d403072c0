//! What ext-php-rs has no words for in a function's signature: a union type, and an argument that
//! must not appear in traces.

use std::ffi::CStr;
use std::ptr;

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

/// Functions with a parameter `array|callable|null $source`, and its index.
const WITH_SOURCE: &[(&CStr, usize)] = &[(c"wx_get_token", 1)];

/// Zend/zend_attributes.h: the attribute outlives the request.
const PERSISTENT: u32 = 1;

/// Completes the signatures of the registered functions; for module start-up alone.
pub fn complete() {
    for (name, parameter) in WITH_SOURCE {
        // SAFETY: start-up is single-threaded; the table holds the functions of this module, whose
        // argument tables ext-php-rs has put on the heap, for good.
        unsafe { complete_source(name, *parameter) };
    }
}

unsafe fn complete_source(name: &CStr, parameter: usize) {
    // SAFETY: the compiler's globals and their function table live as long as the engine.
    let function = unsafe {
        let table = (*ext_php_rs_compiler_globals()).function_table;
        zend_hash_str_find_ptr_lc(table, name.as_ptr(), name.count_bytes())
    };
    // SAFETY: entries of the function table are functions, and those of a module are internal.
    let Some(function) = (unsafe { function.cast::<zend_function>().as_mut() }) else { return };
    // SAFETY: as above; the function has more than `parameter` parameters.
    unsafe {
        let function = &mut function.internal_function;
        (*function.arg_info.add(parameter)).type_.type_mask |= 1 << IS_CALLABLE;
        let attribute = ZendStr::new_interned("SensitiveParameter", true).into_raw();
        let offset = u32::try_from(parameter + 1).unwrap_or(u32::MAX);
        let attributes = ptr::addr_of_mut!(function.attributes);
        zend_add_attribute(attributes, attribute, 0, PERSISTENT, offset, 0);
    }
}
