//! The polyfill beside the extension: the same file, the same lock, at the same time (I1, I2, I3, I6, I7).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, Callers, GET, Php, by_polyfill};
use wx_token_testing::{World, now, print_waits, until};

/// Which of the two fetches.
#[derive(Debug, Clone, Copy)]
enum Leader {
    Extension,
    Polyfill,
}

const BOTH: [Leader; 2] = [Leader::Extension, Leader::Polyfill];

impl Leader {
    fn start(self, world: &World, call: &str, count: usize) -> Callers {
        match self {
            Self::Extension => Callers::start(&world.php(), &world.file(), call, count),
            Self::Polyfill => {
                let (php, call) = (world.php_for_polyfill(), by_polyfill(call));
                Callers::start(&php, &world.file(), &call, count)
            }
        }
    }
}

/// What 32 processes with the extension and 32 with the polyfill get, which make `call` at the same moment.
fn storm(world: &World, what: &str, call: &str) -> Vec<Answer> {
    let polyfill = Leader::Polyfill.start(world, call, 32);
    let answers = Leader::Extension.start(world, call, 32).and(polyfill).release();
    print_waits(what, &answers);
    answers
}

/// The same, while another process, the `leader`, fetches; and what that one gets.
fn storm_behind(leader: Leader, world: &World, what: &str, call: &str) -> Vec<Answer> {
    let polyfill = Leader::Polyfill.start(world, call, 32);
    let followers = Leader::Extension.start(world, call, 32).and(polyfill);
    let leader = leader.start(world, call, 1).release_only();
    until("the leader fetches", || world.emulator.stats().in_flight > 0);
    let mut answers = followers.release();
    answers.extend(leader.into_iter().map(Answer::of));
    print_waits(what, &answers);
    answers
}

fn one_fetch_and_one_token(what: &str, prepare: impl Fn(&mut World)) {
    for leader in BOTH {
        let mut world = World::slow();
        prepare(&mut world);
        let answers = storm_behind(leader, &world, what, GET);
        assert_eq!(world.fetches(), 1, "{what}, {leader:?}");
        world.assert_one_live_token(&answers);
        assert_eq!(world.names(), ["token.json"], "{what}, {leader:?}");
    }
    let mut world = World::slow();
    prepare(&mut world);
    let answers = storm(&world, what, GET);
    assert_eq!(world.fetches(), 1, "{what}");
    world.assert_one_live_token(&answers);
}

#[test]
fn both_on_an_expired_file_make_one_fetch() {
    one_fetch_and_one_token("expired file", |world| drop(world.write_expired()));
}

#[test]
fn both_on_an_expired_file_make_one_fetch_of_the_classic_endpoint() {
    one_fetch_and_one_token("expired file, classic", |world| {
        world.set("endpoint", "classic");
        world.write_expired();
    });
}

#[test]
fn both_without_a_file_make_one_fetch() {
    one_fetch_and_one_token("missing file", |_| {});
}

#[test]
fn both_on_a_partial_file_make_one_fetch() {
    one_fetch_and_one_token("torn file", |world| world.write(r#"{"access_token":"easWas"#));
}

#[test]
fn both_on_a_file_that_is_written_in_place_make_one_fetch() {
    one_fetch_and_one_token("written in place", |world| {
        world.set("write_mode", "in_place");
        world.write_expired();
    });
}

#[test]
fn both_with_a_wrong_secret_share_one_failure() {
    for leader in BOTH {
        let mut world = World::slow();
        world.set("secret", "00000000000000000000000000000000");
        world.write_expired();
        let mut answers = storm_behind(leader, &world, "a wrong secret", GET);
        answers.extend(storm(&world, "before retry_at", GET));
        for answer in &answers {
            assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
            assert_eq!(answer.property("code"), 40125);
        }
        let messages: BTreeSet<_> = answers.iter().map(without_wait).collect();
        assert_eq!(messages.len(), 1, "{messages:?}");
        assert_eq!(world.fetches(), 1, "{leader:?}");
    }
}

/// The message of an exception without the seconds that it counts.
fn without_wait(answer: &Answer) -> String {
    let (problem, wait) = answer.message().split_once("; next attempt in ").expect("a failure");
    format!("{problem}; next attempt in{}", wait.trim_start_matches(|c: char| c.is_ascii_digit()))
}

#[test]
fn both_with_a_rejected_token_replace_it_once() {
    for leader in BOTH {
        let mut world = World::slow();
        world.set("endpoint", "classic");
        let rejected = world.write_live(7000);
        world.emulator.invalidate_all();
        let call = format!("wx_refresh_token($file, '{rejected}')");
        let answers = storm_behind(leader, &world, "rejected token", &call);
        world.assert_one_live_token(&answers);
        assert_ne!(answers[0].token(), rejected);
        assert_eq!(world.fetches(), 1, "{leader:?}");
    }
}

#[test]
fn while_the_polyfill_refreshes_a_due_token_nobody_else_waits() {
    // Longer than all calls of the others take, however busy the machine.
    let latency = Duration::from_secs(5);
    let mut world = World::new(Options { latency, ..Options::default() });
    world.set("endpoint", "classic");
    let due = world.write_live(100);
    let mut answers = storm_behind(Leader::Polyfill, &world, "due file", GET);
    let leader = answers.pop().expect("the leader's answer");
    for answer in &answers {
        assert_eq!(answer.token(), due);
    }
    assert!(world.is_live(leader.token()) && leader.token() != due);
    assert_eq!(world.stored()["access_token"], leader.token());
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_failure_says_the_same_in_both() {
    let mut world = World::new(Options::default());
    let codes = (40000..40300)
        .chain([-1, 41002, 41004, 42001, 43002, 45009, 45011, 48001, 50002, 50004])
        .chain([50007, 60020, 61004, 61024, 89501, 89503, 89506, 89507]);
    let codes: Vec<i64> = codes.collect();
    let dir = world.dir.path().to_path_buf();
    let at = now() * 1000;
    for code in &codes {
        let failure = json!({"errcode": code, "errmsg": "invalid ip 192.0.2.1, not in whitelist rid: 1",
            "failed_at_ms": at, "retry_at_ms": at + 3_600_000, "failures": 1});
        let file = json!({"access_token": "old", "expire": 1, "wx_token": failure});
        fs::write(dir.join(format!("{code}.json")), file.to_string()).expect("a file");
        let ticket = json!({"jsapi_ticket": "old", "expire": 1, "wx_token": failure});
        fs::write(dir.join(format!("{code}.ticket")), ticket.to_string()).expect("a file");
    }
    let say = format!(
        "implode(\"\\n\", array_map(function (int $code) use ($file): string {{
            $base = dirname($file) . \"/$code\";
            try {{ return %s; }} catch (WxToken\\Exception $e) {{
                return get_class($e) . $e->errmsg . preg_replace('/attempt in \\d+/', '', $e->getMessage());
            }}
        }}, {}))",
        json!(codes)
    );
    world.write("");
    for endpoint in ["stable", "classic", "wecom"] {
        world.set("endpoint", endpoint);
        for call in [
            r#"wx_get_token("$base.json")"#,
            r#"wx_get_ticket("$base.ticket", "$base.json")"#,
            r#"wx_get_token("$base.json", fn() => [])"#,
        ] {
            let call = say.replace("%s", call);
            let extension = world.call_of(&call);
            let polyfill = world.php_for_polyfill().call(&world.file(), &by_polyfill(&call));
            let lines =
                |answer: &Answer| answer.token().lines().map(str::to_owned).collect::<Vec<_>>();
            assert!(extension.token().contains("errcode 40013"));
            assert_eq!(lines(&polyfill), lines(&extension), "{endpoint}: {call}");
        }
    }
    assert_eq!(world.fetches(), 0);
}

/// A refresh, after one of another file has loaded and opened all that it needs. `file_exists()` marks its beginning.
fn marked_refresh() -> String {
    by_polyfill(
        "[wx_get_token(\"$file.first\"), file_exists('/the refresh begins'), wx_get_token($file)][2]",
    )
}

/// How often each system call is made before the refresh and until its end, one after the other.
fn recorded(php: &Php, world: &World) -> Vec<(String, usize)> {
    let log = world.dir.path().join("strace.log");
    let mut strace = Command::new("strace");
    strace.arg("-o").arg(&log);
    php.call_under(&mut strace, &world.file(), &marked_refresh()).token();
    let text = fs::read_to_string(&log).expect("what strace has seen");
    fs::remove_file(&log).expect("the log is there");
    let mut counts = BTreeMap::new();
    let mut calls = Vec::new();
    let mut has_begun = false;
    for line in text.lines() {
        has_begun |= line.contains("/the refresh begins");
        let Some((name, _)) = line.split_once('(') else { continue };
        let count = counts.entry(name.to_owned()).or_insert(0);
        *count += 1;
        if has_begun {
            calls.push((name.to_owned(), *count));
        }
        if has_begun && line.contains("\"{\\\"token\\\"") {
            break;
        }
    }
    assert!(calls.iter().any(|(name, _)| name == "flock"), "{calls:?}");
    calls
}

/// The calls that change something, or wait for WeChat. `WX_FAULTS=all` takes the others, too.
const TELLING: [&str; 14] = [
    "flock",
    "rename",
    "ftruncate",
    "fsync",
    "write",
    "pwrite64",
    "unlink",
    "chmod",
    "chown",
    "utimensat",
    "connect",
    "sendto",
    "recvfrom",
    "close",
];

fn killed_at_each_call(write_mode: &str, start: Option<&str>) {
    let mut world = World::new(Options::default());
    world.set("write_mode", write_mode);
    let prepare = || {
        for name in world.names() {
            fs::remove_file(world.dir.path().join(name)).expect("a file of the last run");
        }
        if let Some(content) = start {
            world.write(content);
        }
    };
    let php = world.php_for_polyfill();
    prepare();
    let calls = recorded(&php, &world);
    let is_all = std::env::var("WX_FAULTS").is_ok_and(|which| which == "all");
    let mut killed = 0;
    for (name, count) in calls.iter().filter(|(name, _)| is_all || TELLING.contains(&name.as_str()))
    {
        prepare();
        let what = format!("{name} number {count}, {write_mode}");
        let output = Command::new("strace")
            .args(["-qq", "-o", "/dev/null", "-e", &format!("trace={name}")])
            .args(["-e", &format!("inject={name}:signal=KILL:when={count}")])
            .arg(php.command().get_program())
            .args(php.command().get_args())
            .args(["-r", wx_token_testing::php::code(wx_token_testing::php::CALL), "--"])
            .arg(world.file())
            .arg(marked_refresh())
            .output()
            .expect("strace runs");
        killed += usize::from(!output.status.success());
        let left = fs::read_to_string(world.file()).ok();
        let is_new = left.as_deref().and_then(|text| serde_json::from_str::<Value>(text).ok());
        let is_new = is_new.is_some_and(|json| {
            json["access_token"].as_str().is_some_and(|token| world.is_live(token))
        });
        // A file that is created is empty until its token is there. Space for a longer one is reserved with blanks.
        let is_old = left.as_deref().map(|text| text.trim_end_matches(' ')) == start
            || (start.is_none() && left.as_deref() == Some(""));
        assert!(is_new || is_old, "{what}: {left:?}");
        world.end_pause();
        let before = world.fetches();
        let next = world.php_for_polyfill().call(&world.file(), &by_polyfill(GET));
        assert!(world.is_live(next.token()), "{what}");
        // A request that was cut off may be counted as late as this.
        assert!(!is_new || world.fetches() == before, "{what}");
        let leftovers = world
            .names()
            .iter()
            .filter(|name| name.to_string_lossy().starts_with(".token.json"))
            .count();
        assert!(leftovers <= usize::from(is_new), "{what}: {:?}", world.names());
        assert_eq!(world.call().token(), next.token(), "{what}");
    }
    assert!(killed >= 10, "{killed} of {} calls", calls.len());
}

#[test]
fn a_kill_at_any_system_call_leaves_the_old_file_or_the_new_one_and_no_lock() {
    killed_at_each_call(
        "replace",
        Some(r#"{"access_token":"an-old-token","expire":1,"note":"kept"}"#),
    );
}

#[test]
fn a_kill_while_a_file_is_created_leaves_it_empty_or_new_and_no_lock() {
    killed_at_each_call("replace", None);
}

#[test]
fn a_kill_while_a_file_is_written_in_place_leaves_the_old_content_or_the_new_one_and_no_lock() {
    let old =
        format!(r#"{{"access_token":"an-old-token","expire":1,"note":"{}"}}"#, "x".repeat(600));
    killed_at_each_call("in_place", Some(&old));
}
