//! Writes a token file: it is replaced as a whole, or written in place where that is impossible.
//!
//! A temporary file beside it is made under the lock, and replaces it by rename(2). If it cannot be made, filled
//! or renamed, whatever the reason, the file itself is written: in one write, never shortened. Either is
//! prepared before the fetch, so that a full disk or a read-only directory costs no token.

use std::convert;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::PathBuf;
use std::str::FromStr;

use super::document::Content;
use super::error::FileError;
use super::lock::TokenLock;
use super::siblings::{self, Leftovers};
use super::space::{self, HEADROOM, Room};
use super::staged::StagedFile;
use super::system_error::SystemError;
use super::{attributes, metadata, times};
use crate::clock::Timestamp;

/// The longest that a file is padded to, in bytes.
const MAX_PADDED: usize = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WriteMode {
    #[default]
    Replace,
    /// Always in place: for the days when locked legacy code writes the same file.
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
pub struct PendingWrite {
    /// What will replace the file; `None` if it is written in place.
    staged: Option<StagedFile>,
    /// The trace of a refresh that was cut off. It stays until something is written.
    leftover: Option<PathBuf>,
}

impl PendingWrite {
    /// Prepares to write the locked file, with the disk space reserved. Of the `leftovers` beside it, only the
    /// oldest remains.
    pub fn stage(
        lock: &TokenLock,
        mode: WriteMode,
        leftovers: Leftovers,
    ) -> Result<Self, FileError> {
        let leftover = leftovers.sweep();
        match stage(lock, mode) {
            Ok(staged) => Ok(Self { staged, leftover }),
            Err(error) => Err(FileError::from_io(lock.path(), "write", error)),
        }
    }

    /// A write of the file itself, for which nothing is prepared.
    pub const fn in_place() -> Self {
        Self { staged: None, leftover: None }
    }

    /// What the clock of the file system shows, where it shows something new.
    pub fn stamp(&self, lock: &TokenLock) -> Option<Timestamp> {
        let file = self.staged.as_ref().map_or(Ok(lock.file()), StagedFile::file).ok()?;
        times::file_system_clock(file, self.staged.is_some())
    }

    /// Writes `content`, durably, to the temporary file, if there is one.
    pub fn fill(self, content: Content) -> ReadyWrite {
        let Self { staged, leftover } = self;
        let write = |staged: &StagedFile| write_new(staged.file()?, &content);
        let took_attribute = staged.as_ref().and_then(|staged| write(staged).ok());
        ReadyWrite { staged, took_attribute, content, leftover }
    }
}

/// What will replace the locked file; `None` if that is written in place.
fn stage(lock: &TokenLock, mode: WriteMode) -> Result<Option<StagedFile>, SystemError> {
    let old = lock.file().metadata()?;
    // To replace one name of a file with several would part it from the others.
    if mode == WriteMode::InPlace || old.nlink() > 1 {
        space::reserve_in_place(lock.file(), &old)?;
        return Ok(None);
    }
    match stage_beside(lock, old.len() + HEADROOM) {
        Ok(staged) => Ok(Some(staged)),
        Err(error) => match space::reserve_in_place(lock.file(), &old)? {
            Room::Unknown if is_full(&error) => Err(error),
            _ => Ok(None),
        },
    }
}

fn stage_beside(lock: &TokenLock, room: u64) -> Result<StagedFile, SystemError> {
    let staged = StagedFile::create(lock.file(), lock.path())?;
    metadata::take_after(staged.file()?, lock.file())?;
    space::reserve_in_new(staged.file()?, room)?;
    Ok(staged)
}

fn is_full(error: &SystemError) -> bool {
    matches!(error.error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// A write of which only the last step remains.
pub struct ReadyWrite {
    staged: Option<StagedFile>,
    /// Whether the temporary file took the attribute, too; `None` if it cannot replace the file.
    took_attribute: Option<bool>,
    content: Content,
    leftover: Option<PathBuf>,
}

impl ReadyWrite {
    /// Replaces the file, and the lock continues with the new one; or writes the file itself. After an error,
    /// the old content is untouched, unless the disk broke during a write.
    pub fn commit(self, lock: &mut TokenLock) -> Result<(), FileError> {
        let path = lock.path().to_owned();
        self.try_commit(lock).map_err(|error| FileError::from_io(&path, "write", error))
    }

    fn try_commit(self, lock: &mut TokenLock) -> Result<(), SystemError> {
        // The temporary file stays until all is written: after a crash it tells of this refresh.
        let Self { mut staged, took_attribute, content, leftover } = self;
        let renamed = staged
            .as_mut()
            .zip(took_attribute)
            .map(|(staged, took_attribute)| rename(staged, lock).map(|()| took_attribute));
        let took_attribute = match renamed {
            Some(Ok(took_attribute)) => took_attribute,
            // Nobody would read what is written to a file that is no longer at the path.
            Some(Err(error)) if !lock.is_current().is_ok_and(convert::identity) => {
                return Err(SystemError::in_call("renameat(2)", error));
            }
            Some(Err(_)) | None => write_in_place(lock.file(), &content)?,
        };
        attributes::keep(lock.path(), content.attribute.filter(|_| !took_attribute));
        if let Some(leftover) = leftover {
            let _ = siblings::remove_leftover(&leftover);
        }
        Ok(())
    }
}

/// Renames `staged` to the path of `lock`, which continues with it.
fn rename(staged: &mut StagedFile, lock: &mut TokenLock) -> io::Result<()> {
    let temporary = staged.file.take().ok_or(io::ErrorKind::NotFound)?;
    let file = temporary.persist(lock.path()).map_err(|failed| {
        staged.file = Some(failed.file);
        failed.error
    })?;
    // The new file is in place. Should the directory not reach the disk before a power cut, the old file is back, with its
    // expired token, and the trace of this refresh: for that, no caller waits.
    lock.move_to(file, staged.id)
}

fn write_new(file: &File, content: &Content) -> io::Result<bool> {
    file.write_all_at(&content.bytes, 0)?;
    // The space that is reserved beyond the end stays: to give it back costs as much as half an fsync(2).
    let length = content.bytes.len() as u64;
    if file.metadata()?.len() > length {
        file.set_len(length)?;
    }
    let took_attribute = attributes::write(file, content.attribute.as_deref()).is_ok();
    if let Some(modified) = content.modified {
        times::set_modified(file, modified)?;
    }
    file.sync_all()?;
    Ok(took_attribute)
}

/// One write, not shorter than the old content, so that a reader never sees less than a whole file. Whether
/// the file took the attribute, too.
fn write_in_place(file: &File, content: &Content) -> Result<bool, SystemError> {
    let modified = content.modified.filter(|_| times::may_set_modified(file));
    if modified.is_none() && content.modified.is_some_and(times::extends_lifetime) {
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
    if bytes.len() as u64 > space::allocated(&old)
        && space::reserve(file, bytes.len() as u64)? == Room::Unknown
        && content.may_be_padded
    {
        space::pad(file, old.len(), bytes.len() as u64)?;
    }
    file.write_all_at(&bytes, 0).map_err(SystemError::of("pwrite(2)"))?;
    if bytes.len() < old_length {
        file.set_len(bytes.len() as u64).map_err(SystemError::of("ftruncate(2)"))?;
    }
    let took_attribute = attributes::write(file, content.attribute.as_deref()).is_ok();
    if let Some(modified) = modified {
        times::set_modified(file, modified)?;
    }
    // It is written. Should it not reach the disk before a power cut, a token is lost that can be fetched
    // again.
    let _ = file.sync_all();
    Ok(took_attribute)
}

/// Leaves `attribute` with the locked file, of which nothing else is written; with this process alone where
/// that is impossible.
pub fn leave_attribute(lock: &TokenLock, attribute: Option<String>) {
    let is_written = attributes::write(lock.file(), attribute.as_deref()).is_ok();
    attributes::keep(lock.path(), attribute.filter(|_| !is_written));
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;
    use std::time::{Duration, UNIX_EPOCH};

    use rustix::fs::XattrFlags;

    use super::*;
    use crate::caller::tests::caller;
    use crate::clock::{Clock, SystemClock};
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
        stage(lock, mode)?.fill(content).commit(lock)
    }

    fn stage(lock: &TokenLock, mode: WriteMode) -> Result<PendingWrite, FileError> {
        PendingWrite::stage(lock, mode, siblings::scan(lock.path()))
    }

    #[test]
    fn a_sweep_passes_over_what_is_in_use_and_takes_what_its_maker_has_left() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "old")?;
        let exchanged = lock(&path).unwrap();
        let in_use = stage(&exchanged, WriteMode::Replace).unwrap();
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
            let staged = stage(&held, WriteMode::InPlace).unwrap();
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
            let staged = stage(&held, mode).unwrap();
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
        assert!(matches!(TokenLock::attempt(&path, 0o600, &caller()), Ok(Attempt::Busy(_))));
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
        assert!(lock(&path).is_some_and(|lock| stage(&lock, WriteMode::Replace).is_ok()));
        assert_eq!(fs::read(&path)?, b"old");
        assert_eq!(names(dir.path())?, ["token.json"]);
        Ok(())
    }

    #[test]
    fn what_replaces_a_file_that_a_web_server_runs_is_run_too() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let leftovers = [".token.php.wx_token.aB3dE9", ".token.php.wx_token.aB3dE9.php"];
        for name in leftovers {
            fs::write(dir.path().join(name), "")?;
        }
        let mut held = lock(&dir.path().join("token.php")).unwrap();
        let staged = stage(&held, WriteMode::Replace).unwrap();
        let names_now = names(dir.path())?;
        let new = names_now
            .iter()
            .find(|name| *name != "token.php" && !leftovers.contains(&&*name.to_string_lossy()));
        assert!(new.is_some_and(|name| name.to_string_lossy().ends_with(".php")), "{names_now:?}");
        drop(staged);
        write(&mut held, WriteMode::Replace, "<?php exit();?>{}").unwrap();
        assert_eq!(names(dir.path())?, ["token.php"]);
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
        drop(stage(&held, WriteMode::Replace).unwrap());
        let oldest = [kept[0], kept[1], leftovers[1], kept[2]];
        assert_eq!(names(dir.path())?, oldest, "it tells of a refresh that was cut off");
        write(&mut held, WriteMode::Replace, "new").unwrap();
        assert_eq!(names(dir.path())?, kept);
        Ok(())
    }
}
