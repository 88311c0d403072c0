//! What a store costs a call on a fresh file, and what the extension does without one: nothing more than before (F8).

use std::collections::BTreeMap;

use wechat_emulator::Options;
use wx_token_testing::php::{Php, REMEMBER};
use wx_token_testing::system_calls;

use crate::fleet::{EXPIRED, Fleet};

/// A machine that has just confirmed its token, and PHP on it that asks the store once in an hour.
fn confirmed() -> (Fleet, Php) {
    let mut fleet = Fleet::with_options(1, Options::default());
    fleet.world.set("store_revalidate", "3600");
    fleet.write(EXPIRED);
    let token = fleet.call(0).token().to_owned();
    assert!(fleet.status(0)["confirmed_at"].is_u64(), "{}", fleet.status(0));
    assert!(fleet.world.is_live(&token));
    let php = fleet.world.php();
    (fleet, php)
}

#[test]
fn between_two_confirmations_a_call_makes_the_system_calls_of_one_without_a_store() {
    let (mut fleet, with_store) = confirmed();
    fleet.world.set("store", "");
    let cost = |php: Php| {
        let before = format!("{REMEMBER} $file = $argv[1]; $remember($file);");
        let code = "for ($i = 0; $i < 1000; $i++) { wx_get_token($file); }";
        let php = php.with("wx_token.path_ttl=0");
        system_calls::count(&system_calls::of_code(&php, &fleet.machines[0], &before, code))
    };
    assert_eq!(cost(with_store), BTreeMap::from([("newfstatat".to_owned(), 1000)]));
    assert_eq!(cost(fleet.world.php()), BTreeMap::from([("newfstatat".to_owned(), 1000)]));
}

/// Sockets, threads and processes, and the file with what a machine knows of the store.
const TRACES: [&str; 4] = [" socket(", " connect(", " clone", ".wx_store\""];

#[test]
fn a_first_call_without_a_store_connects_to_nothing_and_starts_and_opens_nothing() {
    let (mut fleet, with_store) = confirmed();
    fleet.forget();
    fleet.world.set("store", "");
    let first_call =
        |php: &Php| system_calls::of_code(php, &fleet.machines[0], "", "wx_get_token($argv[1]);");
    let traces_in = |calls: &[String]| {
        TRACES.map(|trace| calls.iter().filter(|call| call.contains(trace)).count())
    };
    let without = first_call(&fleet.world.php());
    assert_eq!(traces_in(&without), [0; 4], "{without:#?}");
    assert!(!without.is_empty());
    let with = first_call(&with_store);
    assert!(traces_in(&with).iter().all(|count| *count > 0), "{with:#?}");
}

#[test]
fn a_fetch_without_a_store_leaves_nothing_beside_the_token_file() {
    let mut fleet = Fleet::with_options(1, Options::default());
    fleet.world.set("store", "");
    fleet.write(EXPIRED);
    let received = |fleet: &Fleet| {
        let stats = fleet.redis.run(&["info", "stats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("total_connections_received:"));
        line.and_then(|count| count.trim().parse::<u32>().ok()).expect("a count")
    };
    let before = received(&fleet);
    let token = fleet.call(0).token().to_owned();
    assert!(fleet.world.is_live(&token));
    assert_eq!(received(&fleet), before + 1, "that of the question itself");
    assert!(!fleet.knowledge_file(0).exists());
    assert!(fleet.status(0).is_null());
}
