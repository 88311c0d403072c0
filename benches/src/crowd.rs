//! PHP processes that stand ready and start together.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, bail};
use serde::de::DeserializeOwned;

use crate::php;
use crate::world::unix_time;

/// Enough for all to be told, and for a token file that has just been written to be trusted.
pub const NOTICE: Duration = Duration::from_millis(200);

/// The processes; ended when dropped.
pub struct Crowd(Vec<Member>);

struct Member {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Crowd {
    /// Starts `size` processes, and waits until each is ready.
    pub fn start(command: &mut Command, size: usize) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut members = Vec::new();
        for _ in 0..size {
            let mut process =
                command.spawn().with_context(|| format!("cannot start {command:?}"))?;
            let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
                bail!("{command:?} has no pipes");
            };
            members.push(Member { process, input, output: BufReader::new(output) });
        }
        for member in &mut members {
            if member.line()? != "ready\n" {
                bail!("{command:?} does not get ready");
            }
        }
        Ok(Self(members))
    }

    /// Names a moment to all, at which they start.
    pub fn announce(&mut self) -> Result<()> {
        let moment = moment()?;
        for member in &mut self.0 {
            writeln!(member.input, "{moment}")?;
        }
        Ok(())
    }

    /// What each reports when it is done.
    pub fn reports<T: DeserializeOwned>(&mut self) -> Result<Vec<T>> {
        self.0.iter_mut().map(|member| php::parse(member.line()?.as_bytes())).collect()
    }

    pub fn pids(&self) -> impl Iterator<Item = u32> {
        self.0.iter().map(|member| member.process.id())
    }
}

impl Member {
    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(line)
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        for member in &mut self.0 {
            // One that is gone already has nothing to be told.
            let _ = member.process.kill();
            let _ = member.process.wait();
        }
    }
}

/// The moment for a common start, as PHP's `time_sleep_until()` takes it.
pub fn moment() -> Result<f64> {
    Ok(unix_time(SystemTime::now() + NOTICE)?.as_secs_f64())
}
