//! What the hot call is measured against, as an extension of its own: the least that a function can cost, and the
//! least that a function can cost that looks at a file, by its path or by a descriptor.

#![allow(missing_docs, reason = "php_module declares functions of its own")]

use std::cell::OnceCell;
use std::os::fd::OwnedFd;

use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::types::Zval;
use ext_php_rs::{php_function, php_module, wrap_function};
use rustix::fs::{Mode, OFlags, fstat, open, stat};

/// `wx_baseline_empty(): void`
#[php_function]
pub const fn wx_baseline_empty() {}

/// `wx_baseline_stat(string $file): int`: the file's size in bytes; −1 if there is no file.
#[php_function]
pub fn wx_baseline_stat(file: &Zval) -> i64 {
    let path = file.zend_str().and_then(|path| path.as_c_str().ok());
    path.and_then(|path| stat(path).ok()).map_or(-1, |stat| stat.st_size)
}

thread_local! {
    static FIRST: OnceCell<OwnedFd> = const { OnceCell::new() };
}

/// `wx_baseline_fstat(string $file): int`: the size in bytes of the file that the first call names, by a descriptor
/// that stays open; −1 if there is no file.
#[php_function]
pub fn wx_baseline_fstat(file: &Zval) -> i64 {
    FIRST.with(|first| {
        if first.get().is_none()
            && let Some(path) = file.zend_str().and_then(|path| path.as_c_str().ok())
            && let Ok(opened) = open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty())
        {
            let _ = first.set(opened);
        }
        first.get().and_then(|file| fstat(file).ok()).map_or(-1, |stat| stat.st_size)
    })
}

/// The module as PHP loads it.
#[php_module]
pub fn get_module(module: ModuleBuilder) -> ModuleBuilder {
    module
        .function(wrap_function!(wx_baseline_empty))
        .function(wrap_function!(wx_baseline_stat))
        .function(wrap_function!(wx_baseline_fstat))
}
