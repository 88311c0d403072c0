//! What the hot call is measured against, as an extension of its own: the least that a function can cost, and the
//! least that a function can cost that looks at a file.

#![allow(missing_docs, reason = "php_module declares functions of its own")]

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::types::Zval;
use ext_php_rs::{php_function, php_module, wrap_function};

/// `wx_baseline_empty(): void`
#[php_function]
pub const fn wx_baseline_empty() {}

/// `wx_baseline_stat(string $file): int`: the file's size in bytes; −1 if there is no file.
#[php_function]
pub fn wx_baseline_stat(file: &Zval) -> i64 {
    let path = file.zend_str().and_then(|path| path.as_c_str().ok());
    path.and_then(|path| rustix::fs::stat(path).ok()).map_or(-1, |stat| stat.st_size)
}

/// The module as PHP loads it.
#[php_module]
pub fn get_module(module: ModuleBuilder) -> ModuleBuilder {
    module.function(wrap_function!(wx_baseline_empty)).function(wrap_function!(wx_baseline_stat))
}
