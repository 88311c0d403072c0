//! What phpinfo() and `php --ri wx_token` show.

use std::panic::catch_unwind;

use ext_php_rs::zend::ModuleEntry;
use ext_php_rs::{info_table_end, info_table_row, info_table_start};

unsafe extern "C" {
    fn display_ini_entries(module: *mut ModuleEntry);
}

/// The module's part of phpinfo().
pub extern "C" fn show(module: *mut ModuleEntry) {
    // A panic must not unwind into the engine.
    let _ = catch_unwind(|| {
        info_table_start!();
        info_table_row!("wx_token support", "enabled");
        info_table_row!("Version", env!("CARGO_PKG_VERSION"));
        info_table_end!();
        // SAFETY: the engine hands over the module itself.
        unsafe { display_ini_entries(module) };
    });
}
