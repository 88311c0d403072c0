//! Requests that end while their Fibers are suspended. The worker of php-fpm lives on and may keep nothing of
//! theirs.

use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::fpm::Fpm;

/// Each request takes both locks in Fibers, which it leaves suspended, and ends in its own way.
const REQUEST: &str = r#"<?php
register_shutdown_function(function () { echo getmypid(); });
$fiber = new Fiber(fn() => wx_with_lock("$_GET[file].lock", fn() => Fiber::suspend()));
$fiber->start();
$token = ['access_token' => 'a-token', 'expires_in' => 1];
$other = new Fiber(fn() => wx_refresh_token($_GET['file'], 'a-token', fn() => Fiber::suspend() ?? $token));
$other->start();
match ($_GET['end']) {
    'return' => null,
    'exit' => exit,
    'throw' => throw new Exception('on purpose'),
    'fatal' => trigger_error('on purpose', E_USER_ERROR),
    'memory' => str_repeat('x', 1 << 40),
    'time' => (function () { set_time_limit(1); for (;;) hash('sha256', 'busy'); })(),
};
"#;

#[test]
fn every_end_of_a_request_releases_its_locks() {
    let world = World::new(Options::default());
    let fpm = Fpm::with_workers(1, &world, REQUEST);
    fpm.put(&world.file(), Some(""));
    let mut workers = Vec::new();
    for end in ["return", "exit", "throw", "fatal", "memory", "time", "fatal", "return"] {
        let body = fpm.get(&format!("file={}&end={end}", world.file().display()));
        let pid: String = body.chars().rev().take_while(char::is_ascii_digit).collect();
        workers.push(pid);
        assert!(!body.contains("LockException"), "{end}: {body}");
        // Another process, at once: the answer is sent before the request has ended.
        for file in [world.file(), world.dir.path().join("token.json.lock")] {
            let code = "echo wx_with_lock($argv[1], fn() => 'free', 5.0);";
            let printed = world.php().run(code, &[file.to_str().expect("a path")]);
            assert_eq!(printed, "free", "after {end}");
        }
    }
    workers.dedup();
    assert_eq!(workers.len(), 1, "one worker served all: {workers:?}");
}
