//! The log of refreshes, wx_token.log: every fetch is one line, and no log costs a caller its token.

use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use wechat_emulator::Options;
use wx_token_testing::mounts::Disk;
use wx_token_testing::php::{Answer, Callers, GET};
use wx_token_testing::process::run;
use wx_token_testing::{World, now, until};

/// Where the events of one world go.
struct Log {
    _directory: TempDir,
    path: PathBuf,
}

impl Log {
    fn of(world: &mut World) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("wx_token.log");
        world.set("log", path.to_str().expect("a printable path"));
        Self { _directory: directory, path }
    }

    fn events(&self) -> Vec<Value> {
        events(&self.path)
    }
}

/// The events in a file. Each line is one whole object.
fn events(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

/// The requests that `events` say WeChat was sent.
fn requests(events: &[Value]) -> u64 {
    events.iter().filter_map(|event| event["requests"].as_u64()).sum()
}

/// As an application finds the token of its 40001 in the log.
fn fingerprint(world: &World, token: &str) -> String {
    world.php().run("echo substr(hash('sha256', $argv[1]), 0, 8);", &[token])
}

#[test]
fn of_sixty_four_callers_one_is_said_to_have_refreshed_and_the_others_to_have_waited() {
    for content in ["expired", "missing", "torn"] {
        let mut world = World::slow();
        let log = Log::of(&mut world);
        match content {
            "expired" => drop(world.write_expired()),
            "torn" => world.write(r#"{"access_token":"easWas"#),
            _ => {}
        }
        let answers = world.callers(64).release();
        world.assert_one_live_token(&answers);
        let events = log.events();
        let refreshed = named(&events, "refreshed");
        assert_eq!((refreshed.len() as u64, requests(&events)), (world.fetches(), 1), "{events:?}");
        let waited = named(&events, "waited");
        assert_eq!(refreshed.len() + waited.len(), events.len(), "{events:?}");
        // Who looked at the file after the refresh has not waited.
        assert!((1..=63).contains(&waited.len()), "{events:?}");
        let new = fingerprint(&world, answers[0].token());
        for event in &events {
            assert_eq!(event["new"], new.as_str());
            assert_eq!(event["file"], world.file().to_str().expect("a path"));
            assert_eq!(event["appid"], Options::default().appid.as_str());
            assert_eq!((&event["endpoint"], &event["sapi"]), (&json!("stable"), &json!("cli")));
        }
        let refreshed = refreshed[0];
        assert!(refreshed["fetch_ms"].as_u64() >= Some(200), "{refreshed}");
        assert!(refreshed["waited_ms"].as_u64() >= refreshed["fetch_ms"].as_u64(), "{refreshed}");
        if content == "expired" {
            assert_eq!(refreshed["old"], fingerprint(&world, "an-old-token").as_str());
            assert_eq!(refreshed["foreign"], true, "legacy code has written it");
        } else {
            assert_eq!((&refreshed["old"], &refreshed["foreign"]), (&Value::Null, &Value::Null));
        }
    }
}

#[test]
fn a_failure_is_one_line_of_the_process_that_fetched_and_one_of_each_that_waited() {
    let mut world = World::slow();
    let log = Log::of(&mut world);
    world.set("secret", "00000000000000000000000000000000");
    for answer in world.callers(64).release() {
        assert_eq!(answer.class(), "WxToken\\ApiException");
    }
    let events = log.events();
    let failed = named(&events, "failed");
    assert_eq!((failed.len() as u64, requests(&events)), (world.fetches(), 1), "{events:?}");
    let waited = named(&events, "waited");
    assert!((1..=63).contains(&waited.len()) && waited.len() + 1 == events.len(), "{events:?}");
    for event in &events {
        assert_eq!(event["errcode"], 40125, "{event}");
        assert!(event["retry_at"].is_string() && event["message"].is_string(), "{event}");
    }
    assert_eq!(failed[0]["failures"], 1);
    // Until the pause ends, callers fail at once and log nothing.
    world.call();
    assert_eq!(log.events().len(), events.len());
}

#[test]
fn requests_that_wechat_asks_to_repeat_are_counted() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    let busy = json!({"errcode": -1, "errmsg": "system error"});
    world.emulator.script_json(json!([busy, busy])).expect("a script");
    world.call().token();
    let events = log.events();
    assert_eq!((events.len(), requests(&events), world.fetches()), (1, 3, 3), "{events:?}");
}

#[test]
fn a_rejected_token_is_told_with_its_fingerprint_and_the_one_that_replaces_it() {
    let mut world = World::slow();
    let rejected = world.write_live(7000);
    let log = Log::of(&mut world);
    world.emulator.expire_all();
    let call = format!("wx_refresh_token($file, '{rejected}')");
    let answers = world.callers_of(&call, 16).release();
    world.assert_one_live_token(&answers);
    let events = log.events();
    let told = named(&events, "rejected");
    assert_eq!((told.len(), named(&events, "refreshed").len()), (16, 1), "{events:?}");
    let (old, new) = (fingerprint(&world, &rejected), fingerprint(&world, answers[0].token()));
    for event in told {
        assert_eq!((&event["old"], &event["new"]), (&json!(old), &json!(new)), "{event}");
        assert_eq!(event["level"], "warning");
    }
}

#[test]
fn a_background_refresh_keeps_nobody_waiting_and_that_of_a_loader_has_no_account() {
    let mut world = World::brisk();
    world.write_live(100);
    let log = Log::of(&mut world);
    world.call().token();
    let events = log.events();
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!((&events[0]["event"], &events[0]["waited_ms"]), (&json!("refreshed"), &Value::Null));
    fs::remove_file(world.file()).expect("a file");
    world
        .call_of("wx_get_token($file, fn() => ['access_token' => 'loaded', 'expires_in' => 7200])");
    let loaded = log.events().pop().expect("an event");
    assert_eq!((&loaded["event"], &loaded["endpoint"]), (&json!("refreshed"), &json!("loader")));
    assert_eq!((&loaded["appid"], &loaded["requests"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_ticket_is_told_by_its_type_and_its_token_by_itself() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    world.call_of("wx_get_ticket($file, $file . '.token', 'wx_card')").token();
    let events = log.events();
    let kinds: Vec<_> = events.iter().map(|event| &event["ticket"]).collect();
    assert_eq!(kinds, [&Value::Null, &json!("wx_card")], "{events:?}");
    assert_eq!(requests(&events), 2);
}

#[test]
fn what_another_program_writes_meanwhile_is_told() {
    let mut world = World::slow();
    world.write_expired();
    let log = Log::of(&mut world);
    let mut callers = world.callers(1).release_only();
    until("the fetch is on its way", || world.names().len() > 1);
    world.write(json!({"access_token": "of-legacy-code", "expire": now() + 7000}).to_string());
    let answer = Answer::of(callers.remove(0));
    assert_eq!(answer.token(), "of-legacy-code");
    let events = log.events();
    let displaced = named(&events, "displaced");
    assert_eq!((displaced.len(), requests(&events)), (1, world.fetches()), "{events:?}");
    assert_eq!(displaced[0]["level"], "warning");
}

#[test]
fn a_wait_that_ends_without_the_lock_names_its_holder() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    world.set("lock_timeout", "0.1");
    let code = "wx_with_lock($argv[1], function () { echo 'ready', PHP_EOL; fgets(STDIN); });";
    let mut holder = world.php().start(code, &[world.file().to_str().expect("a path")]);
    holder.await_ready();
    for (call, events) in [(GET, 1), ("wx_with_lock($file, 'time')", 2)] {
        assert_eq!(world.call_of(call).class(), "WxToken\\LockException");
        assert_eq!(log.events().len(), events);
        let event = log.events().pop().expect("an event");
        assert_eq!(event["event"], "lock_timeout", "{event}");
        assert_eq!(event["holder_pid"], holder.pid());
        assert!(event["waited_ms"].as_u64() >= Some(100), "{event}");
    }
    holder.release();
    holder.rest();
}

#[test]
fn a_level_leaves_the_less_severe_events_out() {
    let mut world = World::slow();
    let log = Log::of(&mut world);
    world.set("log_level", "error");
    world.callers(4).release();
    assert_eq!(log.events(), Vec::<Value>::new());
    world.set("secret", "00000000000000000000000000000000");
    fs::remove_file(world.file()).expect("a file");
    world.callers(4).release();
    let events = log.events();
    assert_eq!((events.len(), &events[0]["event"]), (1, &json!("failed")), "{events:?}");
}

/// Nobody is harmed by a log that cannot be written, and the status and PHP's error log say why.
#[test]
fn a_log_that_cannot_be_written_costs_nobody_a_token() {
    let directory = tempfile::tempdir().expect("a directory");
    let inside = |name: &str| directory.path().join(name);
    fs::create_dir(inside("directory")).expect("a directory");
    let make_pipe = |name: &str| run(Command::new("mkfifo").arg(inside(name)));
    make_pipe("unread pipe");
    make_pipe("full pipe");
    let mut options = File::options();
    let pipe = options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    let mut pipe = pipe.open(inside("full pipe")).expect("a pipe with a reader");
    while pipe.write(&[b'x'; 4096]).is_ok() {}
    symlink("loop", inside("loop")).expect("a link");
    symlink("/dev/full", inside("full disk")).expect("a link");
    for (place, why) in [
        (inside("directory"), "it is a directory"),
        (inside("unread pipe"), "it is a pipe, and no process reads it"),
        (inside("full pipe"), "Resource temporarily unavailable"),
        (inside("full disk"), "No space left on device"),
        (inside("missing/wx_token.log"), "does not exist. Create it"),
        (inside("loop"), "form a loop"),
        ("syslog".into(), "cannot write /dev/log: no program receives the system's log there"),
    ] {
        let mut world = World::slow();
        let place = place.to_str().expect("a printable path");
        world.set("log", place);
        let error_log = directory.path().join("error.log");
        let php = world.php().with("log_errors=1");
        let php = php.with(&format!("error_log={}", error_log.display()));
        let answers = Callers::start(&php, &world.file(), GET, 16).release();
        world.assert_one_live_token(&answers);
        assert_eq!(world.fetches(), 1, "{place}");
        let notices = fs::read_to_string(&error_log).unwrap_or_default();
        assert!(notices.contains("wx_token: wx_token.log: "), "{place}: {notices}");
        assert!(notices.contains(why), "{place}: {notices}");
        fs::remove_file(&error_log).expect("an error log");
        // In the process that could not write; for what can be told without that, in any process.
        fs::remove_file(world.file()).expect("a file");
        let status = "[wx_get_token($file), wx_token_status($file)['log']]";
        let status = world.php().call(&world.file(), &format!("json_encode({status})"));
        let status: Value = serde_json::from_str(status.token()).expect("JSON");
        assert_eq!(status[1]["place"], place);
        assert!(status[1]["error"].as_str().is_some_and(|error| error.contains(why)), "{status}");
    }
}

#[test]
fn a_user_who_may_not_write_the_log_gets_a_token_and_is_told_what_to_do() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    fs::write(&log.path, "").expect("a log");
    fs::set_permissions(&log.path, Permissions::from_mode(0o600)).expect("a mode");
    let above = log.path.parent().expect("a directory");
    fs::set_permissions(above, Permissions::from_mode(0o755)).expect("a mode");
    world.give_directory_to(65534);
    let php = world.php().run_as(65534);
    php.call(&world.file(), GET).token();
    assert_eq!(log.events(), Vec::<Value>::new());
    let status = php.call(&world.file(), "wx_token_status($file)['log']['error']");
    assert!(status.token().contains("Run chown nobody"), "{}", status.token());
}

#[test]
fn a_log_that_root_makes_belongs_to_the_owner_of_the_token_file() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    world.give_directory_to(65534);
    world.call().token();
    let made = fs::metadata(&log.path).expect("a log");
    assert_eq!((made.uid(), made.gid(), made.mode() & 0o7777), (65534, 65534, 0o640));
}

/// What a full disk cuts off is taken back: the next line is whole.
#[test]
fn a_disk_that_fills_leaves_whole_lines_alone() {
    let disk = Disk::tmpfs("size=16k");
    let mut world = World::new(Options::default());
    let path = disk.path().join("wx_token.log");
    world.set("log", path.to_str().expect("a path"));
    let mut lines = 0;
    loop {
        fs::write(world.file(), "").expect("a file");
        world.call().token();
        let written = events(&path).len();
        if written == lines {
            break;
        }
        lines = written;
    }
    assert!(lines > 10, "{lines} lines on 16 KiB");
    // Other processes write again once there is room.
    fs::write(&path, "").expect("a log");
    fs::write(world.file(), "").expect("a file");
    world.call().token();
    assert_eq!(events(&path).len(), 1);
}

#[test]
fn a_log_beyond_the_largest_file_ends_no_process() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    fs::write(&log.path, [b' '; 512 * 1024]).expect("a log");
    // In units of 1 KiB. The token file is far smaller.
    let limited = |call: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -f 512 && exec \"$@\"", "sh"]);
        world.php().call_under(&mut command, &world.file(), call)
    };
    let answer = limited(GET);
    answer.token();
    // On PHP's own thread, too.
    let call = format!("wx_refresh_token($file, '{}')", answer.token());
    world.emulator.expire_all();
    assert_ne!(limited(&call).token(), answer.token());
    assert_eq!(fs::metadata(&log.path).expect("a log").len(), 512 * 1024);
}

#[test]
fn a_log_that_is_rotated_in_the_middle_of_a_storm_loses_nothing() {
    let mut world = World::brisk();
    let log = Log::of(&mut world);
    let aside = log.path.with_extension("1");
    let mut refreshes = 0;
    for round in 0..8 {
        fs::write(world.file(), "").expect("a file");
        let callers = world.callers(8).release_only();
        if round % 2 == 0 {
            until("there is a log", || log.path.exists());
            let old = fs::read(&aside).unwrap_or_default();
            fs::rename(&log.path, &aside).expect("a log");
            let moved = fs::read(&aside).unwrap_or_default();
            fs::write(&aside, [old, moved].concat()).expect("a log");
        }
        let answers: Vec<_> = callers.into_iter().map(Answer::of).collect();
        world.assert_one_live_token(&answers);
        refreshes += 1;
    }
    let all = [events(&aside), log.events()].concat();
    assert_eq!(named(&all, "refreshed").len(), refreshes, "{all:?}");
    assert_eq!(requests(&all), world.fetches());
}

#[test]
fn the_system_log_gets_each_event_as_a_datagram() {
    let mut world = World::new(Options::default());
    world.set("log", "syslog");
    let directory = tempfile::tempdir().expect("a directory");
    let socket = UnixDatagram::bind(directory.path().join("log")).expect("a socket");
    socket.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    // A /dev of its own, with this socket as its log.
    let script = "mount --bind \"$0\" /dev/shm && cp -a /dev/null /dev/zero /dev/random /dev/urandom /dev/shm && \
                  mount --move /dev/shm /dev && exec \"$@\"";
    let mut unshared = Command::new("unshare");
    unshared.args(["--mount", "sh", "-c", script]).arg(directory.path());
    world.php().call_under(&mut unshared, &world.file(), GET).token();
    let mut message = [0; 8192];
    let length = socket.recv(&mut message).expect("a message");
    let message = String::from_utf8_lossy(&message[..length]).into_owned();
    // Facility user (1), severity notice (5).
    let rest = message.strip_prefix("<13>wx_token[").expect("a priority and a tag");
    let (pid, line) = rest.split_once("]: ").expect("a pid");
    let event: Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((&event["event"], event["pid"].to_string()), (&json!("refreshed"), pid.to_owned()));
}

#[test]
fn no_event_shows_a_secret_or_a_token() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    let secret = Options::default().secret;
    let mut tokens = vec!["an-old-token".to_owned()];
    world.write_expired();
    tokens.push(world.call().token().to_owned());
    world.emulator.expire_all();
    let call = format!("wx_refresh_token($file, '{}')", tokens[1]);
    tokens.push(world.call_of(&call).token().to_owned());
    let hostile = json!({"errcode": 40125, "errmsg": format!("bad {secret}\n\u{1b}[31m")});
    world.emulator.script_json(json!([hostile])).expect("a script");
    world.emulator.expire_all();
    world.call_of(&format!("wx_refresh_token($file, '{}')", tokens[2])).class();
    let text = fs::read_to_string(&log.path).expect("a log");
    assert!(named(&log.events(), "failed").len() == 1, "{text}");
    for hidden in tokens.iter().chain([&secret]) {
        assert!(!text.contains(hidden.as_str()), "{hidden}: {text}");
    }
    assert!(!text.contains('\u{1b}'), "{text}");
}

#[test]
fn a_call_on_a_fresh_file_does_not_touch_the_log() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    world.call().token();
    fs::remove_file(&log.path).expect("a log");
    world.call().token();
    assert!(!log.path.exists(), "a fresh token was logged");
}

#[test]
fn the_script_is_named() {
    let mut world = World::new(Options::default());
    let log = Log::of(&mut world);
    let script = world.dir.path().join("cron job.php");
    fs::write(&script, "<?php wx_get_token($argv[1]);").expect("a script");
    let mut command = world.php().command();
    command.current_dir(world.dir.path()).arg("cron job.php").arg(world.file());
    run(&mut command);
    let event = log.events().pop().expect("an event");
    assert_eq!(event["script"], script.to_str().expect("a path"), "{event}");
}
