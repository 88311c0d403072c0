//! Trees that are read-only, but for the token file.

use std::fs;
use std::os::unix::fs::MetadataExt;

use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::mounts::{Disk, Mounted};

use super::{FOUND, assert_costs_nothing, assert_refreshed_once, write};

/// Asserts that the file which is mounted at `source`'s name is written in place.
fn assert_written_in_place(world: &World) {
    let inode = |world: &World| fs::metadata(world.file()).expect("a file").ino();
    let before = inode(world);
    assert_refreshed_once(&world.php(), world);
    assert_eq!(inode(world), before);
}

#[test]
fn a_writable_file_in_a_read_only_tree_is_written_in_place() {
    // As systemd's ReadWritePaths= of one file.
    for found in FOUND {
        let mut world = World::new(Options::default());
        write(&mut world, found);
        let source = tempfile::tempdir().expect("a directory");
        let source = source.path().join("source");
        fs::create_dir(&source).expect("a directory");
        let _aside = Mounted::bind(world.dir.path(), &source);
        let _tree = Mounted::read_only(world.dir.path());
        let _file = Mounted::bind(&source.join("token.json"), &world.file());
        assert_written_in_place(&world);
    }
}

#[test]
fn a_file_of_another_disk_in_a_read_only_tree_is_written_in_place() {
    // As `docker run --read-only -v token.json:…`.
    for found in FOUND {
        let disk = Disk::tmpfs("size=256k");
        let mut world = World::new(Options::default());
        write(&mut world, found);
        let source = disk.path().join("volume.json");
        fs::copy(world.file(), &source).expect("a file");
        let _tree = Mounted::read_only(world.dir.path());
        let _file = Mounted::bind(&source, &world.file());
        assert_written_in_place(&world);
    }
}

#[test]
fn a_missing_file_in_a_read_only_tree_costs_no_fetch() {
    let world = World::new(Options::default());
    let _tree = Mounted::read_only(world.dir.path());
    assert_costs_nothing(&world.php(), &world, "the file system is read-only");
}
