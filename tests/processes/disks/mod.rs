//! Disks that are full, read-only or broken: what a refresh costs, and what its callers have of it (I6, I7).

mod broken;
mod full;
pub mod fuse;
mod read_only;

use std::fs;
use std::io::ErrorKind;

use serde_json::Value;
use wx_token_testing::World;
use wx_token_testing::php::{Php, code};
use wx_token_testing::process::Process;

/// How many calls a process makes in a row.
const CALLS: usize = 10;

/// A PHP process that calls when it is told to.
struct Caller(Process);

impl Caller {
    fn start(php: &Php, world: &World) -> Self {
        let file = world.file();
        let file = file.to_str().expect("a printable path");
        Self(php.start(code(include_str!("../php/calls.php")), &[file]))
    }

    /// Calls, and returns when the refresh that it may have brought about is over.
    fn call(&mut self) -> Call {
        self.begin();
        self.end()
    }

    fn begin(&mut self) {
        self.0.release();
    }

    fn end(&mut self) -> Call {
        let line = self.0.read_line();
        Call(serde_json::from_str(&line).unwrap_or_else(|_| panic!("PHP says {line:?}")))
    }
}

/// What came of a call, and the file's status after it.
#[derive(Debug)]
struct Call(Value);

impl Call {
    fn token(&self) -> Option<&str> {
        self.0["token"].as_str()
    }

    fn message(&self) -> &str {
        self.0["message"].as_str().unwrap_or_default()
    }

    fn status(&self) -> &Value {
        &self.0["status"]
    }

    /// Asserts that it has a live token, which others have of the file, or which they have not.
    fn assert_token(&self, world: &World, is_stored: bool) {
        let token = self.token().unwrap_or_else(|| panic!("no token but {self:?}"));
        assert!(world.is_live(token), "a dead token: {self:?}");
        assert_eq!(self.status()["stored"], is_stored, "{self:?}");
        assert_eq!(self.status()["error"].is_null(), is_stored, "{self:?}");
    }

    /// Asserts that it has a live token, or a failure to store one that says why.
    fn assert_token_or_failure(&self, world: &World, why: &str) {
        match self.token() {
            Some(token) => assert!(world.is_live(token), "a dead token: {self:?}"),
            None => {
                assert_eq!(self.0["class"], "WxToken\\FileException", "{self:?}");
                assert!(self.message().contains(why), "{self:?}");
            }
        }
    }
}

/// Ten calls of one process, each of which begins when all is quiet after the one before.
fn calls_of_one(php: &Php, world: &World) -> Vec<Call> {
    let mut caller = Caller::start(php, world);
    (0..CALLS).map(|_| caller.call()).collect()
}

/// The same of ten processes, one after another. A failure that one of them leaves for the others bars them all,
/// however long they take.
fn calls_of_ten(php: &Php, world: &World) -> Vec<Call> {
    let call = |_| {
        let call = Caller::start(php, world).call();
        world.prolong_pause();
        call
    };
    (0..CALLS).map(call).collect()
}

/// Asserts that a refresh comes to pass as on a sound disk, with one fetch for all the callers.
fn assert_refreshed_once(php: &Php, world: &World) {
    let calls = calls_of_one(php, world);
    for call in calls.iter().chain(&calls_of_ten(php, world)) {
        call.assert_token(world, true);
        assert!(call.status()["failure"].is_null(), "{call:?}");
    }
    assert_eq!(world.fetches(), 1);
    assert_stored(world, &calls);
}

/// Asserts that the file is whole and has the token of the last of `calls`.
fn assert_stored(world: &World, calls: &[Call]) {
    let last = calls.last().and_then(Call::token);
    assert_eq!(world.stored()["access_token"].as_str(), last);
    assert_eq!(world.names(), ["token.json"]);
}

/// Asserts that no caller has a token, that none was asked for, and that nothing is left but perhaps an
/// empty file.
fn assert_costs_nothing(php: &Php, world: &World, why: &str) {
    let mut calls = calls_of_one(php, world);
    calls.extend(calls_of_ten(php, world));
    for call in &calls {
        assert_eq!(call.0["class"], "WxToken\\FileException", "{call:?}");
        assert!(call.message().contains(why), "{call:?}");
    }
    assert_eq!(world.fetches(), 0);
    match fs::read(world.file()) {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
            assert!(world.names().is_empty(), "{:?}", world.names());
        }
        Ok(content) => {
            assert!(content.is_empty(), "{:?}", String::from_utf8_lossy(&content));
            assert_eq!(world.names(), ["token.json"]);
        }
    }
}

/// How a file is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Expired,
    /// Valid still.
    Due,
}

/// Every way to find a file, at either endpoint of WeChat.
const FOUND: [(Found, &str); 4] = [
    (Found::Expired, "stable"),
    (Found::Expired, "classic"),
    (Found::Due, "stable"),
    (Found::Due, "classic"),
];

/// Writes a token file, and forgets the fetches until then.
fn write(world: &mut World, (found, endpoint): (Found, &str)) {
    world.set("endpoint", endpoint);
    match found {
        Found::Expired => drop(world.write_expired()),
        Found::Due => drop(world.write_live(100)),
    }
}
