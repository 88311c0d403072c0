//! A token that WeChat's interfaces reject is replaced exactly once (I3).

use wechat_emulator::{Options, Stats};
use wx_token_testing::php::Answer;
use wx_token_testing::{World, print_waits};

fn replace(world: &World, rejected: &str, count: usize) -> Vec<Answer> {
    world.callers_of(&format!("wx_refresh_token($file, '{rejected}')"), count).release()
}

/// 32 callers with the same rejected token, then a late one.
fn storm(world: &World, what: &str) -> Stats {
    let rejected = world.write_live(7000);
    world.emulator.invalidate_all();
    let answers = replace(world, &rejected, 32);
    print_waits(what, &answers);
    world.assert_one_live_token(&answers);
    assert_ne!(answers[0].token(), rejected);
    let stats = world.emulator.stats();
    let late = replace(world, &rejected, 1);
    assert_eq!(late[0].token(), answers[0].token());
    assert_eq!(world.fetches(), stats.fetches.total(), "a late caller fetches nothing");
    stats
}

#[test]
fn thirty_two_callers_with_a_rejected_classic_token_make_one_fetch() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    let stats = storm(&world, "rejected classic token");
    assert_eq!((stats.fetches.total(), stats.fetches.token), (1, 1));
}

#[test]
fn thirty_two_callers_with_a_rejected_stable_token_make_one_fetch_and_force_one() {
    let stats = storm(&World::slow(), "rejected stable token");
    assert_eq!((stats.fetches.stable_token, stats.forced), (2, 1), "one normal, one forced");
}

#[test]
fn a_rejected_stable_token_is_not_forced_if_wechat_gives_another() {
    let world = World::slow();
    let rejected = world.write_live(7000);
    world.emulator.expire_all();
    let answers = replace(&world, &rejected, 8);
    world.assert_one_live_token(&answers);
    let stats = world.emulator.stats();
    assert_eq!((stats.fetches.stable_token, stats.forced), (1, 0));
}

#[test]
fn if_wechat_gives_no_other_token_the_error_says_so_and_is_not_repeated() {
    let world = World::new(Options { force_daily: 0, ..Options::default() });
    let rejected = world.write_live(7000);
    world.emulator.invalidate_all();
    for answer in replace(&world, &rejected, 8) {
        assert_eq!(answer.class(), "WxToken\\ApiException");
        assert_eq!(answer.property("code"), 40001);
        assert!(
            answer.message().contains("WeChat still returns the rejected token. "),
            "{}",
            answer.message()
        );
        assert!(!answer.message().contains(&rejected));
    }
    let status = world.callers_of("json_encode(wx_token_status($file)['failure'])", 1).release();
    let failure: serde_json::Value = serde_json::from_str(status[0].token()).expect("JSON");
    assert_eq!(failure["errcode"], 40001);
    assert_eq!(
        failure["message"],
        "WeChat still returns the rejected token. WeChat replaces a stable token at most every 30 s and 20 times a day"
    );
    let stats = world.emulator.stats();
    assert_eq!((stats.fetches.stable_token, stats.forced), (2, 1));
    assert_eq!(
        world.stored()["access_token"],
        rejected.as_str(),
        "a failed refresh keeps the token"
    );
}

#[test]
fn the_pattern_of_the_readme_recovers_from_a_rejected_token() {
    let world = World::slow();
    world.write_live(7000);
    world.emulator.invalidate_all();
    let readme = std::fs::read_to_string("README.md").expect("a README");
    let start = readme.find("function wechat(").expect("the pattern is in the README");
    let pattern = readme[start..].split("```").next().expect("it ends with its block");
    let code = format!(
        "{pattern}\n\
         const API = '{}';\n\
         echo json_encode(wechat($argv[1], fn($token) => json_decode(file_get_contents(\n\
             API . \"/cgi-bin/get_api_domain_ip?access_token=$token\"), true)));",
        world.emulator.base_url()
    );
    let printed = world.php().run(&code, &[world.file().to_str().expect("a path")]);
    assert!(printed.starts_with(r#"{"ip_list""#), "{printed}");
    let stats = world.emulator.stats();
    assert_eq!((stats.api.accepted, stats.api.refused, stats.forced), (1, 1, 1));
}
