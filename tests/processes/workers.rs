//! The thread that refreshes: nothing stands between its answer and the rename, the end of its process does not
//! wait for what takes long, and a thread that is late or cannot start is told of as that (I5, I6).

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::php::{GET, UNTIL};
use wx_token_testing::{World, now};

/// What waits for somebody else, as strace names it. The disk is the one thing to wait for.
const WAITING: [&str; 13] = [
    "accept4",
    "clock_nanosleep",
    "connect",
    "flock",
    "futex",
    "nanosleep",
    "poll",
    "ppoll",
    "recvfrom",
    "sendmmsg",
    "sendto",
    "socket",
    "wait4",
];

#[test]
fn between_the_answer_and_the_rename_only_the_disk_is_waited_for() {
    for world in [World::new(Options::default()), World::named("127.0.0.1")] {
        world.write_expired();
        // A file that was changed just now is read twice.
        world.emulator.script_json(json!([{"delay_ms": 200}])).expect("a script");
        let log = world.dir.path().join("strace.log");
        let mut strace = Command::new("strace");
        strace.args(["-f", "-o"]).arg(&log);
        let answer = world.php().call_under(&mut strace, &world.file(), GET);
        assert!(world.is_live(answer.token()));
        let log = fs::read_to_string(&log).expect("a log of strace");
        let calls: Vec<_> = log.lines().filter_map(|line| line.split_once(' ')).collect();
        let rename = calls.iter().position(|(_, call)| call.contains("rename"));
        let rename = rename.expect("the file was replaced");
        let worker = calls[rename].0;
        let before = calls[..rename].iter().rev().filter(|(thread, _)| *thread == worker);
        let names = before.map(|(_, call)| call.trim_start().split('(').next().unwrap_or_default());
        let (mut stored, mut is_answered) = (Vec::new(), false);
        for name in names {
            is_answered = name == "recvfrom";
            if is_answered {
                break;
            }
            stored.push(name);
        }
        assert!(is_answered && stored.contains(&"fsync"), "{stored:?}");
        assert_eq!(stored.iter().find(|name| WAITING.contains(name)), None, "{stored:?}");
    }
}

#[test]
fn a_script_waits_longer_for_its_refresh_than_a_server_process() {
    let world = World::new(Options::default());
    world.write_live(100);
    world.emulator.script_json(json!([{"delay_ms": 2000}])).expect("a script");
    let file = world.file();
    let arguments = [file.to_str().expect("a path")];
    for _ in 0..2 {
        world.php().run("echo wx_get_token($argv[1]);", &arguments);
    }
    assert!(world.stored()["expire"].as_u64() > Some(now() + 7000), "its refresh is lost");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_refresh_that_does_not_end_in_time_is_not_reported_as_a_foreign_lock() {
    let mut world = World::new(Options::default());
    world.set("timeout", "0.5");
    world.write_expired();
    // Longer than the fetch may take and what is left to store it.
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-o", "/dev/null", "-e", "trace=fsync"]);
    strace.args(["-e", "inject=fsync:delay_enter=8000000:when=1"]);
    // The process lives on, as a worker of php-fpm does.
    let call = format!(
        "(function () use ($file) {{
            {UNTIL}
            try {{
                return wx_get_token($file);
            }} finally {{
                $until(fn() => wx_token_status($file)['state'] !== 'expired');
            }}
        }})()"
    );
    let answer = world.php().call_under(&mut strace, &world.file(), &call);
    assert_eq!(answer.class(), "WxToken\\FileException");
    let message = answer.message();
    assert!(message.contains("did not end within 5.5 s"), "{message}");
    assert!(!message.contains("holds it"), "{message}");
    let stored = world.stored()["access_token"].as_str().expect("a token").to_owned();
    assert!(world.is_live(&stored), "what it brought is stored all the same");
    assert_eq!(world.fetches(), 1);
}

/// Has no other process, so the limit counts those of the test alone.
const LONELY: u32 = 64_123;

#[test]
fn where_no_thread_can_start_the_message_announces_no_next_attempt() {
    let world = World::new(Options::default());
    world.write_expired();
    for path in [world.dir.path().to_owned(), world.file()] {
        chown(path, Some(LONELY), Some(LONELY)).expect("the tests run as root");
    }
    // wx_try_token() leaves a file alone that was changed just now.
    world.until_settled();
    for call in [GET, "wx_try_token($file)"] {
        let mut limited = Command::new("prlimit");
        limited.args(["--nproc=1", "--"]).uid(LONELY).gid(LONELY);
        let answer = world.php().call_under(&mut limited, &world.file(), call);
        assert_eq!(answer.class(), "WxToken\\NetworkException", "{call}");
        let message = answer.message();
        assert!(message.contains("Resource temporarily unavailable"), "{message}");
        assert!(message.contains("pids.max"), "{message}");
        assert!(!message.contains("next attempt"), "{message}");
        assert_eq!(*answer.property("retryAt"), 0, "{call}");
    }
    assert_eq!(world.fetches(), 0);
    assert_eq!(world.names(), ["token.json"]);
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
}
