//! The emulator's own API.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wechat_emulator::{Emulator, Options, Stats};

use crate::client::*;

fn control(emulator: &Emulator, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    send(method, &format!("{}/emulator{path}", emulator.base_url()), &body)
}

fn done(emulator: &Emulator, method: &str, path: &str, body: &Value) {
    let answer = control(emulator, method, path, body);
    assert_eq!(answer, (200, json!({"ok": true})), "{method} {path}");
}

#[test]
fn stats_have_the_documented_shape_and_leave_control_calls_out() {
    let emulator = start(Options { latency: Duration::from_millis(500), ..Options::default() });
    classic(&emulator);
    stable(&emulator, true);
    let started = Instant::now();
    let (_, stats) = control(&emulator, "GET", "/stats", &Value::Null);
    assert!(started.elapsed() < Duration::from_millis(400));
    assert_eq!(
        stats,
        json!({
            "fetches": {
                "token": 1, "stable_token": 1, "gettoken": 0,
                "getticket": 0, "get_jsapi_ticket": 0, "ticket/get": 0,
            },
            "forced": 1,
            "minted": {"classic": 1, "stable": 1, "wecom": 0, "ticket": 0},
            "in_flight": 0,
            "max_in_flight": 1,
            "tokens_alive": 2,
            "api": {"accepted": 0, "refused": 0},
            "connections": 2,
        })
    );
    let typed: Stats = serde_json::from_value(stats).unwrap();
    assert_eq!(typed, emulator.stats());
    assert_eq!(typed.fetches.total(), 2);
}

#[test]
fn reset_keeps_tokens_and_forget_does_not() {
    let emulator = start(Options { stable_daily_quota: 3, ..Options::default() });
    let first = stable(&emulator, false);
    done(&emulator, "POST", "/reset", &Value::Null);
    assert_eq!(emulator.stats().fetches.total(), 0);
    assert_eq!(emulator.stats().connections, 0);
    assert_eq!(token(&stable(&emulator, false)), token(&first));
    stable(&emulator, false);
    assert_eq!(stable(&emulator, false)["errcode"], 45009);

    done(&emulator, "POST", "/forget", &Value::Null);
    assert_eq!(emulator.stats(), Stats::default());
    assert_eq!(emulator.check(token(&first)).errcode, 40014);
    assert_ne!(token(&stable(&emulator, false)), token(&first));
}

#[test]
fn scripts_are_queued_cleared_and_rejected_by_key() {
    let emulator = start(Options::default());
    let script = json!([{"errcode": -1}, {"times": 0, "errcode": 50004}]);
    let queued = control(&emulator, "POST", "/script", &script);
    assert_eq!(queued, (200, json!({"queued": 2})));
    assert_eq!(classic(&emulator)["errcode"], -1);
    assert_eq!(classic(&emulator)["errcode"], 50004);
    assert_eq!(classic(&emulator)["errcode"], 50004);
    done(&emulator, "DELETE", "/script", &Value::Null);
    token(&classic(&emulator));

    let wrong = json!([{"errcode": -1}, {"errcod": -1}]);
    let (status, answer) = control(&emulator, "POST", "/script", &wrong);
    assert_eq!(status, 400);
    assert!(text(&answer, "error").contains("step 2: unknown field `errcod`"), "{answer}");
    token(&classic(&emulator));
}

#[test]
fn options_change_at_once_and_unknown_ones_are_named() {
    let emulator = start(Options::default());
    let patch = json!({
        "latency_ms": 300, "lifetime": 2.5, "secret": "x", "daily_quota": 1,
        "allow_ip": ["127.0.0.1"],
    });
    done(&emulator, "PATCH", "/options", &patch);
    assert_eq!(emulator.options().secret, "x");
    let started = Instant::now();
    assert_eq!(classic(&emulator)["expires_in"], 2);
    assert!(started.elapsed() >= Duration::from_millis(300));
    assert_eq!(classic(&emulator)["errcode"], 45009);

    let unknown = json!({"lifetime": 1, "appids": "x"});
    let (status, answer) = control(&emulator, "PATCH", "/options", &unknown);
    assert_eq!(status, 400);
    assert!(text(&answer, "error").contains("`appids`"), "{answer}");
    assert_eq!(emulator.options().lifetime, Duration::from_millis(2500));
}

#[test]
fn expire_and_invalidate_by_kind_and_check_tells() {
    let emulator = start(Options::default());
    let check = |answer: &Value| {
        let asked = json!({"access_token": token(answer)});
        control(&emulator, "POST", "/check", &asked).1
    };
    let (old, corp, kept) = (classic(&emulator), wecom(&emulator), stable(&emulator, false));
    let verdict = check(&old);
    assert_eq!((&verdict["valid"], &verdict["errcode"]), (&json!(true), &json!(0)));
    assert!(verdict["seconds_left"].as_f64().unwrap() > 7190.0);

    done(&emulator, "POST", "/expire", &json!({"kind": "classic"}));
    let expired = json!({"valid": false, "errcode": 42001, "seconds_left": 0.0});
    assert_eq!(check(&old), expired);
    assert_eq!(check(&corp)["errcode"], 0);
    done(&emulator, "POST", "/invalidate", &Value::Null);
    assert_eq!(check(&corp)["errcode"], 40001);
    assert_eq!(check(&kept)["errcode"], 40001);
    assert_eq!(token(&stable(&emulator, false)), token(&kept));
    assert_ne!(token(&stable(&emulator, true)), token(&kept));
    assert_eq!(check(&json!({"access_token": "x"}))["errcode"], 40014);
    assert_eq!(emulator.stats().api.accepted, 0);
}

#[test]
fn the_handle_invalidates_everything_too() {
    let emulator = start(Options::default());
    let answer = wecom(&emulator);
    emulator.invalidate_all();
    assert_eq!(emulator.check(token(&answer)).errcode, 40001);
    emulator.reset();
    assert_eq!(emulator.stats().minted.wecom, 0);
    emulator.forget();
    assert_eq!(emulator.check(token(&answer)).errcode, 40014);
}

#[test]
fn a_call_that_it_does_not_understand_is_rejected_with_the_reason() {
    let emulator = start(Options::default());
    let kind = json!({"kind": "unstable"});
    let unknown = "unknown control path";
    for (method, path, body, status, reason) in [
        ("POST", "/expire", &kind, 400, "unknown variant `unstable`"),
        ("POST", "/check", &json!({"token": "x"}), 400, "unknown field `token`"),
        ("POST", "/check", &Value::Null, 400, "the body is not JSON: EOF"),
        ("POST", "/script", &json!({}), 400, "a script is a JSON array of steps"),
        ("PATCH", "/options", &json!([]), 400, "expected a JSON object of options"),
        ("POST", "/stats", &Value::Null, 404, &format!("{unknown} POST /emulator/stats")),
        ("GET", "/tokens", &Value::Null, 404, &format!("{unknown} GET /emulator/tokens")),
    ] {
        let answer = control(&emulator, method, path, body);
        assert_eq!(answer.0, status, "{answer:?}");
        assert!(text(&answer.1, "error").starts_with(reason), "{answer:?}");
    }
    let url = format!("{}/emulator/check", emulator.base_url());
    let (status, answer) = send("POST", &url, "access_token=EMU");
    assert_eq!(status, 400);
    let error = text(&answer, "error");
    assert_eq!(error, "the body is not JSON: expected value at line 1 column 1");
}
