//! A store that is dead or hung, or a machine that dies: no caller fails that could have a token (F5, F9).

use wx_token_testing::php::{Callers, GET};
use wx_token_testing::process::Process;
use wx_token_testing::{print_waits, until};

use crate::fleet::{EXPIRED, Fleet};

#[test]
fn without_the_store_each_machine_gets_the_stable_token_by_itself() {
    let mut fleet = Fleet::of(4);
    fleet.redis.kill();
    let answers = fleet.storm(4, GET);
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 4);
    fleet.redis.restart();
    fleet.world.set("store_revalidate", "0.1");
    until("a machine has given the store its token", || {
        fleet.assert_one_live_token(&fleet.storm(1, GET));
        !fleet.redis.run(&["keys", "*"]).is_empty()
    });
    assert_eq!(fleet.world.fetches(), 4);
}

#[test]
fn without_the_store_a_due_classic_token_stays_and_an_expired_one_is_fetched() {
    let mut fleet = Fleet::of(1);
    fleet.world.set("endpoint", "classic");
    let due = fleet.write_live(100);
    fleet.redis.kill();
    for _ in 0..3 {
        assert_eq!(fleet.call(0).token(), due);
    }
    fleet.world.set("background", "0");
    assert_eq!(fleet.call(0).token(), due);
    assert_eq!(fleet.world.fetches(), 0, "it would be replaced for all machines");
    fleet.write(EXPIRED);
    let token = fleet.call(0).token().to_owned();
    assert!(fleet.world.is_live(&token));
    assert_eq!(fleet.world.fetches(), 1);
}

#[test]
fn a_store_that_hangs_keeps_no_caller_from_a_token_and_is_remembered() {
    let mut fleet = Fleet::of(2);
    fleet.world.set("store_timeout", "0.3");
    fleet.redis.hang();
    let answers = fleet.storm(4, GET);
    print_waits("the store hangs", &answers);
    fleet.assert_one_live_token(&answers);
    // What was said of the store is known to the next process.
    let state = |machine| {
        std::fs::read_to_string(fleet.knowledge_file(machine)).expect("the machine's knowledge")
    };
    for machine in 0..2 {
        assert!(state(machine).contains("did not"), "{}", state(machine));
    }
    fleet.redis.go_on();
}

#[test]
fn another_machine_takes_over_when_the_one_that_fetches_dies() {
    let fleet = Fleet::of(2);
    let php = fleet.world.php();
    let mut first = Callers::start(&php, &fleet.machines[0], GET, 1).release_only();
    until("it fetches", || fleet.world.emulator.stats().in_flight == 1);
    let second = Callers::start(&php, &fleet.machines[1], GET, 1).release_only();
    first.drain(..).for_each(Process::kill);
    let answers: Vec<_> = second.into_iter().map(wx_token_testing::php::Answer::of).collect();
    print_waits("the machine that fetches dies", &answers);
    assert!(fleet.world.is_live(answers[0].token()));
}
