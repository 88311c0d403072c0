//! Arguments as a C extension takes them: PHP's own type juggling, and PHP's own error messages.

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::time::Duration;

use ext_php_rs::alloc::efree;
use ext_php_rs::convert::{FromZvalMut, StubLiteral};
use ext_php_rs::exception::PhpResult;
use ext_php_rs::ffi::{
    _zend_expected_type, _zend_expected_type_Z_EXPECTED_STRING, zend_object, zend_string,
};
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::ExecutorGlobals;

use crate::argument_errors::{throw_type_error, type_error, value_error};
use crate::options::{CallOptions, OptionsArg};
use crate::weak_types;
use wx_token_core::printable::printable;
use wx_token_core::settings;

// Declared by hand, since ext-php-rs does not: the compiler cannot compare them with PHP's headers.
unsafe extern "C" {
    fn zend_wrong_parameter_type_error(number: u32, spec: _zend_expected_type, arg: *mut Zval);
    fn zend_is_callable_ex(
        callable: *const Zval,
        object: *mut zend_object,
        flags: u32,
        name: *mut *mut zend_string,
        cache: *mut c_void,
        error: *mut *mut c_char,
    ) -> bool;
}

/// A `string` that is argument number `N`, as bytes.
pub struct TextArg<'a, const N: u32>(&'a [u8]);

impl<'a, const N: u32> FromZvalMut<'a> for TextArg<'a, N> {
    const TYPE: DataType = DataType::String;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        if zval.zend_str().is_none() && !weak_types::make_string(zval, N) {
            if !ExecutorGlobals::has_exception() {
                let spec = _zend_expected_type_Z_EXPECTED_STRING;
                // SAFETY: the engine reads the argument, and throws.
                unsafe { zend_wrong_parameter_type_error(N, spec, zval) };
            }
            return None;
        }
        let text = zval.zend_str()?.as_bytes();
        if text.is_empty() {
            value_error(N, "must not be empty");
            return None;
        }
        Some(Self(text))
    }
}

impl<const N: u32> TextArg<'_, N> {
    pub fn as_str(&self) -> PhpResult<&str> {
        str::from_utf8(self.0).map_err(|_| value_error(N, "must be valid UTF-8"))
    }
}

impl<const N: u32> From<&'static str> for TextArg<'_, N> {
    fn from(default: &'static str) -> Self {
        Self(default.as_bytes())
    }
}

impl<const N: u32> StubLiteral for TextArg<'_, N> {
    fn stub_literal(&self) -> String {
        String::from_utf8_lossy(self.0).stub_literal()
    }
}

/// `array|callable|null`, argument number `N`: where a token comes from.
pub enum SourceArg<'a, const N: u32> {
    /// WeChat, asked as the options of the call say.
    Account(OptionsArg<'a, N>),
    Loader(&'a Zval),
}

impl<'a, const N: u32> FromZvalMut<'a> for SourceArg<'a, N> {
    // `callable` joins in signature.rs: ext-php-rs has no word for union types.
    const TYPE: DataType = DataType::Array;
    const NULLABLE: bool = true;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        if zval.is_string() {
            return is_callback(N, zval, c"must be a valid callback or null, %s")
                .then_some(Self::Loader(zval));
        }
        // Two strings in a list may name a static method; arrays with other keys are options, always.
        let is_options = zval.is_null() || zval.array().is_some_and(is_keyed);
        if !is_options && zval.is_callable() {
            return Some(Self::Loader(zval));
        }
        OptionsArg::new(zval, c"must be of type array|callable|null, %s given").map(Self::Account)
    }

    fn from_missing() -> Option<Self> {
        OptionsArg::from_missing().map(Self::Account)
    }
}

/// Whether the keys of an array are other than 0, 1, 2 and so on.
fn is_keyed(array: &ZendHashTable) -> bool {
    let mut entries = array.iter();
    (0..)
        .map_while(|index| Some((index, entries.next_zval()?.0)))
        .any(|(index, key)| key.long() != Some(index))
}

impl<'a, const N: u32> SourceArg<'a, N> {
    /// The options of the call, a loader among them.
    pub fn options(&self) -> PhpResult<CallOptions<'a>> {
        match self {
            Self::Account(options) => options.read(),
            Self::Loader(loader) => Ok(CallOptions { loader: Some(loader), ..Default::default() }),
        }
    }
}

/// `callable`, argument number `N`.
pub struct CallableArg<'a, const N: u32>(pub &'a Zval);

impl<'a, const N: u32> FromZvalMut<'a> for CallableArg<'a, N> {
    const TYPE: DataType = DataType::Callable;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        is_callback(N, zval, c"must be a valid callback, %s").then_some(Self(zval))
    }
}

/// Whether `zval` can be called. If not, throws a `TypeError`: `spec`, and PHP's reason for "%s". The reason repeats
/// text of the script, which may hold anything.
fn is_callback(number: u32, zval: &Zval, spec: &CStr) -> bool {
    let (object, name, cache) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    let mut reason: *mut c_char = ptr::null_mut();
    // SAFETY: null asks for neither name nor cache. The engine allocates the reason for its caller.
    let is_callback = unsafe { zend_is_callable_ex(zval, object, 0, name, cache, &raw mut reason) };
    if !reason.is_null() {
        // SAFETY: NUL-terminated, and freed once.
        let text = unsafe { printable(CStr::from_ptr(reason).to_bytes()).to_string() };
        // SAFETY: as above.
        unsafe { efree(reason.cast()) };
        if !is_callback {
            throw_type_error(number, spec, &CString::new(text).unwrap_or_default());
        }
    }
    is_callback
}

/// `?float`, argument number `N`: a time in seconds.
pub struct SecondsArg<const N: u32>(Option<f64>);

impl<'a, const N: u32> FromZvalMut<'a> for SecondsArg<N> {
    const TYPE: DataType = DataType::Double;
    const NULLABLE: bool = true;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        if zval.is_null() || zval.double().is_some() {
            return Some(Self(zval.double()));
        }
        if let Some(seconds) = weak_types::float(zval, N) {
            return Some(Self(Some(seconds)));
        }
        type_error(N, c"must be of type ?float, %s given", zval);
        None
    }

    fn from_missing() -> Option<Self> {
        Some(Self(None))
    }
}

impl<const N: u32> SecondsArg<N> {
    /// The time, which `None` leaves to the setting.
    pub fn duration(&self) -> PhpResult<Option<Duration>> {
        let duration = self.0.map(|seconds| settings::duration(0.0, seconds)).transpose();
        duration.map_err(|problem| value_error(N, &problem))
    }
}
