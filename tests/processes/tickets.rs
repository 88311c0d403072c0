//! Tickets, and WeCom: the same promises for a second file that needs the first.

use serde_json::json;
use wechat_emulator::{Kind, Options};
use wx_token_testing::php::Answer;
use wx_token_testing::{World, now, print_waits};

const TICKET: &str = "wx_get_ticket(\"$file.ticket\", $file)";

fn ticket_file(world: &World) -> serde_json::Value {
    let text = std::fs::read(world.file().with_extension("json.ticket")).expect("a ticket file");
    serde_json::from_slice(&text).expect("JSON")
}

fn wecom() -> World {
    let mut world = World::slow();
    let Options { corpid, corpsecret, .. } = Options::default();
    world.set("appid", &corpid);
    world.set("secret", &corpsecret);
    world.set("endpoint", "wecom");
    world
}

fn assert_one_ticket(world: &World, answers: &[Answer], key: &str) {
    let file = ticket_file(world);
    for answer in answers {
        assert_eq!(answer.token(), file[key]);
    }
    assert!(file["expire"].as_u64().is_some_and(|expiry| expiry > now() + 7000));
    assert_eq!(world.names(), ["token.json", "token.json.ticket"]);
}

#[test]
fn thirty_two_callers_without_ticket_and_token_make_one_fetch_of_each() {
    let world = World::slow();
    let answers = world.callers_of(TICKET, 32).release();
    print_waits("ticket and token missing", &answers);
    let stats = world.emulator.stats();
    assert_eq!((stats.fetches.getticket, stats.fetches.stable_token), (1, 1));
    assert_one_ticket(&world, &answers, "jsapi_ticket");
}

#[test]
fn a_rejected_token_is_replaced_once_for_all_tickets() {
    let world = World::slow();
    let rejected = world.write_live(7000);
    world.emulator.invalidate(Kind::Stable);
    let answers = world.callers_of(TICKET, 16).release();
    let stats = world.emulator.stats();
    assert_eq!(stats.fetches.getticket, 2, "refused once, then had");
    assert_eq!((stats.fetches.stable_token, stats.forced), (2, 1));
    assert_one_ticket(&world, &answers, "jsapi_ticket");
    assert_ne!(world.stored()["access_token"], rejected.as_str());
}

#[test]
fn a_ticket_that_is_still_rejected_is_a_failure_and_not_a_loop() {
    let world = World::slow();
    let step = json!({"on": "getticket", "times": 0, "errcode": 40001});
    world.emulator.script_json(json!([step])).expect("a script");
    for answer in world.callers_of(TICKET, 8).release() {
        assert_eq!(answer.class(), "WxToken\\ApiException");
        assert_eq!(answer.property("code"), 40001);
        let advice = "). Another program replaced the access token: stop it, or use the endpoint \"stable\"; ";
        assert!(answer.message().contains(advice), "{}", answer.message());
    }
    let fetches = world.emulator.stats().fetches;
    assert_eq!((fetches.getticket, fetches.stable_token), (2, 3), "the token, and its replacement");
}

#[test]
fn a_failure_to_get_the_token_names_the_token_file() {
    let mut world = World::slow();
    world.set("secret", "00000000000000000000000000000000");
    for answer in world.callers_of(TICKET, 16).release() {
        assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
        assert_eq!(answer.property("code"), 40125);
        assert_eq!(answer.property("tokenFile"), world.file().to_str().expect("a path"));
    }
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_due_ticket_is_refreshed_in_the_background() {
    let world = World::slow();
    world.write_live(7000);
    let due = json!({"jsapi_ticket": "due", "expire": now() + 100}).to_string();
    std::fs::write(world.file().with_extension("json.ticket"), due).expect("a ticket file");
    for answer in world.callers_of(TICKET, 16).release() {
        assert!(answer.token() == "due" || answer.token() == ticket_file(&world)["jsapi_ticket"]);
    }
    assert_eq!(world.emulator.stats().fetches.getticket, 1);
    assert_ne!(ticket_file(&world)["jsapi_ticket"], "due");
}

#[test]
fn each_ticket_type_has_its_own_key_and_files_are_not_mixed_up() {
    let world = World::slow();
    let call = "wx_get_ticket(\"$file.ticket\", $file, 'wx_card')";
    let answers = world.callers_of(call, 4).release();
    assert_one_ticket(&world, &answers, "wx_card_ticket");
    let mixed_up = world.call_of(TICKET);
    assert_eq!(mixed_up.class(), "WxToken\\FileException");
    let swapped = world.call_of("wx_get_ticket($file, \"$file.ticket\")");
    assert_eq!(swapped.class(), "WxToken\\FileException", "a token file is no ticket file");
    for (call, problem) in [
        ("wx_get_ticket($file, $file)", "must not be the same file as $tokenFile"),
        (
            "wx_get_ticket(\"$file.x\", $file, 'card')",
            "must be \"jsapi\", \"wx_card\" or \"agent_config\" (WeCom only)",
        ),
        ("wx_get_ticket(\"$file.x\", $file, '')", "must not be empty"),
    ] {
        let answer = world.call_of(call);
        assert_eq!(answer.class(), "ValueError");
        assert!(answer.message().contains(problem), "{}", answer.message());
    }
}

#[test]
fn wecom_has_tokens_and_both_its_tickets() {
    let world = wecom();
    let answers = world.callers(16).release();
    world.assert_one_live_token(&answers);
    assert_eq!(world.emulator.stats().fetches.gettoken, 1);
    let answers = world.callers_of(TICKET, 8).release();
    assert_one_ticket(&world, &answers, "jsapi_ticket");
    std::fs::remove_file(world.file().with_extension("json.ticket")).expect("a ticket file");
    let call = "wx_get_ticket(\"$file.ticket\", $file, 'agent_config')";
    let answers = world.callers_of(call, 8).release();
    assert_one_ticket(&world, &answers, "agent_config_ticket");
    let fetches = world.emulator.stats().fetches;
    assert_eq!((fetches.get_jsapi_ticket, fetches.ticket_get, fetches.gettoken), (1, 1, 1));
    let wrong = world.call_of("wx_get_ticket(\"$file.x\", $file, 'wx_card')");
    assert_eq!(wrong.class(), "WxToken\\ConfigException");
    assert_eq!(
        wrong.message(),
        "the ticket type \"wx_card\" does not exist for endpoint \"wecom\". Use \"jsapi\" or \"agent_config\", or change the endpoint"
    );
}

#[test]
fn wecom_options_have_names_of_their_own() {
    let world = World::slow().without_account();
    let Options { corpid, corpsecret, .. } = Options::default();
    let call = format!(
        "wx_get_token($file, ['corpid' => '{corpid}', 'corpsecret' => '{corpsecret}', 'endpoint' => 'wecom'])"
    );
    let answers = world.callers_of(&call, 4).release();
    world.assert_one_live_token(&answers);
    assert_eq!(world.emulator.stats().fetches.gettoken, 1);
}

#[test]
fn callers_that_take_ticket_and_token_in_every_order_never_deadlock() {
    let mut world = World::new(Options::default());
    world.set("lock_timeout", "20");
    world.set("endpoint", "classic");
    let calls = [
        TICKET,
        "wx_get_token($file)",
        "wx_with_lock($file, fn() => wx_get_token($file))",
        "wx_with_lock(\"$file.ticket\", fn() => wx_get_ticket(\"$file.ticket\", $file))",
        "wx_with_lock(\"$file.ticket\", fn() => wx_with_lock($file, fn() => wx_get_token($file)))",
        "wx_refresh_token($file, 'another')",
    ];
    for _ in 0..5 {
        world.write("");
        std::fs::write(world.file().with_extension("json.ticket"), "").expect("a ticket file");
        let callers: Vec<_> = calls.iter().map(|call| world.callers_of(call, 4)).collect();
        let running: Vec<_> =
            callers.into_iter().flat_map(wx_token_testing::php::Callers::release_only).collect();
        for answer in running.into_iter().map(Answer::of) {
            assert!(!answer.token().is_empty());
        }
    }
    // The one order that could deadlock is refused at once.
    world.write("");
    std::fs::write(world.file().with_extension("json.ticket"), "").expect("a ticket file");
    let inverse = format!("wx_with_lock($file, fn() => {TICKET})");
    let answer = world.call_of(&inverse);
    assert_eq!(answer.class(), "WxToken\\LockException");
    assert!(
        answer.message().contains("the ticket file must be locked first. Move wx_get_ticket() out"),
        "{}",
        answer.message()
    );
}
