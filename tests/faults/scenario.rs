//! What a refresh begins with: a token file of www-data, which root refreshes.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};

use rustix::fs::XattrFlags;
use wechat_emulator::Options;
use wx_token_testing::{WWW_DATA, World};

/// Of the file, unlike its directory, which is all www-data's.
const GROUP: u32 = 65534;
const MODE: u32 = 0o640;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Expired,
    Missing,
    /// Valid still, and refreshed in the background.
    Due,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Account,
    Loader,
}

#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub write_mode: &'static str,
    pub start: Start,
    pub source: Source,
}

impl Scenario {
    /// A world as the refresh finds it, and the content of its token file.
    pub fn world(&self) -> (World, Option<Vec<u8>>) {
        let mut world = World::new(Options::default());
        world.set("write_mode", self.write_mode);
        let directory = world.dir.path();
        fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("chmod");
        chown(directory, Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
        match self.start {
            Start::Missing => return (world, None),
            Start::Expired => drop(world.write_expired()),
            Start::Due => drop(world.write_live(100)),
        }
        let file = world.file();
        chown(&file, Some(WWW_DATA), Some(GROUP)).expect("the tests run as root");
        fs::set_permissions(&file, Permissions::from_mode(MODE)).expect("chmod");
        rustix::fs::setxattr(&file, "user.origin", b"ours", XattrFlags::empty()).expect("setfattr");
        let old = fs::read(&file).expect("a token file");
        (world, Some(old))
    }

    /// Owner, group and mode of the file, independent of who wrote it.
    pub fn whose(&self) -> (u32, u32, u32) {
        match self.start {
            Start::Missing => (WWW_DATA, WWW_DATA, 0o600),
            Start::Expired | Start::Due => (WWW_DATA, GROUP, MODE),
        }
    }
}
