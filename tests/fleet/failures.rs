//! A failure of the account is every machine's; one of a machine is its own (F6).

use wechat_emulator::Options;
use wx_token_testing::php::GET;

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
fn other_secrets_share_nothing() {
    let mut fleet = Fleet::with_options(2, Options::default());
    let token = fleet.call(0).token().to_owned();
    fleet.world.set("secret", "wrong");
    assert_eq!(fleet.call(1).class(), "WxToken\\ApiException");
    assert!(fleet.world.is_live(&token));
    assert_eq!(fleet.redis.run(&["dbsize"]), "2");
}
