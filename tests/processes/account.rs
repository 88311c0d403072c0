//! Where the account is looked for under php-fpm, which clears the environment of its workers.

use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::fpm::Fpm;
use wx_token_testing::php::Answer;

/// Whether the account is found on PHP's thread although a worker fetches: each way to a worker.
const CALL: &str = r#"<?php
$start = hrtime(true);
$file = $_GET['file'];
try {
    $answer = ['token' => match ($_GET['call']) {
        'get' => wx_get_token($file),
        'try' => poll($file),
        'rejected' => wx_refresh_token($file, wx_get_token($file)),
        'ticket' => wx_get_ticket("$file.ticket", $file),
    }, 'shown' => getenv('WX_SECRET')];
} catch (Throwable $e) {
    $answer = ['class' => $e::class, 'message' => $e->getMessage()];
}
echo json_encode($answer + ['ms' => (hrtime(true) - $start) / 1e6]);

function poll(string $file): string
{
    for ($deadline = hrtime(true) + 30e9; ($token = wx_try_token($file)) === null; usleep(1000)) {
        if (hrtime(true) > $deadline) {
            throw new Error('no token for 30 s');
        }
    }
    return $token;
}
"#;

fn world() -> World {
    World::new(Options::default()).without_account()
}

fn ask(fpm: &Fpm, world: &World, call: &str, variables: &[(&str, &str)]) -> Answer {
    let query = format!("call={call}&file={}", world.file().display());
    Answer::parse(&fpm.get_with(&query, variables))
}

#[test]
fn fastcgi_params_name_the_account_of_their_request_in_every_function() {
    let world = world();
    let fpm = Fpm::with_workers(1, &world, CALL);
    let Options { appid, secret, .. } = Options::default();
    let variables = [("WX_APPID", appid.as_str()), ("WX_SECRET", secret.as_str())];
    for call in ["get", "try", "rejected", "ticket"] {
        fpm.put(&world.file(), None);
        let bare = ask(&fpm, &world, call, &[]);
        assert_eq!(bare.class(), "WxToken\\ConfigException", "{call}");
        assert!(bare.message().starts_with("no WeChat account is configured"), "{bare:?}");
        let answer = ask(&fpm, &world, call, &variables);
        assert!(!answer.token().is_empty(), "{call}");
        assert_eq!(answer.property("shown"), secret.as_str(), "as PHP's getenv() shows it");
        assert!(world.is_live(world.stored()["access_token"].as_str().expect("a token")), "{call}");
    }
}

#[test]
fn headers_of_a_request_name_no_account() {
    let world = world();
    let fpm = Fpm::with_workers(1, &world, CALL);
    let Options { appid, secret, .. } = Options::default();
    // What becomes of headers named WX_APPID and WX_SECRET.
    let headers = [("HTTP_WX_APPID", appid.as_str()), ("HTTP_WX_SECRET", secret.as_str())];
    let answer = ask(&fpm, &world, "get", &headers);
    assert!(answer.message().starts_with("no WeChat account is configured"), "{answer:?}");
    assert_eq!(world.fetches(), 0);
}

#[test]
fn a_secret_from_the_web_server_serves_the_appid_of_the_settings_and_no_other() {
    let mut world = world();
    let Options { appid, secret, .. } = Options::default();
    world.set("appid", &appid);
    let fpm = Fpm::with_workers(1, &world, CALL);
    let secret = ("WX_SECRET", secret.as_str());
    let answer = ask(&fpm, &world, "get", &[("WX_APPID", "wx2"), secret]);
    let expected = format!(
        "wx_token.appid is {appid} without wx_token.secret, and WX_SECRET belongs to another account, since WX_APPID is wx2"
    );
    assert!(answer.message().starts_with(&expected), "{answer:?}");
    assert_eq!(world.fetches(), 0);
    assert!(world.is_live(ask(&fpm, &world, "get", &[secret]).token()));
}

#[test]
fn an_accounts_file_that_the_web_server_cannot_read_is_named_with_its_owner() {
    let mut world = world();
    let accounts = tempfile::NamedTempFile::new().expect("an accounts file");
    let path = accounts.path().display().to_string();
    world.set("accounts_file", &path);
    let fpm = Fpm::with_workers(1, &world, CALL);
    let answer = ask(&fpm, &world, "get", &[]);
    assert_eq!(answer.class(), "WxToken\\ConfigException");
    let expected = format!(
        "wx_token.accounts_file: cannot read {path}: user www-data (33) has no permission; the file is owned by root:root, mode 0600. Run chown www-data {path}, or share the file through a group"
    );
    assert!(answer.message().starts_with(&expected), "{answer:?}");
}
