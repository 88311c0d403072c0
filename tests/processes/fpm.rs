//! The same under php-fpm, not as root. php-fpm starts and ends workers as it likes, and by default kills them in
//! the middle of their work.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::fpm::Fpm;
use wx_token_testing::php::{Answer, UNTIL};
use wx_token_testing::{SetOnDrop, World, now, print_waits, until};

use crate::due::short_lived;

const CALL: &str = r#"<?php
$start = hrtime(true);
try {
    $answer = ['token' => wx_get_token($_GET['file'])];
} catch (Throwable $e) {
    $answer = ['class' => $e::class, 'message' => $e->getMessage(), 'code' => $e->getCode()];
}
$answer += ['ms' => (hrtime(true) - $start) / 1e6, 'pid' => getmypid()];
echo json_encode($answer);
"#;

fn storm(world: &World, fpm: &Fpm, requests: usize, what: &str) -> Vec<Answer> {
    let query = format!("file={}", world.file().display());
    let bodies = std::thread::scope(|scope| {
        let request = || fpm.get(&query);
        let threads: Vec<_> = (0..requests).map(|_| scope.spawn(request)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect::<Vec<_>>()
    });
    let answers: Vec<Answer> = bodies.iter().map(|body| Answer::parse(body)).collect();
    print_waits(what, &answers);
    answers
}

#[test]
fn eight_workers_make_one_fetch() {
    let world = World::slow();
    let fpm = Fpm::with_workers(8, &world, CALL);
    for (what, content) in [
        ("php-fpm, missing file", None),
        ("php-fpm, empty file", Some("")),
        ("php-fpm, torn file", Some(r#"{"access_token":"easWas"#)),
        ("php-fpm, NUL bytes", Some("\0\0\0\0\0\0\0\0")),
        ("php-fpm, expired file", Some(r#"{"access_token":"old","expire":5}"#)),
    ] {
        world.emulator.reset();
        fpm.put(&world.file(), content);
        let answers = storm(&world, &fpm, 32, what);
        assert_eq!(world.fetches(), 1, "{what}");
        world.assert_one_live_token(&answers);
    }
}

#[test]
fn a_failure_is_shared_by_all_workers_and_later_requests() {
    let mut world = World::new(Options::default());
    world.set("secret", "wrong");
    let fpm = Fpm::start(&world, CALL);
    for what in ["php-fpm, wrong secret", "php-fpm, before retry_at"] {
        for answer in storm(&world, &fpm, 32, what) {
            assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
        }
        assert_eq!(world.fetches(), 1, "{what}");
    }
}

/// Visitors over several cycles with a reload in the middle of a refresh. Returns what php-fpm has cut, and how
/// many fetches there were for how many tokens.
fn reload_in_the_middle(global: &str) -> (Vec<String>, u64, u64) {
    // Due after three seconds, and time enough for php-fpm to come up again before the token expires, however
    // busy the machine is.
    let world = short_lived(33, 30);
    // WeChat's overlap, too, is as long as a token is due before its expiry.
    world.emulator.change(|options| options.overlap = Duration::from_secs(30));
    world.call();
    let pool = "pm = dynamic\npm.max_children = 8\npm.start_servers = 8\n\
                pm.min_spare_servers = 1\npm.max_spare_servers = 8";
    let fpm = Fpm::with(global, pool, &world, include_str!("php/request.php"));
    fpm.put(&world.file(), Some(&world.stored().to_string()));
    world.emulator.reset();
    let query = format!("file={}&base={}", world.file().display(), world.emulator.base_url());
    let end = AtomicBool::new(false);
    let visit = || {
        let mut visits = Vec::new();
        while !end.load(Ordering::Relaxed) {
            let began = Instant::now();
            let answer = fpm.try_get(&query, &[]);
            visits.push((began, Instant::now(), answer));
            std::thread::sleep(Duration::from_millis(20));
        }
        visits
    };
    let is_at_rest = || {
        let is_unlocked = || File::open(world.file()).is_ok_and(|file| file.try_lock().is_ok());
        world.emulator.stats().in_flight == 0 && is_unlocked()
    };
    let mut tokens = BTreeSet::new();
    let stored = || world.stored()["access_token"].as_str().expect("a token").to_owned();
    let (visits, reload) = std::thread::scope(|scope| {
        let over = SetOnDrop(&end);
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(visit)).collect();
        until("a refresh is under way", || world.emulator.stats().in_flight == 1);
        let begin = Instant::now();
        fpm.reload();
        let reload = (begin, Instant::now());
        until("two more tokens are stored", || {
            tokens.insert(stored());
            tokens.len() > 2
        });
        drop(over);
        let visits = threads.into_iter().flat_map(|thread| thread.join().expect("visits"));
        (visits.collect::<Vec<_>>(), reload)
    });
    let mut cut = Vec::new();
    for (began, ended, answer) in &visits {
        let answer = match answer {
            Err(error) => {
                assert!(*ended > reload.0 && *began < reload.1, "not by the reload: {error}");
                cut.push(error.to_string());
                continue;
            }
            Ok(answer) => answer,
        };
        let answer: Value =
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error} in {answer:?}"));
        assert_eq!(answer["valid"], true, "{answer}");
        assert_ne!(answer["state"], "expired", "a request had to wait: {answer}");
        tokens.insert(answer["token"].as_str().expect("a token").to_owned());
    }
    until("the last refresh is stored", is_at_rest);
    tokens.insert(stored());
    // The first one was fetched before.
    let (fetches, tokens) = (world.fetches(), tokens.len() as u64 - 1);
    println!(
        "php-fpm with a reload: {} requests, {} cut by php-fpm, {fetches} fetches for {tokens} tokens",
        visits.len(),
        cut.len(),
    );
    (cut, fetches, tokens)
}

#[test]
fn a_reload_fails_only_requests_whose_workers_php_fpm_kills() {
    let (_, fetches, tokens) = reload_in_the_middle("");
    // The refresh is killed, and started again.
    assert!(fetches <= tokens + 1, "{fetches} fetches for {tokens} tokens");
}

#[test]
fn with_a_process_control_timeout_a_reload_fails_no_request_and_loses_no_refresh() {
    let (cut, fetches, tokens) = reload_in_the_middle("process_control_timeout = 10s");
    assert_eq!(cut, Vec::<String>::new());
    assert_eq!(fetches, tokens, "a refresh was lost");
}

/// A world with the classic endpoint, where a token is due an hour ahead and a fetch takes 50 ms.
fn classic() -> World {
    let mut world = World::brisk();
    world.set("endpoint", "classic");
    world.set("refresh_ahead", "3600");
    world
}

/// A live token that is due, in the file of the workers' user.
fn put_due(world: &World, fpm: &Fpm) -> String {
    let token = world.write_live(1800);
    fpm.put(&world.file(), Some(&world.stored().to_string()));
    token
}

fn get(world: &World, fpm: &Fpm) -> String {
    let query = format!("file={}", world.file().display());
    Answer::parse(&fpm.get(&query)).token().to_owned()
}

#[test]
fn a_worker_at_its_max_requests_makes_no_request_wait_for_its_refresh() {
    const FETCH: Duration = Duration::from_secs(30);
    let mut world = World::new(Options::default());
    world.set("timeout", "60");
    world.set("refresh_ahead", "3600");
    let pool = "pm = static\npm.max_children = 1\npm.max_requests = 1";
    let fpm = Fpm::with("", pool, &world, CALL);
    let token = put_due(&world, &fpm);
    let delay = u64::try_from(FETCH.as_millis()).expect("a number");
    world.emulator.script_json(json!([{"delay_ms": delay, "times": 0}])).expect("a script");
    let began = Instant::now();
    assert_eq!(get(&world, &fpm), token);
    until("a refresh is under way", || world.fetches() == 1);
    for _ in 0..10 {
        assert_eq!(get(&world, &fpm), token);
    }
    println!("eleven requests to workers of one request each: {:?}", began.elapsed());
    assert!(began.elapsed() < FETCH / 2, "a request has waited for the fetch of another");
    // Each would ask in vain: the next to ask waits a while.
    assert!(world.fetches() <= 2, "{} fetches", world.fetches());
}

#[test]
fn a_worker_knows_whose_request_it_serves() {
    let mut world = World::new(Options::default()).without_account();
    let Options { appid, secret, .. } = Options::default();
    world.set("revalidate_freq", "60");
    let fpm = Fpm::with("", "pm = static\npm.max_children = 1", &world, CALL);
    fpm.put(&world.file(), None);
    let query = format!("file={}", world.file().display());
    let request = |appid: &str| {
        let variables = [("WX_APPID", appid), ("WX_SECRET", secret.as_str())];
        Answer::parse(&fpm.get_with(&query, &variables))
    };
    let token = request(&appid).token().to_owned();
    let remembered = Instant::now() + Duration::from_millis(100);
    while Instant::now() < remembered {
        assert_eq!(request(&appid).token(), token);
    }
    assert_eq!(request("wx-other").class(), "WxToken\\ConfigException");
    assert_eq!(request(&appid).token(), token);
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_worker_at_its_max_requests_stores_its_refresh() {
    let world = classic();
    let pool = "pm = static\npm.max_children = 1\npm.max_requests = 1";
    let fpm = Fpm::with("", pool, &world, CALL);
    let old = put_due(&world, &fpm);
    assert_eq!(get(&world, &fpm), old);
    let new = get(&world, &fpm);
    assert_ne!(new, old, "what the first worker has fetched is lost");
    assert!(world.is_live(&new));
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_refresh_of_an_idle_worker_is_stored_or_started_again() {
    let world = classic();
    let pool = "pm = ondemand\npm.max_children = 5\npm.process_idle_timeout = 1s";
    let fpm = Fpm::with("", pool, &world, CALL);
    // An idle worker is told to go two or three seconds after its request, and killed a second later.
    for (delay, is_cut) in [(0, Some(false)), (2300, None), (20_000, Some(true))] {
        let old = put_due(&world, &fpm);
        world.emulator.script_json(json!([{"delay_ms": delay}])).expect("a script");
        assert_eq!(get(&world, &fpm), old);
        until("php-fpm has killed it", || fpm.workers().is_empty());
        let stored = world.stored()["access_token"].as_str().expect("a token").to_owned();
        let was_cut = stored == old;
        println!("a fetch of {} ms: cut off: {was_cut}", delay + 50);
        assert!(is_cut.is_none_or(|is_cut| is_cut == was_cut), "{delay}");
        assert_eq!(get(&world, &fpm), stored);
        assert!(world.is_live(&stored));
        until("a new token is stored", || world.stored()["access_token"] != old);
        let fetches = if was_cut { 2 } else { 1 };
        until("nothing is left behind", || world.names() == ["token.json"]);
        assert_eq!(world.fetches(), fetches);
        assert!(world.is_live(world.stored()["access_token"].as_str().expect("a token")));
        until("all workers are gone", || fpm.workers().is_empty());
    }
}

#[test]
fn a_worker_that_is_told_to_end_stores_its_running_refresh() {
    let world = classic();
    let fpm = Fpm::start(&world, CALL);
    let query = format!("file={}", world.file().display());
    for _ in 0..3 {
        let old = put_due(&world, &fpm);
        let answer = Answer::parse(&fpm.get(&query));
        assert_eq!(answer.token(), old);
        let worker = answer.property("pid").as_u64().expect("a process id") as u32;
        until("a refresh is under way", || world.fetches() == 1);
        // As a master with more idle workers than pm.max_spare_servers tells the oldest.
        let told = Command::new("kill").args(["-QUIT", &worker.to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()));
        until("it has gone", || !fpm.workers().contains(&worker));
        let new = get(&world, &fpm);
        assert_ne!(new, old);
        assert!(world.is_live(&new));
        assert_eq!(world.fetches(), 1);
    }
}

/// Beside the token file, what a killed refresh has left there.
fn leftover(world: &World) -> PathBuf {
    let names = world.names();
    let name = names.iter().find(|name| name.to_string_lossy().starts_with(".token.json."));
    world.dir.path().join(name.expect("a leftover"))
}

fn date(path: PathBuf, ago: u64) {
    let written = SystemTime::now() - Duration::from_secs(ago);
    let file = File::options().write(true).open(path).expect("a file");
    file.set_modified(written).expect("a time");
}

#[test]
fn after_a_reload_no_request_gets_the_token_that_the_lost_refresh_invalidated() {
    let world = classic();
    let fpm = Fpm::start(&world, CALL);
    let old = put_due(&world, &fpm);
    world.emulator.script_json(json!([{"delay_ms": 60_000}])).expect("a script");
    assert_eq!(get(&world, &fpm), old);
    until("a refresh is under way", || world.emulator.stats().in_flight == 1);
    fpm.reload();
    date(world.file(), 260);
    date(leftover(&world), 250);
    // As WeChat does five minutes after it created the lost token.
    world.emulator.expire_all();
    let query = format!("file={}", world.file().display());
    let answer = Answer::parse(&fpm.get(&query));
    assert_ne!(answer.token(), old);
    world.assert_one_live_token(&[answer]);
    assert!(world.stored()["expire"].as_u64().is_some_and(|expiry| expiry > now() + 7000));
    assert_eq!(world.fetches(), 2);
}

#[test]
fn an_interrupted_refresh_is_logged_once() {
    let world = classic();
    world.write_live(1800);
    world.emulator.script_json(json!([{"delay_ms": 60_000}])).expect("a script");
    let file = world.file();
    let arguments = [file.to_str().expect("a path")];
    let mut process =
        world.php().start("wx_get_token($argv[1]); echo PHP_EOL; fgets(STDIN);", &arguments);
    process.read_line();
    until("a refresh is under way", || world.emulator.stats().in_flight == 1);
    process.kill();
    let code = "
        wx_get_token($argv[1]);
        $until(fn() => wx_token_status($argv[1])['state'] !== 'due');
        wx_get_token($argv[1], ['refresh_ahead' => 7200]);
        wx_get_token($argv[1], ['refresh_ahead' => 7200]);
    ";
    let printed = world.php().run(&format!("{UNTIL}{code}"), &arguments);
    assert_eq!(printed.matches("the process ended during a refresh").count(), 1, "{printed}");
    assert!(printed.contains("process_control_timeout"), "{printed}");
}
