//! A due token: one process refreshes it, nobody waits, and a failure keeps it (I4, I6).

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::code;
use wx_token_testing::process::Process;
use wx_token_testing::{World, now, now_ms, until};

/// Tokens live `lifetime` seconds and are due `refresh_ahead` before; a fetch takes half a second.
pub fn short_lived(lifetime: u64, refresh_ahead: u64) -> World {
    let mut world = World::new(Options {
        latency: Duration::from_millis(500),
        lifetime: Duration::from_secs(lifetime),
        // Lifetimes are told in whole seconds, rounded down.
        renewal: Duration::from_secs(refresh_ahead + 2),
        overlap: Duration::from_secs(2),
        ..Options::default()
    });
    world.set("refresh_ahead", &refresh_ahead.to_string());
    world
}

const LOOP: &str = include_str!("php/loop.php");

fn summary(process: Process) -> Value {
    let text = process.rest();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

#[test]
fn sixty_four_processes_over_many_cycles_wait_for_no_fetch_and_get_no_invalid_token() {
    let world = short_lived(8, 5);
    world.call();
    world.emulator.reset();
    let (file, base) = (world.file(), world.emulator.base_url());
    let php = world.php().with("allow_url_fopen=1");
    let arguments = [file.to_str().expect("a path"), base.as_str(), "16"];
    let mut loops: Vec<_> = (0..64).map(|_| php.start(code(LOOP), &arguments)).collect();
    for process in &mut loops {
        assert_eq!(process.read_line(), "ready");
    }
    for process in &mut loops {
        process.release();
    }
    let summaries: Vec<Value> = loops.into_iter().map(summary).collect();

    let sum = |key: &str| summaries.iter().filter_map(|one| one[key].as_u64()).sum::<u64>();
    let slowest = summaries.iter().filter_map(|one| one["slowest_ms"].as_f64()).fold(0.0, f64::max);
    let distinct = |key: &str| -> BTreeSet<&str> {
        let lists = summaries.iter().filter_map(|one| one[key].as_array());
        lists.flatten().filter_map(Value::as_str).collect()
    };
    let (tokens, states) = (distinct("tokens"), distinct("states"));
    let stats = world.emulator.stats();
    println!(
        "{} calls, {} fetches of 500 ms, {} tokens, slowest call {slowest:.1} ms",
        sum("calls"),
        stats.fetches.total(),
        tokens.len()
    );
    assert_eq!(sum("failures"), 0);
    assert_eq!(sum("dead"), 0, "a dead token was handed out");
    assert_eq!(
        states,
        BTreeSet::from(["due", "fresh"]),
        "a call found no valid token: it had to wait"
    );
    assert_eq!(stats.max_in_flight, 1);
    // The last refresh may have been stored after the last call; each other one is a cycle.
    let cycles = tokens.len() as u64 - 1;
    assert!(cycles >= 3, "{cycles} cycles are too few to tell anything");
    assert!((cycles..=cycles + 1).contains(&stats.fetches.total()), "more fetches than cycles");
}

#[test]
fn a_failing_source_costs_nothing_until_the_last_second_and_recovery_comes_at_retry_at() {
    let mut world = World::new(Options::default());
    world.set("refresh_ahead", "60");
    let token = world.write_live(4);
    let expiry = world.stored()["expire"].as_u64().expect("an expiry");
    world.emulator.script_json(json!([{"status": 500, "times": 0}])).expect("a script");

    let mut failures = 0;
    while now() < expiry + 3 {
        let before = now_ms();
        let answer = world.call();
        if before >= u128::from(expiry) * 1000 {
            assert_eq!(answer.class(), "WxToken\\NetworkException");
            failures += 1;
        } else if now_ms() < u128::from(expiry) * 1000 {
            assert_eq!(answer.token(), token, "the token is served to its last second");
        }
    }
    // Attempts are 1, 2 and 4 s apart.
    let attempts = world.fetches();
    println!("dead upstream for 7 s: {attempts} attempts, {failures} failed calls");
    assert!((2..=4).contains(&attempts), "{attempts} attempts");
    assert!(failures > 0);

    world.emulator.clear_script();
    let retry_at = world.stored()["wx_token"]["retry_at_ms"].as_u64().expect("a moment");
    until("retry_at is over", || now_ms() > u128::from(retry_at));
    let token = world.call().token().to_owned();
    assert!(world.is_live(&token));
    assert_eq!(world.fetches(), attempts + 1);
}

#[test]
fn a_hundred_short_scripts_in_the_due_window_make_one_fetch_and_store_it() {
    let world = World::brisk();
    let old = world.write_live(100);
    let file = world.file();
    for _ in 0..100 {
        let printed =
            world.php().run("echo wx_get_token($argv[1]);", &[file.to_str().expect("a path")]);
        assert!(world.is_live(&printed), "{printed}");
    }
    assert_eq!(world.fetches(), 1);
    // The stable endpoint gives the same token with the rest of its life: stored, and no loop.
    assert_eq!(world.stored()["access_token"], old);
    assert!(world.stored()["expire"].as_u64().is_some_and(|expiry| expiry > now() + 6000));
}

#[test]
fn a_due_refresh_of_a_script_that_exits_at_once_is_stored() {
    let mut world = World::brisk();
    world.set("endpoint", "classic");
    let old = world.write_live(100);
    let file = world.file();
    let printed =
        world.php().run("echo wx_get_token($argv[1]); exit(3);", &[file.to_str().expect("a path")]);
    assert_eq!(printed, old, "the caller does not wait");
    assert_ne!(world.stored()["access_token"], old, "what was fetched is stored at the end");
    assert_eq!(world.fetches(), 1);
    assert_eq!(world.names(), ["token.json"]);
}

#[test]
fn a_process_waits_for_its_own_background_refresh_when_the_token_is_gone() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    world.write_live(100);
    world.emulator.script_json(json!([{"delay_ms": 500}])).expect("a script");
    let code = r#"
        wx_get_token($argv[1]);
        file_put_contents($argv[1], '{"access_token":"dead","expire":5}');
        echo wx_get_token($argv[1]);
    "#;
    let token = world.php().run(code, &[world.file().to_str().expect("a path")]);
    assert_eq!(world.stored()["access_token"], token, "its worker is no deadlock: {token}");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn without_a_background_one_caller_refreshes_and_the_others_have_the_current_token() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    world.set("background", "0");
    let old = world.write_live(100);
    let answers = world.callers(32).release();
    let newer: Vec<_> = answers.iter().filter(|answer| answer.token() != old).collect();
    assert_eq!(world.fetches(), 1);
    assert!(!newer.is_empty(), "whoever refreshes gets the new token");
    for answer in newer {
        assert_eq!(answer.token(), world.stored()["access_token"]);
    }
}

#[test]
fn a_status_shows_a_due_token_and_the_running_refresh() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    world.write_live(100);
    world.emulator.script_json(json!([{"hang": true}])).expect("a script");
    let caller = r"
        wx_get_token($argv[1]);
        echo getmypid(), PHP_EOL;
        fgets(STDIN);
    ";
    let file = world.file();
    let mut process = world.php().start(caller, &[file.to_str().expect("a path")]);
    let pid = process.read_line();
    until("the refresh is under way", || world.emulator.stats().in_flight == 1);
    let status = world
        .php()
        .run("echo json_encode(wx_token_status($argv[1]));", &[file.to_str().expect("a path")]);
    let status: Value = serde_json::from_str(&status).expect("a status");
    assert_eq!(
        (&status["state"], &status["refreshing"]),
        (&"due".into(), &true.into()),
        "{status}"
    );
    assert_eq!(status["holder_pid"].to_string(), pid);
    assert!(status["due_in"].as_i64().is_some_and(|due| (-210..=-190).contains(&due)), "{status}");
}

#[test]
fn an_impossible_lifetime_is_ignored_unless_it_was_stored_here() {
    let world = World::new(Options::default());
    // Stored by code whose clock was days ahead.
    world.write(
        json!({"access_token": "from-the-future", "expire": now() + 3 * 86_400}).to_string(),
    );
    let token = world.call().token().to_owned();
    assert!(world.is_live(&token), "{token}");
    assert_eq!(world.fetches(), 1);
    // A loader may well give tokens that live for a month.
    world.write("");
    let call = "wx_get_token($file, function () use (&$asked) {
        $asked = true;
        return ['access_token' => 'for-a-month', 'expires_in' => 30 * 86400];
    }) . ($asked ? ' asked' : '')";
    for expected in ["for-a-month asked", "for-a-month", "for-a-month"] {
        assert_eq!(world.call_of(call).token(), expected);
    }
}
