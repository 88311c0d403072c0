//! Processes by their ids: what they are sent, whom they have started, what they hold.

use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

/// Sends `signal`; to a process that is gone, nothing.
pub fn tell(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, signal);
}

fn proc(pid: u32, entry: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{entry}"))
}

/// The processes that `pid` has started and that live.
pub fn children(pid: u32) -> Vec<u32> {
    let list = fs::read_to_string(proc(pid, &format!("task/{pid}/children"))).unwrap_or_default();
    list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}

/// Whether `pid` runs. A zombie does not.
pub fn is_running(pid: u32) -> bool {
    fs::read_link(proc(pid, "exe")).is_ok()
}

/// What a process holds of the machine.
#[derive(Clone, Copy, Debug)]
pub struct Holdings {
    /// Memory of its own in KiB, without pages of files.
    pub memory: u64,
    pub descriptors: u64,
    pub threads: u64,
}

impl Holdings {
    /// `None` if the process is gone.
    pub fn of(pid: u32) -> Option<Self> {
        let status = fs::read_to_string(proc(pid, "status")).ok()?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse().ok()
        };
        let descriptors = fs::read_dir(proc(pid, "fd")).ok()?.count() as u64;
        Some(Self { memory: number("RssAnon:")?, descriptors, threads: number("Threads:")? })
    }
}
