//! The PHP boundary: the only code that names ext_php_rs. PHP values come in, plain Rust goes on.

mod arguments;
#[cfg(feature = "baseline")]
mod baseline;
mod callback;
mod environment;
mod exceptions;
mod frame;
mod functions;
mod info;
mod loader;
mod settings;
mod signature;
mod status;

use std::panic::catch_unwind;

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::php_module;

use crate::protocol::critical;
use crate::wechat::Http;
use crate::worker;

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
        .post_deactivate_function(end_of_request)
        .shutdown_function(stop)
}

const SUCCESS: i32 = 0;
const FAILURE: i32 = -1;

/// Module start-up (MINIT). Nothing is started here: php-fpm forks after it.
fn start(_type: i32, module_number: i32) -> i32 {
    // A panic must not unwind into the engine.
    let started = catch_unwind(|| {
        Http::prepare();
        settings::register(module_number);
        signature::complete();
        exceptions::register()
    });
    if matches!(started, Ok(Ok(()))) { SUCCESS } else { FAILURE }
}

/// The end of a request, when the engine has destroyed everything of it, suspended Fibers included.
unsafe extern "C" fn end_of_request() -> i32 {
    let ended = catch_unwind(critical::end_of_request);
    if ended.is_ok() { SUCCESS } else { FAILURE }
}

/// Module shutdown: a refresh that is still running is waited for, so that its token is stored.
extern "C" fn stop(_type: i32, _module_number: i32) -> i32 {
    let stopped = catch_unwind(worker::finish_all);
    if stopped.is_ok() { SUCCESS } else { FAILURE }
}
