//! The classes below `WxToken\Exception`, and the errors that become one.
//!
//! They are plain classes without a Rust object, so PHP itself fills in file, line and trace.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::convert::{IntoZval, IntoZvalDyn};
use ext_php_rs::error::Result;
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::{IS_LONG, IS_NULL, IS_STRING, zend_string, zend_type};
use ext_php_rs::flags::PropertyFlags;
use ext_php_rs::types::{ZendObject, ZendStr, Zval};
use ext_php_rs::zend::{ClassEntry, ExecutorGlobals, ce};

use wx_token_core::clock::Timestamp;
use wx_token_core::error::Error;
use wx_token_core::failure::Cause;
use wx_token_core::printable::printable;
use wx_token_core::token_file::FileError;

unsafe extern "C" {
    static spl_ce_RuntimeException: *const ClassEntry;
    fn zend_declare_typed_property(
        class: *mut ClassEntry,
        name: *mut zend_string,
        default: *mut Zval,
        flags: i32,
        doc_comment: *mut zend_string,
        property_type: zend_type,
    ) -> *mut std::ffi::c_void;
}

/// `WxToken\Exception`, from module start-up on.
static BASE: AtomicPtr<ClassEntry> = AtomicPtr::new(ptr::null_mut());

const API: &str = "WxToken\\ApiException";
const NETWORK: &str = "WxToken\\NetworkException";
const LOCK: &str = "WxToken\\LockException";
const FILE: &str = "WxToken\\FileException";
const CONFIG: &str = "WxToken\\ConfigException";

/// Registers the classes; for module start-up alone.
pub fn register() -> Result<()> {
    ClassBuilder::new("WxToken\\Exception")
        // SAFETY: SPL is part of every PHP and is started before any shared extension.
        .extends((|| unsafe { &*spl_ce_RuntimeException }, "\\RuntimeException"))
        .registration(|class, _| {
            declare(class, "tokenFile", TEXT, "");
            BASE.store(class, Ordering::Release);
        })
        .register()?;
    let derived = |name: &str| ClassBuilder::new(name).extends((base, "\\WxToken\\Exception"));
    derived(API)
        .registration(|class, _| {
            declare(class, "errmsg", TEXT, "");
            declare(class, "retryAt", INTEGER, 0);
        })
        .register()?;
    derived(NETWORK).registration(|class, _| declare(class, "retryAt", INTEGER, 0)).register()?;
    derived(LOCK)
        .registration(|class, _| declare(class, "holderPid", INTEGER | NULL, None::<i64>))
        .register()?;
    derived(FILE).registration(|_, _| {}).register()?;
    derived(CONFIG).registration(|_, _| {}).register()
}

fn base() -> &'static ClassEntry {
    // SAFETY: set by the registration of the base class, which comes first, to a class entry that
    // the engine keeps until module shutdown.
    unsafe { BASE.load(Ordering::Acquire).as_ref() }.unwrap_or_else(ce::exception)
}

const TEXT: u32 = 1 << IS_STRING;
const INTEGER: u32 = 1 << IS_LONG;
const NULL: u32 = 1 << IS_NULL;

/// Declares a public property of the types in `type_mask`.
fn declare(class: &mut ClassEntry, name: &str, type_mask: u32, default: impl IntoZval) {
    let Ok(mut default) = default.into_zval(true) else { return };
    let name = ZendStr::new_interned(name, true).into_raw();
    let property_type = zend_type { ptr: ptr::null_mut(), type_mask };
    // SAFETY: the class is being registered; the name is interned and the default persistent, so
    // both may be kept as long as the class.
    unsafe {
        zend_declare_typed_property(
            class,
            name,
            &raw mut default,
            PropertyFlags::Public.bits() as i32,
            ptr::null_mut(),
            property_type,
        );
    }
}

/// The exception for PHP that `error`, met by a call on `token_file`, becomes.
pub fn from_error(token_file: &Path, error: &Error) -> PhpException {
    build(error.file().unwrap_or(token_file), error).unwrap_or_else(|problem| internal(&problem))
}

pub fn from_file(file: &Path, error: FileError) -> PhpException {
    from_error(file, &Error::File(error))
}

/// The class of the pending exception, as a message names it.
pub fn pending_class() -> String {
    const MAX_CHARS: usize = 200;
    let globals = ExecutorGlobals::get();
    let class = globals.exception().map(ZendObject::get_class_entry);
    // SAFETY: a class has a name, which lives as long as the class.
    let name = class.and_then(|class| unsafe { class.name.as_ref() }).map(ZendStr::as_bytes);
    // Behind a NUL byte, the name of an anonymous class has the path of its code.
    let name = name.and_then(|name| name.split(|byte| *byte == 0).next());
    printable(name.unwrap_or_default()).at_most(MAX_CHARS).to_string()
}

/// A path as a string of PHP's, byte for byte.
pub fn path_value(path: &Path) -> Zval {
    let mut value = Zval::new();
    value.set_zend_string(ZendStr::new(path.as_os_str().as_bytes(), false));
    value
}

pub fn internal(problem: &ext_php_rs::error::Error) -> PhpException {
    PhpException::new(format!("wx_token: {problem}"), 0, ce::error())
}

fn build(token_file: &Path, error: &Error) -> Result<PhpException> {
    let (class, code) = match error {
        Error::FetchFailed {
            cause: cause @ (Cause::Api { .. } | Cause::StillRejected), ..
        } => (API, cause.errcode().unwrap_or_default()),
        Error::FetchFailed { cause: Cause::Network { .. }, .. } | Error::NoThread { .. } => {
            (NETWORK, 0)
        }
        Error::Lock { .. } | Error::Deadlock { .. } => (LOCK, 0),
        Error::FetchFailed { cause: Cause::Store { .. }, .. }
        | Error::File(_)
        | Error::Unfinished { .. } => (FILE, 0),
        Error::Config(_) | Error::Aborted => (CONFIG, 0),
    };
    let message = error.to_string();
    let class = ClassEntry::try_find(class).unwrap_or_else(base);
    let mut object = ZendObject::new(class);
    object.try_call_method("__construct", vec![&message as &dyn IntoZvalDyn, &code])?;
    object.set_property("tokenFile", path_value(token_file))?;
    match error {
        Error::FetchFailed { cause: Cause::Store { .. }, .. } => {}
        Error::FetchFailed { cause, retry_at, .. } => {
            object.set_property("retryAt", rounded_up(*retry_at))?;
            if let Cause::Api { errmsg, .. } = cause {
                object.set_property("errmsg", printable(errmsg).to_string())?;
            }
        }
        Error::Lock { holder: Some(holder), .. } => {
            object.set_property("holderPid", i64::from(holder.pid))?;
        }
        Error::Deadlock { .. } => {
            object.set_property("holderPid", i64::from(std::process::id()))?;
        }
        _ => {}
    }
    let mut zval = Zval::new();
    zval.set_object(&mut object);
    Ok(PhpException::new(message, 0, class).with_object(zval))
}

/// Whole seconds. A caller that waits until then does not come too early.
pub fn rounded_up(time: Timestamp) -> i64 {
    (time + Duration::from_millis(999)).secs()
}
