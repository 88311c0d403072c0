//! The settings as INI entries: registered, checked and kept as values, one set a thread.

use std::ffi::{CStr, c_int, c_void};
use std::panic::catch_unwind;
use std::sync::Arc;

use ext_php_rs::error::php_error;
use ext_php_rs::ffi::{_zend_ini_entry, zend_string};
use ext_php_rs::flags::{ErrorType, IniEntryPermission};
use ext_php_rs::types::ZendStr;
use ext_php_rs::zend::{IniEntryDef, IniEntryDefs, ModuleGlobal, ModuleGlobals, output_write};

use wx_token_core::memory;
use wx_token_core::process;
use wx_token_core::settings::Settings;

/// The settings of this thread.
pub static GLOBALS: ModuleGlobals<Globals> = ModuleGlobals::new();

/// What the extension keeps for each thread of PHP.
#[derive(Default)]
pub struct Globals {
    settings: Arc<Settings>,
}

impl ModuleGlobal for Globals {
    fn ginit(&mut self) {
        process::php_thread_begins();
    }

    fn gshutdown(&mut self) {
        // The only thread ends with the process, in a signal handler perhaps: nothing is freed there.
        if process::has_several_php_threads() {
            memory::forget_thread();
        }
        process::php_thread_ends();
    }
}

/// The settings as they are now, for this thread. They stay so for whoever holds them, though PHP code
/// changes settings meanwhile.
#[must_use]
pub fn current() -> Arc<Settings> {
    Arc::clone(&GLOBALS.get().settings)
}

/// What `read` makes of the settings, which must not run PHP code: that may change them.
pub fn read<T>(read: impl FnOnce(&Settings) -> T) -> T {
    read(&GLOBALS.get().settings)
}

unsafe extern "C" {
    fn zend_unregister_ini_entries(module_number: c_int);
}

const PREFIX: &str = "wx_token.";

static ENTRIES: IniEntryDefs<17> = IniEntryDefs::new([
    entry(c"wx_token.appid", c"", IniEntryPermission::System),
    masked(entry(c"wx_token.secret", c"", IniEntryPermission::System)),
    entry(c"wx_token.accounts", c"", IniEntryPermission::System),
    entry(c"wx_token.endpoint", c"stable", IniEntryPermission::PerDir),
    entry(c"wx_token.api_base", c"", IniEntryPermission::System),
    entry(c"wx_token.refresh_ahead", c"300", IniEntryPermission::All),
    entry(c"wx_token.background", c"1", IniEntryPermission::All),
    entry(c"wx_token.revalidate_freq", c"0", IniEntryPermission::All),
    entry(c"wx_token.max_files", c"10000", IniEntryPermission::System),
    entry(c"wx_token.lock_timeout", c"10", IniEntryPermission::All),
    entry(c"wx_token.connect_timeout", c"3", IniEntryPermission::All),
    entry(c"wx_token.timeout", c"8", IniEntryPermission::All),
    entry(c"wx_token.write_mode", c"replace", IniEntryPermission::PerDir),
    entry(c"wx_token.file_mode", c"0600", IniEntryPermission::PerDir),
    entry(c"wx_token.ca_file", c"", IniEntryPermission::System),
    // A proxy's URL may hold a password.
    masked(entry(c"wx_token.proxy", c"", IniEntryPermission::System)),
    IniEntryDef::end(),
]);

const fn entry(
    name: &'static CStr,
    default: &'static CStr,
    permission: IniEntryPermission,
) -> IniEntryDef {
    IniEntryDef { on_modify: Some(take), ..IniEntryDef::new(name, default, permission) }
}

const fn masked(entry: IniEntryDef) -> IniEntryDef {
    IniEntryDef { displayer: Some(show_masked), ..entry }
}

/// Registers every setting; for module start-up alone.
pub fn register(module_number: i32) {
    IniEntryDef::register(ENTRIES.as_slice(), module_number);
}

/// Takes every setting from the engine; for module shutdown alone. The engine frees their names with
/// the module.
pub fn unregister(module_number: i32) {
    // SAFETY: called with the number that the engine gave this module.
    unsafe { zend_unregister_ini_entries(module_number) };
}

const SUCCESS: c_int = 0;
const FAILURE: c_int = -1;

/// Takes a setting's new value, or refuses it with a warning that names the setting. The engine
/// calls this for each change: at start-up, at run time, and when a request ends.
unsafe extern "C" fn take(
    entry: *mut _zend_ini_entry,
    value: *mut zend_string,
    _: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
    _stage: c_int,
) -> c_int {
    let taken = catch_unwind(|| {
        // SAFETY: the engine hands over a live entry with a name, and a value or null.
        let (name, value) = unsafe { (text((*entry).name), text(value)) };
        let name = String::from_utf8_lossy(name);
        let key = name.strip_prefix(PREFIX).unwrap_or(&name);
        // SAFETY: these are this thread's own, and nobody keeps a reference to them: `current` gives a
        // share, which is not changed here.
        let settings = unsafe { &mut GLOBALS.get_mut().settings };
        str::from_utf8(value)
            .map_err(|_| "must be valid UTF-8".to_owned())
            .and_then(|value| Arc::make_mut(settings).set(key, value))
            .map_err(|problem| format!("{name} {problem}; it is not changed"))
    });
    match taken {
        Ok(Ok(())) => SUCCESS,
        Ok(Err(problem)) => {
            php_error(&ErrorType::Warning, &problem);
            FAILURE
        }
        Err(_) => FAILURE,
    }
}

/// # Safety
/// `string` is null or a zend_string that outlives the returned bytes.
unsafe fn text<'a>(string: *mut zend_string) -> &'a [u8] {
    // SAFETY: as promised by the caller.
    let string: Option<&ZendStr> = unsafe { string.as_ref() };
    string.map(ZendStr::as_bytes).unwrap_or_default()
}

/// Shows that there is a value, not which.
unsafe extern "C" fn show_masked(entry: *mut _zend_ini_entry, _type: c_int) {
    // SAFETY: the engine hands over a live entry, whose value may be null.
    let is_set = unsafe { !text((*entry).value).is_empty() };
    let _ = output_write(if is_set { b"(set, not shown)" } else { b"no value" });
}
