//! An emulator with a token file beside it, and how PHP finds both.

use std::ffi::OsString;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::XattrFlags;
use serde_json::{Value, json};
use tempfile::TempDir;
use wechat_emulator::{Emulator, Options, Tls};

use crate::php::{Answer, Callers, GET, Php};
use crate::{extension, now, now_ms, until};

/// An emulator of WeChat, the directory of a token file, and the settings by which PHP reaches both.
pub struct World {
    pub emulator: Emulator,
    pub dir: TempDir,
    settings: Vec<(String, String)>,
}

impl World {
    pub fn new(options: Options) -> Self {
        let appid = options.appid.clone();
        let secret = options.secret.clone();
        let emulator = Emulator::start(options).expect("the emulator starts");
        let dir = tempfile::tempdir().expect("a directory for the token file");
        let settings = Vec::new();
        let base = emulator.base_url();
        let mut world = Self { emulator, dir, settings };
        world.set("appid", &appid);
        world.set("secret", &secret);
        world.set("api_base", &base);
        world
    }

    /// A world whose token file is in a directory of its own within `directory`.
    pub fn within(directory: &Path, options: Options) -> Self {
        let dir = tempfile::tempdir_in(directory).expect("a directory for the token file");
        Self { dir, ..Self::new(options) }
    }

    /// A world where a fetch takes 200 ms, so that calls certainly race.
    pub fn slow() -> Self {
        Self::with_latency(200)
    }

    /// A world where a fetch takes 50 ms: longer than a call, and far shorter than the second that the end of a
    /// process waits, on a busy machine too.
    pub fn brisk() -> Self {
        Self::with_latency(50)
    }

    fn with_latency(milliseconds: u64) -> Self {
        let latency = Duration::from_millis(milliseconds);
        Self::new(Options { latency, ..Options::default() })
    }

    /// A world where WeChat is at `host`, over TLS.
    pub fn named(host: &str) -> Self {
        let tls = Tls { cert_names: vec![host.to_owned()], ..Tls::default() };
        let mut world = Self::new(Options { tls: Some(tls), ..Options::default() });
        let ca_file = world.emulator.ca_file().expect("a CA file").display().to_string();
        let base = format!("https://{host}:{}", world.emulator.address().port());
        world.set("ca_file", &ca_file);
        world.set("api_base", &base);
        world
    }

    /// The same with an empty account in its settings.
    #[must_use]
    pub fn without_account(mut self) -> Self {
        self.set("appid", "");
        self.set("secret", "");
        self
    }

    /// Writes a file of accounts beside the token file, and names it in the settings.
    pub fn set_accounts(&mut self, content: &str) {
        let accounts = self.dir.path().join("accounts.json");
        fs::write(&accounts, content).expect("an accounts file");
        self.set("accounts", accounts.to_str().expect("a printable path"));
    }

    /// Sets `wx_token.<name>` for the processes that are started from now on.
    pub fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    pub fn file(&self) -> PathBuf {
        self.dir.path().join("token.json")
    }

    pub fn write(&self, content: impl AsRef<[u8]>) {
        fs::write(self.file(), content).expect("the token file is written");
    }

    /// Writes a token file that expired a minute ago, and returns its content.
    pub fn write_expired(&self) -> String {
        self.write_old_token(-60)
    }

    /// Writes a token that the emulator does not know and that expires in `seconds`. Returns the content.
    pub fn write_old_token(&self, seconds: i64) -> String {
        let expire = now().saturating_add_signed(seconds);
        let content = json!({"access_token": "an-old-token", "expire": expire}).to_string();
        self.write(&content);
        content
    }

    pub fn stored(&self) -> Value {
        let text = fs::read(self.file()).expect("the token file is readable");
        serde_json::from_slice(&text).expect("the token file is JSON")
    }

    /// Names of everything in the token file's directory.
    pub fn names(&self) -> Vec<OsString> {
        let entries = fs::read_dir(self.dir.path()).expect("the directory is readable");
        let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
        names.sort();
        names
    }

    pub fn php(&self) -> Php {
        Php::new(&self.settings)
    }

    /// The same with the extension in this file.
    pub fn php_of(&self, extension: &Path) -> Php {
        Php::of(extension, &self.settings)
    }

    /// PHP for calls of the polyfill.
    pub fn php_for_polyfill(&self) -> Php {
        Php::for_polyfill(&self.settings)
    }

    /// The settings as a php.ini that loads the extension.
    pub fn php_ini(&self) -> String {
        let first = format!("extension={}\n", extension().display());
        let line = |(name, value): &_| format!("wx_token.{name}=\"{value}\"\n");
        first + &self.settings.iter().map(line).collect::<String>()
    }

    /// Gives the directory of the token file to a user and the group of the same number.
    pub fn give_directory_to(&self, user: u32) {
        chown(self.dir.path(), Some(user), Some(user)).expect("the tests run as root");
    }

    /// Starts `count` processes that will call `wx_get_token` once, when they are released.
    pub fn callers(&self, count: usize) -> Callers {
        self.callers_of(GET, count)
    }

    /// The same with another call than `wx_get_token($file)`.
    pub fn callers_of(&self, call: &str, count: usize) -> Callers {
        Callers::start(&self.php(), &self.file(), call, count)
    }

    /// Calls `wx_get_token` in a process of its own.
    pub fn call(&self) -> Answer {
        self.call_of(GET)
    }

    /// The same with another call than `wx_get_token($file)`.
    pub fn call_of(&self, call: &str) -> Answer {
        self.php().call(&self.file(), call)
    }

    /// Writes a token file with a live token that expires in `seconds`, and returns the token.
    pub fn write_live(&self, seconds: u64) -> String {
        self.write("");
        let token = self.call().token().to_owned();
        self.write(json!({"access_token": token, "expire": now() + seconds}).to_string());
        self.emulator.reset();
        token
    }

    /// Waits until the last change of the file is more than 50 ms ago. Before that, it is read twice, and a poll
    /// does not read it.
    pub fn until_settled(&self) {
        until("the file is settled", || {
            fs::metadata(self.file()).map_or(true, |file| {
                let changed =
                    i128::from(file.ctime()) * 1000 + i128::from(file.ctime_nsec()) / 1_000_000;
                i128::try_from(now_ms()).is_ok_and(|now| now - changed > 60)
            })
        });
    }

    /// Ends the pause that a failure record, or the temporary file of a killed refresh, imposes on the next
    /// refresh.
    pub fn end_pause(&self) {
        self.set_retry_at(0);
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        for entry in fs::read_dir(self.dir.path()).expect("a directory").flatten() {
            if entry.file_name().as_encoded_bytes().starts_with(b".token.json.wx_token.") {
                let leftover = File::options().write(true).open(entry.path());
                leftover.and_then(|file| file.set_modified(long_ago)).expect("touch");
            }
        }
    }

    /// Makes the pause after a recorded failure longer than any test.
    pub fn prolong_pause(&self) {
        self.set_retry_at((now() + 3600) * 1000);
    }

    fn set_retry_at(&self, milliseconds: u64) {
        let change = |json: &[u8], retry_at| -> Option<String> {
            let mut json: Value = serde_json::from_slice(json).ok()?;
            *json.pointer_mut(retry_at)? = json!(milliseconds);
            Some(json.to_string())
        };
        let content = fs::read(self.file()).unwrap_or_default();
        if let Some(content) = change(&content, "/wx_token/retry_at_ms") {
            self.write(content);
        }
        if let Some(attribute) = change(&self.attribute(), "/retry_at_ms") {
            let (file, attribute) = (self.file(), attribute.as_bytes());
            rustix::fs::setxattr(file, "user.wx_token", attribute, XattrFlags::REPLACE)
                .expect("setfattr");
        }
    }

    /// What is recorded beside the file, in an extended attribute; empty if there is none.
    pub fn attribute(&self) -> Vec<u8> {
        let mut attribute = vec![0; 4096];
        let length = rustix::fs::getxattr(self.file(), "user.wx_token", &mut attribute);
        attribute.truncate(length.unwrap_or(0));
        attribute
    }

    pub fn fetches(&self) -> u64 {
        self.emulator.stats().fetches.total()
    }

    pub fn is_live(&self, token: &str) -> bool {
        self.emulator.check(token).valid
    }

    /// Asserts that all `answers` are one live token, which is the one in the file.
    pub fn assert_one_live_token(&self, answers: &[Answer]) {
        let stored = self.stored();
        let token = stored["access_token"].as_str().expect("the file holds a token");
        for answer in answers {
            assert_eq!(answer.token(), token);
        }
        assert!(self.is_live(token), "the token is invalid");
        assert_eq!(self.names(), ["token.json"], "something was left behind");
    }
}
