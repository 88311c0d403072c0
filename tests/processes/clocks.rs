//! Wall clocks that differ, or are set: a process of its own time among others, in a file system of its own
//! time (I2, I3, I6).

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::clocks::Clock;
use wx_token_testing::mounts::Disk;
use wx_token_testing::php::{Php, REMEMBER, UNTIL};
use wx_token_testing::{WWW_DATA, World, now, until};

/// Changes the file, and again when it has been read, so that it is the same by all that its times tell: a
/// file that is exchanged twice has the inode of the first. Prints how often a call was behind.
const CHANGE_BEFORE_AND_AFTER: &str = r#"
    $file = $argv[1];
    $content = fn(string $token): string
        => json_encode(['access_token' => $token, 'expire' => time() + 7200]);
    $in_place = fn($token) => file_put_contents($file, $content($token));
    $exchange = function ($token) use ($file, $content) {
        foreach (['meanwhile', $token] as $new) {
            file_put_contents("$file.new", $content($new));
            rename("$file.new", $file);
        }
    };
    $behind = 0;
    for ($i = 0; $i < 20; $i++) {
        foreach ([sprintf('before-%03d', $i), sprintf('after--%03d', $i)] as $token) {
            ($i % 2 ? $in_place : $exchange)($token);
            $behind += wx_get_token($file) !== $token;
            wx_get_token($file);
        }
    }
    echo $behind;
"#;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn a_remembered_token_is_current_although_the_clock_of_its_file_is_behind() {
    // Small inodes have room for whole seconds only.
    let disk = Disk::ext3(&["-I", "128"]);
    let world = World::within(&disk.path(), Options::default());
    let file = world.file();
    for seconds in [5, -5, 3600] {
        let clock = Clock::ahead(seconds);
        let php = clock.of(world.php());
        let printed = php.run(CHANGE_BEFORE_AND_AFTER, &[file.to_str().expect("a path")]);
        assert_eq!(printed, "0", "{seconds} s ahead");
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn a_file_is_remembered_although_its_clock_differs_from_that_of_the_process() {
    let world = World::new(Options::default());
    let content = json!({"access_token": "only-in-the-file", "expire": now() + 10_000});
    world.write(content.to_string());
    let code = r#"
        $token = $remember($argv[1]);
        rename($argv[1], "$argv[1].away");
        var_dump(wx_get_token($argv[1]) === $token);
    "#;
    for seconds in [-3600, 3600] {
        let clock = Clock::ahead(seconds);
        let php = clock.of(world.php()).with("wx_token.revalidate_freq=60");
        let file = world.file();
        let code = format!("{REMEMBER}{code}");
        assert_eq!(php.run(&code, &[file.to_str().expect("a path")]), "bool(true)\n");
        fs::rename(file.with_extension("json.away"), &file).expect("it is back");
    }
}

/// Calls so many times, and prints how often WeChat was reported to refuse the address, and in how many seconds by this
/// process's clock it may be asked again, at most.
const CALL_AND_CATCH: &str = r#"
    [, $file, $calls] = $argv;
    $seen = ['failures' => 0, 'wait' => 0];
    while ($calls--) {
        try {
            wx_get_token($file);
        } catch (WxToken\ApiException $e) {
            $seen['failures'] += $e->getCode() === 89507;
            $seen['wait'] = max($seen['wait'], $e->retryAt - time());
        }
    }
    echo json_encode($seen);
"#;

fn call_and_catch(world: &World, php: &Php, calls: &str) -> Value {
    let printed = php.run(CALL_AND_CATCH, &[world.file().to_str().expect("a path"), calls]);
    serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in {printed}"))
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn processes_with_different_clocks_ask_a_source_once_that_blocks_them_for_an_hour() {
    for (write_mode, user) in [("replace", None), ("in_place", None), ("in_place", Some(WWW_DATA))]
    {
        let mut world = World::new(Options::default());
        world.set("write_mode", write_mode);
        let php = || user.map_or(world.php(), |user| world.php().run_as(user));
        // By everybody's clock.
        let expired = json!({"access_token": "expired", "expire": now() - 20_000});
        world.write(expired.to_string());
        // Only its owner can set its times.
        fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
        fs::set_permissions(world.file(), Permissions::from_mode(0o660)).expect("chmod");
        chown(world.file(), Some(0), Some(WWW_DATA)).expect("the tests run as root");
        world.emulator.script_json(json!([{"errcode": 89507}])).expect("a script");
        let clocks = [3600, -3600, 0].map(Clock::ahead);
        for round in 0..2 {
            for clock in &clocks {
                let seen = call_and_catch(&world, &clock.of(php()), "20");
                assert_eq!(seen["failures"], 20, "round {round}, {write_mode}: {seen}");
                let wait = seen["wait"].as_i64().expect("a number");
                // Rounded up to seconds, and by a clock that is a tick behind.
                assert!((1..=3601).contains(&wait), "{wait} s, {write_mode}");
            }
        }
        assert_eq!(world.fetches(), 1, "{write_mode}");

        // As if the hour were over.
        let mut stored = world.stored();
        stored["wx_token"]["retry_at_ms"] = stored["wx_token"]["failed_at_ms"].clone();
        for clock in &clocks {
            world.write(stored.to_string());
            let seen = call_and_catch(&world, &clock.of(php()), "1");
            assert_eq!(seen["failures"], 0, "{write_mode}: {seen}");
        }
        assert_eq!(world.fetches(), 4, "{write_mode}");
    }
}

/// Calls once, while the clock is set, and once more; then for five seconds of real time, longer than a token
/// lives, and asks the API whether it is alive.
const CALL_WHILE_THE_CLOCK_IS_SET: &str = r#"
    [, $file, $base] = $argv;
    $first = wx_get_token($file);
    $seen = ['changed' => wx_get_token($file) !== $first, 'dead' => 0];
    $tokens = [$first => true];
    $end = hrtime(true) + 5e9;
    while (hrtime(true) < $end) {
        $token = wx_get_token($file);
        $tokens[$token] = true;
        $answer = file_get_contents("$base/cgi-bin/get_api_domain_ip?access_token=$token");
        $seen['dead'] += isset(json_decode($answer, true)['errcode']);
        usleep(20_000);
    }
    echo json_encode($seen + ['tokens' => count($tokens)]);
"#;

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn a_clock_change_during_a_fetch_keeps_no_expired_token_and_drops_no_valid_one() {
    for seconds in [-3600, 3600] {
        let mut world = World::new(Options {
            latency: Duration::from_millis(500),
            lifetime: Duration::from_secs(4),
            overlap: Duration::ZERO,
            ..Options::default()
        });
        world.set("refresh_ahead", "0");
        let clock = Clock::ahead(0);
        let php = clock.of(world.php().with("allow_url_fopen=1"));
        let (file, base) = (world.file(), world.emulator.base_url());
        let process =
            php.start(CALL_WHILE_THE_CLOCK_IS_SET, &[file.to_str().expect("a path"), &base]);
        until("the fetch is under way", || world.emulator.stats().in_flight == 1);
        clock.set(seconds);
        let printed = process.rest();
        let seen: Value =
            serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error} in {printed}"));
        assert_eq!(seen, json!({"changed": false, "dead": 0, "tokens": 2}), "{seconds} s");
        assert_eq!(world.fetches(), 2, "{seconds} s");
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "skew.c is for x86-64")]
fn the_expiry_that_a_loader_gives_is_kept_whatever_the_clock_was_set_to() {
    let code = r#"
        $loader = function () use ($argv, $until) {
            [$before, $end] = [time(), hrtime(true) + 1_100_000_000];
            echo "asked\n";
            $until(fn() => abs(time() - $before) >= 1000 && hrtime(true) >= $end);
            return ['access_token' => 'loaded', 'expire' => (int) $argv[2]];
        };
        wx_get_token($argv[1], $loader);
    "#;
    let code = format!("{UNTIL}{code}");
    for seconds in [-3600, 3600] {
        let world = World::new(Options::default());
        let clock = Clock::ahead(0);
        let expiry = i64::try_from(now()).expect("a date") + seconds + 5000;
        let file = world.file();
        let arguments = [file.to_str().expect("a path"), &expiry.to_string()];
        let mut process = clock.of(world.php()).start(&code, &arguments);
        assert_eq!(process.read_line(), "asked");
        clock.set(seconds);
        assert_eq!(process.rest(), "");
        assert_eq!(world.stored()["expire"], expiry, "{seconds} s");
    }
}

#[test]
fn a_hold_off_or_retry_time_that_no_refresh_can_have_written_is_ignored() {
    let mut world = World::new(Options::default());
    world.set("background", "0");
    let day = 24 * 3600;
    let millis = |seconds: u64| seconds * 1000;
    let due = json!({
        "access_token": "due",
        "expire": now() + 250,
        "wx_token": {"refresh_not_before_ms": millis(now() + 240)},
    });
    let forbidden = json!({
        "access_token": "expired",
        "expire": now() - 60,
        "wx_token": {
            "errcode": 45011,
            "errmsg": "busy",
            "failures": 1,
            "failed_at_ms": millis(now() - day - 1),
            "retry_at_ms": millis(now() + 365 * day),
        },
    });
    for (fetches, content) in (1..).zip([due, forbidden]) {
        world.write(content.to_string());
        world.call();
        assert_eq!(world.fetches(), fetches, "{content}");
    }
}
