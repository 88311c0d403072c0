//! Files beside a token file: temporary files that are to replace it, and those that killed processes left.
//!
//! A temporary file is locked while its process lives. An unlocked one is a leftover, which dates a
//! refresh that was cut off.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, DirEntry, FileType};
use tempfile::NamedTempFile;

use super::flock::try_lock;
use super::version::stat_resolved;
use crate::clock::Timestamp;
use crate::descriptor;
use crate::process::{self, ProcessState};

/// Marks the name of a temporary file: `.<file>.wx_token.<random>`, and `.php` if the file ends in that.
const MARK: &str = ".wx_token.";

/// A web server runs a file of this name, and so stops at the guard before the token, instead of sending it.
const PHP: &str = ".php";
const RANDOM_CHARS: usize = 6;

pub fn create(process_state: &ProcessState, path: &Path) -> io::Result<NamedTempFile> {
    let (directory, prefix) = place(path)?;
    let suffix = if is_php(path) { PHP } else { "" };
    descriptor::temp_file_under(process_state, directory, &prefix, suffix, RANDOM_CHARS)
}

/// Removes a temporary file; closed first, for FUSE only renames what is open.
pub fn remove(temporary: NamedTempFile) {
    let (file, path) = temporary.into_parts();
    drop(file);
    drop(path);
}

fn place(path: &Path) -> io::Result<(&Path, OsString)> {
    let names = path.parent().zip(path.file_name());
    let (directory, name) = names.ok_or(io::ErrorKind::InvalidFilename)?;
    let prefix = [b".", name.as_bytes(), MARK.as_bytes()].concat();
    Ok((directory, OsString::from_vec(prefix)))
}

fn is_php(path: &Path) -> bool {
    path.as_os_str().as_bytes().ends_with(PHP.as_bytes())
}

/// Whether there are temporary files beside the one at `path`: of a refresh, or of one that was cut off.
pub fn is_staged(path: &Path) -> bool {
    list(path).is_ok_and(|files| !files.is_empty())
}

pub struct Leftovers {
    /// When each was last written. The oldest comes first.
    files: Vec<(Timestamp, PathBuf)>,
    interrupted_at: Option<Timestamp>,
}

pub fn scan(path: &Path) -> Leftovers {
    let dead = list(path).unwrap_or_default().into_iter().filter(|path| is_leftover(path));
    let dated = dead.filter_map(|path| Some((stat_resolved(&path).ok()??.written(), path)));
    let mut files: Vec<_> = dated.collect();
    files.sort_unstable();
    let written = || stat_resolved(path).ok().flatten().map(|file| file.written());
    let written = if files.is_empty() { None } else { written() };
    let since = |(began, _): &(Timestamp, _)| (written? <= *began).then_some(*began);
    let interrupted_at = files.iter().find_map(since);
    Leftovers { files, interrupted_at }
}

impl Leftovers {
    /// When a refresh began that was cut off: the first since the file was written, by the clock of
    /// the file system.
    pub const fn interrupted_at(&self) -> Option<Timestamp> {
        self.interrupted_at
    }

    /// Removes all but the oldest, and returns that. Under the lock no temporary file should be in use, but
    /// the lock may be that of a file that was replaced. What cannot be removed does no harm.
    pub(super) fn sweep(self) -> Option<PathBuf> {
        let mut files = self.files.into_iter().map(|(_, path)| path);
        let oldest = files.next();
        for path in files {
            let _ = remove_leftover(&path);
        }
        oldest
    }
}

pub fn remove_leftover(path: &Path) -> io::Result<()> {
    // A leftover stays one: nobody uses it after its process has died.
    if is_leftover(path) { fs::remove_file(path) } else { Ok(()) }
}

fn is_leftover(path: &Path) -> bool {
    // With the process state locked, no other thread takes this lock for one of PHP code, and no child inherits
    // it.
    let process_state = process::process_state();
    let options = descriptor::cautious(libc::O_NOFOLLOW);
    match descriptor::file_under(Some(&process_state), path, &options) {
        Ok(file) => try_lock(&file).unwrap_or(false),
        // Another user's, which cannot be tried.
        Err(error) => error.kind() == io::ErrorKind::PermissionDenied,
    }
}

fn list(path: &Path) -> io::Result<Vec<PathBuf>> {
    let (directory, prefix) = place(path)?;
    let mut entries = Dir::new(descriptor::directory(directory)?)?;
    let mut files = Vec::new();
    while let Some(Ok(entry)) = entries.read() {
        let name = entry.file_name().to_bytes();
        let random = name.strip_prefix(prefix.as_bytes());
        let path = directory.join(OsStr::from_bytes(name));
        if random.is_some_and(is_random) && is_regular(&entry, &path) {
            files.push(path);
        }
    }
    Ok(files)
}

fn is_random(name: &[u8]) -> bool {
    // Older versions did without the suffix.
    let name = name.strip_suffix(PHP.as_bytes()).unwrap_or(name);
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
