//! The token file: the only state on disk, and its flock the only lock.
//!
//! Whoever reads here reads a whole file of bounded size or gets a [`FileError`]; nothing here asks
//! an upstream, and nothing here decides.

pub mod document;
mod error;
pub mod holder;
pub mod lock;
mod metadata;
mod path;
pub mod replace;

use std::ffi::CStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::fs::{FileType, Stat};
use rustix::io::Errno;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::descriptor;
use crate::unstored_tokens;

pub use self::document::{Content, CredentialKind, Document, FileSpec, Layout, Origin, Refusal};
pub use self::error::{FileError, SystemError};
pub use self::path::{are_one, resolve};

/// The largest token file that is read, in bytes. A token has at most 512 bytes by WeChat's own
/// documents, so anything larger is something else.
pub const MAX_BYTES: u64 = 64 * 1024;

/// What a token file hardly ever exceeds, in bytes.
const USUAL_BYTES: usize = 4096;

/// Which file it is, and which state of it: as long as this is the same, so is the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileVersion {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl FileVersion {
    fn from_stat(stat: &Stat) -> Self {
        Self {
            dev: unsigned(stat.st_dev),
            ino: unsigned(stat.st_ino),
            size: unsigned(stat.st_size),
            modified: (signed(stat.st_mtime), signed(stat.st_mtime_nsec)),
            changed: (signed(stat.st_ctime), signed(stat.st_ctime_nsec)),
        }
    }

    /// When the file was last modified, as it says itself.
    #[must_use]
    pub const fn written(&self) -> Timestamp {
        epoch(self.modified)
    }

    /// When anything of the file was last changed. Unlike the modification time, nobody can set it.
    const fn changed(&self) -> Timestamp {
        epoch(self.changed)
    }

    /// The time in which the clock that dates the file surely moves on: a write so long after the file was
    /// met gives it another identity.
    #[must_use]
    pub const fn tick(&self) -> Duration {
        let has_whole_seconds = self.modified.1 == 0 && self.changed.1 == 0;
        if has_whole_seconds { WHOLE_SECONDS_TICK } else { TICK }
    }

    /// Whether both are the same file, in whatever state.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

/// The fields of `stat` have other types on other systems, and none has a value beyond these.
fn unsigned(field: impl TryInto<u64>) -> u64 {
    field.try_into().unwrap_or_default()
}

fn signed(field: impl TryInto<i64>) -> i64 {
    field.try_into().unwrap_or_default()
}

const fn epoch((seconds, nanos): (i64, i64)) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

/// The file at `path` as it is now; `None` if there is none.
///
/// # Errors
/// [`FileError`] if the path cannot be looked at or is not a regular file.
pub fn stat(path: &Path) -> Result<Option<FileVersion>, FileError> {
    match rustix::fs::stat(path) {
        Ok(stat) => regular(path, &stat).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(unseen(path, error)),
    }
}

/// The file at `path`, which has been resolved, as it is now: a link that stands there by now is no file.
fn stat_resolved(path: &Path) -> Result<Option<FileVersion>, FileError> {
    match rustix::fs::lstat(path) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => Ok(None),
        Ok(stat) => regular(path, &stat).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(unseen(path, error)),
    }
}

fn unseen(path: &Path, error: Errno) -> FileError {
    FileError::from_io(path, "look at", SystemError::in_call("stat(2)", error))
}

/// The file at `path`, for those to whom it does not matter why there is none.
#[must_use]
pub fn stat_regular(path: &CStr) -> Option<FileVersion> {
    let stat = rustix::fs::stat(path).ok()?;
    (FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile)
        .then(|| FileVersion::from_stat(&stat))
}

/// What a token file held when it was read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `None` if there was no file.
    pub identity: Option<FileVersion>,
    /// When the reading began, by the monotonic clock.
    pub began: Duration,
    /// When it ended, by the same: the file was as `identity` says.
    pub ended: Duration,
    /// The content.
    pub document: Document,
}

/// Reads the token file at `path`, in which `spec` is kept, without a lock. A missing file is an
/// empty document. A file that was changed just now is waited for, 20 ms at most.
///
/// # Errors
/// [`FileError`] if it cannot be read, is no regular file, is too large, or is no token file.
pub fn read(path: &Path, spec: FileSpec) -> Result<Snapshot, FileError> {
    read_since(path, spec, None)
}

/// The same for whoever has `seen` the file a moment ago: if it is another by now, or in another state, it
/// was changed just now, whatever the clocks say.
///
/// # Errors
/// As [`read`].
pub fn read_since(
    path: &Path,
    spec: FileSpec,
    seen: Option<FileVersion>,
) -> Result<Snapshot, FileError> {
    match open(path)? {
        Some((file, now)) => {
            let reading = read_until_stable(path, &file, seen.unwrap_or(now))?;
            understand(path, &file, reading, spec)
        }
        None => Ok(missing(path, spec)),
    }
}

/// The same without a wait: `None` for a file that was changed just now.
///
/// # Errors
/// As [`read`].
pub fn read_unless_racy(path: &Path, spec: FileSpec) -> Result<Option<Snapshot>, FileError> {
    let Some((file, seen)) = open(path)? else { return Ok(Some(missing(path, spec))) };
    let reading = read_once(path, &file)?;
    if reading.is_racy(&seen) {
        return Ok(None);
    }
    understand(path, &file, reading, spec).map(Some)
}

/// Opens the file at `path`, which was so just before; `None` if there is none.
fn open(path: &Path) -> Result<Option<(File, FileVersion)>, FileError> {
    // A FIFO or a device must not even be opened: opening alone can hang or have effects.
    let Some(seen) = stat(path)? else { return Ok(None) };
    Ok(open_by(path, 0)?.map(|file| (file, seen)))
}

/// The same as [`read`] for a path that has been resolved: a link that stands there by now is no file.
fn read_resolved(path: &Path, spec: FileSpec) -> Result<Snapshot, FileError> {
    let Some(seen) = stat_resolved(path)? else { return Ok(missing(path, spec)) };
    match open_by(path, libc::O_NOFOLLOW)? {
        Some(file) => understand(path, &file, read_until_stable(path, &file, seen)?, spec),
        None => Ok(missing(path, spec)),
    }
}

fn open_by(path: &Path, flags: libc::c_int) -> Result<Option<File>, FileError> {
    let flags = flags | libc::O_NONBLOCK | libc::O_NOCTTY;
    match descriptor::file(path, OpenOptions::new().read(true).custom_flags(flags)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // It came after the look.
        Err(error)
            if flags & libc::O_NOFOLLOW != 0 && error.raw_os_error() == Some(libc::ELOOP) =>
        {
            Ok(None)
        }
        Err(error) => {
            Err(FileError::from_io(path, "read", SystemError::in_call("openat(2)", error)))
        }
    }
}

fn understand(
    path: &Path,
    file: &File,
    reading: Reading,
    spec: FileSpec,
) -> Result<Snapshot, FileError> {
    let Reading { bytes, identity, began, ended } = reading;
    let attributes =
        replace::read_attribute(file).into_iter().chain(unstored_tokens::attribute(path));
    let origin = Origin {
        name: name_of(path),
        written: identity.written(),
        attributes: attributes.collect(),
    };
    let document = Document::parse(&bytes, spec, origin)
        .map_err(|refusal| FileError::refused(path, &refusal))?;
    Ok(Snapshot { identity: Some(identity), began, ended, document })
}

/// A file that was changed so recently may still be being written in place, by us or by others.
const RACY: Duration = Duration::from_millis(50);

/// More than the time between two ticks of the clock that gives files their times: 10 ms at CONFIG_HZ=100
/// (time(7)).
const TICK: Duration = Duration::from_millis(50);

/// The same for file systems that keep whole seconds, or every second one, as FAT does.
const WHOLE_SECONDS_TICK: Duration = Duration::from_secs(3);

struct Reading {
    bytes: Vec<u8>,
    identity: FileVersion,
    began: Duration,
    ended: Duration,
}

impl Reading {
    /// Whether the file, which was as `seen` a moment ago, is being changed. Another machine's clock may be
    /// ahead for hours; that is not "just now".
    fn is_racy(&self, seen: &FileVersion) -> bool {
        let (now, changed) = (SystemClock.now(), self.identity.changed());
        let is_recent = now.since(changed) < RACY && changed.since(now) < RACY;
        is_recent || self.identity != *seen
    }
}

/// Reads the file once. A write sets the time of change first, so it is looked at after the read.
fn read_once(path: &Path, file: &File) -> Result<Reading, FileError> {
    let began = SystemClock.monotonic();
    let bytes = read_bounded(path, file)?;
    let identity = stat_open(path, file)?;
    Ok(Reading { bytes, identity, began, ended: SystemClock.monotonic() })
}

/// Reads the file, which was as `seen` a moment ago, and a file that is changed just now until it reads the
/// same twice.
fn read_until_stable(
    path: &Path,
    file: &File,
    mut seen: FileVersion,
) -> Result<Reading, FileError> {
    let mut reading = read_once(path, file)?;
    for _ in 0..20 {
        if !reading.is_racy(&seen) {
            break;
        }
        thread::sleep(Duration::from_millis(1));
        let again = read_once(path, file)?;
        let is_same = again.bytes == reading.bytes;
        seen = reading.identity;
        reading = again;
        if is_same {
            break;
        }
    }
    Ok(reading)
}

fn read_bounded(path: &Path, file: &File) -> Result<Vec<u8>, FileError> {
    let failed = |error| FileError::from_io(path, "read", SystemError::in_call("read(2)", error));
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    let mut file = file;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::too_large(path));
    }
    Ok(bytes)
}

fn missing(path: &Path, spec: FileSpec) -> Snapshot {
    let origin = Origin {
        name: name_of(path),
        written: Timestamp::from_secs(0),
        attributes: unstored_tokens::attribute(path).into_iter().collect(),
    };
    let document = Document::empty(spec, origin);
    Snapshot { identity: None, began: Duration::ZERO, ended: Duration::ZERO, document }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The file that is open, which is the one at `path` or was.
fn stat_open(path: &Path, file: &File) -> Result<FileVersion, FileError> {
    let stat = rustix::fs::fstat(file);
    regular(path, &stat.map_err(|error| unseen(path, error))?)
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
        let tick =
            |modified, changed| FileVersion { dev: 1, ino: 1, size: 9, modified, changed }.tick();
        assert_eq!(tick((1000, 0), (1000, 0)), WHOLE_SECONDS_TICK);
        assert_eq!(tick((1000, 0), (1000, 1)), TICK, "the modification time was set");
    }

    #[test]
    fn a_file_that_is_another_than_a_moment_ago_is_read_until_it_reads_the_same_twice()
    -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        std::fs::write(&path, "")?;
        let file = File::open(&path)?;
        let first = read_once(&path, &file).unwrap();
        // As a clock that differs shows it: it was changed long ago.
        let long_ago = FileVersion { changed: (1000, 1), ..first.identity };
        let reading = Reading { identity: long_ago, ..first };
        assert!(!reading.is_racy(&long_ago));
        assert!(reading.is_racy(&FileVersion { changed: (1000, 2), ..long_ago }));
        Ok(())
    }
}
