//! Forked children: they keep no lock alive, wait for no thread that they do not have, and work.

use serde_json::json;
use wx_token_testing::process::Process;
use wx_token_testing::{World, extension, until};

/// Starts a process whose due refresh runs, and which forks meanwhile; `$child` is what the child
/// does. Prints the child's pid.
fn fork_during_a_refresh(world: &World, child: &str) -> Process {
    let code = format!(
        r#"
        wx_get_token($argv[1]);             // due: the refresh runs on a thread
        fgets(STDIN);                       // until the test has seen it
        if (!($pid = pcntl_fork())) {{
            {child}
            exit(0);
        }}
        echo "$pid\n";
        fgets(STDIN);
        pcntl_waitpid($pid, $status);
        echo pcntl_wexitstatus($status), "\n";
        "#
    );
    let file = world.file();
    let mut process = world.php().start(&code, &[file.to_str().expect("a path")]);
    until("the refresh is under way", || world.emulator.stats().in_flight == 1);
    process.release();
    process
}

fn due(world: &mut World) {
    world.set("endpoint", "classic");
    world.set("lock_timeout", "5");
    world.write_live(100);
}

fn is_alive(pid: &str) -> bool {
    std::path::Path::new("/proc").join(pid).join("exe").exists()
}

#[test]
fn a_child_does_not_keep_the_lock_of_its_killed_parent() {
    let mut world = World::slow();
    due(&mut world);
    world.emulator.script_json(json!([{"hang": true}])).expect("a script");
    // The child outlives everything, as a daemon's worker does.
    let mut parent = fork_during_a_refresh(&world, "sleep(60);");
    let child = parent.read_line();
    parent.kill();
    assert!(is_alive(&child), "the child lives on");
    world.write_expired();
    let answer = world.call();
    println!("after the parent's death: {:.0} ms", answer.milliseconds);
    world.assert_one_live_token(&[answer]);
    assert!(is_alive(&child), "and still does");
    let killed = std::process::Command::new("kill").args(["-KILL", &child]).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

#[test]
fn a_child_ends_without_waiting_for_its_parents_refresh() {
    let mut world = World::slow();
    due(&mut world);
    world.set("timeout", "25");
    world.emulator.script_json(json!([{"hang": true}])).expect("a script");
    let mut parent = fork_during_a_refresh(&world, "exit(7);");
    let child = parent.read_line();
    // A child that waited for the thread would wait for the fetch's 25 s.
    until("the child is gone", || !is_alive(&child));
    assert_eq!(world.emulator.stats().in_flight, 1, "the parent's refresh goes on");
    parent.kill();
}

#[test]
fn a_child_works_as_a_new_process() {
    let mut world = World::slow();
    due(&mut world);
    let child = r"
        $other = $argv[1] . '.other';
        foreach ([1, 2, 3] as $_) {
            $token = wx_with_lock($other, fn() => wx_get_token($other));
            file_put_contents($other, '');
        }
        exit($token === '' ? 1 : 42);
    ";
    let mut parent = fork_during_a_refresh(&world, child);
    parent.read_line();
    parent.release();
    assert_eq!(parent.read_line(), "42");
    drop(parent);
    assert_eq!(world.fetches(), 4, "the parent's due refresh, and three of the child's own");
    assert!(world.is_live(world.stored()["access_token"].as_str().expect("a token")));
}

#[test]
fn forks_during_many_refreshes_never_hang() {
    let mut world = World::new(wechat_emulator::Options::default());
    world.set("endpoint", "classic");
    // Refreshes run all the while on threads of the parent, which forks and forks: a child that found
    // a mutex locked for ever would hang.
    let code = r#"
        for ($i = 0; $i < 100; $i++) {
            $expire = time() + 100;
            file_put_contents($argv[1], "{\"access_token\":\"due-$i\",\"expire\":$expire}");
            wx_get_token($argv[1]);
            if (!($pid = pcntl_fork())) {
                exit(wx_get_token($argv[1]) === '' ? 1 : 0);
            }
            pcntl_waitpid($pid, $status);
            if (pcntl_wexitstatus($status) !== 0) { exit("child $i failed\n"); }
        }
        echo "done";
    "#;
    let printed = world.php().run(code, &[world.file().to_str().expect("a path")]);
    assert_eq!(printed, "done");
}

#[test]
fn a_child_of_a_loader_does_not_keep_the_lock_of_the_new_file() {
    let world = World::new(wechat_emulator::Options::default());
    world.write_expired();
    let code = r#"
        $loader = function () use (&$child) {
            if (!($child = pcntl_fork())) {
                sleep(60);
                exit(0);
            }
            return ['access_token' => 'from-the-loader', 'expires_in' => 1];
        };
        wx_with_lock($argv[1], function () use ($argv, $loader, &$child) {
            wx_get_token($argv[1], $loader);
            echo "$child\n";
            fgets(STDIN);
        });
    "#;
    let mut parent = world.php().start(code, &[world.file().to_str().expect("a path")]);
    let child = parent.read_line();
    assert!(world.stored()["access_token"] == "from-the-loader");
    parent.kill();
    let answer = world.call_of("wx_refresh_token($file, 'from-the-loader')");
    world.assert_one_live_token(&[answer]);
    assert!(is_alive(&child), "the child lives on");
    let killed = std::process::Command::new("kill").args(["-KILL", &child]).status();
    assert!(killed.is_ok_and(|status| status.success()));
}

/// PHP closes its extensions when it shuts down. The fork handlers stay registered, so their code must stay.
#[test]
fn the_library_stays_when_php_closes_it() {
    let world = World::slow();
    // A thread that has used the extension would keep it loaded. The loader's own log tells what it does.
    let output =
        world.php().command().args(["-r", "1;"]).env("LD_DEBUG", "files").output().expect("php");
    let log = String::from_utf8_lossy(&output.stderr);
    let library = extension().display().to_string();
    let of_library: Vec<_> = log.lines().filter(|line| line.contains(&library)).collect();
    let is_told = |event: &str| of_library.iter().any(|line| line.contains(event));
    assert!(is_told("calling init"), "{log}");
    assert!(!is_told("destroying link map"), "unloaded: {of_library:#?}");
}
