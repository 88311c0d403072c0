//! Processes: how they are started, what they are sent, and what they hold.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// Runs a program that succeeds.
pub fn run(command: &mut Command) {
    assert!(command.status().is_ok_and(|status| status.success()), "{command:?} needs root");
}

/// A process that talks through its standard input and output; killed when dropped.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a piped output"));
        Self { child, input, output }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the line "ready".
    pub fn await_ready(&mut self) {
        assert_eq!(self.read_line(), "ready");
    }

    /// The next line; an empty one at the end of the output.
    pub fn read_line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the process prints a line");
        line.trim_end().to_owned()
    }

    /// Sends a line, for which the process waits in `fgets(STDIN)`.
    pub fn release(&mut self) {
        self.send("go");
    }

    /// Sends this line.
    pub fn send(&mut self, line: &str) {
        let input = self.input.as_mut();
        input.and_then(|input| writeln!(input, "{line}").ok()).expect("the process reads");
    }

    /// Waits for the end of the process, and returns what it printed until then.
    pub fn rest(mut self) -> String {
        self.input = None;
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).expect("the process prints text");
        rest
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().expect("the process was running");
        self.child.wait().expect("the process is gone");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends `signal`; to a process that is gone, nothing.
pub fn tell(pid: u32, signal: Signal) {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a process id");
    let _ = kill_process(pid, signal);
}

fn proc(pid: u32, entry: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{entry}"))
}

/// The live processes that `pid` has started.
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
