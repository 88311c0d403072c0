//! The module as the engine sees it: start-up, the end of a request, shutdown.

use std::ffi::CStr;
use std::panic::catch_unwind;
use std::sync::atomic::{AtomicBool, Ordering};

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::error::php_error;
use ext_php_rs::flags::ErrorType;
use ext_php_rs::php_module;
use ext_php_rs::zend::{ExecutorGlobals, SapiModule};

use wx_token_core::protocol::held_locks;
use wx_token_core::wechat::Http;
use wx_token_core::worker::{self, ShutdownWait};

#[cfg(feature = "baseline")]
use crate::baseline;
use crate::{default_account, exceptions, functions, info, log, settings, signature};

/// The module as PHP loads it: its settings, its page in phpinfo(), its functions.
#[php_module]
#[php(startup = "start")]
pub fn get_module(module: ModuleBuilder) -> ModuleBuilder {
    let module = functions::add_to(module);
    #[cfg(feature = "baseline")]
    let module = baseline::add_to(module);
    module
        .globals(&settings::GLOBALS)
        .info_function(info::show)
        .request_shutdown_function(end_of_code)
        .post_deactivate_function(end_of_request)
        .shutdown_function(stop)
}

const SUCCESS: i32 = 0;
const FAILURE: i32 = -1;

/// Zend/zend_modules.h: the module was loaded by dl(), for one request.
const MODULE_TEMPORARY: i32 = 2;

const NO_DL: &str =
    "wx_token cannot be loaded with dl(): load it at start-up, with extension=wx_token in php.ini";

static IS_COMMAND_LINE: AtomicBool = AtomicBool::new(false);

/// Module start-up (MINIT). Nothing is started here: php-fpm forks after it.
fn start(module_type: i32, module_number: i32) -> i32 {
    // A panic must not unwind into the engine.
    let started = catch_unwind(|| {
        // PHP 8.2 unloads classes after the request, and reads properties that they inherit when those are freed.
        if module_type == MODULE_TEMPORARY {
            php_error(&ErrorType::CoreWarning, NO_DL);
            // The fatal error that follows keeps dl() from asking for this: without it, PHP goes on to read
            // the name of the module after the request, which has freed it.
            ExecutorGlobals::get_mut().full_tables_cleanup = true;
            return false;
        }
        // SAFETY: the engine keeps the name, which is NUL-terminated, as long as the process.
        let sapi = unsafe { SapiModule::get().name.as_ref().map(|name| CStr::from_ptr(name)) };
        IS_COMMAND_LINE.store(sapi == Some(c"cli"), Ordering::Relaxed);
        Http::prepare();
        settings::register(module_number);
        signature::complete();
        exceptions::register().is_ok()
    });
    if matches!(started, Ok(true)) { SUCCESS } else { FAILURE }
}

/// The end of a request's code (RSHUTDOWN), the last moment at which a line can be written to the log: a
/// thread-safe PHP has freed what that takes when the module shuts down. So a script on the command line waits for
/// its refresh here, and for as long as that takes: nobody waits for the next one.
extern "C" fn end_of_code(_type: i32, _module_number: i32) -> i32 {
    let ended = catch_unwind(|| {
        default_account::forget();
        if IS_COMMAND_LINE.load(Ordering::Relaxed) {
            worker::finish_all(ShutdownWait::Full);
        }
        log::write_notices();
    });
    if ended.is_ok() { SUCCESS } else { FAILURE }
}

/// The end of a request, when the engine has destroyed everything of it, suspended Fibers included.
unsafe extern "C" fn end_of_request() -> i32 {
    let ended = catch_unwind(held_locks::end_of_request);
    if ended.is_ok() { SUCCESS } else { FAILURE }
}

/// Module shutdown: what was fetched is stored, and a fetch that takes long is cut off.
extern "C" fn stop(_type: i32, module_number: i32) -> i32 {
    let stopped = catch_unwind(|| {
        worker::finish_all(ShutdownWait::Short);
        settings::unregister(module_number);
    });
    if stopped.is_ok() { SUCCESS } else { FAILURE }
}
