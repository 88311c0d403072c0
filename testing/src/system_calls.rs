//! The system calls of PHP code, as strace shows them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::process::{Command, Stdio};

use crate::php::Php;

/// PHP code that strace sees.
const BEGIN: &str = "clearstatcache(); file_exists('/mark-begin');";
const END: &str = "file_exists('/mark-end');";

/// The system calls of `code` in all threads, after `before` has run. PHP's own start and end are left out: they differ from
/// one run to the next.
pub fn of_code(php: &Php, argument: impl AsRef<OsStr>, before: &str, code: &str) -> Vec<String> {
    let dir = tempfile::tempdir().expect("a directory for the log");
    let log = dir.path().join("strace.log");
    let plain = php.command();
    let status = Command::new("strace")
        .arg("-f")
        .arg("-o")
        .arg(&log)
        .arg(plain.get_program())
        .args(plain.get_args())
        .args(["-r", &format!("{before} {BEGIN} {code} {END}"), "--"])
        .arg(argument)
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("strace runs").success());
    let log = fs::read_to_string(&log).expect("a log");
    assert!(log.contains("\"/mark-end\""), "the calls were not made");
    let marked = log.lines().skip_while(|line| !line.contains("\"/mark-begin\"")).skip(1);
    marked.take_while(|line| !line.contains("\"/mark-end\"")).map(str::to_owned).collect()
}

/// How many there are of each name.
pub fn count(calls: &[String]) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for line in calls {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if let Some((name, _)) = call.split_once('(') {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts
}
