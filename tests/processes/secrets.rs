//! SetOnDrop all kinds of failure, nothing that PHP can show or log holds a secret or a token.

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::World;

/// Calls with the secret in the options and shows everything there is to show of what comes of it.
const SHOW_ALL: &str = r#"
    function inner($file, $options) { return wx_get_token($file, $options); }
    try {
        inner($argv[1], ['appid' => $argv[2], 'secret' => strrev($argv[3]), 'timeout' => 1]);
        echo "no failure\n";
    } catch (Throwable $e) {
        echo $e, "\n", $e->getTraceAsString(), "\n";
        print_r($e->getTrace()[0]);
        foreach ((new ReflectionObject($e))->getProperties() as $property) {
            if ($property->getName() !== 'trace') {
                var_dump($property->getValue($e));
            }
        }
    }
    var_dump(wx_token_status($argv[1]));
    phpinfo(INFO_MODULES);
    error_log('logged');
"#;

#[test]
fn no_failure_shows_a_secret_or_a_token() {
    let secret = "5ecre7000000000000000000deadbeef";
    let token = "t0ken-that-must-not-be-shown";
    let reversed: String = secret.chars().rev().collect();
    for (name, step) in [
        ("refused", json!({"errcode": 40125, "errmsg": format!("bad secret {secret}")})),
        ("whitelist", json!({"errcode": 40164, "errmsg": "invalid ip 1.2.3.4"})),
        ("status", json!({"status": 500, "body": format!("{secret} {token}")})),
        ("garbage", json!({"body": format!("<{secret} {token}>")})),
        ("bad token", json!({"access_token": format!("{token}\n")})),
        ("cut", json!({"cut": "half"})),
        ("hang", json!({"hang": true})),
        ("endless", json!({"endless": true})),
    ] {
        for endpoint in ["stable", "classic"] {
            let mut world = World::new(Options::default());
            world.set("endpoint", endpoint);
            world.set("secret", secret);
            world.set("proxy", "");
            world.write(format!(r#"{{"access_token":"{token}","expire":5}}"#));
            world.emulator.script_json(json!([step])).expect("a script");
            let file = world.file();
            let appid = Options::default().appid;
            let shown =
                world.php().run(SHOW_ALL, &[file.to_str().expect("a path"), &appid, &reversed]);
            assert!(shown.contains("WxToken\\"), "{name}: {shown}");
            // Inner frames are PHP's own: what the script passes on by hand, its traces show.
            let ours: String = shown.lines().filter(|line| !line.contains("inner(")).collect();
            for hidden in [secret, token] {
                assert!(!ours.contains(hidden), "{name}, {endpoint}: {shown}");
            }
            assert!(!std::fs::read_to_string(&file).expect("a file").contains(secret), "{name}");
        }
    }
}

#[test]
fn lock_and_file_errors_show_no_secret() {
    let secret = "5ecre7000000000000000000deadbeef";
    let mut world = World::new(Options::default());
    world.set("secret", secret);
    let reversed: String = secret.chars().rev().collect();
    world.write("not a token file");
    for path in ["/tmp", "/nowhere/token.json", world.file().to_str().expect("a path")] {
        let shown = world.php().run(SHOW_ALL, &[path, "wx1", &reversed]);
        assert!(shown.contains("WxToken\\FileException"), "{shown}");
        assert!(!shown.contains(secret), "{shown}");
    }
}
