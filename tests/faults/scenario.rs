//! What a refresh begins with: a token file of www-data, which root refreshes, and perhaps a shared store.

use std::cell::{RefCell, RefMut};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use rustix::fs::XattrFlags;
use wechat_emulator::Options;
use wx_token_testing::php::GET;
use wx_token_testing::{WWW_DATA, World};

use crate::outcome::Content;
use crate::store::{self, Store};
use crate::sweep::Phase;

/// Of the file, unlike its directory, which is all www-data's.
const GROUP: u32 = 65534;
const MODE: u32 = 0o640;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    Expired,
    Missing,
    /// Valid still, and refreshed in the background.
    Due,
    /// To be returned as it is, if the store has none that is newer.
    Fresh,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Account,
    /// Whose secret WeChat rejects until the pause after a failure is over.
    RejectedAccount,
    Loader,
}

/// What the shared store holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shared {
    Nothing,
    /// A token that another machine has fetched.
    Token,
}

#[derive(Debug, Clone, Copy)]
pub struct Scenario {
    pub name: &'static str,
    pub write_mode: &'static str,
    pub endpoint: &'static str,
    pub start: Start,
    pub source: Source,
    /// `None` without a store.
    pub shared: Option<Shared>,
    /// What the refresh connects for, in this order.
    pub requests: &'static [Phase],
}

/// A scenario, and the store of all its worlds.
pub struct Stage<'a> {
    pub scenario: &'a Scenario,
    store: Option<RefCell<Store>>,
}

impl<'a> Stage<'a> {
    pub fn of(scenario: &'a Scenario) -> Self {
        Self { scenario, store: scenario.shared.map(|_| RefCell::new(Store::start())) }
    }

    pub fn store(&self) -> Option<RefMut<'_, Store>> {
        self.store.as_ref().map(RefCell::borrow_mut)
    }

    /// A world as the refresh finds it, and the content of its token file.
    pub fn world(&self) -> (World, Option<Vec<u8>>) {
        let mut world = World::new(Options::default());
        world.set("write_mode", self.scenario.write_mode);
        world.set("endpoint", self.scenario.endpoint);
        if let Some(mut store) = self.store() {
            store.empty();
            world.set("store", &store.url());
            // Longer than a traced process takes, on a busy machine too.
            world.set("store_timeout", "2");
        }
        let old = self.write(&world);
        if self.scenario.source == Source::RejectedAccount {
            world.emulator.change(|options| options.secret.push('!'));
        }
        (world, old)
    }

    /// Makes the pause after a failure longer than any test, and the turn of a machine in the store.
    pub fn prolong_pause(&self, world: &World) {
        world.prolong_pause();
        if let Some(mut store) = self.store() {
            store.prolong();
        }
    }

    /// Ends the pause after a failure. WeChat rejects no account from now on, and this machine was idle.
    pub fn end_pause(&self, world: &World) {
        world.end_pause();
        if self.scenario.source == Source::RejectedAccount {
            world.emulator.change(|options| _ = options.secret.pop());
        }
        if let Some(mut store) = self.store() {
            store.end_pause();
            if store::beside(world).exists() {
                store::be_idle(world);
            }
        }
    }

    fn write(&self, world: &World) -> Option<Vec<u8>> {
        let directory = world.dir.path();
        fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("chmod");
        chown(directory, Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
        match self.scenario.start {
            Start::Missing => return None,
            Start::Expired => drop(world.write_expired()),
            Start::Due => drop(world.write_live(100)),
            Start::Fresh => drop(world.write_live(7000)),
        }
        let file = world.file();
        rustix::fs::setxattr(&file, "user.origin", b"ours", XattrFlags::empty()).expect("setfattr");
        give(&file);
        match (self.store(), self.scenario.shared) {
            (Some(mut store), Some(Shared::Token)) => {
                store.empty();
                ask_elsewhere(world).expect("another machine has a token");
                world.emulator.reset();
                store::be_idle(world);
                give(&store::beside(world));
            }
            // Its first use of the store creates the file beside.
            (Some(mut store), Some(Shared::Nothing)) if self.scenario.start == Start::Fresh => {
                store.empty();
                fs::remove_file(store::beside(world)).expect("the first call has created it");
            }
            _ => {}
        }
        Some(fs::read(&file).expect("a token file"))
    }
}

impl Scenario {
    /// Owner, group and mode of the file, independent of who wrote it.
    pub fn whose(&self) -> (u32, u32, u32) {
        match self.start {
            Start::Missing => (WWW_DATA, WWW_DATA, 0o600),
            Start::Expired | Start::Due | Start::Fresh => (WWW_DATA, GROUP, MODE),
        }
    }

    /// What the file holds when all calls have been made.
    pub fn content_in_the_end(&self) -> Content {
        let keeps = self.start == Start::Fresh && self.shared == Some(Shared::Nothing);
        if keeps { Content::Old } else { Content::New }
    }

    /// What is in the directory then.
    pub fn names(&self) -> &'static [&'static str] {
        match self.shared {
            None => &["token.json"],
            Some(_) => &[".token.json.wx_store", "token.json"],
        }
    }

    /// Whether this machine's call is the one from which the store has its token.
    pub fn gives(&self) -> bool {
        self.shared == Some(Shared::Nothing) && self.source == Source::Account
    }
}

fn give(file: &Path) {
    chown(file, Some(WWW_DATA), Some(GROUP)).expect("the tests run as root");
    fs::set_permissions(file, Permissions::from_mode(MODE)).expect("chmod");
}

/// The token that another machine of the same fleet gets, which has none.
///
/// # Errors
/// It gets none.
pub fn ask_elsewhere(world: &World) -> Result<String, String> {
    let dir = tempfile::tempdir().expect("a directory for another machine");
    chown(dir.path(), Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
    let answer = world.php().run_as(WWW_DATA).call(&dir.path().join("token.json"), GET);
    let token = answer.property("token").as_str().map(ToOwned::to_owned);
    token.ok_or_else(|| format!("another machine has no token: {answer:?}"))
}
