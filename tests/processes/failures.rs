//! A failed refresh: shared by all who waited, not repeated before its time, and without loss (I6).

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::php::Answer;
use wx_token_testing::{World, print_waits};

fn storm(world: &World, what: &str) -> Vec<Answer> {
    let answers = world.callers(32).release();
    print_waits(what, &answers);
    answers
}

/// A storm on an expired file, in which the one fetch fails.
fn failing_source(world: &World, what: &str, reason: &str) {
    let old = world.write_expired();
    let answers = storm(world, what);
    for answer in &answers {
        assert_eq!(answer.class(), "WxToken\\NetworkException", "{}", answer.message());
        assert!(answer.message().contains(reason), "{}", answer.message());
        assert!(answer.property("retryAt").as_u64().is_some_and(|at| at > 0));
    }
    let (old, mut now) =
        (serde_json::from_str::<serde_json::Value>(&old).expect("JSON"), world.stored());
    let record = now.as_object_mut().and_then(|members| members.remove("wx_token"));
    assert!(record.is_some_and(|record| record["failures"] == 1), "one failure, recorded once");
    assert_eq!(now, old, "token and expiry are as they were");
    assert_eq!(world.names(), ["token.json"]);
}

#[test]
fn a_wrong_secret_costs_one_fetch_for_all_who_wait_and_none_until_retry_at() {
    let mut world = World::slow();
    let right = wechat_emulator::Options::default().secret;
    world.set("secret", "00000000000000000000000000000000");
    world.write_expired();

    for wave in ["first wave", "second wave, before retry_at"] {
        for answer in storm(&world, wave) {
            assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
            assert_eq!(answer.property("code"), 40125);
            let advice = "). Check the AppSecret: perhaps it was reset in WeChat's console; next attempt in ";
            assert!(answer.message().contains(advice), "{}", answer.message());
            let hint = " s, or at once with another appid or secret";
            assert!(answer.message().ends_with(hint), "{}", answer.message());
        }
        assert_eq!(world.fetches(), 1, "{wave}");
    }

    world.set("secret", &right);
    let token = world.call().token().to_owned();
    assert_eq!(world.fetches(), 2, "a corrected secret is tried at once");
    assert!(world.is_live(&token));
    assert!(world.stored().get("wx_token").is_none(), "the record goes with the failure");
}

#[test]
fn a_blocked_address_is_named_in_the_message() {
    let blocked = "192.0.2.1".parse().expect("an address");
    let world = World::new(Options { allow_ip: vec![blocked], ..Options::default() });
    let answer = world.call();
    assert_eq!(answer.property("code"), 40164);
    assert!(
        answer.message().contains("Add 127.0.0.1 to the account's IP whitelist"),
        "{}",
        answer.message()
    );
}

#[test]
fn a_refused_connection_is_tried_three_times_and_then_fails_for_all_callers() {
    let mut world = World::slow();
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    world.set("api_base", &format!("http://{}", port.expect("a free port")));
    failing_source(&world, "refused connection", "cannot connect");
}

#[test]
fn a_source_that_never_answers_ends_at_the_time_limit_for_all_callers() {
    let mut world = World::slow();
    world.set("timeout", "0.7");
    world.emulator.script_json(json!([{"hang": true}])).expect("a script");
    failing_source(&world, "black hole, limit 700 ms", "did not answer within 0.7 s");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_connection_that_is_never_accepted_ends_at_the_connect_limit() {
    let mut world = World::slow();
    // A full backlog: further connections get no answer at all.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    let mut crowd = Vec::new();
    while let Ok(stream) =
        std::net::TcpStream::connect_timeout(&address, std::time::Duration::from_millis(200))
    {
        crowd.push(stream);
    }
    world.set("api_base", &format!("http://{address}"));
    world.set("connect_timeout", "0.2");
    world.set("timeout", "2");
    failing_source(&world, "no accept, limit 200 ms", "cannot connect");
}

#[test]
fn http_500_fails() {
    let world = World::slow();
    world.emulator.script_json(json!([{"status": 500}])).expect("a script");
    failing_source(&world, "HTTP 500", "HTTP status 500");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_redirect_is_not_followed() {
    let world = World::slow();
    let elsewhere = format!("{}/cgi-bin/token", world.emulator.base_url());
    world.emulator.script_json(json!([{"redirect": elsewhere}])).expect("a script");
    failing_source(&world, "redirect", "HTTP status 302");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn garbage_fails() {
    let world = World::slow();
    world.emulator.script_json(json!([{"body": "<html>gateway</html>"}])).expect("a script");
    failing_source(&world, "garbage", "not a JSON object");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn an_endless_body_is_cut_off() {
    let world = World::slow();
    world.emulator.script_json(json!([{"endless": true}])).expect("a script");
    failing_source(&world, "endless body", "larger than 64 KiB");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn an_answer_that_breaks_off_fails_without_another_attempt() {
    let world = World::slow();
    world.emulator.script_json(json!([{"cut": "half"}])).expect("a script");
    failing_source(&world, "cut half-way", "broke off");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_connection_that_is_closed_without_an_answer_fails() {
    let world = World::slow();
    world.emulator.script_json(json!([{"cut": "before"}])).expect("a script");
    failing_source(&world, "cut before the answer", "broke off");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_slow_body_ends_at_the_time_limit() {
    let mut world = World::slow();
    world.set("timeout", "0.7");
    world.emulator.script_json(json!([{"drip_ms": 50}])).expect("a script");
    failing_source(&world, "slow drip, limit 700 ms", "did not answer within 0.7 s");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn an_invalid_token_is_rejected() {
    for step in [
        json!({"access_token": "line\nbreak"}),
        json!({"access_token": ""}),
        json!({"access_token": 5}),
        json!({"expires_in": 0}),
        json!({"expires_in": "soon"}),
    ] {
        let world = World::new(Options::default());
        world.emulator.script_json(json!([step])).expect("a script");
        let reason = format!("the answer of {} is unusable: ", world.emulator.base_url());
        failing_source(&world, "unusable answer", &reason);
    }
}

#[test]
fn a_busy_wechat_is_asked_again_within_one_refresh() {
    let world = World::new(Options::default());
    world.write_expired();
    world.emulator.script_json(json!([{"errcode": -1, "times": 2}])).expect("a script");
    let answers = storm(&world, "busy twice");
    assert_eq!(world.fetches(), 3);
    world.assert_one_live_token(&answers);
}

#[test]
fn after_a_failure_the_next_call_recovers_at_retry_at() {
    let world = World::new(Options::default());
    world.write_expired();
    world.emulator.script_json(json!([{"status": 502}])).expect("a script");
    assert_eq!(world.call().class(), "WxToken\\NetworkException");
    world.prolong_pause();
    assert_eq!(world.call().class(), "WxToken\\NetworkException");
    assert_eq!(world.fetches(), 1, "not before retry_at");
    world.end_pause();
    let token = world.call().token().to_owned();
    assert!(world.is_live(&token));
    assert_eq!(world.fetches(), 2);
}

#[test]
fn errcode_45009_is_the_limit_per_minute_until_it_comes_again_a_minute_later() {
    let options = Options { stable_minute_quota: 0, minute_errcode: 45009, ..Options::default() };
    let world = World::new(options);
    world.write_expired();
    let retry_at = |answer: &Answer| answer.property("retryAt").as_u64().expect("a time");
    let first = world.call();
    assert_eq!(first.property("code"), 45009, "{}", first.message());
    let asked = world.stored()["wx_token"]["failed_at_ms"].as_u64().expect("a time") / 1000;
    assert_eq!(retry_at(&first), (asked / 60 + 1) * 60, "the minute's limit, perhaps");

    world.end_pause();
    let second = world.call();
    let asked = world.stored()["wx_token"]["failed_at_ms"].as_u64().expect("a time");
    let waits = world.stored()["wx_token"]["retry_at_ms"].as_u64().expect("a time") - asked;
    assert_eq!(waits, 3_600_000, "{}", second.message());
    assert_eq!(world.fetches(), 2);

    world.end_pause();
    world.emulator.change(|options| options.stable_minute_quota = 100);
    let answer = world.call();
    assert!(world.is_live(answer.token()));
}

#[test]
fn an_errcode_that_is_a_string_counts_as_its_number() {
    let world = World::new(Options::default());
    world.write_expired();
    let refusal = json!([{"errcode": 40125, "errcode_as_string": true}]);
    world.emulator.script_json(refusal).expect("a script");
    let answer = world.call();
    assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
    assert_eq!(answer.property("code"), 40125);
}
