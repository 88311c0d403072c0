//! Storms of a whole fleet, one expiry after another: one fetch for each (F1).

use serde_json::json;
use wx_token_testing::php::GET;
use wx_token_testing::{now, print_waits, until};

use crate::fleet::{EXPIRED, Fleet, all};
use crate::watch::Watch;

struct Size {
    machines: usize,
    processes: usize,
    cycles: u32,
}

fn size() -> Size {
    if all() {
        Size { machines: 8, processes: 6, cycles: 5 }
    } else {
        Size { machines: 4, processes: 3, cycles: 2 }
    }
}

/// Lets all tokens end, and so on: `storm` is called with nothing fetched since.
fn cycles(endpoint: &str, storm: impl Fn(&Fleet, &Size, &str)) {
    let size = size();
    let mut fleet = Fleet::of(size.machines);
    fleet.world.set("endpoint", endpoint);
    fleet.write(EXPIRED);
    fleet.storm(1, GET);
    let watch = Watch::start(&fleet);
    for cycle in 1..=size.cycles {
        fleet.world.emulator.reset();
        storm(&fleet, &size, &fleet.stored(0));
        assert_eq!(fleet.world.fetches(), 1, "{endpoint}, cycle {cycle}");
    }
    watch.assert_order(&fleet);
}

#[test]
fn each_expired_token_is_fetched_once() {
    for endpoint in ["stable", "classic"] {
        cycles(endpoint, |fleet, size, old| {
            fleet.world.emulator.expire_all();
            fleet.write(EXPIRED);
            fleet.set_field("exp", "0");
            let answers = fleet.storm(size.processes, GET);
            print_waits(&format!("expired, {endpoint}"), &answers);
            fleet.assert_one_live_token(&answers);
            assert_ne!(answers[0].token(), old);
        });
    }
}

#[test]
fn each_due_token_is_fetched_once_and_nobody_waits() {
    cycles("classic", |fleet, size, old| {
        let expire = now() + 100;
        fleet.write(&json!({"access_token": old, "expire": expire}).to_string());
        fleet.set_field("exp", &(expire * 1000).to_string());
        let answers = fleet.storm(size.processes, GET);
        print_waits("due, classic", &answers);
        // Who comes late may find the new one.
        assert!(answers.iter().all(|answer| fleet.world.is_live(answer.token())));
        until("every machine has the new token", || {
            (0..size.machines).all(|machine| fleet.stored(machine) != old)
        });
        fleet.assert_one_live_token(&fleet.storm(1, GET));
    });
}

#[test]
fn each_rejected_token_is_replaced_once() {
    cycles("classic", |fleet, size, old| {
        fleet.world.emulator.invalidate_all();
        let call = format!("wx_refresh_token($file, '{old}')");
        let answers = fleet.storm(size.processes, &call);
        print_waits("rejected, classic", &answers);
        fleet.assert_one_live_token(&answers);
        assert_ne!(answers[0].token(), old);
    });
}
