//! What the figures were measured on.

use std::fs;
use std::thread;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::php;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    cpu: String,
    cores: usize,
    kernel: String,
    php: String,
}

impl Machine {
    pub fn this() -> Result<Self> {
        let cpus = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let version = php::succeeded(php::bare().command().args(["-r", "echo PHP_VERSION;"]))?;
        Ok(Self {
            cpu: model.map_or("unknown CPU", |(_, model)| model).to_owned(),
            cores: thread::available_parallelism()?.get(),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned(),
            php: String::from_utf8(version.stdout)?,
        })
    }

    /// For a caption.
    pub fn description(&self) -> String {
        format!("{}, {} cores, Linux {}, PHP {}", self.cpu, self.cores, self.kernel, self.php)
    }
}
