//! What a process remembers of a token file: it costs one stat, and is never behind the file.

use std::collections::BTreeMap;
use std::fs;
use std::process::Stdio;

use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::php::{Php, REMEMBER};

/// The system calls, by name, of a hundred calls on a file that is remembered. PHP's own start and end are
/// left out: they differ from one run to the next.
fn cost_of_a_hundred(world: &World, php: &Php) -> BTreeMap<String, u32> {
    let log = world.dir.path().join("strace.log");
    let code = r"
        $file = $argv[1];
        $remember($file);
        clearstatcache();
        file_exists('/mark-begin');
        for ($i = 0; $i < 100; $i++) { wx_get_token($file); }
        file_exists('/mark-end');
    ";
    let plain = php.command();
    let status = std::process::Command::new("strace")
        .arg("-f")
        .arg("-o")
        .arg(&log)
        .arg(plain.get_program())
        .args(plain.get_args())
        .args(["-r", &format!("{REMEMBER}{code}"), "--"])
        .arg(world.file())
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("strace runs").success());
    let log = fs::read_to_string(&log).expect("a log");
    assert!(log.contains("\"/mark-end\""), "the calls were not made");
    let marked = log
        .lines()
        .skip_while(|line| !line.contains("\"/mark-begin\""))
        .skip(1)
        .take_while(|line| !line.contains("\"/mark-end\""));
    let mut counts = BTreeMap::new();
    for line in marked {
        let call = line.split_whitespace().nth(1).unwrap_or_default();
        if let Some((name, _)) = call.split_once('(') {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// A fresh token file that was last changed long enough ago to be remembered.
fn settled_world() -> World {
    let world = World::new(Options::default());
    world.write_live(7200);
    world.until_settled();
    world
}

#[test]
fn a_fresh_call_is_one_stat() {
    let world = settled_world();
    let cost = cost_of_a_hundred(&world, &world.php());
    assert_eq!(cost, BTreeMap::from([("newfstatat".to_owned(), 100)]));
}

#[test]
fn a_fresh_call_that_may_trust_the_memory_makes_no_system_call() {
    let world = settled_world();
    let cost = cost_of_a_hundred(&world, &world.php().with("wx_token.revalidate_freq=60"));
    assert_eq!(cost, BTreeMap::new());
}

#[test]
fn with_no_room_for_files_nothing_is_remembered() {
    let world = settled_world();
    let cost = cost_of_a_hundred(&world, &world.php().with("wx_token.max_files=0"));
    assert_eq!(cost.get("openat"), Some(&100));
}

/// Each way to change the file keeps its size, and some set its time of modification back; a call after
/// it must give the new token, however soon the next change comes.
const CHANGE_AND_CALL: &str = r#"
    $file = $argv[1];
    $content = fn(int $i): string
        => sprintf('{"access_token":"token-%06d","expire":%d}', $i, time() + 7200);
    $changes = [
        fn($new) => file_put_contents($file, $new),
        fn($new) => file_put_contents("$file.new", $new) && rename("$file.new", $file),
        fn($new) => file_put_contents($file, $new) && touch($file, 1700000000),
        function ($new) use ($file) {
            $fp = fopen($file, 'r+');
            fwrite($fp, $new);
            fclose($fp);
        },
    ];
    $behind = 0;
    for ($i = 0; $i < 1200; $i++) {
        // Now and then the file is left alone for so long that it is remembered.
        if ($i % 20 === 0) {
            @$remember($file);
        }
        $changes[intdiv($i, 3) % 4]($content($i));
        $behind += wx_get_token($file) !== sprintf('token-%06d', $i);
    }
    echo $behind;
"#;

#[test]
fn a_call_notices_every_change_however_quick_or_hidden() {
    let world = World::new(Options::default());
    world.write_live(7200);
    let file = world.file();
    let code = format!("{REMEMBER}{CHANGE_AND_CALL}");
    let printed = world.php().run(&code, &[file.to_str().expect("a path")]);
    assert_eq!(printed, "0");
}

#[test]
fn a_rejected_token_is_forgotten_even_where_the_memory_is_trusted() {
    let world = settled_world();
    let code = r#"
        $file = $argv[1];
        $rejected = $remember($file);
        $new = wx_refresh_token($file, $rejected);
        var_dump($new !== $rejected, wx_get_token($file) === $new);
    "#;
    let php = world.php().with("wx_token.revalidate_freq=60");
    let code = format!("{REMEMBER}{code}");
    let printed = php.run(&code, &[world.file().to_str().expect("a path")]);
    assert_eq!(printed, "bool(true)\nbool(true)\n");
}

#[test]
fn a_remembered_token_is_not_returned_after_its_expiry() {
    let world = settled_world();
    let code = r#"
        $file = $argv[1];
        $expiry = time() + 2;
        $content = ['access_token' => 'short-lived', 'expire' => $expiry];
        file_put_contents($file, json_encode($content));
        do {
            $asked_at = $next ?? 0;
            $next = microtime(true);
        } while (wx_get_token($file) === 'short-lived' && $next < $expiry + 5);
        // The last call that was given it.
        var_dump($asked_at > 0 && $asked_at < $expiry, strlen(wx_get_token($file)) > 100);
    "#;
    let php = world.php().with("wx_token.revalidate_freq=60").with("wx_token.refresh_ahead=0");
    let printed = php.run(code, &[world.file().to_str().expect("a path")]);
    assert_eq!(printed, "bool(true)\nbool(true)\n");
}
