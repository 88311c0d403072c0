//! Paths from PHP code: local files, absolute as PHP sees them, and inside `open_basedir`.

use std::borrow::Cow;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use ext_php_rs::convert::FromZvalMut;
use ext_php_rs::exception::PhpResult;
use ext_php_rs::ffi::ext_php_rs_process_globals;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::Zval;

use crate::argument_errors::value_error;
use crate::arguments::TextArg;
use crate::exceptions;
use wx_token_core::token_file::{self, FileError};

// As in arguments.rs, the compiler cannot compare these with PHP's headers.
unsafe extern "C" {
    fn expand_filepath(path: *const c_char, resolved: *mut c_char) -> *mut c_char;
    fn php_check_open_basedir_ex(path: *const c_char, warn: c_int) -> c_int;
}

/// A `string` that is argument number `N`, and the path of a local file.
pub struct PathArg<'a, const N: u32>(pub &'a CStr);

impl<'a, const N: u32> FromZvalMut<'a> for PathArg<'a, N> {
    const TYPE: DataType = DataType::String;

    fn from_zval_mut(zval: &'a mut Zval) -> Option<Self> {
        TextArg::<N>::from_zval_mut(zval)?;
        let bytes = zval.zend_str()?.as_bytes();
        // SAFETY: the engine ends each string with a NUL byte. Like the engine, this has the C library look for another one:
        // ZendStr::as_c_str() takes several times as long.
        let path = unsafe { CStr::from_ptr(bytes.as_ptr().cast()) };
        let problem = if path.count_bytes() != bytes.len() {
            "must not contain any null bytes"
        } else if has_scheme(path.to_bytes()) {
            "must be a local path, not a URL"
        } else if names_directory(path.to_bytes()) {
            "must name a file, not a directory"
        } else {
            return Some(Self(path));
        };
        value_error(N, problem);
        None
    }
}

fn has_scheme(path: &[u8]) -> bool {
    if path.starts_with(b"/") {
        return false;
    }
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let end = path.iter().position(|byte| !is_part(byte)).unwrap_or(path.len());
    end > 0 && path.get(end..).is_some_and(|rest| rest.starts_with(b"://"))
}

/// Whether a path can name only a directory, whatever is there (path_resolution(7)).
fn names_directory(path: &[u8]) -> bool {
    match path {
        [.., b'/'] => true,
        // Every call comes here: the last byte tells most paths.
        [.., b'.'] => {
            path.ends_with(b"/.") || path.ends_with(b"/..") || matches!(path, b"." | b"..")
        }
        _ => false,
    }
}

impl<'a, const N: u32> PathArg<'a, N> {
    /// The path, absolute, and inside `open_basedir`. A relative one begins at PHP's working directory,
    /// which under ZTS is the thread's own. The kernel takes it as it is: a look at the file copies nothing.
    pub fn absolute(&self) -> PhpResult<Cow<'a, CStr>> {
        let absolute = self.expand()?;
        let path = as_path(&absolute);
        if has_open_basedir() {
            check_open_basedir(path).map_err(|error| exceptions::from_file(path, error))?;
        }
        Ok(absolute)
    }

    fn expand(&self) -> PhpResult<Cow<'a, CStr>> {
        let named = as_path(self.0);
        if named.is_absolute() {
            return Ok(self.0.into());
        }
        let mut resolved = [0; libc::PATH_MAX as usize];
        // SAFETY: `resolved` has the MAXPATHLEN bytes that expand_filepath() may fill, and holds
        // zeros so that it is terminated; the path is NUL-terminated.
        let expanded = unsafe { expand_filepath(self.0.as_ptr(), resolved.as_mut_ptr()) };
        if expanded.is_null() {
            let too_long = std::io::Error::from_raw_os_error(libc::ENAMETOOLONG);
            let error = FileError::from_io(named, "open", too_long);
            return Err(exceptions::from_file(named, error));
        }
        // SAFETY: on success the engine has written a NUL-terminated path.
        let absolute = unsafe { CStr::from_ptr(resolved.as_ptr()) };
        Ok(absolute.to_owned().into())
    }
}

/// A path of the kernel's as one of Rust's.
pub fn as_path(path: &CStr) -> &Path {
    Path::new(OsStr::from_bytes(path.to_bytes()))
}

/// Rejects a file whose directory is outside `open_basedir`, though the file is inside: replacements are made and
/// looked for there. A remembered token needs neither.
pub fn check_directory(path: &Path) -> PhpResult<()> {
    if !has_open_basedir() {
        return Ok(());
    }
    let checked = token_file::resolve(path)
        .and_then(|real| check_open_basedir(real.parent().unwrap_or(&real)));
    checked.map_err(|error| exceptions::from_file(path, error))
}

fn has_open_basedir() -> bool {
    // SAFETY: this thread's own globals, in which the engine keeps the setting as a NUL-terminated
    // string, or null. ProcessGlobals::get() would take a lock.
    unsafe {
        let setting = (*ext_php_rs_process_globals()).open_basedir;
        !setting.is_null() && *setting != 0
    }
}

fn check_open_basedir(path: &Path) -> Result<(), FileError> {
    let denied = || FileError::denied_by_open_basedir(path);
    let bytes = CString::new(path.as_os_str().as_bytes()).map_err(|_| denied())?;
    // SAFETY: the path is NUL-terminated; 0 asks for no warning.
    match unsafe { php_check_open_basedir_ex(bytes.as_ptr(), 0) } {
        0 => Ok(()),
        _ => Err(denied()),
    }
}
