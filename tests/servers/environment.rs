//! An account in Apache's configuration: what `SetEnv` says is found, what a request says is not.

use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::php::Answer;
use wx_token_testing::site::Site;

#[test]
#[cfg_attr(not(apache), ignore = "this PHP has no module for Apache")]
fn setenv_names_the_account_and_headers_of_a_request_do_not() {
    let world = World::new(Options::default()).without_account();
    let Options { appid, secret, .. } = Options::default();
    let query = format!("file={}", world.file().display());

    let site = Site::apache(&world, 1);
    let headers = format!("WX_APPID: {appid}\r\nWX-APPID: {appid}\r\nWX-SECRET: {secret}\r\n");
    let answer = Answer::parse(&site.requests().get_with(&query, &headers).expect("an answer"));
    assert!(answer.message().starts_with("no WeChat account is configured"), "{answer:?}");
    site.stop();

    let directives = format!("SetEnv WX_APPID {appid}\nSetEnv WX_SECRET {secret}");
    let site = Site::apache_with(&world, 1, &directives);
    let answer = Answer::parse(&site.requests().get(&query).expect("an answer"));
    assert!(world.is_live(answer.token()), "{}", site.log());
    site.stop();
}
