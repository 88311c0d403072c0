//! Where events go: a file, which is opened for each, so that it may be renamed at any time; or the system's log.
//!
//! Neither blocks, but for a disk that hangs. syslog(3) is not used: it takes locks of the C library, and reads the
//! environment, on a thread that may not be PHP's.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;
use std::str::FromStr;

use rustix::fs::{Access, accessat};

use super::event::Level;
use crate::descriptor::Unshared;
use crate::notice;
use crate::printable::printable_path;
use crate::process::ProcessMutex;
use crate::signals::without_signal_of_failure;
use crate::socket;
use crate::token_file::FileError;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    File(PathBuf),
    Syslog,
}

/// The socket of the system's log (syslog(3)).
const SYSLOG: &str = "/dev/log";

/// LOG_USER of syslog(3), as PHP's own syslog.facility has it by default.
const FACILITY: u8 = 1;

/// A new log file: its owner writes it, and its group reads it.
const MODE: u32 = 0o640;

/// Why this process could not write its last event.
static LAST_PROBLEM: ProcessMutex<Option<String>> = ProcessMutex::new(None);

impl FromStr for Destination {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "syslog" => Ok(Self::Syslog),
            path if path.starts_with('/') => Ok(Self::File(path.into())),
            _ => Err("must be an absolute path, or \"syslog\"".to_owned()),
        }
    }
}

impl Destination {
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => printable_path(path).to_string(),
            Self::Syslog => "syslog".to_owned(),
        }
    }

    /// Writes a `line` about a `token_file`, or leaves a notice once that it cannot be written.
    pub(super) fn write(&self, level: Level, line: &str, token_file: &Path) {
        let written = match self {
            Self::File(path) => {
                append(path, line, token_file).map_err(|error| problem(path, error))
            }
            Self::Syslog => send(level, line).map_err(|error| no_syslog(&error)),
        };
        let problem = written.err();
        if let Some(problem) = &problem {
            notice::leave_once(format!("wx_token: wx_token.log: {problem}"));
        }
        LAST_PROBLEM.with(|last| *last = problem);
    }

    /// Why events cannot be written, as far as that can be told without an event.
    pub fn problem(&self) -> Option<String> {
        let last = LAST_PROBLEM.with(|last| last.clone());
        let found = match self {
            Self::File(path) => find_problem(path).err().map(|error| problem(path, error)),
            Self::Syslog => socket::unix_datagram(SYSLOG).err().map(|error| no_syslog(&error)),
        };
        found.or(last)
    }
}

fn no_syslog(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            "no program receives the system's log there".to_owned()
        }
        io::ErrorKind::WouldBlock => "the system's log takes no more at the moment".to_owned(),
        _ => error.to_string(),
    };
    format!("cannot write {SYSLOG}: {text}. Start rsyslog or systemd-journald, or log to a file")
}

fn problem(path: &Path, error: io::Error) -> String {
    // open(2): of a FIFO that is opened to write.
    if error.raw_os_error() == Some(libc::ENXIO) {
        return format!(
            "cannot write {}: it is a pipe, and no process reads it. Start that process, or log to a file",
            printable_path(path)
        );
    }
    let task = if path.exists() { "write" } else { "create" };
    FileError::from_io(path, task, error).to_string()
}

/// Appends `line` at once and whole, or not at all.
fn append(path: &Path, line: &str, token_file: &Path) -> io::Result<()> {
    let file = open(path, token_file)?;
    let mut stream = &*file;
    let written = without_signal_of_failure(|| stream.write(line.as_bytes()))?;
    if written == line.len() {
        return Ok(());
    }
    // The disk is full. Half a line would spoil the next one; nobody else has appended if the file ends here.
    let end = stream.stream_position()?;
    if file.metadata()?.len() == end {
        file.set_len(end.saturating_sub(written as u64))?;
    }
    Err(io::Error::from_raw_os_error(libc::ENOSPC))
}

/// Opens the log for one event. A missing one is created; by root, for the owner of the token file, whose other processes
/// are to write it, too.
fn open(path: &Path, token_file: &Path) -> io::Result<Unshared<File>> {
    match Unshared::file(path, &options()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        opened => return opened,
    }
    match Unshared::file(path, options().create_new(true).mode(MODE)) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Unshared::file(path, &options())
        }
        Ok(file) if rustix::process::geteuid().is_root() => {
            if let Ok(owner) = fs::metadata(token_file) {
                fchown(&*file, Some(owner.uid()), Some(owner.gid()))?;
            }
            Ok(file)
        }
        opened => opened,
    }
}

/// A FIFO does not block, and a terminal does not become the process's own.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY);
    options
}

/// Without a trace: the log is not created.
fn find_problem(path: &Path) -> io::Result<()> {
    match Unshared::file(path, &options()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let directory = path.parent().unwrap_or(path);
            let flags = rustix::fs::AtFlags::EACCESS;
            Ok(accessat(rustix::fs::CWD, directory, Access::WRITE_OK | Access::EXEC_OK, flags)?)
        }
        opened => opened.map(drop),
    }
}

/// The line as a message of the local syslog protocol, without a time: the daemon has the same, and the local one would
/// need the environment.
fn send(level: Level, line: &str) -> io::Result<()> {
    let priority = FACILITY << 3 | level.severity();
    let message = format!("<{priority}>wx_token[{}]: {}", process::id(), line.trim_end());
    socket::unix_datagram(SYSLOG)?.send(message.as_bytes()).map(drop)
}
