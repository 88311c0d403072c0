//! Writing a token file: replaced as a whole, or written in place where that cannot be.
//!
//! A replacement is made beside the file, under the lock, and takes its place by rename(2). It has the
//! owner, mode, ACL and attributes of the old file. Whatever keeps it from being made, filled or put in place,
//! the old file itself is written instead: at once, never shortened. Either is prepared before the upstream
//! is asked, so that a full disk or a barred directory costs no token.

use std::convert;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{
    Dir, DirEntry, FallocateFlags, FileType, Timespec, Timestamps, UTIME_NOW, XattrFlags,
};
use rustix::io::Errno;

use tempfile::NamedTempFile;

use super::lock::{self, StagedFile, TokenLock};
use super::{Content, FileError, FileVersion, SystemError, metadata, stat_resolved};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::descriptor;
use crate::process::ProcessState;
use crate::unstored_tokens;

/// Marks a name as that of a replacement under way: `.<file>.wx_token.<random>`.
const MARK: &str = ".wx_token.";
const RANDOM_CHARS: usize = 6;

/// Room for a token of the longest kind and a failure record, in bytes.
const HEADROOM: u64 = 4096;

/// Room for a token as WeChat's documents have it and a failure record, in bytes.
const USUAL_GROWTH: u64 = 2048;

/// Room for a token as WeChat's documents have it, in bytes. A file that is as long has one of that kind already,
/// and the record of a failure may do without.
const LEAST_GROWTH: u64 = 512;

/// The longest that a file is padded to, in bytes.
const MAX_PADDED: usize = 16 * 1024;

/// How token files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteMode {
    /// By a replacement, where that is possible.
    #[default]
    Replace,
    /// In place, always: for the days when locked legacy code writes the same file.
    InPlace,
}

impl FromStr for WriteMode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "replace" => Ok(Self::Replace),
            "in_place" => Ok(Self::InPlace),
            _ => Err("must be \"replace\" or \"in_place\"".to_owned()),
        }
    }
}

/// A write that is prepared; undone if it never happens.
#[derive(Debug)]
pub struct PendingWrite {
    /// What will take the file's place; `None` if it is written in place.
    beside: Option<StagedFile>,
    /// What tells of a refresh that was cut off. It stays until something is written.
    leftover: Option<PathBuf>,
}

impl PendingWrite {
    /// Prepares to write the locked file, with the disk space reserved, and sweeps away what killed
    /// processes left beside it, but for the first of it.
    ///
    /// # Errors
    /// [`FileError`] if the disk is full, or the file system broken.
    pub fn stage(lock: &TokenLock, mode: WriteMode) -> Result<Self, FileError> {
        Self::try_stage(lock, mode).map_err(|error| FileError::from_io(lock.path(), "write", error))
    }

    fn try_stage(lock: &TokenLock, mode: WriteMode) -> Result<Self, SystemError> {
        let (directory, prefix) = place(lock.path())?;
        let leftover = sweep(directory, &prefix);
        let old = lock.file().metadata()?;
        // A replaced hard link would part from its other names.
        if mode == WriteMode::InPlace || old.nlink() > 1 {
            reserve_in_place(lock.file(), &old)?;
            return Ok(Self { beside: None, leftover });
        }
        match stage_beside(lock, directory, &prefix, old.len() + HEADROOM) {
            Ok(beside) => Ok(Self { beside: Some(beside), leftover }),
            Err(error) => match reserve_in_place(lock.file(), &old)? {
                Room::Unknown if is_full(&error) => Err(error),
                _ => Ok(Self { beside: None, leftover }),
            },
        }
    }

    /// A write of the file itself, for which nothing is prepared.
    #[must_use]
    pub const fn in_place() -> Self {
        Self { beside: None, leftover: None }
    }

    /// What the clock of the file system shows: when it says that it has just changed what will be written, of
    /// which nobody sees a change. `None` if it says nothing new.
    #[must_use]
    pub fn stamp(&self, lock: &TokenLock) -> Option<Timestamp> {
        let file = self.beside.as_ref().map_or(Ok(lock.file()), StagedFile::file).ok()?;
        let stat = || Some(FileVersion::from_stat(&rustix::fs::fstat(file).ok()?));
        let (before, was) = (stat()?, file.metadata().ok()?);
        // Both are named, the second as it is: libfuse 2 does nothing for one alone, and says that it did.
        let times = Timestamps {
            last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
            last_modification: Timespec { tv_sec: was.mtime(), tv_nsec: was.mtime_nsec() },
        };
        if rustix::fs::futimens(file, &times).is_err() {
            // The owner's alone: whoever may write the file may write its attribute. The same once more would
            // change nothing, and a space does not count.
            let attribute = read_attribute(file).unwrap_or_else(|| "{}".to_owned());
            let other = attribute.strip_suffix(' ').map(str::to_owned);
            let other = other.unwrap_or_else(|| format!("{attribute} "));
            write_attribute(file, Some(&other)).ok()?;
        }
        let after = stat()?;
        // What was made just now has been dated just now. An older file tells nothing where the time of change
        // is that of modification, as with rclone and sshfs.
        (self.beside.is_some() || before != after).then(|| after.changed())
    }

    /// Writes `content`, durably, to what will take the file's place, if that can be.
    #[must_use]
    pub fn fill(self, content: Content) -> ReadyWrite {
        let Self { beside, leftover } = self;
        let write = |beside: &StagedFile| write_anew(beside.file()?, &content);
        let keeps_attribute = beside.as_ref().and_then(|beside| write(beside).ok());
        ReadyWrite { beside, keeps_attribute, content, leftover }
    }
}

/// A write of which nothing is left to be done but the last step.
#[derive(Debug)]
pub struct ReadyWrite {
    beside: Option<StagedFile>,
    /// Whether what is beside has its attribute, too; `None` if it cannot be put in place.
    keeps_attribute: Option<bool>,
    content: Content,
    leftover: Option<PathBuf>,
}

impl ReadyWrite {
    /// Puts the new file in the old one's place, and the lock goes on with it; or writes the file itself.
    ///
    /// # Errors
    /// [`FileError`]; the old content is then untouched, unless the disk broke within a write.
    pub fn commit(self, lock: &mut TokenLock) -> Result<(), FileError> {
        let path = lock.path().to_owned();
        self.try_commit(lock).map_err(|error| FileError::from_io(&path, "write", error))
    }

    fn try_commit(self, lock: &mut TokenLock) -> Result<(), SystemError> {
        // What is beside stays there until all is written: whoever comes after a crash can tell.
        let Self { mut beside, keeps_attribute, content, leftover } = self;
        let replaced = beside
            .as_mut()
            .zip(keeps_attribute)
            .map(|(beside, keeps_attribute)| beside.take_place(lock).map(|()| keeps_attribute));
        let keeps_attribute = match replaced {
            Some(Ok(keeps_attribute)) => {
                // The new file is in place. Should the directory not reach the disk before a power cut,
                // the old file is back: an expired token, not a lost one.
                if let Ok((directory, _)) = place(lock.path()) {
                    let _ = descriptor::directory(directory).and_then(|open| open.sync_all());
                }
                keeps_attribute
            }
            // Nobody would read what is written to a file that is no longer at the path.
            Some(Err(error)) if !lock.is_current().is_ok_and(convert::identity) => {
                return Err(SystemError::in_call("renameat(2)", error));
            }
            Some(Err(_)) | None => write_in_place(lock.file(), &content)?,
        };
        unstored_tokens::keep_attribute(
            lock.path(),
            content.attribute.filter(|_| !keeps_attribute),
        );
        if let Some(leftover) = leftover {
            let _ = lock::remove_leftover(&leftover);
        }
        Ok(())
    }
}

fn stage_beside(
    lock: &TokenLock,
    directory: &Path,
    prefix: &OsStr,
    room: u64,
) -> Result<StagedFile, SystemError> {
    let successor = StagedFile::make(lock, |process_state| make(process_state, directory, prefix))?;
    metadata::take_after(successor.file()?, lock.file())?;
    reserve_anew(successor.file()?, room)?;
    Ok(successor)
}

/// Whether the attribute could be written, too.
fn write_anew(file: &File, content: &Content) -> io::Result<bool> {
    file.write_all_at(&content.bytes, 0)?;
    file.set_len(content.bytes.len() as u64)?;
    let keeps_attribute = write_attribute(file, content.attribute.as_deref()).is_ok();
    stamp(file, content)?;
    file.sync_all()?;
    Ok(keeps_attribute)
}

/// Whether there is no room on the disk, or none for this user.
fn is_full(error: &SystemError) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// One write, not shorter than what stood there, so that whoever reads meanwhile never sees less than
/// a whole file. Whether the attribute could be written, too.
fn write_in_place(file: &File, content: &Content) -> Result<bool, SystemError> {
    let may_stamp = content.modified.is_none() || may_stamp(file);
    if !may_stamp && content.modified.is_some_and(is_put_off) {
        return Err(SystemError::in_call("utimensat(2)", io::ErrorKind::PermissionDenied));
    }
    let old = file.metadata()?;
    let old_length = usize::try_from(old.len()).unwrap_or(usize::MAX);
    let mut bytes = content.bytes.clone();
    if content.may_be_padded {
        let end = bytes.iter().rposition(|byte| *byte != b' ').map_or(0, |last| last + 1);
        bytes.truncate(end);
        bytes.resize(end.max(old_length.min(MAX_PADDED)), b' ');
    }
    // On a full disk, a write that needs more would end in the middle.
    if bytes.len() as u64 > allocated(&old)
        && reserve(file, bytes.len() as u64)? == Room::Unknown
        && content.may_be_padded
    {
        pad(file, old.len(), bytes.len() as u64)?;
    }
    let written = file.write_all_at(&bytes, 0);
    written.map_err(|error| SystemError::in_call("pwrite(2)", error))?;
    if bytes.len() < old_length {
        let shortened = file.set_len(bytes.len() as u64);
        shortened.map_err(|error| SystemError::in_call("ftruncate(2)", error))?;
    }
    let keeps_attribute = write_attribute(file, content.attribute.as_deref()).is_ok();
    if may_stamp {
        stamp(file, content)?;
    }
    // It is written. Should it not reach the disk before a power cut, a token is lost that can be had
    // again.
    let _ = file.sync_all();
    Ok(keeps_attribute)
}

/// Lengthens the file from `length` to `end` bytes by spaces, which its readers pass over; or not at all.
fn pad(file: &File, length: u64, end: u64) -> Result<(), SystemError> {
    let spaces = vec![b' '; usize::try_from(end.saturating_sub(length)).unwrap_or_default()];
    file.write_all_at(&spaces, length).map_err(|error| {
        let _ = file.set_len(length);
        SystemError::in_call("pwrite(2)", error)
    })
}

/// The extended attribute that is this extension's own: the record of the token, and what a content has no
/// room for.
pub(super) const ATTRIBUTE: &str = "user.wx_token";

/// No more is written, nor read: file systems such as ext4 have a block for all attributes of a file.
const MAX_ATTRIBUTE: usize = 4096;

/// What the attribute of `file` holds, if there is one.
#[must_use]
pub fn read_attribute(file: &File) -> Option<String> {
    let mut buffer = [0; MAX_ATTRIBUTE];
    let length = rustix::fs::fgetxattr(file, ATTRIBUTE, &mut buffer).ok()?;
    String::from_utf8(buffer.get(..length)?.to_vec()).ok()
}

fn write_attribute(file: &File, attribute: Option<&str>) -> rustix::io::Result<()> {
    match attribute {
        Some(text) if text.len() > MAX_ATTRIBUTE => Err(Errno::NOSPC),
        Some(text) => rustix::fs::fsetxattr(file, ATTRIBUTE, text.as_bytes(), XattrFlags::empty()),
        None => match rustix::fs::fremovexattr(file, ATTRIBUTE) {
            Err(Errno::NODATA) => Ok(()),
            removed => removed,
        },
    }
}

/// Leaves `attribute` beside the locked file, of which nothing else is written; with this process alone where
/// that cannot be.
pub fn leave_attribute(lock: &TokenLock, attribute: Option<String>) {
    let is_kept = write_attribute(lock.file(), attribute.as_deref()).is_ok();
    unstored_tokens::keep_attribute(lock.path(), attribute.filter(|_| !is_kept));
}

fn stamp(file: &File, content: &Content) -> io::Result<()> {
    let Some(modified) = content.modified else { return Ok(()) };
    let since = u64::try_from(modified.millis()).unwrap_or(0);
    file.set_modified(UNIX_EPOCH + Duration::from_millis(since))
}

/// Whether this process may set the time of the file, as its owner may, and not everybody who may write it
/// (utimensat(2)). It is set to what it is.
fn may_stamp(file: &File) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| file.set_modified(modified).is_ok())
}

/// A fetch takes less, and a token is due long before a delay of its expiry by so much counts.
const STAMP_TOLERANCE: Duration = Duration::from_secs(10);

/// Whether a write that gives the file the time of now, instead of `modified`, puts off the expiry that
/// counts from it.
fn is_put_off(modified: Timestamp) -> bool {
    SystemClock.now().since(modified) > STAMP_TOLERANCE
}

/// A new file beside the one at `path`: a leftover, if it stays there.
pub(super) fn beside(process_state: &ProcessState, path: &Path) -> io::Result<NamedTempFile> {
    let (directory, prefix) = place(path)?;
    make(process_state, directory, &prefix)
}

fn make(
    process_state: &ProcessState,
    directory: &Path,
    prefix: &OsStr,
) -> io::Result<NamedTempFile> {
    descriptor::temp_file_under(process_state, directory, prefix, RANDOM_CHARS)
}

fn place(path: &Path) -> io::Result<(&Path, OsString)> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidFilename.into());
    };
    let prefix = [b".", name.as_bytes(), MARK.as_bytes()].concat();
    Ok((directory, OsString::from_vec(prefix)))
}

/// Whether a write will find room on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Reserved,
    /// The file system cannot tell before the write: ext3, NFS, ZFS, most of FUSE.
    Unknown,
}

fn reserve(file: &File, bytes: u64) -> Result<Room, SystemError> {
    let reserved = rustix::io::retry_on_intr(|| {
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes)
    });
    match reserved {
        Ok(()) => Ok(Room::Reserved),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Room::Unknown),
        Err(error) => Err(SystemError::in_call("fallocate(2)", error)),
    }
}

/// The same for a file that nobody reads yet: with bytes, if need be.
fn reserve_anew(file: &File, bytes: u64) -> Result<(), SystemError> {
    if reserve(file, bytes)? == Room::Unknown {
        pad(file, 0, bytes)?;
        // Some tell of a full disk only then.
        file.sync_data()?;
    }
    Ok(())
}

/// Reserves disk space for the next content of the file itself, which is `old`. fallocate(2) changes the
/// time from which an expiry may count: it is called only where there is no room, by whoever can set that
/// time back.
fn reserve_in_place(file: &File, old: &Metadata) -> Result<Room, SystemError> {
    let has_room_for = |growth| allocated(old) >= old.len() + growth;
    if has_room_for(USUAL_GROWTH) {
        return Ok(Room::Reserved);
    }
    let reserved = if may_stamp(file) {
        let reserved = reserve(file, old.len() + HEADROOM);
        file.set_modified(old.modified()?)?;
        reserved
    } else {
        Ok(Room::Unknown)
    };
    match reserved {
        Ok(Room::Unknown) | Err(_) if has_room_for(LEAST_GROWTH.saturating_sub(old.len())) => {
            Ok(Room::Reserved)
        }
        reserved => reserved,
    }
}

/// Disk space that the file has, in bytes.
fn allocated(file: &Metadata) -> u64 {
    // In units of 512 bytes, whatever the size of a block (stat(3type)).
    file.blocks() * 512
}

/// Whether a replacement of the file at `path` is under way, or was when its process died.
#[must_use]
pub fn is_staged(path: &Path) -> bool {
    place(path).is_ok_and(|(directory, prefix)| !leftovers(directory, &prefix).is_empty())
}

/// When the refresh of the file at `path` began that its process did not live to store: the first since the
/// file was written. By the clock of the file system.
#[must_use]
pub fn interrupted_at(path: &Path) -> Option<Timestamp> {
    let (directory, prefix) = place(path).ok()?;
    let file = stat_resolved(path).ok()??.written();
    let dead = dead_leftovers(directory, &prefix).into_iter();
    dead.map(|(began, _)| began).filter(|began| file <= *began).min()
}

/// Removes replacements whose processes have died, but for the oldest, which is returned. Under the lock none
/// should be in use, but the lock may be one on a file that was exchanged. What cannot be removed does no harm.
fn sweep(directory: &Path, prefix: &OsStr) -> Option<PathBuf> {
    let mut dead = dead_leftovers(directory, prefix);
    dead.sort_unstable();
    let mut dead = dead.into_iter().map(|(_, path)| path);
    let oldest = dead.next();
    for path in dead {
        let _ = lock::remove_leftover(&path);
    }
    oldest
}

/// Replacements whose processes have died, and when each was last written.
fn dead_leftovers(directory: &Path, prefix: &OsStr) -> Vec<(Timestamp, PathBuf)> {
    let leftovers = leftovers(directory, prefix).into_iter();
    let dead = leftovers.filter(|path| lock::is_leftover(path));
    dead.filter_map(|path| Some((stat_resolved(&path).ok()??.written(), path))).collect()
}

fn leftovers(directory: &Path, prefix: &OsStr) -> Vec<PathBuf> {
    let Ok(mut entries) = descriptor::directory(directory).and_then(|open| Ok(Dir::new(open)?))
    else {
        return Vec::new();
    };
    let mut leftovers = Vec::new();
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name().to_bytes();
        let random = name.strip_prefix(prefix.as_bytes());
        let path = directory.join(OsStr::from_bytes(name));
        if random.is_some_and(is_random) && is_regular(&entry, &path) {
            leftovers.push(path);
        }
    }
    leftovers
}

fn is_random(name: &[u8]) -> bool {
    name.len() == RANDOM_CHARS && name.iter().all(u8::is_ascii_alphanumeric)
}

fn is_regular(entry: &DirEntry, path: &Path) -> bool {
    let kind = match entry.file_type() {
        // Not every file system has it among the names (readdir(3)).
        FileType::Unknown => {
            let stat = rustix::fs::lstat(path);
            stat.map_or(FileType::Unknown, |stat| FileType::from_raw_mode(stat.st_mode))
        }
        kind => kind,
    };
    kind == FileType::RegularFile
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::caller::tests::caller;
    use crate::token_file::lock::Attempt;

    fn lock(path: &Path) -> Option<TokenLock> {
        match TokenLock::attempt(path, 0o600, &caller()) {
            Ok(Attempt::Held(lock)) => Some(lock),
            _ => None,
        }
    }

    fn write(lock: &mut TokenLock, mode: WriteMode, text: &str) -> Result<(), FileError> {
        let content =
            Content { bytes: text.into(), modified: None, attribute: None, may_be_padded: true };
        PendingWrite::stage(lock, mode)?.fill(content).commit(lock)
    }

    #[test]
    fn a_sweep_passes_over_what_is_in_use_and_takes_what_its_maker_has_left() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "old")?;
        let exchanged = lock(&path).unwrap();
        let in_use = PendingWrite::stage(&exchanged, WriteMode::Replace).unwrap();
        fs::remove_file(&path)?;
        fs::write(dir.path().join(".token.json.wx_token.aB3dE9"), "")?;
        let mut now = lock(&path).unwrap();
        write(&mut now, WriteMode::Replace, "new").unwrap();
        let staged = names(dir.path())?;
        assert_eq!(staged.len(), 2, "{staged:?}");
        assert_ne!(staged[0], ".token.json.wx_token.aB3dE9");
        drop(in_use);
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    fn names(directory: &Path) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            names.push(entry?.file_name());
        }
        names.sort();
        Ok(names)
    }

    #[test]
    fn a_commit_replaces_the_content_and_keeps_the_mode() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "an old and much longer content")?;
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640))?;
        let committed = lock(&path).map(|mut lock| write(&mut lock, WriteMode::Replace, "new"));
        assert!(matches!(committed, Some(Ok(()))));
        assert_eq!(fs::read(&path)?, b"new");
        assert_eq!(fs::metadata(&path)?.permissions().mode() & 0o777, 0o640);
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    #[test]
    fn in_place_the_inode_stays_and_the_file_is_never_shorter() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "0123456789")?;
        let inode = fs::metadata(&path)?.ino();
        for (text, spec) in
            [("new", "new       "), ("new ", "new       "), ("0123456789abc", "0123456789abc")]
        {
            let mut held = lock(&path).unwrap();
            write(&mut held, WriteMode::InPlace, text).unwrap();
            assert_eq!(fs::read_to_string(&path)?, spec);
        }
        assert_eq!(fs::metadata(&path)?.ino(), inode);
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    #[test]
    fn in_place_nothing_touches_the_time_of_the_file_before_it_is_written() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let old = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        // Disk space is reserved for the empty one and the one that fills its blocks.
        for length in [0, 40, 4090] {
            fs::write(&path, " ".repeat(length))?;
            File::options().write(true).open(&path)?.set_modified(old)?;
            let held = lock(&path).unwrap();
            let staged = PendingWrite::stage(&held, WriteMode::InPlace).unwrap();
            assert_eq!(fs::metadata(&path)?.modified()?, old, "{length}");
            drop(staged);
        }
        Ok(())
    }

    #[test]
    fn the_clock_of_the_file_system_is_read_without_a_change_of_the_modification_time()
    -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let old = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        File::create(&path)?.set_modified(old)?;
        let held = lock(&path).unwrap();
        for mode in [WriteMode::Replace, WriteMode::InPlace] {
            let staged = PendingWrite::stage(&held, mode).unwrap();
            let before = SystemClock.now();
            let stamp = staged.stamp(&held).unwrap();
            // Its tick may have begun before.
            assert!(
                (before.before(Duration::from_millis(50))..=SystemClock.now()).contains(&stamp)
            );
            assert_eq!(fs::metadata(&path)?.modified()?, old);
        }
        Ok(())
    }

    #[test]
    fn a_hard_link_keeps_its_other_names() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let (path, other) = (dir.path().join("token.json"), dir.path().join("other.json"));
        fs::write(&path, "old")?;
        fs::hard_link(&path, &other)?;
        let mut held = lock(&path).unwrap();
        write(&mut held, WriteMode::Replace, "new").unwrap();
        assert_eq!(fs::read_to_string(&other)?, "new");
        Ok(())
    }

    #[test]
    fn attributes_go_with_the_file() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "old")?;
        rustix::fs::setxattr(&path, "user.origin", b"ours", XattrFlags::empty())?;
        let mut held = lock(&path).unwrap();
        let inode = fs::metadata(&path)?.ino();
        write(&mut held, WriteMode::Replace, "new").unwrap();
        let mut value = [0; 16];
        let length = rustix::fs::getxattr(&path, "user.origin", &mut value)?;
        assert_eq!(&value[..length], b"ours");
        assert_ne!(fs::metadata(&path)?.ino(), inode, "it was replaced");
        Ok(())
    }

    #[test]
    fn the_lock_goes_on_with_the_new_file() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let mut held = lock(&path).unwrap();
        write(&mut held, WriteMode::Replace, "new").unwrap();
        assert!(matches!(TokenLock::attempt(&path, 0o600, &caller()), Ok(Attempt::Busy)));
        assert!(held.is_current().unwrap());
        drop(held);
        assert!(lock(&path).is_some());
        Ok(())
    }

    #[test]
    fn a_replacement_that_is_not_committed_goes_and_the_file_stays() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "old")?;
        assert!(
            lock(&path).is_some_and(|lock| PendingWrite::stage(&lock, WriteMode::Replace).is_ok())
        );
        assert_eq!(fs::read(&path)?, b"old");
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    #[test]
    fn leftovers_of_this_file_are_swept_and_nothing_else() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let kept = [".other.json.wx_token.abc123", ".token.json.wx_token.note", "token.json"];
        let leftovers = [".token.json.wx_token.aB3dE9", ".token.json.wx_token.zzzzzz"];
        for (name, freshness) in kept.iter().chain(&leftovers).zip([0, 0, 0, 60, 90]) {
            let file = File::create(dir.path().join(name))?;
            file.set_modified(std::time::SystemTime::now() - Duration::from_secs(freshness))?;
        }
        let mut held = lock(&dir.path().join("token.json")).unwrap();
        drop(PendingWrite::stage(&held, WriteMode::Replace).unwrap());
        let oldest = [kept[0], kept[1], leftovers[1], kept[2]];
        assert_eq!(names(dir.path())?, oldest, "it tells of a refresh that was cut off");
        write(&mut held, WriteMode::Replace, "new").unwrap();
        assert_eq!(names(dir.path())?, kept);
        Ok(())
    }
}
