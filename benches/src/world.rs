//! An upstream, and a directory with a token file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use serde_json::json;
use tempfile::TempDir;
use wechat_emulator::{Emulator, Options};

use crate::php;

pub struct World {
    pub emulator: Emulator,
    directory: TempDir,
}

impl World {
    /// Fetches of the classic endpoint, as the articles make them, without its quota.
    pub fn new(options: Options) -> Result<Self> {
        let emulator = Emulator::start(Options { daily_quota: u64::MAX, ..options })?;
        let directory = tempfile::Builder::new().prefix("wx_token-bench-").tempdir()?;
        let world = Self { emulator, directory };
        world.write(3600)?;
        Ok(world)
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    pub fn file(&self) -> PathBuf {
        self.path().join("access_token.json")
    }

    /// Gives the token file a token that expires in `seconds`, or has expired, if that is negative.
    pub fn write(&self, seconds: i64) -> Result<()> {
        let expire = i64::try_from(unix_time(SystemTime::now())?.as_secs())? + seconds;
        let content = json!({"access_token": "an-old-token", "expire": expire}).to_string();
        Ok(fs::write(self.file(), content)?)
    }

    /// Tells PHP code without the extension where to fetch.
    pub fn environment(&self) -> [(&'static str, String); 3] {
        let Options { appid, secret, .. } = self.emulator.options();
        [("WX_API_BASE", self.emulator.base_url()), ("WX_APPID", appid), ("WX_SECRET", secret)]
    }

    /// Tells the extension, as options of PHP; the account it finds in the environment.
    pub fn settings(&self) -> Result<Vec<String>> {
        Ok(vec![
            format!("extension={}", php::extension()?.display()),
            format!("wx_token.api_base={}", self.emulator.base_url()),
            "wx_token.endpoint=classic".to_owned(),
        ])
    }

    /// PHP with the extension, which is told where to fetch.
    pub fn php(&self) -> Result<Command> {
        let mut command = php::bare();
        for setting in self.settings()? {
            command.args(["-d", &setting]);
        }
        command.envs(self.environment());
        Ok(command)
    }

    /// Waits until no fetch is under way, and what was fetched is stored.
    pub fn settle(&self) -> Result<()> {
        let stored = || fs::read_to_string(self.file()).is_ok_and(|text| !text.contains("an-old-"));
        until("what was fetched is stored", || self.emulator.stats().in_flight == 0 && stored())
    }
}

/// Since 1970.
pub fn unix_time(moment: SystemTime) -> Result<Duration> {
    Ok(moment.duration_since(UNIX_EPOCH)?)
}

/// Waits until `condition` holds, for at most half a minute.
pub fn until(what: &str, condition: impl Fn() -> bool) -> Result<()> {
    let start = Instant::now();
    while !condition() {
        ensure!(start.elapsed() < Duration::from_secs(30), "not within 30 s: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}
