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

/// What a parameter has that its Rust type does not say.
struct Extra {
    function: &'static CStr,
    /// The parameter's index.
    parameter: usize,
    /// Whether a callable will do as well.
    or_callable: bool,
}

/// Every parameter that may hold a secret or a token. None of them appears in a trace.
const SENSITIVE: &[Extra] = &[
    Extra { function: c"wx_get_token", parameter: 1, or_callable: true },
    Extra { function: c"wx_try_token", parameter: 1, or_callable: false },
    Extra { function: c"wx_refresh_token", parameter: 1, or_callable: false },
    Extra { function: c"wx_refresh_token", parameter: 2, or_callable: true },
    Extra { function: c"wx_get_ticket", parameter: 3, or_callable: false },
];

/// Zend/zend_attributes.h: the attribute outlives the request.
const PERSISTENT: u32 = 1;

/// Completes the signatures of the registered functions; for module start-up alone.
pub fn complete() {
    for extra in SENSITIVE {
        // SAFETY: start-up is single-threaded; the table holds the functions of this module, whose
        // argument tables ext-php-rs has put on the heap, for good.
        unsafe { extra.complete() };
    }
}

impl Extra {
    unsafe fn complete(&self) {
        // SAFETY: the compiler's globals and their function table live as long as the engine.
        let function = unsafe {
            let table = (*ext_php_rs_compiler_globals()).function_table;
            zend_hash_str_find_ptr_lc(table, self.function.as_ptr(), self.function.count_bytes())
        };
        // SAFETY: entries of the function table are functions, and those of a module are internal.
        let Some(function) = (unsafe { function.cast::<zend_function>().as_mut() }) else { return };
        // SAFETY: as above; the function has more than `parameter` parameters.
        unsafe {
            let function = &mut function.internal_function;
            if self.or_callable {
                (*function.arg_info.add(self.parameter)).type_.type_mask |= 1 << IS_CALLABLE;
            }
            let attribute = ZendStr::new_interned("SensitiveParameter", true).into_raw();
            let offset = u32::try_from(self.parameter + 1).unwrap_or(u32::MAX);
            let attributes = ptr::addr_of_mut!(function.attributes);
            zend_add_attribute(attributes, attribute, 0, PERSISTENT, offset, 0);
        }
    }
}
