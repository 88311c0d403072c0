//! A machine whose address WeChat rejects holds up no other, and lives on what the others store, token after token (F6).

use serde_json::{Value, json};
use wx_token_testing::php::GET;
use wx_token_testing::until;

use crate::fleet::{EXPIRED, Fleet};

const MACHINES: usize = 4;
const REJECTED: usize = 0;

/// All tokens have expired, in the files and in the store.
fn expire(fleet: &Fleet) {
    fleet.world.emulator.expire_all();
    fleet.write(EXPIRED);
    fleet.set_field("exp", "0");
}

#[test]
fn a_machine_whose_address_is_rejected_holds_up_no_other() {
    let mut fleet = Fleet::of(MACHINES);
    fleet.world.set("endpoint", "classic");
    fleet.write(EXPIRED);
    let rejection = json!([{"errcode": 40164}]);
    fleet.world.emulator.script_json(rejection.clone()).expect("a script");
    let failed = fleet.call(REJECTED);
    assert_eq!(failed.property("code"), 40164, "{}", failed.message());
    assert_eq!(fleet.knowledge(REJECTED)["bar"]["failures"], 1);
    let may_look = || {
        let call = "wx_token_status($file)['failure']['retry_at'] <= time() ? 'y' : 'n'";
        fleet.call_of(REJECTED, call).token() == "y"
    };
    let mut last = String::new();
    for cycle in 1..=3 {
        // The others need not wait for anything that it has left.
        let answers: Vec<_> = (1..MACHINES).map(|machine| fleet.call(machine)).collect();
        for answer in &answers {
            assert_eq!(answer.token(), answers[0].token());
        }
        assert_ne!(answers[0].token(), last);
        last = answers[0].token().to_owned();
        until("it may look again", may_look);
        assert_eq!(fleet.call(REJECTED).token(), last, "cycle {cycle}");
        fleet.assert_one_live_token(&answers);
        assert_eq!(fleet.world.fetches(), cycle + 1, "cycle {cycle}: it asks WeChat no more");
        expire(&fleet);
        // It comes first, and asks nobody.
        let barred = fleet.call(REJECTED);
        assert_eq!(barred.property("code"), 40164, "{}", barred.message());
        assert_eq!(fleet.world.fetches(), cycle + 1, "cycle {cycle}");
    }

    // When it may ask again, it does: somebody has put its address on the list.
    let mut known = fleet.knowledge(REJECTED);
    known["barred_until_ms"] = json!(1);
    fleet.set_knowledge(REJECTED, &known);
    until("it may look again", may_look);
    let own = fleet.call(REJECTED).token().to_owned();
    assert!(fleet.world.is_live(&own));
    assert_eq!(fleet.call(1).token(), own);
    assert_eq!(fleet.world.fetches(), 5);
    assert_eq!(fleet.knowledge(REJECTED)["bar"], Value::Null);
}

#[test]
fn in_a_storm_the_machine_whose_address_is_rejected_costs_one_fetch_and_its_own_callers_alone() {
    let mut fleet = Fleet::of(MACHINES);
    fleet.world.set("endpoint", "classic");
    fleet.write(EXPIRED);
    fleet.world.emulator.script_json(json!([{"errcode": 40164}])).expect("a script");
    let answers = fleet.storm(3, GET);
    let (failed, served): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| !answer.message().is_empty());
    for answer in &failed {
        assert_eq!(answer.property("code"), 40164, "{}", answer.message());
    }
    // Those of one machine, whichever came first.
    assert!((1..=3).contains(&failed.len()), "{} callers failed", failed.len());
    assert!(served.iter().all(|answer| answer.token() == served[0].token()));
    assert!(fleet.world.is_live(served[0].token()));
    assert_eq!(fleet.world.fetches(), 2);
}
