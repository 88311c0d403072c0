//! A long-running worker's memory, descriptors and threads stay as they are.

use wechat_emulator::Options;
use wx_token_testing::World;

/// Runs `$call` many times and tells how far memory grew after a tenth of them, and what is open.
const MEASURE: &str = r#"
    function memory() {
        // Private memory; pages of libraries are loaded when they are first used.
        preg_match('/RssAnon:\s+(\d+)/', file_get_contents('/proc/self/status'), $m);
        return (int) $m[1];
    }
    function threads() {
        return count(scandir('/proc/self/task')) - 2;
    }
    function descriptors() {
        return count(scandir('/proc/self/fd')) - 2;
    }
    $file = $argv[1];
    $times = (int) $argv[2];
    $call = match ($argv[3]) {
        'fresh' => fn() => wx_get_token($file),
        'fetch' => function () use ($file) {
            is_file($file) && unlink($file);
            return wx_get_token($file);
        },
        'error' => function () use ($file) {
            try { wx_get_token($file, ['appid' => 'wx1', 'secret' => 'none']); }
            catch (WxToken\Exception $e) { return $e; }
            throw new Error('no exception');
        },
    };
    for ($i = 0; $i < $times / 10; $i++) { $call(); }
    [memory(), descriptors(), threads()];
    $before = [memory(), descriptors(), threads()];
    for ($i = 0; $i < $times; $i++) { $call(); }
    echo memory() - $before[0], ' ', descriptors() - $before[1], ' ', threads() - $before[2];
"#;

/// Makes `times` calls, after a tenth of them, and allows for `most` KiB more.
fn assert_flat(world: &World, times: u32, kind: &str, most: i64) {
    let file = world.file();
    // Root is told of each file that it creates.
    let php = world.php().with("error_log=/dev/null");
    let printed = php.run(MEASURE, &[file.to_str().expect("a path"), &times.to_string(), kind]);
    let grown: Vec<i64> = printed.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert_eq!(grown.len(), 3, "{printed}");
    println!(
        "{times} × {kind}: {} KiB, {} descriptors, {} threads more",
        grown[0], grown[1], grown[2]
    );
    assert!(grown[0] < most, "{} KiB more after {times} calls", grown[0]);
    assert_eq!(grown[1..], [0, 0], "descriptors and threads");
}

#[test]
fn a_million_fresh_calls_leak_nothing() {
    let world = World::new(Options::default());
    world.call();
    assert_flat(&world, 1_000_000, "fresh", 100);
}

#[test]
fn hundreds_of_fetches_leak_nothing() {
    let world = World::named("127.0.0.1");
    // The arenas of malloc settle at half a megabyte, or one with a newer glibc, after 300 fetches as after 1200.
    assert_flat(&world, 1000, "fetch", 1500);
    assert_eq!(world.fetches(), 100 + 1000);
}

#[test]
fn ten_thousand_errors_leak_nothing() {
    let world = World::new(Options::default());
    world.write("not a token file");
    assert_flat(&world, 10_000, "error", 100);
}

#[test]
fn ten_thousand_shared_failures_leak_nothing() {
    let world = World::new(Options::default());
    let now = wx_token_testing::now_ms();
    let far = now + 3_600_000;
    world.write(format!(
        r#"{{"wx_token":{{"network":"down","failed_at_ms":{now},"retry_at_ms":{far},"failures":1}}}}"#
    ));
    assert_flat(&world, 10_000, "error", 100);
    assert_eq!(world.fetches(), 0);
}
