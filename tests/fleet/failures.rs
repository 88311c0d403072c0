//! A failure of the account is every machine's; one of a machine is its own (F6).

use wechat_emulator::Options;
use wx_token_testing::php::GET;
use wx_token_testing::until;

use crate::fleet::Fleet;

#[test]
fn a_wrong_secret_is_tried_once_for_all_machines() {
    let mut fleet = Fleet::with_options(4, Options::default());
    fleet.world.set("secret", "wrong");
    for answer in fleet.storm(3, GET) {
        assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
        assert_eq!(answer.property("code"), 40125);
    }
    assert_eq!(fleet.world.fetches(), 1);
}

#[test]
fn a_machine_that_wechat_does_not_answer_asks_less_and_less_and_lives_on_what_others_store() {
    let fleet = Fleet::with_options(2, Options::default());
    let bar = || -> serde_json::Value {
        let text =
            std::fs::read_to_string(fleet.knowledge_file(0)).expect("the machine's knowledge");
        serde_json::from_str(&text).expect("JSON")
    };
    let may_look = || {
        let call = "wx_token_status($file)['failure']['retry_at'] <= time() ? 'y' : 'n'";
        fleet.call_of(0, call).token() == "y"
    };
    fleet
        .world
        .emulator
        .script_json(serde_json::json!([{"status": 500}, {"status": 500}]))
        .expect("a script");
    for failures in 1..=2 {
        assert_eq!(fleet.call(0).class(), "WxToken\\NetworkException");
        assert_eq!(bar()["bar"]["failures"], failures);
        until("it may look again", may_look);
    }
    let token = fleet.call(1).token().to_owned();
    assert_eq!(fleet.call(0).token(), token);
    assert_eq!(fleet.world.fetches(), 3);
}

#[test]
fn other_secrets_share_nothing() {
    let mut fleet = Fleet::with_options(2, Options::default());
    let token = fleet.call(0).token().to_owned();
    fleet.world.set("secret", "wrong");
    assert_eq!(fleet.call(1).class(), "WxToken\\ApiException");
    assert!(fleet.world.is_live(&token));
    assert_eq!(fleet.redis.run(&["dbsize"]), "2");
}

#[test]
fn a_machine_without_the_secret_lives_on_what_the_others_store() {
    let mut fleet = Fleet::of(2);
    fleet.world.set("store_key", "a key of the site");
    let secret = fleet.world.emulator.options().secret.clone();
    fleet.world.set("secret", "");
    let alone = fleet.call(1);
    assert_eq!(alone.class(), "WxToken\\NetworkException");
    assert!(alone.message().contains("this server has no AppSecret"), "{}", alone.message());
    assert_eq!(fleet.world.fetches(), 0);
    fleet.world.set("secret", &secret);
    let token = fleet.call(0).token().to_owned();
    fleet.world.set("secret", "");
    until("it looks again", || {
        let answer = fleet.world.php().call(
            &fleet.machines[1],
            "wx_token_status($file)['failure']['retry_at'] <= time() ? 'y' : 'n'",
        );
        answer.token() == "y"
    });
    assert_eq!(fleet.call(1).token(), token);
    assert_eq!(fleet.world.fetches(), 1);
}
