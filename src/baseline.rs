//! What the hot call is measured against, in builds for benchmarks alone: the least that a function of
//! this extension can cost, and the least that a function can cost that looks at a file.

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::{php_function, wrap_function};

use crate::path::PathArg;

pub fn add_to(module: ModuleBuilder) -> ModuleBuilder {
    module.function(wrap_function!(wx_baseline_empty)).function(wrap_function!(wx_baseline_stat))
}

/// `wx_baseline_empty(): void`
#[php_function]
pub const fn wx_baseline_empty() {}

/// `wx_baseline_stat(string $file): int`: the file's size in bytes; −1 if there is no file.
#[php_function]
pub fn wx_baseline_stat(file: PathArg<'_, 1>) -> i64 {
    rustix::fs::stat(file.0).map_or(-1, |stat| stat.st_size)
}
