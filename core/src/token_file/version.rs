//! Which file is at a path, and in which version.

use std::ffi::CStr;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FileType, Stat, Timespec};
use rustix::io::Errno;

use super::error::FileError;
use super::system_error::SystemError;
use crate::clock::Timestamp;
use crate::process::FileId;

/// More than the time between two ticks of the clock that gives files their times: 10 ms at CONFIG_HZ=100
/// (time(7)).
const TICK: Duration = Duration::from_millis(50);

/// The same for file systems that keep whole seconds, or every second one, as FAT does.
const WHOLE_SECONDS_TICK: Duration = Duration::from_secs(3);

/// A file in one of its versions: while this is the same, so is the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileVersion {
    pub id: FileId,
    size: u64,
    modified: (i64, i64),
    pub(super) changed: (i64, i64),
}

impl FileVersion {
    pub(super) fn from_stat(stat: &Stat) -> Self {
        Self {
            id: FileId { dev: unsigned(stat.st_dev), ino: unsigned(stat.st_ino) },
            size: unsigned(stat.st_size),
            modified: (signed(stat.st_mtime), signed(stat.st_mtime_nsec)),
            changed: (signed(stat.st_ctime), signed(stat.st_ctime_nsec)),
        }
    }

    pub const fn written(&self) -> Timestamp {
        Timestamp::from_parts(self.modified)
    }

    pub(super) const fn modification_time(&self) -> Timespec {
        Timespec { tv_sec: self.modified.0, tv_nsec: self.modified.1 }
    }

    /// When anything of the file was last changed. Unlike the modification time, nobody can set it.
    pub(super) const fn changed(&self) -> Timestamp {
        Timestamp::from_parts(self.changed)
    }

    /// The time in which the clock that dates the file surely ticks: a write so long after this version was
    /// seen makes another version.
    pub const fn tick(&self) -> Duration {
        let has_whole_seconds = self.modified.1 == 0 && self.changed.1 == 0;
        if has_whole_seconds { WHOLE_SECONDS_TICK } else { TICK }
    }
}

/// The fields of `stat` have other types on other architectures, and none has a value beyond these.
fn unsigned(field: impl TryInto<u64>) -> u64 {
    field.try_into().unwrap_or_default()
}

fn signed(field: impl TryInto<i64>) -> i64 {
    field.try_into().unwrap_or_default()
}

/// The file at `path` as it is now; `None` if there is none. It must be a regular file.
pub fn stat(path: &Path) -> Result<Option<FileVersion>, FileError> {
    found(path, rustix::fs::stat(path))
}

/// The same for a path that has been resolved: a link that is there now is no file.
pub fn stat_resolved(path: &Path) -> Result<Option<FileVersion>, FileError> {
    match rustix::fs::lstat(path) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => Ok(None),
        found_stat => found(path, found_stat),
    }
}

/// The open file, which is the one at `path` or was.
pub fn stat_open(path: &Path, file: &File) -> Result<FileVersion, FileError> {
    regular(path, &rustix::fs::fstat(file).map_err(|error| unseen(path, error))?)
}

/// The file at `path`, for callers who need no reason if there is none.
pub fn stat_regular(path: &CStr) -> Option<FileVersion> {
    let stat = rustix::fs::stat(path).ok()?;
    (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        .then(|| FileVersion::from_stat(&stat))
}

fn found(path: &Path, stat: Result<Stat, Errno>) -> Result<Option<FileVersion>, FileError> {
    match stat {
        Ok(stat) => regular(path, &stat).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(unseen(path, error)),
    }
}

fn unseen(path: &Path, error: Errno) -> FileError {
    FileError::from_io(path, "open", SystemError::in_call("stat(2)", error))
}

fn regular(path: &Path, stat: &Stat) -> Result<FileVersion, FileError> {
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => return Ok(FileVersion::from_stat(stat)),
        FileType::Directory => "a directory",
        FileType::Fifo => "a FIFO",
        FileType::Socket => "a socket",
        _ => "a device",
    };
    Err(FileError::wrong_kind(path, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_system_that_keeps_whole_seconds_ticks_slowly() {
        let id = FileId { dev: 1, ino: 1 };
        let tick = |modified, changed| FileVersion { id, size: 9, modified, changed }.tick();
        assert_eq!(tick((1000, 0), (1000, 0)), WHOLE_SECONDS_TICK);
        assert_eq!(tick((1000, 0), (1000, 1)), TICK, "the modification time was set");
    }
}
