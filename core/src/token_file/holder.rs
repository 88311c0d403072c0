//! The processes that hold the lock of a token file, as `/proc/locks` names them (proc_locks(5)).

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::{fmt, iter};

use crate::descriptor;
use crate::printable::printable;
use crate::process::{FileId, ProcessState};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, in our own pid namespace.
    pub pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {}", self.pid)?;
        // A process may give itself any name (PR_SET_NAME, prctl(2)).
        match descriptor::read(Path::new(&format!("/proc/{}/comm", self.pid))) {
            Ok(name) => {
                write!(formatter, " ({})", printable(name.strip_suffix(b"\n").unwrap_or(&name)))
            }
            Err(_) => Ok(()),
        }
    }
}

/// A process that holds a flock on `file`; `None` if there is none or the kernel does not name it.
pub fn find(file: FileId) -> Option<Holder> {
    all(None, file).into_iter().next()
}

/// Every process that holds a flock on `file`, of which a shared one may have many; for callers that hold the
/// process state.
pub fn all_under(process_state: &ProcessState, file: FileId) -> Vec<Holder> {
    all(Some(process_state), file)
}

const MAX_TABLE: usize = 64 * 1024 * 1024;

fn all(held: Option<&ProcessState>, file: FileId) -> Vec<Holder> {
    let options = OpenOptions::new().read(true).clone();
    let read = || read_table(descriptor::file_under(held, Path::new("/proc/locks"), &options)?);
    // The table changes between two reads of it, and a line may then be missing.
    let tables = iter::repeat_with(read).take(3).map_while(Result::ok);
    tables.map(|table| all_in(&table, file)).find(|all| !all.is_empty()).unwrap_or_default()
}

/// The kernel's table, in as few reads as possible: each is consistent in itself.
fn read_table(mut file: File) -> io::Result<String> {
    let mut buffer = vec![0; 64 * 1024];
    let mut table = String::new();
    while table.len() < MAX_TABLE {
        match file.read(&mut buffer)? {
            0 => break,
            length => {
                table.push_str(&String::from_utf8_lossy(buffer.get(..length).unwrap_or_default()))
            }
        }
    }
    Ok(table)
}

fn all_in(table: &str, file: FileId) -> Vec<Holder> {
    let held: Vec<FlockLine> =
        table.lines().filter_map(parse).filter(|lock| lock.ino == file.ino).collect();
    // Stacked file systems (overlayfs, btrfs) show another device here than stat(2) does.
    let on_device = held.iter().any(|lock| lock.dev == device(file.dev));
    held.iter()
        .filter(|lock| !on_device || lock.dev == device(file.dev))
        .map(|lock| Holder { pid: lock.pid })
        .collect()
}

struct FlockLine {
    pid: u32,
    dev: (u32, u32),
    ino: u64,
}

/// Parses a line such as `1: FLOCK  ADVISORY  WRITE 1234 fe:00:131085 0 EOF`. Lines of waiters have
/// an arrow after the number, so they do not count as holders.
fn parse(line: &str) -> Option<FlockLine> {
    let mut fields = line.split_whitespace().skip(1);
    if fields.next()? != "FLOCK" {
        return None;
    }
    let pid = fields.nth(2)?.parse().ok().filter(|pid| *pid != 0)?;
    let mut place = fields.next()?.split(':');
    let mut hex = || u32::from_str_radix(place.next()?, 16).ok();
    let dev = (hex()?, hex()?);
    Some(FlockLine { pid, dev, ino: place.next()?.parse().ok()? })
}

fn device(dev: u64) -> (u32, u32) {
    (rustix::fs::major(dev), rustix::fs::minor(dev))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::token_file::stat;

    const LOCKS: &str = "\
1: POSIX  ADVISORY  WRITE 11 fe:00:77 0 EOF
2: FLOCK  ADVISORY  READ  12 fe:01:77 0 EOF
3: FLOCK  ADVISORY  WRITE 13 fe:00:77 0 EOF
3: -> FLOCK  ADVISORY  WRITE 14 fe:00:77 0 EOF
4: FLOCK  ADVISORY  WRITE 0 fe:00:78 0 EOF
5: FLOCK  ADVISORY  WRITE 15 00:2a:79 0 EOF
";

    fn holder_of(minor: u32, ino: u64) -> Option<u32> {
        let file = FileId { dev: rustix::fs::makedev(0xfe, minor), ino };
        all_in(LOCKS, file).into_iter().next().map(|holder| holder.pid)
    }

    #[test]
    fn the_holder_of_a_flock_is_found_by_device_and_inode() {
        assert_eq!(holder_of(0, 77), Some(13));
        assert_eq!(holder_of(1, 77), Some(12));
    }

    #[test]
    fn another_device_is_believed_when_no_line_has_ours() {
        assert_eq!(holder_of(0, 79), Some(15));
    }

    #[test]
    fn a_process_of_another_namespace_and_a_missing_lock_have_no_pid() {
        assert_eq!(holder_of(0, 78), None);
        assert_eq!(holder_of(0, 1), None);
    }

    #[test]
    fn the_kernel_tells_of_our_own_lock() -> io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        fs2::FileExt::try_lock_exclusive(file.as_file())?;
        assert!(file.as_file().metadata()?.is_file() && file.as_file().metadata()?.ino() > 0);
        let holder = stat(file.path()).ok().flatten().and_then(|version| find(version.id));
        assert_eq!(holder.map(|holder| holder.pid), Some(std::process::id()));
        Ok(())
    }
}
