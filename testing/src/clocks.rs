//! Wall clocks of processes, which a test moves.

use std::env;
use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{self, Command};
use std::sync::LazyLock;

use tempfile::TempDir;

use crate::php::Php;
use crate::run;

/// The program that moves the wall clock of another.
static SKEW: LazyLock<PathBuf> = LazyLock::new(|| {
    let this = env::current_exe().expect("the path of this program");
    let program = this.with_file_name("skew");
    // Other tests may be running the one that is there.
    let new = this.with_file_name(format!("skew.{}", process::id()));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("skew.c");
    run(Command::new("cc").args(["-D_GNU_SOURCE", "-o"]).arg(&new).arg(source));
    fs::rename(new, &program).expect("a program");
    program
});

/// A wall clock that can be set while processes look at it.
pub struct Clock {
    dir: TempDir,
    offset: File,
}

impl Clock {
    /// One that is `seconds` ahead, or behind.
    pub fn ahead(seconds: i64) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the clock");
        let offset =
            OpenOptions::new().write(true).create_new(true).open(dir.path().join("offset"));
        // For processes of other users.
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("chmod");
        let clock = Self { offset: offset.expect("a file for the offset"), dir };
        clock.set(seconds);
        clock
    }

    /// Sets it to so many `seconds` ahead of the true clock, atomically.
    pub fn set(&self, seconds: i64) {
        let text = format!("{:20}\n", seconds * 1000);
        self.offset.write_all_at(text.as_bytes(), 0).expect("the clock is set");
    }

    /// PHP with this clock.
    pub fn of(&self, php: Php) -> Php {
        php.with_clock(SKEW.clone(), self.dir.path().join("offset"))
    }
}
