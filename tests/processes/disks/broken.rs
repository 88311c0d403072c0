//! File systems on which operations fail, or that do not have them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use libc::{EDQUOT, EINVAL, EIO, ENOSPC, ENOSYS, EOPNOTSUPP, EPERM, EROFS, c_int};
use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, Php};
use wx_token_testing::{World, now, now_ms, until};

use super::fuse::Operation::{
    Chmod, Chown, Create, Fallocate, Fsync, GetXattr, Link, OpenToWrite, Rename, RenameNoReplace,
    SetXattr, Truncate, Write,
};
use super::fuse::{Fuse, Operation};
use super::{
    Call, Caller, FOUND, Found, assert_refreshed_once, assert_stored, calls_of_one, calls_of_ten,
    write,
};

/// A file system on which these fail.
fn broken(failures: &[(Operation, c_int)]) -> Fuse {
    let fuse = Fuse::mount();
    for (operation, errno) in failures {
        fuse.fail(*operation, *errno);
    }
    fuse
}

#[test]
fn a_missing_file_is_created_without_hard_links_and_without_rename_noreplace() {
    for lack in [EINVAL, ENOSYS] {
        for link in [EPERM, ENOSYS, EOPNOTSUPP] {
            let fuse = broken(&[(RenameNoReplace, lack), (Link, link)]);
            let options = Options { latency: Duration::from_millis(100), ..Options::default() };
            let world = World::within(fuse.path(), options);
            let answers = world.callers(8).release();
            world.assert_one_live_token(&answers);
            assert_eq!(world.fetches(), 1);
            let mode = fs::metadata(world.file()).expect("a file").mode() & 0o7777;
            assert_eq!(mode, 0o600);
        }
    }
}

#[test]
fn a_missing_file_is_created_on_file_systems_that_lack_other_operations() {
    let fuse = broken(&[
        (RenameNoReplace, EINVAL),
        (Link, ENOSYS),
        (Chmod, ENOSYS),
        (Chown, EOPNOTSUPP),
        (Fallocate, EOPNOTSUPP),
        (GetXattr, EOPNOTSUPP),
        (SetXattr, EOPNOTSUPP),
    ]);
    let world = World::within(fuse.path(), Options::default());
    assert_refreshed_once(&world.php(), &world);
}

#[test]
fn whichever_step_of_a_replacement_fails_the_file_is_written_in_place() {
    for (operation, errno) in [
        (Create, ENOSPC),
        (Create, EDQUOT),
        (Create, EROFS),
        (Create, EIO),
        (Create, ENOSYS),
        (Chmod, ENOSYS),
        (Chmod, EIO),
        (Chown, EOPNOTSUPP),
        (Chown, EIO),
        (Fallocate, EOPNOTSUPP),
        (Fallocate, EIO),
        (SetXattr, EIO),
        (Fsync, EIO),
        (Fsync, ENOSPC),
        (Rename, EIO),
        (Rename, EINVAL),
        (Rename, ENOSPC),
        (Rename, ENOSYS),
    ] {
        for found in FOUND {
            println!("{found:?}, {operation:?} fails with {errno}");
            let fuse = Fuse::mount();
            let mut world = World::within(fuse.path(), Options::default());
            write(&mut world, found);
            fuse.fail(operation, errno);
            assert_refreshed_once(&world.php(), &world);
        }
    }
}

/// A world in which a fetch takes so long that the disk can break meanwhile.
fn slow(fuse: &Fuse, found: (Found, &str)) -> World {
    let options = Options { latency: Duration::from_millis(200), ..Options::default() };
    let mut world = World::within(fuse.path(), options);
    write(&mut world, found);
    world
}

/// A call during whose fetch the `failures` begin.
fn call_that_cannot_store(
    fuse: &Fuse,
    failures: &[(Operation, c_int)],
    php: &Php,
    world: &World,
) -> (Caller, Call) {
    let mut caller = Caller::start(php, world);
    caller.begin();
    until("the upstream is asked", || world.emulator.stats().in_flight == 1);
    for (operation, errno) in failures {
        fuse.fail(*operation, *errno);
    }
    let call = caller.end();
    (caller, call)
}

/// What keeps a token from being stored, and how the operating system says it.
const UNSTORABLE: [(&[(Operation, c_int)], &str); 3] = [
    (&[(Write, EIO)], "Input/output error"),
    (&[(Write, ENOSPC)], "No space left"),
    (&[(Write, EDQUOT), (Truncate, EIO), (Fsync, EIO)], "quota exceeded"),
];

#[test]
fn a_token_that_cannot_be_stored_is_returned_and_an_attribute_records_the_failure() {
    for (failures, reason) in UNSTORABLE {
        for found in FOUND {
            println!("{found:?}, {failures:?}");
            let fuse = Fuse::mount();
            let world = slow(&fuse, found);
            let old = fs::read(world.file()).expect("a file");
            let (mut caller, first) = call_that_cannot_store(&fuse, failures, &world.php(), &world);
            let mut calls = vec![first];
            calls.extend((0..10).map(|_| caller.call()));
            for call in &calls {
                call.assert_token(&world, false);
                let message = call.status()["failure"]["message"].as_str().unwrap_or_default();
                assert!(message.contains(reason), "{call:?}");
            }
            assert_eq!(world.fetches(), 1, "in one process");
            for call in calls_of_ten(&world.php(), &world) {
                call.assert_token_or_failure(&world, reason);
                if found.0 == Found::Due {
                    assert!(call.token().is_some(), "{call:?}");
                }
            }
            assert!(world.fetches() <= 2, "{} fetches with ten processes", world.fetches());
            assert_eq!(fs::read(world.file()).expect("a file"), old);
            assert_eq!(world.names(), ["token.json"]);
        }
    }
}

#[test]
fn where_neither_file_nor_attribute_can_be_written_a_failed_store_costs_each_process_one_fetch() {
    for found in FOUND {
        println!("{found:?}");
        let fuse = Fuse::mount();
        let world = slow(&fuse, found);
        let failures = [(Write, EIO), (SetXattr, EOPNOTSUPP)];
        let (mut caller, first) = call_that_cannot_store(&fuse, &failures, &world.php(), &world);
        let mut calls = vec![first];
        calls.extend((0..10).map(|_| caller.call()));
        for call in &calls {
            call.assert_token(&world, false);
        }
        assert_eq!(world.fetches(), 1, "in one process");
        for call in calls_of_ten(&world.php(), &world) {
            call.assert_token_or_failure(&world, "Input/output error");
        }
        assert!(world.fetches() <= 11, "{} fetches with ten processes", world.fetches());
        assert_eq!(world.names(), ["token.json"]);
    }
}

#[test]
fn a_disk_that_was_broken_before_costs_one_process_one_fetch_and_ten_one_more() {
    for failures in [
        &[(Write, EIO)][..],
        &[(Write, ENOSPC)],
        &[(Fallocate, EOPNOTSUPP), (Write, EIO)],
        &[(Fallocate, EOPNOTSUPP), (Write, ENOSPC)],
        &[(Create, ENOSPC), (Write, ENOSPC)],
        &[(OpenToWrite, EROFS)],
        &[(OpenToWrite, EIO)],
    ] {
        for found in FOUND {
            println!("{found:?}, {failures:?}");
            let fuse = Fuse::mount();
            let mut world = World::within(fuse.path(), Options::default());
            write(&mut world, found);
            let old = fs::read(world.file()).expect("a file");
            for (operation, errno) in failures {
                fuse.fail(*operation, *errno);
            }
            let calls = calls_of_one(&world.php(), &world);
            assert!(world.fetches() <= 1, "{} fetches in one process", world.fetches());
            let others = calls_of_ten(&world.php(), &world);
            assert!(world.fetches() <= 2, "{} fetches with ten processes", world.fetches());
            for call in calls.iter().chain(&others) {
                call.assert_token_or_failure(&world, "");
                assert!(found.0 != Found::Due || call.token().is_some(), "{call:?}");
            }
            assert_eq!(fs::read(world.file()).expect("a file"), old);
            assert_eq!(world.names(), ["token.json"]);
        }
    }
}

#[test]
fn all_who_wait_for_a_token_that_cannot_be_stored_share_the_failure() {
    let fuse = Fuse::mount();
    let world = slow(&fuse, (Found::Expired, "classic"));
    let callers = world.callers(8).release_only();
    until("the upstream is asked", || world.emulator.stats().in_flight == 1);
    fuse.fail(Write, EIO);
    let answers: Vec<_> = callers.into_iter().map(Answer::of).collect();
    assert_eq!(world.fetches(), 1);
    let (has_token, failed): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.message().is_empty());
    assert_eq!(has_token.len(), 1, "{answers:?}");
    assert!(world.is_live(has_token[0].token()));
    for answer in failed {
        assert_eq!(answer.class(), "WxToken\\FileException", "{answer:?}");
        assert!(answer.message().contains("Input/output error"), "{answer:?}");
    }
}

#[test]
fn a_failed_store_is_one_line_in_the_error_log_with_the_reason() {
    for found in [(Found::Expired, "classic"), (Found::Due, "classic")] {
        let fuse = Fuse::mount();
        let world = slow(&fuse, found);
        let directory = tempfile::tempdir().expect("a directory");
        let log = directory.path().join("error.log");
        let php = world.php().with("log_errors=1").with(&format!("error_log={}", log.display()));
        let (mut caller, _) = call_that_cannot_store(&fuse, &[(Write, EIO)], &php, &world);
        until("the store has failed again", || {
            caller.call().status()["failure"]["failures"].as_u64() > Some(1)
        });
        let lines = fs::read_to_string(&log).expect("a log");
        assert_eq!(lines.lines().count(), 1, "{lines}");
        for word in [path(&world.file()), "could not be stored", "Input/output error"] {
            assert!(lines.contains(word), "{lines}");
        }
    }
}

#[test]
fn an_unstored_token_is_stored_without_a_fetch_when_the_disk_works_again() {
    for found in FOUND {
        println!("{found:?}");
        let fuse = Fuse::mount();
        let world = slow(&fuse, found);
        let (mut caller, first) =
            call_that_cannot_store(&fuse, &[(Write, EIO)], &world.php(), &world);
        first.assert_token(&world, false);
        let in_hand = caller.call();
        fuse.heal();
        until("the token is stored", || {
            let call = caller.call();
            assert_eq!(call.token(), in_hand.token());
            call.status()["stored"] == true
        });
        let last = caller.call();
        last.assert_token(&world, true);
        assert!(last.status()["failure"].is_null(), "{last:?}");
        for call in calls_of_ten(&world.php(), &world) {
            assert_eq!(call.token(), in_hand.token());
        }
        assert_eq!(world.fetches(), 1);
        assert_stored(&world, &[last]);
    }
}

#[test]
fn before_retry_at_a_store_that_failed_is_not_tried_again() {
    let fuse = Fuse::mount();
    let world = slow(&fuse, (Found::Expired, "stable"));
    let begun = now_ms();
    let (mut caller, first) = call_that_cannot_store(&fuse, &[(Write, EIO)], &world.php(), &world);
    first.assert_token(&world, false);
    let record: Value = serde_json::from_slice(&world.attribute()).expect("a record");
    let retry_at = record["retry_at_ms"].as_u64().expect("a time");
    assert!(u128::from(retry_at) >= begun + 1000, "{record}");
    fuse.heal();
    world.prolong_pause();
    for _ in 0..3 {
        caller.call().assert_token(&world, false);
    }
    world.end_pause();
    caller.call().assert_token(&world, true);
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_missing_file_whose_token_cannot_be_stored_costs_one_process_one_fetch() {
    let fuse = Fuse::mount();
    let options = Options { latency: Duration::from_millis(200), ..Options::default() };
    let world = World::within(fuse.path(), options);
    let (mut caller, first) = call_that_cannot_store(&fuse, &[(Write, EIO)], &world.php(), &world);
    first.assert_token(&world, false);
    for _ in 0..10 {
        caller.call().assert_token(&world, false);
    }
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_failure_ends_in_time_where_the_access_time_cannot_be_set_alone() {
    let fuse = Fuse::mount();
    fuse.forget_access();
    let mut world = World::within(fuse.path(), Options::default());
    world.set("write_mode", "in_place");
    world.write_expired();
    world.emulator.script_json(json!([{"errcode": -1, "times": 0}])).expect("a script");
    assert_eq!(world.call().class(), "WxToken\\ApiException");
    world.emulator.clear_script();
    // Clocks that differ by less than three seconds count as one.
    let written = fs::metadata(world.file()).and_then(|metadata| metadata.modified());
    let written = written.expect("a time");
    until("the file is old", || written.elapsed().is_ok_and(|age| age > Duration::from_secs(4)));
    assert!(world.is_live(world.call().token()));
}

#[test]
fn where_times_are_whole_seconds_a_replaced_token_is_noticed() {
    let fuse = Fuse::mount();
    fuse.round_times();
    let world = World::within(fuse.path(), Options::default());
    let file = |token: &str| json!({"access_token": token, "expire": now() + 3600}).to_string();
    world.write(file("token-0"));
    let mut caller = Caller::start(&world.php(), &world);
    for token in (1..30).map(|number| format!("token-{}", number % 10)) {
        // In place, with the same length: only the times can tell, if they are fine enough.
        world.write(file(&token));
        assert_eq!(caller.call().token(), Some(token.as_str()));
    }
    assert_eq!(world.fetches(), 0);
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a printable path")
}
