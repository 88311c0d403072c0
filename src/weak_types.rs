//! The engine's conversions of an argument that has another type, by the rules of the calling file's strict_types.
//! Declared by hand, and differently since PHP 8.6: the converted value is returned, not stored through a parameter.

use ext_php_rs::ffi::zend_string;
use ext_php_rs::types::Zval;

#[cfg(not(php86))]
unsafe extern "C" {
    fn zend_parse_arg_str_slow(arg: *mut Zval, dest: *mut *mut zend_string, number: u32) -> bool;
    fn zend_parse_arg_double_slow(arg: *const Zval, dest: *mut f64, number: u32) -> bool;
}

#[cfg(php86)]
unsafe extern "C" {
    fn zend_parse_arg_str_slow(arg: *mut Zval, number: u32) -> *mut zend_string;
    fn zend_parse_arg_double_slow(arg: *const Zval, number: u32) -> f64;
}

/// Makes argument `number`, which is no string, a string where it stands. `false`: it cannot be one, and the engine
/// may have thrown.
pub fn make_string(arg: &mut Zval, number: u32) -> bool {
    let arg: *mut Zval = arg;
    #[cfg(not(php86))]
    {
        let mut string = std::ptr::null_mut();
        // SAFETY: the argument stands in the frame of this call, and the string belongs to it.
        unsafe { zend_parse_arg_str_slow(arg, &raw mut string, number) }
    }
    #[cfg(php86)]
    {
        // SAFETY: as above.
        let string = unsafe { zend_parse_arg_str_slow(arg, number) };
        !string.is_null()
    }
}

/// Argument `number`, which is neither null nor a float, as a float.
pub fn float(arg: &Zval, number: u32) -> Option<f64> {
    #[cfg(not(php86))]
    {
        let mut float = 0.0;
        // SAFETY: the engine reads the argument, and writes the float.
        unsafe { zend_parse_arg_double_slow(arg, &raw mut float, number) }.then_some(float)
    }
    #[cfg(php86)]
    {
        // SAFETY: the engine reads the argument.
        let float = unsafe { zend_parse_arg_double_slow(arg, number) };
        // No value of another type converts to NaN: it says that there is no conversion.
        (!float.is_nan()).then_some(float)
    }
}
