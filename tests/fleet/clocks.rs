//! Wall clocks that differ, of machines and of the store: they change neither the order of tokens nor their lives (F1, F3,
//! F4).

use std::path::PathBuf;

use serde_json::json;
use wx_token_testing::clocks::Clock;
use wx_token_testing::php::{Answer, Callers, GET, Php};
use wx_token_testing::process::Process;
use wx_token_testing::{now, now_ms, until};

use crate::fleet::{EXPIRED, Fleet};
use crate::watch::Watch;

/// How far the clock of each machine is ahead, in seconds.
const AHEAD: [i64; 3] = [3600, -3600, 0];

fn start(fleet: &Fleet, clocks: &[Clock], call: &str) -> Vec<Answer> {
    let machines = clocks.iter().zip(&fleet.machines);
    let start = |(clock, file): (&Clock, &PathBuf)| {
        Callers::start(&clock.of(fleet.world.php()), file, call, 2)
    };
    let ready: Vec<_> = machines.map(start).collect();
    let callers: Vec<Process> = ready.into_iter().flat_map(Callers::release_only).collect();
    callers.into_iter().map(Answer::of).collect()
}

fn expiry(fleet: &Fleet, machine: usize) -> i64 {
    let text = std::fs::read(&fleet.machines[machine]).expect("the token file is readable");
    let json: serde_json::Value = serde_json::from_slice(&text).expect("the token file is JSON");
    ["expire", "expires_at"].iter().find_map(|key| json[key].as_i64()).expect("an expiry")
}

fn seconds() -> i64 {
    i64::try_from(now()).expect("a time")
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn clocks_an_hour_ahead_and_behind_change_neither_order_nor_lives() {
    let mut fleet = Fleet::of(3);
    fleet.world.set("endpoint", "classic");
    fleet.write(EXPIRED);
    let clocks = AHEAD.map(Clock::ahead);
    let watch = Watch::start(&fleet);
    let before = seconds();
    let answers = start(&fleet, &clocks, GET);
    let after = seconds();
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 1);
    for (machine, ahead) in AHEAD.into_iter().enumerate() {
        let expiry = expiry(&fleet, machine) - ahead - 7200;
        assert!((before - 2..=after + 2).contains(&expiry), "machine {machine}: {expiry}");
    }

    // Each of them replaces a token once, and the others follow.
    fleet.world.set("store_revalidate", "0.1");
    let php = |machine: usize| -> Php { clocks[machine].of(fleet.world.php()) };
    for (replaced, machine) in [0, 1, 2, 0].into_iter().enumerate() {
        let old = fleet.stored(machine);
        let call = format!("wx_refresh_token($file, '{old}')");
        let new = php(machine).call(&fleet.machines[machine], &call).token().to_owned();
        assert_ne!(new, old);
        until("every machine has the new token", || {
            (0..3).all(|other| {
                let token = fleet.call_by(&php(other), other).token().to_owned();
                assert!(token == old || token == new);
                fleet.stored(other) == new
            })
        });
        assert_eq!(fleet.world.fetches(), replaced as u64 + 2);
    }
    watch.assert_order(&fleet);
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn a_failure_lasts_as_long_by_every_clock() {
    let mut fleet = Fleet::of(3);
    fleet.world.set("secret", "wrong");
    let clocks = AHEAD.map(Clock::ahead);
    let before = seconds();
    let answers = start(&fleet, &clocks, GET);
    assert_eq!(fleet.world.fetches(), 1);
    let ends: Vec<_> = answers
        .chunks(2)
        .zip(AHEAD)
        .flat_map(|(answers, ahead)| answers.iter().map(move |answer| (answer, ahead)))
        .map(|(answer, ahead)| {
            assert_eq!(answer.property("code"), 40125, "{}", answer.message());
            answer.property("retryAt").as_i64().expect("a time") - ahead
        })
        .collect();
    let (first, last) = (ends.iter().min(), ends.iter().max());
    let (first, last) = (*first.expect("answers"), *last.expect("answers"));
    assert!(first > before && last <= first + 2, "{ends:?}");
}

/// As when the store's clock is set back. Who joins takes that stamp over.
fn with_a_stamp_from_the_future() -> (Fleet, String) {
    let mut fleet = Fleet::of(3);
    fleet.world.set("endpoint", "classic");
    fleet.write(EXPIRED);
    let old = fleet.call(0).token().to_owned();
    assert_eq!(fleet.call(1).token(), old);
    fleet.set_field("stamp", &(now_ms() + 3_600_000).to_string());
    assert_eq!(fleet.call(2).token(), old);
    fleet.world.set("store_revalidate", "0.1");
    (fleet, old)
}

/// Every machine comes to have the token that the first one has.
fn assert_spread(fleet: &Fleet, old: &str) {
    let new = fleet.stored(0);
    assert_ne!(new, old);
    until("every machine has the new token", || {
        (0..3).all(|machine| {
            let token = fleet.call(machine).token().to_owned();
            assert!(token == old || token == new);
            fleet.stored(machine) == new
        })
    });
    let stamp: u128 = fleet.field("stamp").parse().expect("a stamp");
    assert!(stamp <= now_ms());
    assert_eq!(fleet.world.fetches(), 2);
}

#[test]
fn a_rejected_token_with_a_stamp_from_the_future_is_replaced() {
    let (fleet, old) = with_a_stamp_from_the_future();
    let watch = Watch::start(&fleet);
    let refresh = format!("wx_refresh_token($file, '{old}')");
    assert_ne!(fleet.call_of(0, &refresh).token(), old);
    assert_spread(&fleet, &old);
    watch.assert_order(&fleet);
}

#[test]
fn a_due_token_with_a_stamp_from_the_future_is_replaced() {
    let (mut fleet, old) = with_a_stamp_from_the_future();
    let watch = Watch::start(&fleet);
    fleet.world.set("refresh_ahead", "7100");
    fleet.world.set("background", "0");
    let expire = now() + 3600;
    fleet.write(&json!({"access_token": old, "expire": expire}).to_string());
    fleet.set_field("exp", &(expire * 1000).to_string());
    assert_ne!(fleet.call(0).token(), old);
    assert_spread(&fleet, &old);
    watch.assert_order(&fleet);
}
