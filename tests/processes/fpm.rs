//! The same under php-fpm: eight workers of one pool, not root.

use wechat_emulator::Options;

use crate::support::fpm::Fpm;
use crate::support::php::Answer;
use crate::support::{World, print_waits};

const CALL: &str = r#"<?php
$start = hrtime(true);
try {
    $answer = ['token' => wx_get_token($_GET['file'])];
} catch (Throwable $e) {
    $answer = ['class' => $e::class, 'message' => $e->getMessage(), 'code' => $e->getCode()];
}
$answer['ms'] = (hrtime(true) - $start) / 1e6;
echo json_encode($answer);
"#;

fn storm(world: &World, fpm: &Fpm, requests: usize, what: &str) -> Vec<Answer> {
    let query = format!("file={}", world.file().display());
    let bodies = std::thread::scope(|scope| {
        let request = || fpm.get(&query);
        let threads: Vec<_> = (0..requests).map(|_| scope.spawn(request)).collect();
        threads.into_iter().map(|thread| thread.join().expect("an answer")).collect::<Vec<_>>()
    });
    let answers: Vec<Answer> = bodies.iter().map(|body| Answer::parse(body)).collect();
    print_waits(what, &answers);
    answers
}

#[test]
fn eight_workers_make_one_fetch() {
    let world = World::slow();
    let fpm = Fpm::start(&world, CALL);
    for (what, content) in [
        ("php-fpm, missing file", None),
        ("php-fpm, empty file", Some("")),
        ("php-fpm, torn file", Some(r#"{"access_token":"easWas"#)),
        ("php-fpm, NUL bytes", Some("\0\0\0\0\0\0\0\0")),
        ("php-fpm, expired file", Some(r#"{"access_token":"old","expire":5}"#)),
    ] {
        world.emulator.reset();
        fpm.put(&world.file(), content);
        let answers = storm(&world, &fpm, 32, what);
        assert_eq!(world.fetches(), 1, "{what}");
        world.assert_one_live_token(&answers);
    }
}

#[test]
fn a_failure_is_shared_by_all_workers_and_later_requests() {
    let mut world = World::new(Options::default());
    world.set("secret", "wrong");
    let fpm = Fpm::start(&world, CALL);
    for what in ["php-fpm, wrong secret", "php-fpm, before retry_at"] {
        for answer in storm(&world, &fpm, 32, what) {
            assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
        }
        assert_eq!(world.fetches(), 1, "{what}");
    }
}
