//! What a loader gives, shared under a name.

use std::path::Path;

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, GET};
use wx_token_testing::until;

use crate::fleet::{EXPIRED, Fleet};

const NAME: &str = "tokens of a site";

/// A loader that asks WeChat as PHP code does.
fn loader(fleet: &Fleet) -> String {
    let Options { appid, secret, .. } = fleet.world.emulator.options();
    let url = format!(
        "{}/cgi-bin/token?grant_type=client_credential&appid={appid}&secret={secret}",
        fleet.world.emulator.base_url()
    );
    format!("fn() => json_decode(file_get_contents('{url}'), true)")
}

fn sharing(loader: &str) -> String {
    format!("['loader' => {loader}, 'share_as' => '{NAME}']")
}

fn with_key(machines: usize) -> Fleet {
    let mut fleet = Fleet::of(machines);
    fleet.world.set("store_key", "a key of the site");
    fleet
}

fn get(fleet: &Fleet, machine: usize, options: &str) -> Answer {
    fleet.call_of(machine, &format!("wx_get_token($file, {options})"))
}

#[test]
fn one_machine_calls_its_loader_for_all() {
    let fleet = with_key(4);
    for content in [EXPIRED, ""] {
        fleet.write(content);
        fleet.redis.run(&["flushall"]);
        fleet.world.emulator.reset();
        let call = format!("wx_get_token($file, {})", sharing(&loader(&fleet)));
        let answers = fleet.storm(3, &call);
        fleet.assert_one_live_token(&answers);
        assert_eq!(fleet.world.fetches(), 1);
    }
    let key = fleet.redis.run(&["keys", "*"]);
    assert!(key.starts_with(&format!("wx_token:{{{NAME}:loader:")), "{key}");
    let content = fleet.redis.run(&["hgetall", &key]);
    assert!(!content.contains(&fleet.stored(0)), "{content}");
}

#[test]
fn a_rejected_token_of_a_loader_is_replaced_on_every_machine() {
    let mut fleet = with_key(2);
    fleet.world.set("store_revalidate", "0.1");
    let options = sharing(&loader(&fleet));
    let old = get(&fleet, 0, &options).token().to_owned();
    assert_eq!(get(&fleet, 1, &options).token(), old);
    let refresh = format!("wx_refresh_token($file, '{old}', {options})");
    let new = fleet.call_of(0, &refresh).token().to_owned();
    assert_ne!(new, old);
    until("the other machine has it", || {
        let token = get(&fleet, 1, &options).token().to_owned();
        assert!(token == old || token == new);
        fleet.stored(1) == new
    });
    assert_eq!(fleet.world.fetches(), 2);
}

/// Its rest of life says nothing of its age, unlike that of a token of WeChat's.
#[test]
fn a_newer_token_may_live_shorter_than_the_one_before() {
    let fleet = with_key(2);
    let giving = |token: &str, life: u32, due: &str| {
        let loader = format!("fn() => ['access_token' => '{token}', 'expires_in' => {life}]");
        format!("['loader' => {loader}, 'share_as' => '{NAME}'{due}]")
    };
    let first = giving("first-token", 7200, "");
    assert_eq!(get(&fleet, 0, &first).token(), "first-token");
    let due = giving("second-token", 600, ", 'refresh_ahead' => 7300");
    assert_eq!(get(&fleet, 0, &due).token(), "second-token");
    assert_eq!(get(&fleet, 1, &first).token(), "second-token");
}

#[test]
fn without_a_name_or_under_another_name_nothing_is_shared() {
    let fleet = with_key(2);
    let loader = loader(&fleet);
    let alone = format!("['loader' => {loader}]");
    let other = format!("['loader' => {loader}, 'share_as' => 'other']");
    let first = get(&fleet, 0, &alone).token().to_owned();
    assert_eq!(fleet.redis.run(&["dbsize"]), "0");
    assert_ne!(get(&fleet, 1, &other).token(), first);
    assert_eq!(fleet.redis.run(&["dbsize"]), "1");
    assert_eq!(fleet.world.fetches(), 2);
}

#[test]
fn a_loader_that_fails_on_one_machine_holds_up_no_other() {
    let fleet = with_key(2);
    let throwing = "function () { throw new DomainException('no way'); }";
    let failed = get(&fleet, 0, &sharing(throwing));
    assert_eq!(failed.class(), "DomainException");
    assert_eq!(failed.message(), "no way");
    let token = get(&fleet, 1, &sharing(&loader(&fleet))).token().to_owned();
    until("the first machine has it", || {
        let answer = get(&fleet, 0, &sharing(throwing));
        *answer.property("token") == *token
    });
    assert_eq!(fleet.world.fetches(), 1);
}

#[test]
fn without_a_key_the_call_says_what_to_set() {
    let fleet = Fleet::of(1);
    let answer = get(&fleet, 0, &sharing(&loader(&fleet)));
    assert_eq!(answer.class(), "WxToken\\ConfigException");
    assert!(answer.message().contains("Set wx_token.store_key"), "{}", answer.message());
    assert_eq!(fleet.world.fetches(), 0);
}

#[test]
fn the_store_may_be_named_in_the_environment() {
    let mut fleet = Fleet::of(2);
    fleet.world.set("store", "");
    let get = |machine: usize, url: &str, call: &str| {
        let php = fleet.world.php().with_env("WX_STORE", url);
        php.call(&fleet.machines[machine] as &Path, call)
    };
    let url = fleet.redis.url();
    let token = get(0, &url, GET).token().to_owned();
    assert_eq!(get(1, &url, GET).token(), token);
    assert_eq!(fleet.world.fetches(), 1);
    let place = "wx_token_status($file)['store']['place']";
    assert_eq!(get(0, &url, place).token(), url);
    // What cannot be used costs nobody a token.
    fleet.write(&json!({}).to_string());
    let answer = get(0, "http://10.0.0.5", GET);
    assert!(fleet.world.is_live(answer.token()));
    assert_eq!(
        get(0, "http://10.0.0.5", "json_encode(wx_token_status($file)['store'])").token(),
        "null"
    );
}
