//! The table of settings as INI entries, and the values: one set for each thread of PHP.

use std::ffi::{c_int, c_void};
use std::panic::catch_unwind;
use std::ptr;
use std::sync::Arc;

use ext_php_rs::error::php_error;
use ext_php_rs::ffi::{_zend_ini_entry, zend_string};
use ext_php_rs::flags::{ErrorType, IniEntryPermission};
use ext_php_rs::types::ZendStr;
use ext_php_rs::zend::{IniEntryDef, IniEntryDefs, ModuleGlobal, ModuleGlobals, output_write};

use wx_token_core::printable::printable;
use wx_token_core::settings::{self, SETTINGS, Scope, Setting, Settings};
use wx_token_core::{memory, notice, process};

use crate::environment;

pub static GLOBALS: ModuleGlobals<Globals> = ModuleGlobals::new();

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

/// The settings of this thread, and what the environment says instead of those that are not set. What the caller holds
/// stays as it is, though PHP code changes settings meanwhile.
pub fn current() -> Arc<Settings> {
    let mut settings = Arc::clone(&GLOBALS.get().settings);
    if settings.store.place.is_none()
        && let Some(url) = environment::variable(STORE_VARIABLE)
    {
        match settings::store(&url) {
            Ok(place) => Arc::make_mut(&mut settings).store.place = place,
            Err(problem) => {
                notice::leave_once(format!(
                    "wx_token: {STORE_VARIABLE} {problem}; no store is used"
                ));
            }
        }
    }
    settings
}

const STORE_VARIABLE: &str = "WX_STORE";

/// Reads settings without a copy. `read` must not run PHP code, which may change them.
pub fn read<T>(read: impl FnOnce(&Settings) -> T) -> T {
    read(&GLOBALS.get().settings)
}

unsafe extern "C" {
    fn zend_unregister_ini_entries(module_number: c_int);
}

const ENTRIES_LEN: usize = SETTINGS.len() + 1;

static ENTRIES: IniEntryDefs<ENTRIES_LEN> = IniEntryDefs::new(entries());

const fn entries() -> [IniEntryDef; ENTRIES_LEN] {
    let mut entries = [const { IniEntryDef::end() }; ENTRIES_LEN];
    let mut unset: &mut [IniEntryDef] = &mut entries;
    let mut settings: &'static [Setting] = &SETTINGS;
    while let ([entry, next @ ..], [setting, others @ ..]) = (unset, settings) {
        let permission = match setting.scope {
            Scope::System => IniEntryPermission::System,
            Scope::PerDir => IniEntryPermission::PerDir,
            Scope::All => IniEntryPermission::All,
        };
        *entry = IniEntryDef::new(setting.name, setting.default, permission);
        entry.on_modify = Some(change);
        entry.mh_arg1 = ptr::from_ref(setting).cast_mut().cast();
        if setting.is_secret {
            entry.displayer = Some(show_hidden);
        }
        (unset, settings) = (next, others);
    }
    entries
}

/// Registers every setting; for module start-up alone.
pub fn register(module_number: i32) {
    IniEntryDef::register(ENTRIES.as_slice(), module_number);
}

/// Unregisters every setting; for module shutdown alone. The engine frees their names with the module.
pub fn unregister(module_number: i32) {
    // SAFETY: called with the number that the engine gave this module.
    unsafe { zend_unregister_ini_entries(module_number) };
}

const SUCCESS: c_int = 0;
const FAILURE: c_int = -1;

/// Zend/zend_ini.h: the entry is being registered, and has no value yet.
const STAGE_STARTUP: c_int = 1;

/// Changes a setting, or rejects the value with a warning that names the setting. The engine calls this for each
/// change: at start-up, at run time, and when a request ends.
unsafe extern "C" fn change(
    entry: *mut _zend_ini_entry,
    value: *mut zend_string,
    setting: *mut c_void,
    _: *mut c_void,
    _: *mut c_void,
    stage: c_int,
) -> c_int {
    let changed = catch_unwind(|| {
        // SAFETY: `entries` has given the entry its setting. The engine hands over a live entry, whose value may
        // be null, and a new value or null.
        let (setting, old, new) =
            unsafe { (&*setting.cast::<Setting>(), text((*entry).value), text(value)) };
        // SAFETY: these are this thread's own, and nobody keeps a reference to them: `current` gives a
        // share, which is not changed here.
        let settings = unsafe { &mut GLOBALS.get_mut().settings };
        let changed = str::from_utf8(new)
            .map_err(|_| "must be valid UTF-8".to_owned())
            .and_then(|new| setting.set(Arc::make_mut(settings), new));
        let Err(problem) = changed else { return Ok(()) };
        let is_new = stage == STAGE_STARTUP;
        let outcome = match if is_new { setting.default.to_bytes() } else { old } {
            [] => "it stays empty".to_owned(),
            default if is_new => format!("the default ({}) is used", printable(default)),
            _ if setting.is_secret => "the previous value stays".to_owned(),
            old => format!("the previous value ({}) stays", printable(old).at_most(100)),
        };
        let name = printable(setting.name.to_bytes());
        Err(format!("{name} {problem}; {outcome}"))
    });
    match changed {
        Ok(Ok(())) => SUCCESS,
        Ok(Err(warning)) => {
            php_error(&ErrorType::Warning, &warning);
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

/// Shows whether there is a value, and not which.
unsafe extern "C" fn show_hidden(entry: *mut _zend_ini_entry, _type: c_int) {
    // SAFETY: the engine hands over a live entry, whose value may be null.
    let is_set = unsafe { !text((*entry).value).is_empty() };
    let _ = output_write(if is_set { b"(hidden)" } else { b"no value" });
}
