//! Lines in the error log although a call has its token.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use libc::EIO;
use tempfile::TempDir;
use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::php::{Callers, GET, Php};

use crate::disks::fuse::{Fuse, Operation};

/// An error log for PHP processes of one test.
struct Log {
    _directory: TempDir,
    file: PathBuf,
}

impl Log {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("error.log");
        Self { _directory: directory, file }
    }

    fn of(&self, php: Php) -> Php {
        php.with("log_errors=1").with(&format!("error_log={}", self.file.display()))
    }

    /// Without the times.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.file).unwrap_or_default();
        text.lines().map(|line| line.split("] ").last().unwrap_or_default().to_owned()).collect()
    }
}

/// A world with a due token, on a file system that takes no write.
fn due_and_unwritable() -> (Fuse, World) {
    let fuse = Fuse::mount();
    let world = World::within(fuse.path(), Options::default());
    world.write_live(100);
    fuse.fail(Operation::Write, EIO);
    (fuse, world)
}

/// A due refresh runs on a thread, and its call has returned when the store fails.
#[test]
fn a_script_that_ends_at_once_still_logs_that_its_token_could_not_be_stored() {
    let (_fuse, world) = due_and_unwritable();
    let log = Log::new();
    let mut php: Command = log.of(world.php()).command();
    let done = php.args(["-r", "wx_get_token($argv[1]);", "--"]).arg(world.file()).status();
    assert!(done.expect("PHP runs").success());
    let lines = log.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("wx_token: a new token could not be stored"), "{lines:?}");
}

#[test]
fn a_storm_on_a_missing_file_logs_no_interrupted_refresh() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    for _ in 0..10 {
        let log = Log::new();
        let answers = Callers::start(&log.of(world.php()), &world.file(), GET, 16).release();
        world.assert_one_live_token(&answers);
        // As root in root's own directory.
        let told = log.lines();
        assert!(
            !told.iter().any(|line| line.contains("the process ended during a refresh")),
            "{told:?}"
        );
        fs::remove_file(world.file()).expect("a file");
    }
}

#[test]
fn a_forked_child_does_not_repeat_the_notices_of_its_parent() {
    let (_fuse, world) = due_and_unwritable();
    let log = Log::new();
    let code = "
        wx_get_token($argv[1]);
        $end = hrtime(true) + 10e9;
        while (wx_token_status($argv[1])['stored']) {
            if (hrtime(true) > $end) exit('the refresh does not end');
            usleep(1000);
        }
        $child = pcntl_fork();
        if ($child === 0) exit(0);
        pcntl_waitpid($child, $status);
    ";
    let php = log.of(world.php());
    let done = php.command().args(["-r", code, "--"]).arg(world.file()).output();
    let done = done.expect("PHP runs");
    assert!(done.status.success() && done.stdout.is_empty(), "{done:?}");
    assert_eq!(log.lines().len(), 1, "{:?}", log.lines());
}
