//! What a client sees of each scripted fault.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wechat_emulator::{Cut, Effect, Emulator, Endpoint, Options, Step};

use crate::client::*;

/// An emulator with `script` queued.
fn scripted(script: Value) -> Emulator {
    let emulator = start(Options::default());
    emulator.script_json(script).unwrap();
    emulator
}

#[test]
fn an_errcode_comes_with_wechats_errmsg_or_a_given_one() {
    let emulator = scripted(json!([{"errcode": -1}, {"errcode": 40243, "errmsg": "frozen"}]));
    let answer = classic(&emulator);
    assert_eq!(answer["errcode"], -1);
    assert!(text(&answer, "errmsg").starts_with("system error rid: "));
    let given = json!({"errcode": 40243, "errmsg": "frozen"});
    assert_eq!(classic(&emulator), given);
    token(&classic(&emulator));
    let stats = emulator.stats();
    assert_eq!((stats.fetches.token, stats.minted.classic), (3, 1));
}

#[test]
fn an_errcode_is_a_string_where_the_script_says_so() {
    let emulator = scripted(json!([
        {"errcode": 40243, "errmsg": "frozen", "errcode_as_string": true},
        {"on": "gettoken", "errcode_as_string": true},
        {"on": "token", "errcode_as_string": true},
    ]));
    let given = json!({"errcode": "40243", "errmsg": "frozen"});
    assert_eq!(classic(&emulator), given);
    let answer = wecom(&emulator);
    assert_eq!(answer["errcode"], "0", "{answer}");
    token(&answer);
    let answer = classic(&emulator);
    assert_eq!(answer.get("errcode"), None, "{answer}");
    token(&answer);
    assert_eq!(wecom(&emulator)["errcode"], 0);
}

#[test]
fn a_post_without_a_length_gets_412_and_no_body() {
    let emulator = start(Options::default());
    let options = emulator.options();
    let body = json!({
        "grant_type": "client_credential",
        "appid": options.appid,
        "secret": options.secret,
    })
    .to_string();
    let chunk = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let post = |header: &str, body: &str| {
        let mut socket = TcpStream::connect(emulator.address()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let head = "POST /cgi-bin/stable_token HTTP/1.1\r\nHost: localhost\r\nConnection: close";
        write!(socket, "{head}\r\n{header}\r\n{body}").unwrap();
        String::from_utf8(read_to_end(socket)).unwrap()
    };
    for (header, body) in [("Transfer-Encoding: chunked\r\n", chunk.as_str()), ("", "")] {
        let answer = post(header, body);
        assert!(answer.starts_with("HTTP/1.1 412 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
    }
    assert_eq!(emulator.stats().minted.stable, 0);
    let answer = post(&format!("Content-Length: {}\r\n", body.len()), &body);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(emulator.stats().minted.stable, 1);
}

#[test]
fn status_and_body_are_sent_as_given() {
    let emulator = scripted(json!([
        {"status": 502, "body": "<html>bad gateway"},
        {"status": 500},
        {"body": "<html>garbage"},
    ]));
    let answer = || try_classic(&emulator).unwrap();
    assert_eq!(answer(), (502, "<html>bad gateway".to_owned()));
    assert_eq!(answer(), (500, String::new()));
    assert_eq!(answer(), (200, "<html>garbage".to_owned()));
}

#[test]
fn cut_before_closes_without_a_byte() {
    let emulator = start(Options::default());
    emulator.script(Effect::Cut(Cut::Before));
    assert_eq!(read_to_end(classic_socket(&emulator)), b"");
    emulator.script(Effect::Cut(Cut::Before));
    try_classic(&emulator).unwrap_err();
    assert_eq!(emulator.stats().minted.classic, 0);
    assert_eq!(emulator.stats().in_flight, 0);
}

#[test]
fn cut_half_sends_the_whole_length_and_half_the_body() {
    let emulator = start(Options::default());
    emulator.script(Effect::Cut(Cut::Half));
    let answer = String::from_utf8(read_to_end(classic_socket(&emulator))).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains("content-length: 194"), "{head}");
    assert_eq!(body.len(), 97);
    assert!(body.starts_with(r#"{"access_token":"EMU"#), "{body}");
    emulator.script(Effect::Cut(Cut::Half));
    try_classic(&emulator).unwrap_err();
    assert_eq!(emulator.stats().minted.classic, 2);
}

#[test]
fn endless_ends_only_when_the_client_disconnects() {
    let emulator = scripted(json!([{"endless": true}]));
    let mut socket = classic_socket(&emulator);
    let mut read = Vec::new();
    (&mut socket).take(1 << 20).read_to_end(&mut read).unwrap();
    assert_eq!(read.len(), 1 << 20);
    assert_eq!(emulator.stats().in_flight, 1);
    drop(socket);
    eventually("the fetch ends", || emulator.stats().in_flight == 0);
}

#[test]
fn drip_sends_the_real_answer_slowly() {
    let emulator = scripted(json!([{"drip_ms": 2}]));
    let started = Instant::now();
    token(&classic(&emulator));
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(193 * 2), "{took:?}");
    assert_eq!(emulator.stats().in_flight, 0);
}

#[test]
fn hang_never_answers() {
    let emulator = scripted(json!([{"hang": true}]));
    let mut socket = classic_socket(&emulator);
    let timeout = Duration::from_millis(200);
    socket.set_read_timeout(Some(timeout)).unwrap();
    socket.read_exact(&mut [0]).unwrap_err();
    assert_eq!(emulator.stats().in_flight, 1);
    socket.shutdown(Shutdown::Both).unwrap();
    eventually("the fetch ends", || emulator.stats().in_flight == 0);
}

#[test]
fn redirect_points_elsewhere() {
    let emulator = scripted(json!([{"redirect": "http://127.0.0.1:9/x"}]));
    let url = emulator.base_url() + &classic_path(&emulator.options());
    let response = agent().get(url).call().unwrap();
    assert_eq!(response.status(), 302);
    assert_eq!(response.headers()["location"], "http://127.0.0.1:9/x");
}

#[test]
fn values_of_the_real_answer_can_be_replaced() {
    let emulator = scripted(json!([
        {"expires_in": "7200"},
        {"expires_in": null},
        {"access_token": ""},
        {"on": "getticket", "access_token": 5},
    ]));
    let answer = classic(&emulator);
    assert_eq!(answer["expires_in"], "7200");
    assert!(emulator.check(token(&answer)).valid);
    assert_eq!(classic(&emulator)["expires_in"], Value::Null);
    assert_eq!(classic(&emulator)["access_token"], "");
    let path = format!("/cgi-bin/ticket/getticket?type=jsapi&access_token={}", token(&answer));
    assert_eq!(get(&emulator, &path)["ticket"], 5);
}

#[test]
fn a_delayed_answer_comes_later_but_its_token_was_created_first() {
    let emulator = scripted(json!([{"delay_ms": 300}]));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| (classic(&emulator), Instant::now()));
        eventually("the slow fetch arrives", || emulator.stats().in_flight == 1);
        let (quick, quick_at) = (classic(&emulator), Instant::now());
        let (slow, slow_at) = slow.join().unwrap();
        assert!(quick_at < slow_at);
        // The token that was created first is the one that was replaced.
        assert!(emulator.check(token(&slow)).seconds_left <= 300.0);
        assert!(emulator.check(token(&quick)).seconds_left > 7000.0);
    });
}

#[test]
fn a_step_waits_for_its_endpoint_and_ends_when_served_or_cleared() {
    let emulator = start(Options::default());
    emulator.script(Step {
        on: Some(Endpoint::StableToken),
        times: 2,
        effect: Effect::Body("x".to_owned()),
        ..Step::default()
    });
    token(&classic(&emulator));
    let stable_text = || {
        let url = format!("{}/cgi-bin/stable_token", emulator.base_url());
        try_send("POST", &url, "{}").unwrap().1
    };
    assert_eq!(stable_text(), "x");
    assert_eq!(stable_text(), "x");
    assert_ne!(stable_text(), "x");

    emulator.script_json(json!([{"times": 0, "body": "y"}])).unwrap();
    for _ in 0..3 {
        assert_eq!(stable_text(), "y");
    }
    emulator.clear_script();
    assert_ne!(stable_text(), "y");
}
