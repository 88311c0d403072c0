//! A token file belongs to one account. Another account gets neither its token nor a chance to replace it.

use std::fs;

use libc::EOPNOTSUPP;
use rustix::fs::XattrFlags;
use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, GET, REMEMBER};
use wx_token_testing::{World, now};

use crate::disks::fuse::{Fuse, Operation};

const OTHER: &str = "['appid' => 'wx-other', 'secret' => 'another']";

/// A world in whose file the extension has stored the token of its account.
fn world() -> World {
    let world = World::new(Options::default());
    world.call().token();
    world.emulator.reset();
    // wx_try_token() leaves a file alone that was changed just now.
    world.until_settled();
    world
}

/// Sets the expiry of the stored token to the past.
fn expire(world: &World) {
    let mut stored = world.stored();
    stored["expire"] = json!(now() - 60);
    world.write(stored.to_string());
}

fn assert_refused(world: &World, answer: &Answer, owners: [&str; 2]) {
    let before = fs::read(world.file()).expect("a file");
    assert_eq!(answer.class(), "WxToken\\ConfigException");
    for owner in owners {
        assert!(answer.message().contains(owner), "{}", answer.message());
    }
    assert!(answer.message().contains(". Use one file for each "), "{}", answer.message());
    assert_eq!(answer.property("tokenFile"), world.file().to_str().expect("UTF-8"));
    assert_eq!(world.fetches(), 0);
    assert_eq!(fs::read(world.file()).expect("a file"), before);
}

fn owners() -> [String; 2] {
    [Options::default().appid, "wx-other".to_owned()]
}

#[test]
fn a_call_for_another_account_is_rejected_without_a_fetch() {
    let world = world();
    let [own, other] = owners();
    for code in [
        format!("wx_get_token($file, {OTHER})"),
        // It does not read what was written a moment ago.
        format!(
            "(function ($file) {{ do {{ $token = wx_try_token($file, {OTHER}); }} while ($token === null); }})($file)"
        ),
        format!("wx_refresh_token($file, 'rejected', {OTHER})"),
        "wx_get_token($file, ['appid' => 'wx-other'])".to_owned(),
    ] {
        assert_refused(&world, &world.call_of(&code), [&own, &other]);
    }
    // The same when the token has expired: the other account does not take the file over.
    expire(&world);
    let refused = world.call_of(&format!("wx_get_token($file, {OTHER})"));
    assert_refused(&world, &refused, [&own, &other]);
    assert!(world.is_live(world.call().token()), "its own account refreshes it");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn another_default_account_is_rejected() {
    let mut world = world();
    let [own, other] = owners();
    world.set("appid", "wx-other");
    assert_refused(&world, &world.call(), [&own, &other]);
    world.set("appid", "");
    world.set_accounts(r#"{"wx-other": {"secret": "another"}}"#);
    assert_refused(&world, &world.call(), [&own, &other]);
    expire(&world);
    assert_refused(&world, &world.call(), [&own, &other]);
}

#[test]
fn the_token_file_of_another_account_yields_no_ticket() {
    let mut world = world();
    world.set_accounts(r#"{"wx-other": {"secret": "another"}}"#);
    world.set("appid", "");
    let ticket = world.dir.path().join("ticket.json");
    let code = format!("wx_get_ticket($file, '{}')", world.file().display());
    let refused = world.php().call(&ticket, &code);
    assert_eq!(refused.class(), "WxToken\\ConfigException");
    assert_eq!(world.emulator.stats().fetches.total(), 0);
}

#[test]
fn a_remembered_token_is_not_returned_to_another_account() {
    let mut world = world();
    world.set("revalidate_freq", "60");
    let [own, other] = owners();
    // While the file is away, only the memory has the token.
    let code = format!(
        "(function ($file) {{
            {REMEMBER}
            $token = $remember($file, ['appid' => '{own}']);
            rename($file, \"$file.away\");
            $is_remembered = wx_get_token($file, ['appid' => '{own}']) === $token;
            rename(\"$file.away\", $file);
            return $is_remembered ? wx_get_token($file, {OTHER}) : 'nothing is remembered';
        }})($file)"
    );
    assert_refused(&world, &world.call_of(&code), [&own, &other]);
}

#[test]
fn a_new_secret_or_another_endpoint_is_the_same_account() {
    let world = world();
    let token = world.stored()["access_token"].as_str().expect("a token").to_owned();
    let own = &owners()[0];
    for options in ["'secret' => 'new'", "'secret' => 'new', 'endpoint' => 'classic'"] {
        let answer =
            world.call_of(&format!("wx_get_token($file, ['appid' => '{own}', {options}])"));
        assert_eq!(answer.token(), token);
    }
    assert_eq!(world.fetches(), 0);
}

#[test]
fn a_token_that_legacy_code_wrote_is_returned_to_every_account() {
    let world = world();
    world.write(json!({"access_token": "legacy", "expire": now() + 7000}).to_string());
    let answer = world.call_of(&format!("wx_get_token($file, {OTHER})"));
    assert_eq!(answer.token(), "legacy");
}

#[test]
fn another_app_of_a_corpid_is_another_account() {
    let world = World::new(Options::default()).without_account();
    let Options { corpid, corpsecret, .. } = Options::default();
    let get = |secret: &str| {
        format!("wx_get_token($file, ['corpid' => '{corpid}', 'corpsecret' => '{secret}'])")
    };
    let token = world.call_of(&get(&corpsecret)).token().to_owned();
    world.emulator.reset();
    assert_eq!(world.call_of(&get(&corpsecret)).token(), token);
    let refused = world.call_of(&get("the-second"));
    assert_refused(&world, &refused, ["another application", &corpid]);
    assert!(!refused.message().contains("the-second"), "a secret is shown");
}

#[test]
fn another_account_ignores_what_an_interrupted_refresh_left() {
    let mut world = world();
    world.set_accounts(r#"{"wx-other": {"secret": "another", "endpoint": "classic"}}"#);
    world.set("appid", "");
    world.set("refresh_ahead", "7200");
    fs::write(world.dir.path().join(".token.json.wx_token.abc123"), "").expect("a leftover");
    let before = fs::read(world.file()).expect("a file");
    assert_eq!(world.call().class(), "WxToken\\ConfigException");
    assert_eq!(fs::read(world.file()).expect("a file"), before);
    assert_eq!(world.fetches(), 0);
}

#[test]
fn a_ticket_file_belongs_to_one_account() {
    let world = world();
    let ticket = world.dir.path().join("ticket.json");
    let [own, other] = owners();
    let get = |options: &str| {
        let code = format!("wx_get_ticket($file, '{}', 'jsapi'{options})", world.file().display());
        world.php().call(&ticket, &code)
    };
    get("").token();
    world.emulator.reset();
    let refused = get(&format!(", {OTHER}"));
    assert_eq!(refused.class(), "WxToken\\ConfigException");
    assert!(refused.message().contains(&own) && refused.message().contains(&other));
    assert_eq!(world.emulator.stats().fetches.total(), 0);
}

#[test]
fn without_attributes_the_process_that_stored_the_token_knows_its_account() {
    let fuse = Fuse::mount();
    fuse.fail(Operation::SetXattr, EOPNOTSUPP);
    let world = World::within(fuse.path(), Options::default());
    let [own, other] = owners();
    let code = format!("[wx_get_token($file), wx_get_token($file, {OTHER})][1]");
    let answer = world.call_of(&code);
    world.emulator.reset();
    assert_refused(&world, &answer, [&own, &other]);
    // Others cannot know it.
    assert!(world.is_live(world.call_of(&format!("wx_get_token($file, {OTHER})")).token()));
}

#[test]
fn a_record_of_a_newer_version_is_neither_used_nor_changed() {
    let world = world();
    let read = || String::from_utf8(world.attribute()).expect("JSON");
    let newer = read().replace(r#""version":1"#, r#""version":2"#);
    assert_ne!(newer, read(), "there is a record");
    rustix::fs::setxattr(world.file(), "user.wx_token", newer.as_bytes(), XattrFlags::empty())
        .expect("setfattr");
    let answer = world.call_of(&format!("wx_get_token($file, {OTHER})"));
    assert_eq!(answer.token(), world.stored()["access_token"]);
    assert_eq!(read(), newer);
}

#[test]
fn a_record_contains_neither_token_nor_secret() {
    let world = world();
    let record = String::from_utf8(world.attribute()).expect("JSON");
    let Options { secret, appid, .. } = Options::default();
    assert!(record.contains(&appid), "{record}");
    for hidden in [secret.as_str(), world.stored()["access_token"].as_str().expect("a token")] {
        assert!(!record.contains(hidden), "{record}");
    }
    assert!(world.call_of(GET).token().len() > 10);
}
