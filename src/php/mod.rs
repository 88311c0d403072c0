//! The PHP boundary: the only code that names ext_php_rs. PHP values come in, plain Rust goes on.

pub mod arguments;
pub mod exceptions;
pub mod functions;
pub mod info;
pub mod settings;
mod signature;

use std::panic::catch_unwind;

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::php_module;

/// The module as PHP loads it: its settings, its page in phpinfo(), its functions.
#[php_module]
#[php(startup = "start")]
pub fn get_module(module: ModuleBuilder) -> ModuleBuilder {
    functions::add_to(module).globals(&settings::GLOBALS).info_function(info::show)
}

/// Module start-up (MINIT). Nothing is started here: php-fpm forks after it.
fn start(_type: i32, module_number: i32) -> i32 {
    const SUCCESS: i32 = 0;
    const FAILURE: i32 = -1;
    // A panic must not unwind into the engine.
    let started = catch_unwind(|| {
        settings::register(module_number);
        signature::complete();
        exceptions::register()
    });
    if matches!(started, Ok(Ok(()))) { SUCCESS } else { FAILURE }
}
