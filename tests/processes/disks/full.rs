//! Disks without space or inodes.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::time::Duration;

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::mounts::Disk;
use wx_token_testing::{WWW_DATA, World, now, until};

use super::{
    Call, FOUND, assert_costs_nothing, assert_refreshed_once, assert_stored, calls_of_one,
    calls_of_ten, write,
};

/// Blocks as of most disks, and nothing in reserve for root.
const NO_RESERVE: &[&str] = &["-b", "4096", "-m", "0"];
const RESERVE: &[&str] = &["-b", "4096"];
const FEW_INODES: &[&str] = &["-b", "4096", "-N", "32"];

/// Blocks in which a file is soon full, and attributes have room in the inode.
const SMALL_BLOCKS: &[&str] = &["-b", "1024", "-m", "0", "-I", "1024"];

/// The same, but attributes need a block.
const SMALL_BLOCKS_AND_INODES: &[&str] = &["-b", "1024", "-m", "0", "-I", "128"];

/// A token file in each state in which one is found, on a disk of its own that `exhaust` then exhausts:
/// it is written in place.
fn assert_written_in_place(disk: impl Fn() -> Disk, exhaust: impl Fn(&Disk)) {
    for found in FOUND {
        let disk = disk();
        let mut world = World::within(&disk.path(), Options::default());
        write(&mut world, found);
        exhaust(&disk);
        assert_refreshed_once(&world.php(), &world);
    }
}

fn assert_missing_costs_nothing(disk: &Disk, exhaust: impl Fn(&Disk), why: &str) {
    let world = World::within(&disk.path(), Options::default());
    exhaust(disk);
    assert_costs_nothing(&world.php(), &world, why);
}

#[test]
fn on_a_full_ext3_a_file_that_has_room_is_written_in_place() {
    assert_written_in_place(|| Disk::ext3(NO_RESERVE), Disk::fill);
    assert_written_in_place(|| Disk::ext3(RESERVE), Disk::fill);
    assert_written_in_place(|| Disk::ext3(SMALL_BLOCKS_AND_INODES), Disk::fill);
}

#[test]
fn on_a_full_tmpfs_a_file_that_has_room_is_written_in_place() {
    assert_written_in_place(|| Disk::tmpfs("size=256k"), Disk::fill);
}

#[test]
fn without_free_inodes_a_file_is_written_in_place() {
    assert_written_in_place(|| Disk::ext3(FEW_INODES), Disk::take_inodes);
    assert_written_in_place(|| Disk::tmpfs("nr_inodes=16"), Disk::take_inodes);
}

#[test]
fn on_a_full_disk_a_missing_file_costs_no_fetch() {
    assert_missing_costs_nothing(&Disk::ext3(NO_RESERVE), Disk::fill, "No space left");
    assert_missing_costs_nothing(&Disk::ext3(RESERVE), Disk::fill, "No space left");
    assert_missing_costs_nothing(&Disk::tmpfs("size=256k"), Disk::fill, "No space left");
}

#[test]
fn without_free_inodes_a_missing_file_costs_no_fetch_and_the_message_names_inodes() {
    assert_missing_costs_nothing(&Disk::ext3(FEW_INODES), Disk::take_inodes, "inode");
    assert_missing_costs_nothing(&Disk::tmpfs("nr_inodes=16"), Disk::take_inodes, "inode");
}

#[test]
fn where_only_root_has_space_left_another_users_file_is_written_in_place() {
    for found in FOUND {
        let disk = Disk::ext3(RESERVE);
        let mut world = World::within(&disk.path(), Options::default());
        write(&mut world, found);
        disk.fill_for_users();
        for path in [world.dir.path(), &world.file()] {
            chown(path, Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
        }
        fs::set_permissions(disk.path().join(".."), Permissions::from_mode(0o755)).expect("chmod");
        assert_refreshed_once(&world.php().run_as(WWW_DATA), &world);
    }
}

/// A world on `disk`, which is full: a token file with a live token that is said to expire in
/// `seconds_left`, and no room for the next one, which is longer. Its record is in an attribute, whose place a
/// failure can take.
fn crowded(disk: &Disk, seconds_left: i64) -> (World, String) {
    let options = Options { token_length: 19, ..Options::default() };
    let mut world = World::within(&disk.path(), options);
    world.set("endpoint", "classic");
    let token = world.write_live(100);
    world.emulator.change(|options| options.token_length = 512);
    let expire = i64::try_from(now()).expect("a time") + seconds_left;
    let mut content = json!({"access_token": token, "expire": expire, "note": ""});
    let padding = 1000 - content.to_string().len();
    content["note"] = "x".repeat(padding).into();
    let content = content.to_string();
    world.write(&content);
    disk.fill();
    (world, content)
}

/// Calls on a file that has no room: the file stays what it was, one process fetches once at most, and all the
/// others together once more.
fn assert_bounded(world: &World, content: &str) -> Vec<Call> {
    let mut calls = calls_of_one(&world.php(), world);
    assert!(world.fetches() <= 1, "{} fetches in one process", world.fetches());
    let before = world.fetches();
    calls.extend(calls_of_ten(&world.php(), world));
    let fetches = world.fetches() - before;
    assert!(fetches <= 1, "{fetches} fetches in ten processes");
    for call in &calls {
        call.assert_token_or_failure(world, "No space left");
    }
    assert_eq!(fs::read_to_string(world.file()).expect("a file"), content);
    assert_eq!(world.names(), ["token.json"]);
    calls
}

#[test]
fn an_expired_file_without_room_costs_one_fetch_where_an_attribute_has_room() {
    for options in [SMALL_BLOCKS, SMALL_BLOCKS_AND_INODES] {
        let disk = Disk::ext3(options);
        let (world, content) = crowded(&disk, -60);
        assert_bounded(&world, &content);
    }
}

#[test]
fn a_due_file_without_room_is_served_and_costs_no_further_fetch() {
    for options in [SMALL_BLOCKS, SMALL_BLOCKS_AND_INODES] {
        let disk = Disk::ext3(options);
        let (world, content) = crowded(&disk, 100);
        for call in assert_bounded(&world, &content) {
            assert!(call.token().is_some(), "{call:?}");
        }
    }
}

#[test]
fn a_disk_that_fills_up_during_the_fetch_has_space_reserved_for_the_token() {
    for disk in [Disk::ext3(NO_RESERVE), Disk::tmpfs("size=256k")] {
        let latency = Duration::from_millis(500);
        let world = World::within(&disk.path(), Options { latency, ..Options::default() });
        let caller = world.callers(1).release_only();
        until("the upstream is asked", || world.emulator.stats().in_flight == 1);
        disk.fill();
        let answers: Vec<_> = caller.into_iter().map(wx_token_testing::php::Answer::of).collect();
        world.assert_one_live_token(&answers);
    }
}

#[test]
fn when_space_is_free_again_the_file_is_refreshed() {
    let disk = Disk::ext3(SMALL_BLOCKS_AND_INODES);
    let (world, content) = crowded(&disk, -60);
    let mut calls = assert_bounded(&world, &content);
    disk.empty();
    world.end_pause();
    until("a call stores its token", || {
        calls.extend(calls_of_one(&world.php(), &world));
        world.stored()["access_token"].as_str() == calls.last().and_then(Call::token)
    });
    assert_stored(&world, &calls);
}
