//! The answers of each endpoint, to good and to bad requests.

use std::net::{IpAddr, Ipv4Addr};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use wechat_emulator::{Emulator, Error, Kind, Options};

use crate::client::*;

/// Gets `path`, and expects WeChat's error: its errcode, and the beginning of its errmsg.
fn assert_error(emulator: &Emulator, path: &str, errcode: i64, errmsg: &str) {
    let answer = get(emulator, path);
    assert_eq!(answer["errcode"], errcode, "{path}: {answer}");
    let message = text(&answer, "errmsg");
    assert!(message.starts_with(errmsg), "{path}: {message}");
}

#[test]
fn token_success_has_no_errcode() {
    let emulator = start(Options::default());
    let answer = classic(&emulator);
    assert_eq!(answer.as_object().unwrap().len(), 2);
    assert_eq!(token(&answer).len(), 157);
    assert_eq!(answer["expires_in"], 7200);
    assert_ne!(token(&answer), token(&classic(&emulator)));
}

#[test]
fn token_names_what_is_wrong_with_a_request() {
    let emulator = start(Options::default());
    let (appid, secret) = (emulator.options().appid, emulator.options().secret);
    let upper = appid.to_uppercase();
    let call = |query: String| format!("/cgi-bin/token?{query}");
    let grant = "grant_type=client_credential";
    for (query, errcode, errmsg) in [
        (format!("{grant}&secret={secret}"), 41002, "appid missing rid: "),
        (format!("{grant}&appid=&secret={secret}"), 41002, "appid missing"),
        (format!("{grant}&appid={appid}"), 41004, "appsecret missing rid: "),
        (format!("appid={appid}&secret={secret}"), 40002, "invalid grant_type rid: "),
        (format!("grant_type=x&appid={appid}&secret={secret}"), 40002, "invalid grant_type"),
        (format!("{grant}&appid={upper}&secret={secret}"), 40013, "invalid appid rid: "),
        (format!("{grant}&appid={appid}&secret=x"), 40125, "invalid appsecret rid: "),
    ] {
        assert_error(&emulator, &call(query), errcode, errmsg);
    }
    let answer = post(&emulator, &classic_path(&emulator.options()), &json!({}));
    assert_eq!(answer["errcode"], 43001);
    assert_eq!(emulator.stats().minted.classic, 0);
}

#[test]
fn an_ip_outside_the_list_is_named() {
    let emulator = start(Options {
        allow_ip: vec![IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2))],
        ..Options::default()
    });
    let official = "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist rid: ";
    assert_error(&emulator, &classic_path(&emulator.options()), 40164, official);
    assert_eq!(stable(&emulator, false)["errcode"], 40164);
    let wecom = "not allow to access from your ip, hint: [";
    assert_error(&emulator, &wecom_path(&emulator.options()), 60020, wecom);
    emulator.change(|options| options.allow_ip.push(Ipv4Addr::LOCALHOST.into()));
    token(&classic(&emulator));
}

#[test]
fn quotas_end_in_45009_and_45011() {
    let emulator = start(Options { daily_quota: 2, stable_minute_quota: 1, ..Options::default() });
    classic(&emulator);
    classic(&emulator);
    let path = classic_path(&emulator.options());
    assert_error(&emulator, &path, 45009, "reach max api daily quota limit rid: ");
    stable(&emulator, false);
    let answer = stable(&emulator, false);
    assert_eq!(answer["errcode"], 45011);
    let limit = "api minute-quota reach limit must slower retry next minute rid: ";
    assert!(text(&answer, "errmsg").starts_with(limit));
}

#[test]
fn the_minutes_quota_can_have_the_errcode_of_the_days() {
    let options = Options { stable_minute_quota: 1, minute_errcode: 45009, ..Options::default() };
    let emulator = start(options);
    stable(&emulator, false);
    assert_eq!(stable(&emulator, false)["errcode"], 45009);
}

#[test]
fn stable_token_repeats_its_token_with_the_lifetime_left() {
    let emulator = start(Options {
        lifetime: Duration::from_secs(3),
        renewal: Duration::from_secs(1),
        ..Options::default()
    });
    let first = stable(&emulator, false);
    assert_eq!(first["expires_in"], 3);
    thread::sleep(Duration::from_millis(50));
    let again = stable(&emulator, false);
    assert_eq!((token(&again), &again["expires_in"]), (token(&first), &json!(2)));
    thread::sleep(Duration::from_millis(2000));
    let renewed = stable(&emulator, false);
    assert_ne!(token(&renewed), token(&first));
    assert_eq!(renewed["expires_in"], 3);
    assert!(emulator.check(token(&first)).valid);
    assert_eq!(emulator.stats().minted.stable, 2);
}

#[test]
fn stable_token_force_refreshes_now_and_then() {
    let emulator =
        start(Options { force_interval: Duration::from_millis(300), ..Options::default() });
    let first = stable(&emulator, false);
    let forced = stable(&emulator, true);
    assert_ne!(token(&forced), token(&first));
    assert_eq!(emulator.check(token(&first)).errcode, 40001);
    assert_eq!(token(&stable(&emulator, true)), token(&forced));
    thread::sleep(Duration::from_millis(300));
    assert_ne!(token(&stable(&emulator, true)), token(&forced));
    assert_eq!(emulator.stats().forced, 3);
}

#[test]
fn stable_token_requires_a_post_with_a_json_body() {
    let emulator = start(Options::default());
    let required = "require POST method rid: ";
    assert_error(&emulator, "/cgi-bin/stable_token", 43002, required);
    let url = format!("{}/cgi-bin/stable_token", emulator.base_url());
    for body in ["", "appid=a&secret=b", "[1]", r#"{"force_refresh":"yes"}"#] {
        let (status, answer) = send("POST", &url, body);
        assert_eq!((status, &answer["errcode"]), (200, &json!(47001)), "{body}");
    }
    for (body, errcode) in [
        (json!({}), 41002),
        (json!({"appid": "a"}), 41004),
        (json!({"appid": "a", "secret": "b"}), 40002),
        (json!({"appid": "a", "secret": "b", "grant_type": "client_credential"}), 40013),
        (
            json!({
                "appid": emulator.options().appid,
                "secret": "b",
                "grant_type": "client_credential",
            }),
            40125,
        ),
    ] {
        let answer = post(&emulator, "/cgi-bin/stable_token", &body);
        assert_eq!(answer["errcode"], errcode, "{body}");
    }
}

#[test]
fn getticket_requires_a_valid_token() {
    let emulator = start(Options::default());
    let call =
        |token: &str, query: &str| format!("/cgi-bin/ticket/getticket?access_token={token}{query}");
    let old = classic(&emulator);
    let mut tickets = Vec::new();
    for query in ["&type=jsapi", "&type=wx_card", "&type=jsapi"] {
        let answer = get(&emulator, &call(token(&old), query));
        assert_eq!(answer["errcode"], 0);
        assert_eq!(answer["errmsg"], "ok");
        assert_eq!(answer["expires_in"], 7200);
        tickets.push(text(&answer, "ticket").to_owned());
    }
    tickets.sort();
    tickets.dedup();
    assert_eq!(tickets.len(), 3);
    assert_error(&emulator, &call(token(&old), ""), 40097, "invalid args rid: ");
    assert_error(&emulator, &call(token(&old), "&type=agent_config"), 40097, "invalid args");
    let missing = "/cgi-bin/ticket/getticket?type=jsapi";
    assert_error(&emulator, missing, 41001, "access_token missing rid: ");
    assert_error(&emulator, &call("EMU", "&type=jsapi"), 40014, "invalid access_token rid: ");
    let foreign = wecom(&emulator);
    let foreign = call(token(&foreign), "&type=jsapi");
    assert_error(&emulator, &foreign, 40014, "invalid access_token");

    emulator.invalidate(Kind::Classic);
    let invalidated = "invalid credential, access_token is invalid or not latest, could get access_token \
                by getStableAccessToken";
    assert_error(&emulator, &call(token(&old), "&type=jsapi"), 40001, invalidated);
    let new = classic(&emulator);
    emulator.expire(Kind::Classic);
    let expired = "access_token expired rid: ";
    assert_error(&emulator, &call(token(&new), "&type=jsapi"), 42001, expired);
    assert_eq!(emulator.stats().minted.ticket, 3);
    assert_eq!(emulator.stats().fetches.getticket, 10);
}

#[test]
fn wecom_has_its_own_tokens_tickets_and_wording() {
    let emulator = start(Options::default());
    let first = wecom(&emulator);
    assert_eq!((&first["errcode"], &first["errmsg"]), (&json!(0), &json!("ok")));
    assert_eq!(first["expires_in"], 7200);
    assert_eq!(token(&first), token(&wecom(&emulator)));

    let (corpid, corpsecret) = (emulator.options().corpid, emulator.options().corpsecret);
    for (query, errcode, errmsg) in [
        (format!("corpsecret={corpsecret}"), 41002, "corpid missing, hint: ["),
        (format!("corpid=&corpsecret={corpsecret}"), 41002, "corpid missing, hint: ["),
        (format!("corpid={corpid}"), 41004, "corpsecret missing, hint: ["),
        (format!("corpid=x&corpsecret={corpsecret}"), 40013, "invalid corpid, hint: ["),
        (format!("corpid={corpid}&corpsecret=x"), 40001, "invalid credential, hint: ["),
    ] {
        let path = format!("/cgi-bin/gettoken?{query}");
        assert_error(&emulator, &path, errcode, errmsg);
        let link = format!(
            ", from ip: 127.0.0.1, more info at \
             https://open.work.weixin.qq.com/devtool/query?e={errcode}"
        );
        assert!(text(&get(&emulator, &path), "errmsg").ends_with(&link));
    }

    let token = token(&first);
    let corp_ticket = format!("/cgi-bin/get_jsapi_ticket?access_token={token}");
    let app_ticket = format!("/cgi-bin/ticket/get?access_token={token}&type=");
    for path in [corp_ticket.clone(), format!("{app_ticket}agent_config")] {
        let answer = get(&emulator, &path);
        assert_eq!((&answer["errcode"], &answer["expires_in"]), (&json!(0), &json!(7200)));
        text(&answer, "ticket");
    }
    assert_error(&emulator, &format!("{app_ticket}jsapi"), 40097, "invalid args, hint: [");
    let official = classic(&emulator);
    let official =
        format!("/cgi-bin/get_jsapi_ticket?access_token={}", crate::client::token(&official));
    assert_error(&emulator, &official, 40014, "invalid access_token, hint: [");
    emulator.expire(Kind::Wecom);
    assert_error(&emulator, &corp_ticket, 42001, "access_token expired, hint: [");
}

#[test]
fn an_ordinary_api_checks_the_tokens_of_both_services() {
    let emulator = start(Options::default());
    let call = |token: &str| format!("/cgi-bin/get_api_domain_ip?access_token={token}");
    let official = classic(&emulator);
    let corp = wecom(&emulator);
    assert_eq!(get(&emulator, &call(token(&official))), json!({"ip_list": ["127.0.0.1"]}));
    assert_eq!(
        get(&emulator, &call(token(&corp))),
        json!({"ip_list": ["127.0.0.1"], "errcode": 0, "errmsg": "ok"})
    );
    assert_error(&emulator, "/cgi-bin/get_api_domain_ip", 41001, "access_token missing rid: ");
    assert_error(&emulator, &call("x"), 40014, "invalid access_token rid: ");
    emulator.expire_all();
    assert_error(&emulator, &call(token(&official)), 42001, "access_token expired rid: ");
    assert_error(&emulator, &call(token(&corp)), 42001, "access_token expired, hint: [");
    let stats = emulator.stats();
    assert_eq!((stats.api.accepted, stats.api.refused), (2, 4));
}

#[test]
fn a_replaced_classic_token_works_through_the_overlap() {
    let emulator = start(Options { overlap: Duration::from_millis(200), ..Options::default() });
    let first = classic(&emulator);
    classic(&emulator);
    let verdict = emulator.check(token(&first));
    assert!(verdict.valid && verdict.seconds_left <= 0.2, "{verdict:?}");
    thread::sleep(Duration::from_millis(200));
    assert_eq!(emulator.check(token(&first)).errcode, 40001);
    assert_eq!(emulator.stats().tokens_alive, 1);
}

#[test]
fn an_unknown_path_is_404() {
    let emulator = start(Options::default());
    let url = format!("{}/cgi-bin/menu/get", emulator.base_url());
    assert_eq!(try_send("GET", &url, "").unwrap().0, 404);
}

#[test]
fn a_hundred_and_twenty_eight_fetches_wait_their_latency_together() {
    let emulator = start(Options { latency: Duration::from_millis(400), ..Options::default() });
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..128 {
            scope.spawn(|| token(&stable(&emulator, false)).to_owned());
        }
    });
    let took = started.elapsed();
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert!(took < Duration::from_secs(4), "{took:?}");
    let stats = emulator.stats();
    assert_eq!((stats.fetches.stable_token, stats.minted.stable), (128, 1));
    assert!(stats.max_in_flight > 64, "{stats:?}");
    assert_eq!((stats.in_flight, stats.connections), (0, 128));
}

#[test]
fn fetches_one_after_another_are_never_in_flight_together() {
    let emulator = start(Options::default());
    for _ in 0..200 {
        classic(&emulator);
    }
    assert_eq!(emulator.stats().max_in_flight, 1);
}

#[test]
fn only_loopback_and_lengths_in_range_are_accepted() {
    let public = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::default() };
    let error = Emulator::start(public).unwrap_err();
    assert!(matches!(error, Error::NotLoopback(_)), "{error}");
    let short = Options { token_length: 18, ..Options::default() };
    let error = Emulator::start(short).unwrap_err();
    assert!(matches!(error, Error::TokenLength(18)), "{error}");
    let taken = Options { listen: start(Options::default()).address(), ..Options::default() };
    let first = start(taken.clone());
    assert_eq!(first.address(), taken.listen);
    let error = Emulator::start(taken).unwrap_err();
    assert!(matches!(error, Error::Listen { .. }), "{error}");
}

#[test]
fn dropping_it_closes_its_port_and_its_connections() {
    let emulator = start(Options::default());
    let address = emulator.address();
    emulator.script_json(json!([{"hang": true}])).unwrap();
    let socket = classic_socket(&emulator);
    eventually("the fetch arrives", || emulator.stats().in_flight == 1);
    drop(emulator);
    assert_eq!(read_to_end(socket), b"");
    assert!(std::net::TcpStream::connect(address).is_err());
}
