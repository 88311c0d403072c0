//! PHP processes that stand ready and start together.

use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use serde::de::DeserializeOwned;
use wx_token_testing::process::Process;
use wx_token_testing::timing::since_1970;

use crate::php;

/// Enough for all to be told, and for a token file that has just been written to be trusted.
pub const NOTICE: Duration = Duration::from_millis(200);

/// The processes; killed when dropped.
pub struct Crowd(Vec<Process>);

impl Crowd {
    /// Starts `size` processes, and waits until each is ready.
    pub fn start(command: &mut Command, size: usize) -> Self {
        Self::ready((0..size).map(|_| Process::start(command)).collect())
    }

    /// The same with a process of each of `commands`.
    pub fn of(commands: impl Iterator<Item = Command>) -> Self {
        Self::ready(commands.map(|mut command| Process::start(&mut command)).collect())
    }

    fn ready(mut processes: Vec<Process>) -> Self {
        processes.iter_mut().for_each(Process::await_ready);
        Self(processes)
    }

    /// Names a moment to all, at which they start.
    pub fn announce(&mut self) {
        self.tell(&moment().to_string());
    }

    /// Names a moment to all, and for how long they go on from then.
    pub fn announce_for(&mut self, span: Duration) {
        self.tell(&format!("{} {}", moment(), span.as_secs_f64()));
    }

    fn tell(&mut self, line: &str) {
        self.0.iter_mut().for_each(|process| process.send(line));
    }

    /// What each reports when it is done.
    pub fn reports<T: DeserializeOwned>(&mut self) -> Result<Vec<T>> {
        self.0.iter_mut().map(|process| php::parse(process.read_line().as_bytes())).collect()
    }

    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(Process::pid)
    }
}

/// The moment for a common start, as PHP's `time_sleep_until()` takes it.
pub fn moment() -> f64 {
    (since_1970() + NOTICE).as_secs_f64()
}
