//! SIGKILL to the process that fetches: the lock goes with it, and the next one takes over (I7).

use serde_json::json;
use wx_token_testing::php::Answer;
use wx_token_testing::{World, until};

#[test]
fn when_the_fetching_process_is_killed_another_takes_over_at_once() {
    let world = World::slow();
    let old = world.write_expired();
    world.emulator.script_json(json!([{"hang": true}])).expect("a script");

    let first = world.callers(1).release_only();
    until("the first fetch is under way", || world.emulator.stats().in_flight == 1);
    let others = world.callers(8).release_only();
    for process in first {
        process.kill();
    }
    let answers: Vec<Answer> = others.into_iter().map(Answer::of).collect();
    wx_token_testing::print_waits("after a SIGKILL, fetch of 200 ms", &answers);
    assert_eq!(world.fetches(), 2, "the killed fetch and one more");
    assert_ne!(std::fs::read(world.file()).ok(), Some(old.into_bytes()));
    world.assert_one_live_token(&answers);
}

#[test]
fn kills_leave_the_old_file_whole_and_no_growing_rest() {
    let world = World::slow();
    let old = world.write_expired();
    // Of a caller that is killed in the middle of its request, the emulator reads no step.
    world.emulator.script_json(json!([{"hang": true, "times": 0}])).expect("a script");
    for killed in 1..=5 {
        let caller = world.callers(1).release_only();
        until("a fetch is under way", || world.fetches() == killed);
        for process in caller {
            process.kill();
        }
        assert_eq!(std::fs::read(world.file()).ok().as_deref(), Some(old.as_bytes()));
        // The first tells when a refresh was cut off.
        assert!(world.names().len() <= 3, "leftovers do not add up: {:?}", world.names());
    }
    world.emulator.clear_script();
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
}
