//! Who holds the lock on a token file, as the kernel tells it in `/proc/locks` (proc_locks(5)).

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::Path;
use std::{fmt, iter};

use super::FileVersion;
use crate::descriptor;
use crate::printable::printable;
use crate::process::ProcessState;

/// A process that holds a flock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Its process id, in our own pid namespace.
    pub pid: u32,
}

impl fmt::Display for Holder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "process {}", self.pid)?;
        // Whoever runs as any user may give itself any name (PR_SET_NAME, prctl(2)).
        match descriptor::read(Path::new(&format!("/proc/{}/comm", self.pid))) {
            Ok(name) => {
                write!(formatter, " ({})", printable(name.strip_suffix(b"\n").unwrap_or(&name)))
            }
            Err(_) => Ok(()),
        }
    }
}

/// A process that holds a flock on `file`; `None` if nobody does or the kernel does not tell.
#[must_use]
pub fn find(file: &FileVersion) -> Option<Holder> {
    all(file, |options| descriptor::file(Path::new(TABLE), options)).into_iter().next()
}

/// Every process that holds a flock on `file`, of which a shared one may have many: for those who hold
/// what the process has under way.
#[must_use]
pub fn all_under(process_state: &ProcessState, file: &FileVersion) -> Vec<Holder> {
    all(file, |options| descriptor::file_under(process_state, Path::new(TABLE), options))
}

const TABLE: &str = "/proc/locks";

/// Far more than the table of any machine, in bytes.
const MAX_TABLE: usize = 64 * 1024 * 1024;

fn all(file: &FileVersion, open: impl Fn(&OpenOptions) -> io::Result<File>) -> Vec<Holder> {
    let read = || read_table(open(OpenOptions::new().read(true))?);
    // The table changes between two reads of it, and then a line may be passed over.
    let tables = iter::repeat_with(read).take(3).map_while(Result::ok);
    tables.map(|table| all_in(&table, file)).find(|all| !all.is_empty()).unwrap_or_default()
}

/// The kernel's table, in as few reads as it takes: a single one is consistent.
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

fn all_in(table: &str, file: &FileVersion) -> Vec<Holder> {
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

/// Reads a line such as `1: FLOCK  ADVISORY  WRITE 1234 fe:00:131085 0 EOF`. Lines of waiters have
/// an arrow behind the number, so they are not taken for holders.
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

    fn holder_of(dev: u64, ino: u64) -> io::Result<Option<u32>> {
        let file = tempfile::NamedTempFile::new()?;
        let identity = stat(file.path()).ok().flatten();
        Ok(identity.and_then(|identity| {
            let file = FileVersion { dev, ino, ..identity };
            all_in(LOCKS, &file).into_iter().next().map(|holder| holder.pid)
        }))
    }

    #[test]
    fn the_holder_of_a_flock_is_found_by_device_and_inode() -> io::Result<()> {
        assert_eq!(holder_of(rustix::fs::makedev(0xfe, 0), 77)?, Some(13));
        assert_eq!(holder_of(rustix::fs::makedev(0xfe, 1), 77)?, Some(12));
        Ok(())
    }

    #[test]
    fn another_device_is_believed_when_no_line_has_ours() -> io::Result<()> {
        assert_eq!(holder_of(rustix::fs::makedev(0xfe, 0), 79)?, Some(15));
        Ok(())
    }

    #[test]
    fn a_process_of_another_namespace_and_a_missing_lock_have_no_pid() -> io::Result<()> {
        assert_eq!(holder_of(rustix::fs::makedev(0xfe, 0), 78)?, None);
        assert_eq!(holder_of(rustix::fs::makedev(0xfe, 0), 1)?, None);
        Ok(())
    }

    #[test]
    fn the_kernel_tells_of_our_own_lock() -> io::Result<()> {
        let file = tempfile::NamedTempFile::new()?;
        fs2::FileExt::try_lock_exclusive(file.as_file())?;
        assert!(file.as_file().metadata()?.is_file() && file.as_file().metadata()?.ino() > 0);
        let holder = stat(file.path()).ok().flatten().and_then(|identity| find(&identity));
        assert_eq!(holder.map(|holder| holder.pid), Some(std::process::id()));
        Ok(())
    }
}
