//! What a process remembers of a token file: it costs one stat, of a descriptor or of the path, and is never behind the file.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use wechat_emulator::Options;
use wx_token_testing::fpm::Fpm;
use wx_token_testing::mounts::Disk;
use wx_token_testing::php::{Php, REMEMBER};
use wx_token_testing::{World, system_calls, until};

/// The system calls, by name, of a hundred calls on a file that is remembered.
fn cost_of_a_hundred(world: &World, php: &Php) -> BTreeMap<String, u32> {
    let before = format!("{REMEMBER} $file = $argv[1]; $remember($file);");
    let code = "for ($i = 0; $i < 100; $i++) { wx_get_token($file); }";
    system_calls::count(&system_calls::of_code(php, world.file(), &before, code))
}

/// A fresh token file that was last changed long enough ago to be remembered.
fn settled_world() -> World {
    let world = World::new(Options::default());
    world.write_live(7200);
    world.until_settled();
    world
}

#[test]
fn a_fresh_call_is_one_stat_and_soon_one_of_a_descriptor() {
    let world = settled_world();
    let cost = cost_of_a_hundred(&world, &world.php().with("wx_token.path_ttl=0"));
    assert_eq!(cost, BTreeMap::from([("newfstatat".to_owned(), 100)]));
    let cost = cost_of_a_hundred(&world, &world.php().with("wx_token.path_ttl=3600"));
    let of = |name: &str| cost.get(name).copied().unwrap_or_default();
    assert!(of("fstat") >= 85 && of("newfstatat") <= 16, "{cost:?}");
    assert_eq!(of("close"), 0, "{cost:?}");
    assert!(cost.values().sum::<u32>() <= 110, "{cost:?}");
}

#[test]
fn a_fresh_call_that_may_trust_the_memory_makes_no_system_call() {
    let world = settled_world();
    let cost = cost_of_a_hundred(&world, &world.php().with("wx_token.revalidate_freq=60"));
    assert_eq!(cost, BTreeMap::new());
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
        if ($i % 40 === 0) {
            array_map(fn() => wx_get_token($file), range(0, 20));
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

/// Asks so often that a descriptor stands for the file, changes what the path leads to, and tells when that was seen: not
/// at once, and within a second.
const ELSEWHERE: &str = r#"
    [, $directory, $change] = $argv;
    $file = "$directory/link/token.json";
    $remember($file);
    array_map(fn() => wx_get_token($file), range(0, 20));
    $by_handle = 0;
    $begin = hrtime(true);
    eval($change);
    while (($token = wx_get_token($file)) === 'a' && hrtime(true) - $begin < 5e9) {
        $by_handle++;
    }
    $took = (hrtime(true) - $begin) / 1e9;
    echo $by_handle > 0 ? 'not at once, ' : 'at once, ', $took < 1.5 ? $token : "after $took s";
"#;

#[test]
fn a_path_that_leads_elsewhere_is_seen_within_its_time() {
    for change in [
        "unlink(\"$directory/link\"); symlink('b', \"$directory/link\");",
        "rename(\"$directory/a\", \"$directory/c\"); rename(\"$directory/b\", \"$directory/a\");",
        "chroot(\"$directory/b/root\") || die('no chroot');",
        "exec(\"mount --bind $directory/b $directory/a\");",
    ] {
        let world = World::new(Options::default());
        // A thread-safe PHP has none.
        let has_chroot = world.php().run("var_dump(function_exists('chroot'));", &[]);
        if change.contains("chroot") && has_chroot.contains("false") {
            continue;
        }
        let dir = world.dir.path();
        let write = |name: &str, token: &str| {
            let file = dir.join(name);
            fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
            let content = format!(
                r#"{{"access_token":"{token}","expire":{}}}"#,
                wx_token_testing::now() + 5000
            );
            fs::write(file, content).expect("a file");
        };
        write("a/token.json", "a");
        write("b/token.json", "b");
        // The same path in a root of its own.
        let inner = dir.strip_prefix("/").expect("an absolute path").join("link/token.json");
        write(&format!("b/root/{}", inner.display()), "b");
        std::os::unix::fs::symlink("a", dir.join("link")).expect("a link");
        let plain = world.php().command();
        // In a namespace of its own, a mount comes to an end with the command.
        let output = Command::new("unshare")
            .arg("--mount")
            .arg(plain.get_program())
            .args(plain.get_args())
            .args(["-r", &format!("{REMEMBER}{ELSEWHERE}"), "--"])
            .args([dir.as_os_str(), change.as_ref()])
            .output()
            .expect("unshare runs");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert_eq!(printed, "not at once, b", "{change} {output:?}");
    }
}

#[test]
fn a_process_that_has_no_descriptor_left_goes_on() {
    let world = settled_world();
    let code = r#"
        $file = $argv[1];
        $token = $remember($file);
        exec("prlimit --nofile=32 --pid " . getmypid());
        for ($open = []; $fp = @fopen('/dev/null', 'r'); $open[] = $fp);
        $same = 0;
        for ($i = 0; $i < 100; $i++) { $same += wx_get_token($file) === $token; }
        $open = null;
        for ($i = 0; $i < 100; $i++) { $same += wx_get_token($file) === $token; }
        echo $same;
    "#;
    let file = world.file();
    let code = format!("{REMEMBER}{code}");
    assert_eq!(world.php().run(&code, &[file.to_str().expect("a path")]), "200");
}

#[test]
fn a_process_that_may_not_reach_the_file_any_more_sees_that_within_the_time_of_a_path() {
    let world = World::new(Options::default());
    let directory = world.dir.path().join("own");
    fs::create_dir(&directory).expect("a folder");
    std::os::unix::fs::chown(&directory, Some(65534), None).expect("root gives it away");
    fs::set_permissions(world.dir.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let code = r#"
        $directory = $argv[1];
        $file = "$directory/token.json";
        file_put_contents($file, json_encode(['access_token' => 'abc', 'expire' => time() + 5000]));
        $remember($file);
        array_map(fn() => wx_get_token($file), range(0, 20));
        chmod($directory, 0);
        $begin = hrtime(true);
        try {
            while (hrtime(true) - $begin < 5e9) { wx_get_token($file); }
            echo 'never seen';
        } catch (WxToken\FileException $e) {
            echo hrtime(true) - $begin < 1.5e9 ? 'denied' : 'late';
        }
        chmod($directory, 0700);
    "#;
    let php = world.php().run_as(65534);
    let printed = php.run(&format!("{REMEMBER}{code}"), &[directory.to_str().expect("a path")]);
    assert_eq!(printed, "denied");
}

#[test]
fn a_forked_child_and_its_parent_see_every_change_and_close_nothing_of_each_other() {
    let world = settled_world();
    let code = r#"
        $file = $argv[1];
        $remember($file);
        array_map(fn() => wx_get_token($file), range(0, 20));
        $write = fn($token) => file_put_contents($file, json_encode(['access_token' => $token, 'expire' => time() + 7000]));
        $handles = fn() => count(array_filter(glob('/proc/self/fd/*'), fn($fd) => @readlink($fd) === $file));
        echo $handles();
        if (!($child = pcntl_fork())) {
            $write('child');
            echo wx_get_token($file), $handles(), ' ';
            exit;
        }
        pcntl_waitpid($child, $status);
        echo wx_get_token($file);
        $write('parent');
        echo ' ', wx_get_token($file), $handles();
    "#;
    let printed =
        world.php().run(&format!("{REMEMBER}{code}"), &[world.file().to_str().expect("a path")]);
    assert_eq!(printed, "1child0 child parent0");
}

/// An idle worker of a server keeps no file system from being unmounted.
#[test]
fn between_two_requests_no_descriptor_keeps_a_mount_busy() {
    let world = World::new(Options::default());
    let disk = Disk::tmpfs("mode=0777");
    let file = disk.path().join("token.json");
    let content =
        format!(r#"{{"access_token":"abc","expire":{}}}"#, wx_token_testing::now() + 5000);
    fs::write(&file, content).expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("a mode");
    let often = format!(
        "<?php {REMEMBER} $remember($_GET['file']);
         for ($i = 0; $i < 40; $i++) {{ $token = wx_get_token($_GET['file']); }}
         echo $token;"
    );
    let fpm = Fpm::with_workers(1, &world, &often);
    assert_eq!(fpm.get(&format!("file={}", file.display())), "abc");
    let unmount = || {
        Command::new("umount").arg(disk.path()).output().is_ok_and(|output| output.status.success())
    };
    until("the disk is free", unmount);
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
