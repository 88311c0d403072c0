//! An upgrade of the extension: it takes the place of another version while PHP runs, and works on the same file as an
//! earlier version in another process.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::XattrFlags;
use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::fpm::Fpm;
use wx_token_testing::php::{Answer, Callers, GET, Php};
use wx_token_testing::{SetOnDrop, World, earlier_extension, extension, until};

use crate::due::short_lived;

const VISITORS: usize = 8;

/// The file from which a process has mapped the extension. The kernel says of it that its name is another file's.
fn mapping(pid: u32) -> Option<String> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    maps.lines().find(|line| line.contains("/wx_token.so")).map(str::to_owned)
}

fn is_replaced(mapping: &str) -> bool {
    mapping.ends_with(" (deleted)")
}

/// Visitors of php-fpm while `to` takes the place of `from`, and while php-fpm then reloads. No request fails, waits
/// for a token or gets one that is invalid.
fn upgrade_under_load(from: &Path, to: &Path) {
    // Due after three seconds, and time enough for php-fpm to come up again before the token expires.
    let world = short_lived(33, 30);
    world.emulator.change(|options| options.overlap = Duration::from_secs(30));
    let directory = tempfile::tempdir().expect("a directory");
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("chmod");
    let installed = directory.path().join("wx_token.so");
    let install = |library: &Path| {
        let new = directory.path().join("new");
        fs::copy(library, &new).expect("a copy");
        fs::rename(&new, &installed).expect("a rename");
    };
    install(from);
    let php = world.php_of(&installed);
    php.call(&world.file(), GET);
    let pool = format!("pm = static\npm.max_children = {VISITORS}");
    let script = include_str!("php/request.php");
    let fpm = Fpm::of(&php, "process_control_timeout = 10s", &pool, &world, script);
    fpm.put(&world.file(), Some(&world.stored().to_string()));
    world.emulator.reset();

    let query = format!("file={}&base={}", world.file().display(), world.emulator.base_url());
    let (end, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    let visit = || {
        let mut answers = Vec::new();
        while !end.load(Ordering::Relaxed) {
            answers.push(fpm.try_get(&query, &[]).map_err(|error| error.to_string()));
            answered.fetch_add(1, Ordering::Relaxed);
            thread::sleep(Duration::from_millis(20));
        }
        answers
    };
    let mut tokens = BTreeSet::new();
    let stored = || world.stored()["access_token"].as_str().expect("a token").to_owned();
    let answers: Vec<_> = thread::scope(|scope| {
        let over = SetOnDrop(&end);
        let threads: Vec<_> = (0..VISITORS).map(|_| scope.spawn(visit)).collect();
        until("a refresh is under way", || world.emulator.stats().in_flight == 1);
        install(to);
        let so_far = answered.load(Ordering::Relaxed);
        until("requests go on", || answered.load(Ordering::Relaxed) > so_far + 4 * VISITORS);
        for worker in fpm.workers() {
            let mapping = mapping(worker).expect("the extension is loaded");
            assert!(
                is_replaced(&mapping),
                "it serves with the new file before a reload: {mapping}"
            );
        }
        fpm.reload();
        until("each worker has the new file", || {
            let workers = fpm.workers();
            let has_new = |pid: &u32| mapping(*pid).is_some_and(|mapping| !is_replaced(&mapping));
            workers.len() == VISITORS && workers.iter().all(has_new)
        });
        until("two more tokens are stored", || {
            tokens.insert(stored());
            tokens.len() > 2
        });
        drop(over);
        threads.into_iter().flat_map(|thread| thread.join().expect("visits")).collect()
    });
    for answer in &answers {
        let answer = answer.as_ref().unwrap_or_else(|error| panic!("a request failed: {error}"));
        let answer: Value =
            serde_json::from_str(answer).unwrap_or_else(|error| panic!("{error} in {answer:?}"));
        assert_eq!(answer["valid"], true, "{answer}");
        assert_ne!(answer["state"], "expired", "a request had to wait: {answer}");
        tokens.insert(answer["token"].as_str().expect("a token").to_owned());
    }
    until("no refresh is under way", || world.emulator.stats().in_flight == 0);
    tokens.insert(stored());
    // The first one was fetched before.
    let (fetches, tokens) = (world.fetches(), tokens.len() as u64 - 1);
    println!(
        "an upgrade under load: {} requests, {fetches} fetches for {tokens} tokens",
        answers.len()
    );
    assert_eq!(fetches, tokens, "a refresh was lost");
}

#[test]
fn an_upgrade_of_a_php_fpm_that_serves_fails_no_request_and_loses_no_refresh() {
    upgrade_under_load(&extension(), &extension());
}

#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn an_upgrade_from_an_earlier_version_fails_no_request_and_loses_no_refresh() {
    upgrade_under_load(&earlier_extension(), &extension());
}

#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn a_return_to_an_earlier_version_fails_no_request_and_loses_no_refresh() {
    upgrade_under_load(&extension(), &earlier_extension());
}

/// One call each of `count` processes with an earlier version and as many with this one, at the same moment.
fn storm_of_both(world: &World, call: &str, count: usize) -> Vec<Answer> {
    let start = |php: &Php| Callers::start(php, &world.file(), call, count);
    let (earlier, these) = (start(&world.php_of(&earlier_extension())), start(&world.php()));
    let (earlier, these) = (earlier.release_only(), these.release_only());
    earlier.into_iter().chain(these).map(Answer::of).collect()
}

#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn an_earlier_version_and_this_one_make_one_fetch() {
    let world = World::slow();
    for round in 0..5 {
        for (what, content) in [
            ("missing", None),
            ("empty", Some("")),
            ("torn", Some(r#"{"access_token":"easWas"#)),
            ("expired", Some(r#"{"access_token":"an-old-token","expire":5}"#)),
        ] {
            match content {
                None => drop(fs::remove_file(world.file())),
                Some(content) => world.write(content),
            }
            world.emulator.reset();
            let answers = storm_of_both(&world, GET, 16);
            assert_eq!(world.fetches(), 1, "{what}, round {round}");
            world.assert_one_live_token(&answers);
        }
    }
}

#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn an_earlier_version_and_this_one_share_a_failure() {
    let mut world = World::slow();
    world.set("secret", "wrong");
    for answer in storm_of_both(&world, GET, 16) {
        assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
    }
    assert_eq!(world.fetches(), 1);
}

#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn an_earlier_version_and_this_one_replace_a_rejected_token_once() {
    let world = World::slow();
    let rejected = world.write_live(7000);
    world.emulator.invalidate_all();
    let call = format!("wx_refresh_token($file, '{rejected}')");
    let answers = storm_of_both(&world, &call, 16);
    let stats = world.emulator.stats();
    assert_eq!((stats.fetches.stable_token, stats.forced), (2, 1), "one normal, one forced");
    world.assert_one_live_token(&answers);
}

/// What each of the two has stored, the other reads. Neither fetches again, and what it stores has its own form.
#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn an_earlier_version_and_this_one_take_turns_on_a_file() {
    const PLAIN: &str = "wx_get_token($file, ['layout' => 'plain'])";
    let expire = "\"expire\":5";
    for (content, call) in [
        (format!("{{\"access_token\":\"an-old-token\",{expire}}}"), GET),
        (format!("<?php exit();?>{{\"access_token\":\"an-old-token\",{expire}}}"), GET),
        ("a:2:{s:5:\"value\";s:12:\"an-old-token\";s:7:\"expired\";i:5;}".into(), GET),
        ("57_Old0TokenOf1ATextFile2".into(), PLAIN),
    ] {
        let world = World::new(Options::default());
        let (earlier, this) = (world.php_of(&earlier_extension()), world.php());
        for (first, second) in [(&earlier, &this), (&this, &earlier), (&earlier, &this)] {
            world.write(&content);
            let long_ago = fs::File::options().write(true).open(world.file()).expect("a file");
            long_ago
                .set_modified(std::time::SystemTime::now() - Duration::from_secs(9000))
                .expect("a time");
            world.emulator.reset();
            let token = first.call(&world.file(), call).token().to_owned();
            for php in [second, first, second] {
                assert_eq!(php.call(&world.file(), call).token(), token, "{content}");
            }
            assert!(world.is_live(&token), "{content}");
            assert_eq!(world.fetches(), 1, "{content}");
        }
    }
}

#[test]
fn a_later_versions_record_is_left_alone_until_its_token_is_replaced() {
    let world = World::new(Options::default());
    let token = world.call().token().to_owned();
    let record = || -> Value {
        let attribute: Value = serde_json::from_slice(&world.attribute()).expect("JSON");
        attribute["record"].clone()
    };
    let mut later = record();
    later["version"] = json!(later["version"].as_u64().expect("a version") + 1);
    // What this version would refuse, if it believed it.
    later["account"] = json!("wx-other");
    let attribute = json!({"record": later}).to_string();
    rustix::fs::setxattr(world.file(), "user.wx_token", attribute.as_bytes(), XattrFlags::REPLACE)
        .expect("setfattr");
    assert_eq!(world.call().token(), token);
    assert_eq!(record(), later);
    world.emulator.invalidate_all();
    let answer = world.call_of(&format!("wx_refresh_token($file, '{token}')"));
    world.assert_one_live_token(&[answer]);
    assert_ne!(record()["version"], later["version"]);
}

/// Settings of the earlier version that set nothing any more.
const GONE: [&str; 1] = ["wx_token.max_files"];

#[test]
#[ignore = "needs an earlier version of the extension: make test-install"]
fn every_setting_of_an_earlier_version_is_one_of_this_version_with_the_same_default() {
    let world = World::new(Options::default()).without_account();
    let settings = |php: Php| -> serde_json::Map<String, Value> {
        let printed = php.run("echo json_encode(ini_get_all('wx_token', false));", &[]);
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in {printed}"))
    };
    let (earlier, these) = (settings(world.php_of(&earlier_extension())), settings(world.php()));
    assert!(earlier.len() > 10, "{earlier:?}");
    let differs = |(name, value): &(&String, &Value)| these.get(*name) != Some(*value);
    let changed: Vec<_> = earlier.iter().filter(differs).map(|(name, _)| name).collect();
    assert_eq!(changed, GONE);
}
