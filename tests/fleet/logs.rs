//! The log of refreshes where machines share a store: it tells who fetched from who took over.

use std::fs;

use serde_json::Value;

use crate::fleet::{EXPIRED, Fleet};

#[test]
fn of_four_machines_one_is_said_to_have_refreshed_and_three_to_have_adopted() {
    let mut fleet = Fleet::of(4);
    let path = fleet.world.dir.path().join("wx_token.log");
    fleet.world.set("log", path.to_str().expect("a path"));
    fleet.write(EXPIRED);
    let answers = fleet.storm(8, "wx_get_token($file)");
    fleet.assert_one_live_token(&answers);
    let text = fs::read_to_string(&path).expect("a log");
    let events: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let named = |name: &str| events.iter().filter(|event| event["event"] == name).count();
    assert_eq!((named("refreshed"), named("adopted")), (1, 3), "{text}");
    let requests: u64 = events.iter().filter_map(|event| event["requests"].as_u64()).sum();
    assert_eq!(requests, fleet.world.fetches(), "{text}");
    for event in events.iter().filter(|event| event["event"] == "adopted") {
        assert!(event["requests"].is_null() && event["fetch_ms"].is_u64(), "{event}");
    }
    assert!(!text.contains(answers[0].token()), "{text}");
}
