//! Many threads of one process, as in a server with worker threads: each promise holds for threads as it
//! does for processes (I1 to I5).
//!
//! Needs a thread-safe PHP with its embed library, which `make test-matrix` builds.

#![cfg(test)]

mod host;

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use serde_json::Value;
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, GET};
use wx_token_testing::{World, print_waits, until};

use self::host::{Host, THREADS};

#[test]
fn threads_on_an_expired_file_make_one_fetch_each_time() {
    let world = World::slow();
    let mut host = Host::start(&world);
    for round in 0..10 {
        world.write_expired();
        world.emulator.expire_all();
        world.emulator.reset();
        let answers = host.call(&world, GET);
        print_waits("expired file, threads", &answers);
        assert_eq!(world.fetches(), 1, "fetches in round {round}");
        world.assert_one_live_token(&answers);
    }
    host.stop();
}

#[test]
fn threads_on_a_due_file_wait_for_nothing_and_make_one_fetch_each_time() {
    let latency = Duration::from_secs(1);
    let world = World::new(Options { latency, ..Options::default() });
    let mut host = Host::start(&world);
    for round in 0..5 {
        let token = world.write_live(100);
        let answers = host.call(&world, GET);
        print_waits("due file, threads", &answers);
        for answer in &answers {
            assert_eq!(answer.token(), token);
            assert!(answer.milliseconds < 1000.0, "{} ms", answer.milliseconds);
        }
        until("the refresh is stored", || {
            world.stored()["expire"].as_u64() > Some(wx_token_testing::now() + 200)
        });
        assert_eq!(world.fetches(), 1, "fetches in round {round}");
    }
    host.stop();
}

#[test]
fn threads_with_one_rejected_token_make_one_fetch_each_time() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    let mut host = Host::start(&world);
    for round in 0..5 {
        let rejected = world.write_live(7000);
        world.emulator.invalidate_all();
        let answers = host.call(&world, &format!("wx_refresh_token($file, '{rejected}')"));
        assert_eq!(world.fetches(), 1, "fetches in round {round}");
        assert_ne!(answers[0].token(), rejected);
        world.assert_one_live_token(&answers);
    }
    host.stop();
}

#[test]
fn a_rejected_token_is_given_by_no_thread_however_much_it_trusts_its_memory() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    world.set("revalidate_freq", "3600");
    let mut host = Host::start(&world);
    for round in 0..5 {
        let rejected = world.write_live(7000);
        world.until_settled();
        // Twice, for a file is remembered at the second look.
        for _ in 0..3 {
            let answers = host.call(&world, GET);
            assert!(answers.iter().all(|answer| answer.token() == rejected), "round {round}");
            world.until_settled();
        }
        world.emulator.invalidate_all();
        // One of the threads has it replaced; the others learn of it at their next call.
        let call = format!("$thread ? 'x' : wx_refresh_token($file, '{rejected}')");
        let answers = host.call(&world, &call);
        let new = answers.iter().map(Answer::token).find(|token| *token != "x").expect("an answer");
        assert_ne!(new, rejected);
        let answers = host.call(&world, GET);
        assert!(answers.iter().all(|answer| answer.token() == new), "round {round}");
    }
    host.stop();
}

#[test]
fn threads_over_many_cycles_wait_for_no_fetch_and_get_no_invalid_token() {
    let mut world = World::new(Options {
        latency: Duration::from_millis(500),
        lifetime: Duration::from_secs(8),
        renewal: Duration::from_secs(7),
        overlap: Duration::from_secs(2),
        ..Options::default()
    });
    world.set("refresh_ahead", "5");
    world.call();
    world.emulator.reset();
    let mut host = Host::start(&world);
    let code = include_str!("loop.php").strip_prefix("<?php").expect("a PHP file");
    let (file, base) = (world.file(), world.emulator.base_url());
    let code = format!("$file = '{}'; $base = '{base}'; {code}", file.display());
    let seen: Vec<Value> =
        host.run(&code).iter().map(|line| serde_json::from_str(line).expect(line)).collect();

    let sum = |key: &str| seen.iter().filter_map(|one| one[key].as_u64()).sum::<u64>();
    let tokens = seen.iter().filter_map(|one| one["tokens"].as_array()).flatten();
    let tokens: BTreeSet<_> = tokens.filter_map(Value::as_str).collect();
    println!("{} calls, {} fetches, {} tokens", sum("calls"), world.fetches(), tokens.len());
    assert_eq!((sum("failures"), sum("dead"), sum("waits")), (0, 0, 0));
    assert!(tokens.len() >= 3, "the token was refreshed several times");
    assert!(world.fetches() <= tokens.len() as u64, "{} fetches", world.fetches());
    host.stop();
}

#[test]
fn threads_share_the_failure_of_one_fetch() {
    let mut world = World::slow();
    world.set("secret", "wrong");
    let mut host = Host::start(&world);
    world.write_expired();
    for answer in host.call(&world, GET) {
        assert_eq!(answer.class(), "WxToken\\ApiException");
    }
    assert_eq!(world.fetches(), 1);
    host.stop();
}

#[test]
fn a_critical_section_keeps_out_other_threads() {
    let mut world = World::slow();
    world.set("lock_timeout", "50");
    let mut host = Host::start(&world);
    world.write_expired();
    fs::write(world.dir.path().join("count"), "0").expect("a file");
    host.run(
        "$count = dirname('FILE') . '/count';
         for ($i = 0; $i < 20; $i++) {
             wx_with_lock('FILE', function () use ($count) {
                 $next = (int) file_get_contents($count) + 1;
                 usleep(100);
                 file_put_contents($count, $next);
             });
         }
         echo \"done\\n\";"
            .replace("FILE", &world.file().display().to_string())
            .as_str(),
    );
    let count = fs::read_to_string(world.dir.path().join("count")).expect("a file");
    assert_eq!(count, (20 * THREADS).to_string());
    host.stop();
}

#[test]
fn threads_wait_for_another_thread_that_holds_the_lock() {
    for hold in [
        "wx_with_lock($file, fn() => [usleep(500_000), wx_get_token($file)][1])",
        "[$handle = fopen($file, 'r+'), flock($handle, LOCK_EX), usleep(500_000), flock($handle, LOCK_UN),
          wx_get_token($file)][4]",
    ] {
        let world = World::slow();
        let mut host = Host::start(&world);
        world.write_expired();
        let wait = "[usleep(100_000), wx_get_token($file)][1]";
        let answers = host.call(&world, &format!("$thread === 0 ? {hold} : {wait}"));
        assert_eq!(world.fetches(), 1, "fetches");
        world.assert_one_live_token(&answers);
        host.stop();
    }
}

#[test]
fn each_thread_has_its_own_working_directory_and_settings() {
    let world = World::slow();
    for thread in 0..THREADS {
        let dir = world.dir.path().join(thread.to_string());
        fs::create_dir(&dir).expect("a directory");
        fs::write(
            dir.join("token.json"),
            format!(r#"{{"access_token":"{thread}","expire":{}}}"#, wx_token_testing::now() + 5000),
        )
        .expect("a token file");
    }
    let mut host = Host::start(&world);
    let code = "chdir('DIR/' . $thread);
        if (SET) { ini_set('wx_token.refresh_ahead', (string) (100 + $thread)); }
        usleep(100_000);
        $status = wx_token_status('token.json');
        echo json_encode([$thread, wx_get_token('token.json'), ini_get('wx_token.refresh_ahead'),
            $status['expires_in'] - $status['due_in']]) . \"\\n\";"
        .replace("DIR", &world.dir.path().display().to_string());
    let answers = |lines: Vec<String>| -> BTreeSet<String> { lines.into_iter().collect() };
    let expected = |ahead: &dyn Fn(usize) -> usize| -> BTreeSet<String> {
        let line = |thread| format!(r#"[{thread},"{thread}","{0}",{0}]"#, ahead(thread));
        (0..THREADS).map(line).collect()
    };
    assert_eq!(answers(host.run(&code.replace("SET", "true"))), expected(&|thread| 100 + thread));
    assert_eq!(
        answers(host.run(&code.replace("SET", "false"))),
        expected(&|_| 300),
        "the next request"
    );
    assert_eq!(world.fetches(), 0);
    host.stop();
}
