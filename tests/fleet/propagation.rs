//! A token that one machine has replaced reaches the others (F2, F4), and nothing in the store shows a token or a secret
//! (F7).

use std::fs;

use wechat_emulator::Options;
use wx_token_testing::php::GET;
use wx_token_testing::until;

use crate::fleet::Fleet;

#[test]
fn a_machine_that_was_idle_gives_no_token_that_another_has_replaced() {
    let mut fleet = Fleet::of(2);
    fleet.world.set("endpoint", "classic");
    let old = fleet.call(0).token().to_owned();
    assert_eq!(fleet.call(1).token(), old);
    fleet.world.emulator.invalidate_all();
    let new = fleet.call_of(0, &format!("wx_refresh_token($file, '{old}')")).token().to_owned();
    assert_ne!(new, old);
    // An idle minute.
    fs::remove_file(fleet.knowledge_file(1)).expect("it is there");
    assert_eq!(fleet.call(1).token(), new);
    assert_eq!(fleet.world.fetches(), 2);
    assert_eq!(fleet.stored(1), new);
}

#[test]
fn a_machine_with_traffic_learns_of_it_in_the_background() {
    let mut fleet = Fleet::of(2);
    fleet.world.set("endpoint", "classic");
    fleet.world.set("store_revalidate", "0.1");
    let old = fleet.call(0).token().to_owned();
    assert_eq!(fleet.call(1).token(), old);
    fleet.world.emulator.invalidate_all();
    let new = fleet.call_of(0, &format!("wx_refresh_token($file, '{old}')")).token().to_owned();
    until("the other machine has it", || {
        let token = fleet.call(1).token().to_owned();
        assert!(token == old || token == new);
        fleet.stored(1) == new
    });
    assert_eq!(fleet.world.fetches(), 2);
}

#[test]
fn a_store_that_was_asked_in_vain_has_confirmed_nothing() {
    let mut fleet = Fleet::of(1);
    fleet.world.set("store_timeout", "0.1");
    let token = fleet.call(0).token().to_owned();
    // An idle minute.
    fs::remove_file(fleet.knowledge_file(0)).expect("it is there");
    fleet.redis.hang();
    assert_eq!(fleet.call(0).token(), token);
    let status = fleet.call_of(0, "json_encode(wx_token_status($file)['store'])");
    fleet.redis.go_on();
    let status: serde_json::Value = serde_json::from_str(status.token()).expect("JSON");
    assert_eq!(status["confirmed_at"], serde_json::Value::Null, "{status}");
    assert!(status["error"].as_str().is_some_and(|error| error.contains("did not")), "{status}");
}

#[test]
fn between_two_confirmations_a_hot_call_connects_to_nothing_and_starts_no_thread() {
    let fleet = Fleet::of(1);
    let token = fleet.call(0).token().to_owned();
    let code = format!(
        "{} $remember($argv[1]); $before = hrtime(true); \
         for ($i = 0; $i < 1000; $i++) {{ wx_get_token($argv[1]); }} \
         echo count(glob('/proc/self/task/*'));",
        wx_token_testing::php::REMEMBER
    );
    let before = fleet.redis.run(&["info", "stats"]);
    let threads =
        fleet.world.php().run(&code, &[fleet.machines[0].to_str().expect("a printable path")]);
    let after = fleet.redis.run(&["info", "stats"]);
    let connections = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("total_connections_received"));
        line.and_then(|line| line.trim().rsplit(':').next()?.parse::<u32>().ok()).expect("a count")
    };
    // The second `info` itself.
    assert_eq!(connections(&after) - connections(&before), 1);
    assert_eq!(threads, "1");
    assert_eq!(fleet.call(0).token(), token);
}

#[test]
fn a_store_that_has_lost_all_gets_its_token_back() {
    let mut fleet = Fleet::of(2);
    fleet.world.set("store_revalidate", "0.1");
    let token = fleet.call(0).token().to_owned();
    fleet.redis.run(&["flushall"]);
    until("the store has a token", || {
        assert_eq!(fleet.call(0).token(), token);
        !fleet.redis.run(&["keys", "*"]).is_empty()
    });
    assert_eq!(fleet.call(1).token(), token);
    assert_eq!(fleet.world.fetches(), 1);
}

#[test]
fn the_store_never_holds_a_token_or_a_secret_that_can_be_read() {
    let fleet = Fleet::with_options(1, Options::default());
    let token = fleet.call(0).token().to_owned();
    let key = fleet.redis.run(&["keys", "*"]);
    let content = fleet.redis.run(&["hgetall", &key]);
    assert!(content.contains("stamp"), "{content}");
    let secret = fleet.world.emulator.options().secret.clone();
    for hidden in [token.as_str(), &secret] {
        assert!(!key.contains(hidden) && !content.contains(hidden), "{key}: {content}");
    }
    let text = fs::read_to_string(fleet.knowledge_file(0)).expect("the machine's knowledge");
    assert!(!text.contains(&token) && !text.contains(&secret), "{text}");
}

#[test]
fn whoever_writes_to_the_store_cannot_plant_a_token() {
    let fleet = Fleet::of(2);
    let token = fleet.call(0).token().to_owned();
    let key = fleet.redis.run(&["keys", "*"]);
    fleet.redis.run(&["hset", &key, "tok", "planted-token", "tag", "0123456789abcdef"]);
    let answers = fleet.storm(2, GET);
    for answer in &answers {
        assert!(fleet.world.is_live(answer.token()));
    }
    assert_eq!(answers[0].token(), token, "the stable endpoint gives the same");
}
