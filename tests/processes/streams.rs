//! A daemon that has closed its standard streams: no descriptor of the extension becomes one of them, so what
//! PHP prints reaches no file.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::{Php, code};
use wx_token_testing::{World, now};

const DAEMON: &str = include_str!("php/streams.php");

/// System calls that give a descriptor, and that use it and end it.
const OPENING: &str =
    "openat,open,creat,openat2,dup,dup2,dup3,memfd_create,socket,read,getdents64,flock,close";

/// What the daemon got from its calls.
fn run(world: &World, php: &Php, streams: &str) -> (Value, String) {
    let outside = tempfile::tempdir().expect("a directory");
    let (report, log) = (outside.path().join("report"), outside.path().join("log"));
    let busy = outside.path().join("busy.json");
    let held = File::create(&busy).expect("a file");
    fs2::FileExt::try_lock_exclusive(&held).expect("a lock");
    let plain = php.command();
    let status = Command::new("strace")
        .args(["-f", "--seccomp-bpf", "-y", "-e", &format!("trace={OPENING}"), "-o"])
        .arg(&log)
        .arg(plain.get_program())
        .args(plain.get_args())
        .args(["-r", code(DAEMON), "--"])
        .arg(world.dir.path())
        .arg(&report)
        .arg(streams)
        .arg(&busy)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    status.expect("strace runs");
    let report = fs::read(&report).expect("a report");
    let answers = serde_json::from_slice(&report).expect("the daemon came to its end");
    (answers, fs::read_to_string(&log).expect("a log"))
}

/// Calls that gave a standard stream.
fn standard_streams(log: &str) -> Vec<&str> {
    let lines: Vec<&str> = log.lines().collect();
    let is_standard = |line: &str| {
        let result = line.rsplit_once(" = ").map_or("", |(_, result)| result);
        // The root directory is what holds the numbers of the closed streams meanwhile, and can be neither
        // read nor written. libc looks for processors and memory by itself.
        ["0<", "1<", "2<"].iter().any(|number| result.starts_with(number))
            && !result.ends_with("</>")
            && !["</sys/", "</proc/sys/"].iter().any(|system| result.contains(system))
    };
    // What libc has open for a moment on another thread may be taken for a stream. On the thread of PHP,
    // nothing is printed before that is mended.
    let is_mended = |number: usize| {
        let own = thread(lines[number]);
        let next = lines[number + 1..].iter().find(|line| thread(line) == own);
        own == thread(lines[0]) && next.is_some_and(|next| next.contains(" close("))
    };
    let numbers = 0..lines.len();
    numbers
        .filter(|&number| is_standard(lines[number]) && !is_mended(number))
        .map(|number| lines[number])
        .collect()
}

/// The number that strace begins a line with.
fn thread(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

fn content(path: &Path) -> String {
    fs::read_to_string(path).expect("a file")
}

fn assert_unharmed(write_mode: &str, streams: &str) {
    let mut world = World::slow();
    world.set("write_mode", write_mode);
    let Options { appid, secret, .. } = Options::default();
    let outside = tempfile::tempdir().expect("a directory");
    let accounts = outside.path().join("accounts.json");
    fs::write(&accounts, json!({&appid: {"secret": secret}}).to_string()).expect("accounts");
    world.set("accounts", accounts.to_str().expect("a path"));
    world.set("endpoint", "classic");
    let file = |name: &str| world.dir.path().join(format!("{name}.json"));
    let write = |name: &str, token: &str, expire: u64| {
        let text = format!(r#"{{"access_token":"{token}","expire":{expire}}}"#);
        fs::write(file(name), text).expect("a file");
    };
    write("expired", "old", 5);
    write("within", "old", 5);
    write("loader", "old", 5);
    write("due", "due", now() + 100);
    write("rejected", "rejected", now() + 5000);

    let (answers, log) = run(&world, &world.php(), streams);

    assert_eq!(answers["loader"], "from-the-loader", "{answers}");
    assert_eq!(answers["within"][0], true, "{answers}");
    assert_eq!(answers["status"], "fresh");
    let says =
        |name: &str, text: &str| answers[name].as_str().is_some_and(|why| why.contains(text));
    assert!(says("own", "this process"), "{answers}");
    assert!(says("busy", &format!("process {} (", std::process::id())), "{answers}");
    for name in ["expired", "missing", "due", "rejected", "loader"] {
        assert_holds(&file(name), "access_token", &answers[name]);
    }
    assert_holds(&file("within"), "access_token", &answers["within"][1]);
    assert_holds(&file("ticket"), "jsapi_ticket", &answers["ticket"]);
    assert_eq!(content(&file("own")), "");
    assert_eq!(standard_streams(&log), [""; 0], "{streams}");
    assert!(log.contains("due.json"), "the log tells of nothing");
}

/// The file is token and expiry, to the byte; in place, spaces may follow.
fn assert_holds(path: &Path, key: &str, token: &Value) {
    let text = content(path);
    let stored: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let token = token.as_str().expect("a token");
    let expected = format!(r#"{{"{key}":"{token}","expire":{}}}"#, stored["expire"]);
    assert_eq!(text.trim_end_matches(' '), expected, "{}", path.display());
}

#[test]
fn what_php_prints_reaches_no_file_although_standard_input_is_closed() {
    assert_unharmed("replace", "STDIN");
}

#[test]
fn what_php_prints_reaches_no_file_although_standard_output_is_closed() {
    assert_unharmed("replace", "STDOUT");
    assert_unharmed("in_place", "STDOUT");
}

#[test]
fn what_php_prints_reaches_no_file_although_standard_error_is_closed() {
    assert_unharmed("replace", "STDERR");
}

#[test]
fn what_php_prints_reaches_no_file_although_every_stream_is_closed() {
    assert_unharmed("replace", "STDIN STDOUT STDERR");
    assert_unharmed("in_place", "STDIN STDOUT STDERR");
}
