//! Arguments as a C extension takes them: PHP's own type juggling, and PHP's own error messages.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use ext_php_rs::convert::{FromZvalMut, StubLiteral};
use ext_php_rs::exception::{PhpException, PhpResult};
use ext_php_rs::ffi::{
    _zend_expected_type, _zend_expected_type_Z_EXPECTED_STRING, ZEND_MODULE_API_NO,
    ext_php_rs_process_globals, zend_string,
};
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::zend::{ExecutorGlobals, ce};

use crate::exceptions;
use wx_token_core::account::AccountOptions;
use wx_token_core::endpoint::Endpoint;
use wx_token_core::error::Error;
use wx_token_core::printable::printable;
use wx_token_core::settings;
use wx_token_core::token_file::{self, FileError, Layout};

/// `ZEND_MODULE_API_NO` of PHP 8.5 (Zend/zend_modules.h). PHP 8.6 takes a parameter from
/// `zend_parse_arg_str_slow()` and `zend_parse_arg_double_slow()` (Zend/zend_API.h).
const NEWEST_API: u32 = 20_250_925;

const _: () = assert!(
    ZEND_MODULE_API_NO <= NEWEST_API,
    "wx_token supports PHP 8.1 to 8.5. For a newer PHP, use a newer wx_token; or compare the functions that src/php declares with that PHP's headers, and raise NEWEST_API"
);

// Declared by hand, since ext-php-rs does not: the compiler cannot compare them with PHP's headers.
unsafe extern "C" {
    fn zend_parse_arg_str_slow(arg: *mut Zval, dest: *mut *mut zend_string, number: u32) -> bool;
    fn zend_parse_arg_double_slow(arg: *const Zval, dest: *mut f64, number: u32) -> bool;
    fn zend_wrong_parameter_type_error(number: u32, spec: _zend_expected_type, arg: *mut Zval);
    fn zend_argument_type_error(number: u32, format: *const c_char, ...);
    fn zend_argument_value_error(number: u32, format: *const c_char, ...);
    fn zend_zval_type_name(arg: *const Zval) -> *const c_char;
    fn expand_filepath(path: *const c_char, resolved: *mut c_char) -> *mut c_char;
    fn php_check_open_basedir_ex(path: *const c_char, warn: c_int) -> c_int;
}

/// What a conversion returns after it has thrown: throwing this is then no more than a marker.
fn already_thrown() -> PhpException {
    PhpException::new("an argument is invalid".to_owned(), 0, ce::error())
}

/// Throws a `ValueError` that begins with the function and the argument.
fn value_error(number: u32, message: &str) -> PhpException {
    let message = CString::new(message.replace('\0', "\\0")).unwrap_or_default();
    // SAFETY: format and argument are NUL-terminated, and "%s" takes one string.
    unsafe { zend_argument_value_error(number, c"%s".as_ptr(), message.as_ptr()) };
    already_thrown()
}

/// A `string` that is argument number `N`, as bytes.
pub struct TextArg<'a, const N: u32>(&'a [u8]);

impl<'a, const N: u32> FromZvalMut<'a> for TextArg<'a, N> {
    const TYPE: DataType = DataType::String;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        if zval.zend_str().is_none() {
            let mut converted = std::ptr::null_mut();
            // SAFETY: the engine converts the value where it stands, in this call's own frame, by
            // the rules of the calling file's strict_types; on failure it may have thrown.
            unsafe {
                if !zend_parse_arg_str_slow(zval, &raw mut converted, N) {
                    if !ExecutorGlobals::has_exception() {
                        let spec = _zend_expected_type_Z_EXPECTED_STRING;
                        zend_wrong_parameter_type_error(N, spec, zval);
                    }
                    return None;
                }
            }
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
    /// The text, if it is UTF-8.
    ///
    /// # Errors
    /// `ValueError`.
    pub fn as_str(&self) -> PhpResult<&str> {
        str::from_utf8(self.0).map_err(|_| value_error(N, "must be valid UTF-8"))
    }

    /// Refuses the value.
    pub fn refuse(&self, problem: &str) -> PhpException {
        value_error(N, problem)
    }
}

/// The default of an argument that may be left out.
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

/// A `string` that is argument number `N`, and a path on this machine.
pub struct PathArg<'a, const N: u32>(pub &'a CStr);

impl<'a, const N: u32> FromZvalMut<'a> for PathArg<'a, N> {
    const TYPE: DataType = DataType::String;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        TextArg::<N>::from_zval_mut(zval)?;
        let problem = match zval.zend_str()?.as_c_str() {
            Err(_) => "must not contain any null bytes",
            Ok(path) if has_scheme(path.to_bytes()) => "must be a path on this machine, not a URL",
            Ok(path) if names_directory(path.to_bytes()) => "must name a file, not a directory",
            Ok(path) => return Some(Self(path)),
        };
        value_error(N, problem);
        None
    }
}

fn has_scheme(path: &[u8]) -> bool {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let end = path.iter().position(|byte| !is_part(byte)).unwrap_or(path.len());
    end > 0 && path.get(end..).is_some_and(|rest| rest.starts_with(b"://"))
}

/// Whether a path can name nothing but a directory, whatever is there (path_resolution(7)).
fn names_directory(path: &[u8]) -> bool {
    // Every call comes here: most paths are told by their last byte.
    path.ends_with(b"/")
        || path.ends_with(b"/.")
        || path.ends_with(b"/..")
        || matches!(path, b"." | b"..")
}

impl<'a, const N: u32> PathArg<'a, N> {
    /// Refuses the value.
    pub fn refuse(&self, problem: &str) -> PhpException {
        value_error(N, problem)
    }

    /// The path, absolute, and inside `open_basedir`. A relative one begins at PHP's working directory,
    /// which under ZTS is the thread's own.
    ///
    /// # Errors
    /// `FileException` if the path is too long, or `open_basedir` bars it.
    pub fn absolute(&self) -> PhpResult<AbsolutePath<'a>> {
        let path = self.expand()?;
        if has_open_basedir() {
            check_barred(&path)
                .map_err(|error| exceptions::from_error(&path, &Error::File(error)))?;
        }
        Ok(path)
    }

    fn expand(&self) -> PhpResult<AbsolutePath<'a>> {
        let named = path_of(self.0);
        if named.is_absolute() {
            return Ok(AbsolutePath(self.0.into()));
        }
        let mut resolved = [0; libc::PATH_MAX as usize];
        let too_long = || {
            let error = std::io::Error::from_raw_os_error(libc::ENAMETOOLONG);
            exceptions::from_error(named, &Error::File(FileError::from_io(named, "find", error)))
        };
        // SAFETY: `resolved` has the MAXPATHLEN bytes that expand_filepath() may fill, and holds
        // zeros so that it is terminated; the path is NUL-terminated.
        let expanded = unsafe { expand_filepath(self.0.as_ptr(), resolved.as_mut_ptr()) };
        if expanded.is_null() {
            return Err(too_long());
        }
        // SAFETY: on success the engine has written a NUL-terminated path.
        let absolute = unsafe { CStr::from_ptr(resolved.as_ptr()) };
        Ok(AbsolutePath(absolute.to_owned().into()))
    }
}

/// An absolute path as the kernel takes it, so that looking at the file copies nothing.
pub struct AbsolutePath<'a>(Cow<'a, CStr>);

impl AbsolutePath<'_> {
    /// The path, NUL-terminated.
    pub fn as_c_str(&self) -> &CStr {
        &self.0
    }
}

impl Deref for AbsolutePath<'_> {
    type Target = Path;

    fn deref(&self) -> &Path {
        path_of(&self.0)
    }
}

fn path_of(path: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(path.to_bytes()))
}

/// Refuses a file that may be read, if `open_basedir` bars its directory: replacements are made and
/// looked for there. A token that is remembered needs neither.
///
/// # Errors
/// `FileException`.
pub fn check_place(path: &Path) -> PhpResult<()> {
    if !has_open_basedir() {
        return Ok(());
    }
    let place =
        token_file::resolve(path).and_then(|real| check_barred(real.parent().unwrap_or(&real)));
    place.map_err(|error| exceptions::from_error(path, &Error::File(error)))
}

fn has_open_basedir() -> bool {
    // SAFETY: this thread's own globals, in which the engine keeps the setting as a NUL-terminated
    // string, or null. ProcessGlobals::get() would take a lock.
    unsafe {
        let setting = (*ext_php_rs_process_globals()).open_basedir;
        !setting.is_null() && *setting != 0
    }
}

fn check_barred(path: &Path) -> Result<(), FileError> {
    let barred = || FileError::denied_by_open_basedir(path);
    let bytes = CString::new(path.as_os_str().as_bytes()).map_err(|_| barred())?;
    // SAFETY: the path is NUL-terminated; 0 asks for no warning.
    match unsafe { php_check_open_basedir_ex(bytes.as_ptr(), 0) } {
        0 => Ok(()),
        _ => Err(barred()),
    }
}

/// `array|callable|null`, argument number `N`: where a token comes from.
pub enum SourceArg<'a, const N: u32> {
    /// Account options, or nothing: then the default account.
    Account(AccountArg<'a, N>),
    /// A loader.
    Loader(&'a Zval),
}

impl<'a, const N: u32> FromZvalMut<'a> for SourceArg<'a, N> {
    // `callable` joins in signature.rs: ext-php-rs has no word for union types.
    const TYPE: DataType = DataType::Array;
    const NULLABLE: bool = true;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        // Two strings in a list may name a static method; keyed arrays are options, always.
        let is_keyed = zval.array().is_some_and(is_keyed);
        if !is_keyed && !zval.is_null() && zval.is_callable() {
            return Some(Self::Loader(zval));
        }
        AccountArg::new(zval, c"must be of type array|callable|null, %s given").map(Self::Account)
    }

    fn from_missing() -> Option<Self> {
        Some(Self::Account(AccountArg(None)))
    }
}

/// Whether an array is no list: its keys are not 0, 1, 2 and so on.
fn is_keyed(array: &ZendHashTable) -> bool {
    let mut entries = array.iter();
    (0..)
        .map_while(|index| Some((index, entries.next_zval()?.0)))
        .any(|(index, key)| key.long() != Some(index))
}

impl<'a, const N: u32> SourceArg<'a, N> {
    /// The options of the call; a loader has none.
    ///
    /// # Errors
    /// As [`AccountArg::options`].
    pub fn options(&self) -> PhpResult<CallOptions<'a>> {
        match self {
            Self::Account(account) => account.options(),
            Self::Loader(_) => Ok(CallOptions::default()),
        }
    }
}

/// `?array`, argument number `N`: account options.
pub struct AccountArg<'a, const N: u32>(Option<&'a ZendHashTable>);

impl<'a, const N: u32> AccountArg<'a, N> {
    fn new(zval: &'a Zval, spec: &CStr) -> Option<Self> {
        if zval.is_null() || zval.array().is_some() {
            return Some(Self(zval.array()));
        }
        type_error(N, spec, zval);
        None
    }
}

impl<'a, const N: u32> FromZvalMut<'a> for AccountArg<'a, N> {
    const TYPE: DataType = DataType::Array;
    const NULLABLE: bool = true;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        Self::new(zval, c"must be of type ?array, %s given")
    }

    fn from_missing() -> Option<Self> {
        Some(Self(None))
    }
}

/// `callable`, argument number `N`.
pub struct CallableArg<'a, const N: u32>(pub &'a Zval);

impl<'a, const N: u32> FromZvalMut<'a> for CallableArg<'a, N> {
    const TYPE: DataType = DataType::Callable;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        if zval.is_callable() {
            return Some(Self(zval));
        }
        type_error(N, c"must be a valid callback, %s given", zval);
        None
    }
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
        let mut seconds = 0.0;
        // SAFETY: as for strings, by the rules of the calling file's strict_types.
        if unsafe { zend_parse_arg_double_slow(zval, &raw mut seconds, N) } {
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
    /// The time, or `default` if none was given.
    ///
    /// # Errors
    /// `ValueError` if it is out of range.
    pub fn or(&self, default: Duration) -> PhpResult<Duration> {
        let seconds = self.0.map_or(Ok(default), settings::duration);
        seconds.map_err(|problem| value_error(N, &problem))
    }
}

/// Throws a `TypeError`, in which `spec` has one "%s" for the type of `zval`, unless the engine
/// has thrown one already.
fn type_error(number: u32, spec: &CStr, zval: &Zval) {
    if !ExecutorGlobals::has_exception() {
        // SAFETY: "%s" takes the NUL-terminated name that the engine gives of the type.
        unsafe { zend_argument_type_error(number, spec.as_ptr(), zend_zval_type_name(zval)) };
    }
}

/// What a call says in its options: each goes before the setting of its name.
#[derive(Clone, Copy, Default)]
pub struct CallOptions<'a> {
    /// Whose token.
    pub account: AccountOptions<'a>,
    /// How long before its expiry a token is due.
    pub refresh_ahead: Option<Duration>,
    /// The longest wait for the lock.
    pub lock_timeout: Option<Duration>,
    /// Time limit of a whole fetch.
    pub timeout: Option<Duration>,
    /// How the file spells what it keeps, where its content does not tell.
    pub layout: Option<Layout>,
}

const OPTIONS: &str = "appid (or corpid), secret (or corpsecret), endpoint, layout, refresh_ahead, lock_timeout, timeout";

impl<'a, const N: u32> AccountArg<'a, N> {
    /// The options of the call.
    ///
    /// # Errors
    /// `ValueError` for an unknown option, or a value that an option cannot have.
    pub fn options(&self) -> PhpResult<CallOptions<'a>> {
        let mut options = CallOptions::default();
        let Some(array) = self.0 else { return Ok(options) };
        let mut entries = array.iter();
        // The iterator itself panics on a key that is not UTF-8, and so does whatever is built on it.
        while let Some((key, value)) = entries.next_zval() {
            let taken = match key.zend_str() {
                Some(name) => options.set(name.as_bytes(), value),
                None => Err(unknown()),
            };
            taken.map_err(|problem| {
                value_error(N, &format!("option \"{}\" {problem}", name(&key)))
            })?;
        }
        options.account.check().map_err(|problem| value_error(N, problem))?;
        Ok(options)
    }
}

/// A key as a message names it.
fn name(key: &Zval) -> String {
    const MAX_CHARS: usize = 100;
    match key.zend_str() {
        Some(name) => printable(name.as_bytes()).at_most(MAX_CHARS).to_string(),
        None => key.long().unwrap_or_default().to_string(),
    }
}

fn unknown() -> String {
    format!("is unknown; there are {OPTIONS}")
}

impl<'a> CallOptions<'a> {
    fn set(&mut self, key: &[u8], value: &'a Zval) -> Result<(), String> {
        match key {
            b"appid" => self.account.appid = Some(text(value)?),
            b"secret" => self.account.secret = Some(text(value)?),
            b"corpid" => {
                self.account.appid = Some(text(value)?);
                self.account.is_corp = true;
            }
            b"corpsecret" => {
                self.account.secret = Some(text(value)?);
                self.account.is_corp = true;
            }
            b"endpoint" => {
                let refused = || format!("must be {}", Endpoint::NAMES);
                let endpoint = text(value)?.parse().map_err(|()| refused())?;
                self.account.endpoint = Some(endpoint);
            }
            b"layout" => {
                let refused = || format!("must be one of {}", Layout::NAMES);
                self.layout = Some(Layout::by_name(text(value)?).ok_or_else(refused)?);
            }
            b"refresh_ahead" => self.refresh_ahead = Some(settings::duration(seconds(value)?)?),
            b"lock_timeout" => self.lock_timeout = Some(settings::duration(seconds(value)?)?),
            b"timeout" => self.timeout = Some(settings::positive_duration(seconds(value)?)?),
            _ => return Err(unknown()),
        }
        Ok(())
    }
}

fn text(value: &Zval) -> Result<&str, String> {
    let text = value.dereference().zend_str().filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| "must be a non-empty string".to_owned())?;
    let text = text.as_str().map_err(|_| "must be valid UTF-8".to_owned())?;
    if text.contains('\0') {
        return Err("must not contain any null bytes".to_owned());
    }
    Ok(text)
}

fn seconds(value: &Zval) -> Result<f64, String> {
    let value = value.dereference();
    #[expect(clippy::cast_precision_loss, reason = "far beyond the range that is allowed")]
    let number = value.double().or_else(|| value.long().map(|seconds| seconds as f64));
    number
        .or_else(|| value.str()?.trim().parse().ok())
        .ok_or_else(|| "must be a number of seconds".to_owned())
}
