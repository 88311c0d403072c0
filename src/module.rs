//! The module as the engine sees it: start-up, phpinfo(), the end of a request, shutdown.

use std::panic::{UnwindSafe, catch_unwind};

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::error::php_error;
use ext_php_rs::flags::ErrorType;
use ext_php_rs::zend::{ExecutorGlobals, ModuleEntry};
use ext_php_rs::{info_table_end, info_table_row, info_table_start, php_module};

use wx_token_core::memory;
use wx_token_core::protocol::held_locks;
use wx_token_core::wechat::Http;
use wx_token_core::worker;

use crate::{default_account, error_log, exceptions, functions, sapi, settings, signature};

unsafe extern "C" {
    fn display_ini_entries(module: *mut ModuleEntry);
}

/// The module as PHP loads it: its settings, its page in phpinfo(), its functions.
#[php_module]
#[php(startup = "start")]
pub fn get_module(module: ModuleBuilder) -> ModuleBuilder {
    functions::add_to(module)
        .globals(&settings::GLOBALS)
        .info_function(show_info)
        .request_shutdown_function(end_of_code)
        .post_deactivate_function(end_of_request)
        .shutdown_function(stop)
}

/// Zend/zend_modules.h: the module was loaded by dl(), for one request.
const MODULE_TEMPORARY: i32 = 2;

const NO_DL: &str =
    "wx_token cannot be loaded with dl(): load it at start-up, with extension=wx_token in php.ini";

/// Module start-up (MINIT). Nothing is started here: php-fpm forks after it.
fn start(module_type: i32, module_number: i32) -> i32 {
    guarded(|| {
        // PHP 8.2 unloads classes after the request, and then reads properties that they inherit, which are freed.
        if module_type == MODULE_TEMPORARY {
            php_error(&ErrorType::CoreWarning, NO_DL);
            // dl() asks for this itself, but not when start-up fails: PHP would then read the name of the module
            // after the request, which has freed it.
            ExecutorGlobals::get_mut().full_tables_cleanup = true;
            return false;
        }
        Http::prepare();
        settings::register(module_number);
        signature::complete();
        exceptions::register().is_ok()
    })
}

/// The result of `work` as the engine reads it. A panic must not unwind into the engine.
fn guarded(work: impl FnOnce() -> bool + UnwindSafe) -> i32 {
    const SUCCESS: i32 = 0;
    const FAILURE: i32 = -1;
    if catch_unwind(work).unwrap_or(false) { SUCCESS } else { FAILURE }
}

extern "C" fn show_info(module: *mut ModuleEntry) {
    let _ = catch_unwind(|| {
        info_table_start!();
        info_table_row!("wx_token support", "enabled");
        info_table_row!("Version", env!("CARGO_PKG_VERSION"));
        if let Some(place) = &settings::current().store.place {
            info_table_row!("Store", place.to_string());
        }
        info_table_end!();
        // SAFETY: the engine hands over the module itself.
        unsafe { display_ini_entries(module) };
    });
}

/// The end of a request's code (RSHUTDOWN), the last moment at which the log can be written: at module shutdown a
/// thread-safe PHP has freed what that needs. So a script on the command line waits here until its refresh has ended.
/// No later request is delayed.
extern "C" fn end_of_code(_type: i32, _module_number: i32) -> i32 {
    guarded(|| {
        default_account::forget();
        if sapi::name() == "cli" {
            worker::finish_all(None);
        }
        error_log::write_notices();
        true
    })
}

/// The end of a request: the engine has destroyed all its objects, suspended Fibers included.
unsafe extern "C" fn end_of_request() -> i32 {
    guarded(|| {
        held_locks::end_of_request();
        memory::end_of_request();
        true
    })
}

/// Module shutdown: stores what was fetched, and cuts a fetch off that takes long.
extern "C" fn stop(_type: i32, module_number: i32) -> i32 {
    guarded(|| {
        worker::finish_all(Some(worker::SHORT_WAIT));
        settings::unregister(module_number);
        true
    })
}
