//! One fetch per expiry for all machines (F1), and a token never gives way to an older one (F3).

use wx_token_testing::php::GET;
use wx_token_testing::{print_waits, until};

use crate::fleet::{EXPIRED, Fleet};

#[test]
fn eight_machines_on_expired_files_make_one_fetch() {
    let fleet = Fleet::of(8);
    fleet.write(EXPIRED);
    let answers = fleet.storm(4, GET);
    print_waits("expired, 8 machines", &answers);
    assert_eq!(fleet.world.fetches(), 1);
    fleet.assert_one_live_token(&answers);
}

#[test]
fn eight_machines_on_expired_files_make_one_fetch_of_the_classic_endpoint() {
    let mut fleet = Fleet::of(8);
    fleet.world.set("endpoint", "classic");
    fleet.write(EXPIRED);
    let answers = fleet.storm(4, GET);
    assert_eq!(fleet.world.fetches(), 1);
    fleet.assert_one_live_token(&answers);
}

#[test]
fn a_machine_that_joins_fetches_nothing() {
    let fleet = Fleet::of(2);
    let first = fleet.call(0);
    let second = fleet.call(1);
    assert_eq!(fleet.world.fetches(), 1);
    fleet.assert_one_live_token(&[first, second]);
}

#[test]
fn a_rejected_token_is_replaced_once_for_all_machines() {
    for endpoint in ["stable", "classic"] {
        let mut fleet = Fleet::of(6);
        fleet.world.set("endpoint", endpoint);
        let rejected = fleet.write_live(7000);
        fleet.world.emulator.invalidate_all();
        let answers = fleet.storm(4, &format!("wx_refresh_token($file, '{rejected}')"));
        print_waits(&format!("rejected, {endpoint}"), &answers);
        fleet.assert_one_live_token(&answers);
        assert_ne!(answers[0].token(), rejected);
        let stats = fleet.world.emulator.stats();
        let (fetches, forced) = if endpoint == "stable" { (2, 1) } else { (1, 0) };
        assert_eq!((stats.fetches.total(), stats.forced), (fetches, forced), "{endpoint}");
    }
}

#[test]
fn a_due_token_is_renewed_once_for_all_machines_and_nobody_waits() {
    let mut fleet = Fleet::of(6);
    fleet.world.set("endpoint", "classic");
    let due = fleet.write_live(100);
    let answers = fleet.storm(2, GET);
    assert!(answers.iter().all(|answer| answer.token() == due));
    until("every machine has the new token", || (0..6).all(|machine| fleet.stored(machine) != due));
    assert_eq!(fleet.world.fetches(), 1);
    fleet.assert_one_live_token(&fleet.storm(1, GET));
}

#[test]
fn a_stable_token_that_wechat_does_not_renew_yet_is_asked_for_once() {
    let mut fleet = Fleet::of(4);
    // It is due long before WeChat gives another one.
    fleet.world.set("refresh_ahead", "3600");
    let first = fleet.call(0).token().to_owned();
    let content = std::fs::read_to_string(&fleet.machines[0]).expect("a token file");
    let expire = wx_token_testing::now() + 3000;
    let json: serde_json::Value = serde_json::from_str(&content).expect("JSON");
    assert_eq!(json["access_token"], first.as_str());
    fleet.write(&format!(r#"{{"access_token":"{first}","expire":{expire}}}"#));
    fleet.redis.run(&["flushall"]);
    fleet.world.emulator.reset();
    for machine in 0..4 {
        let answer = fleet.call_of(machine, "wx_get_token($file)");
        assert_eq!(answer.token(), first);
    }
    until("a fetch has ended", || {
        fleet.world.fetches() > 0 && fleet.world.emulator.stats().in_flight == 0
    });
    fleet.storm(2, GET);
    assert_eq!(fleet.world.fetches(), 1, "WeChat has said that there is no other one yet");
}
