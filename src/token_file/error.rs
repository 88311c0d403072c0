//! What is wrong with a token file, on which path, and what to do about it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::printable::{printable, printable_path};

/// A token file that cannot be read, written, or is not a token file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {task} {}: {}; {remedy}", printable_path(path), printable(problem))]
pub struct FileError {
    path: PathBuf,
    task: &'static str,
    /// The operating system's words among others: cleaned when it is displayed.
    problem: String,
    remedy: String,
    #[source]
    source: Option<io::Error>,
}

impl FileError {
    /// The operating system refused to `task` the file at `path`.
    #[must_use]
    pub fn from_io(path: &Path, task: &'static str, error: io::Error) -> Self {
        let (problem, remedy) = explain(path, &error);
        Self { path: path.to_owned(), task, problem, remedy, source: Some(error) }
    }

    /// Whether something that was there is gone.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.source.as_ref().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
    }

    /// PHP's `open_basedir` bars the file at `path`, or its directory.
    #[must_use]
    pub fn barred_by_open_basedir(path: &Path) -> Self {
        let remedy = "name a path inside open_basedir: the directory counts too, replacements are made there";
        Self::without_source(path, "use", "open_basedir bars it".to_owned(), remedy)
    }

    pub(super) fn wrong_kind(path: &Path, kind: &str) -> Self {
        Self::without_source(path, "use", format!("it is {kind}"), "name a regular file")
    }

    pub(super) fn too_large(path: &Path) -> Self {
        let problem = format!("it is larger than {} KiB", super::MAX_BYTES / 1024);
        Self::without_source(path, "use", problem, "a token file is far smaller: name another path")
    }

    pub(super) fn not_a_token_file(path: &Path, reason: &str) -> Self {
        let remedy = "it was left as it is: name another path, or remove the file";
        Self::without_source(path, "use", format!("it is not a token file: {reason}"), remedy)
    }

    fn without_source(path: &Path, task: &'static str, problem: String, remedy: &str) -> Self {
        Self { path: path.to_owned(), task, problem, remedy: remedy.to_owned(), source: None }
    }
}

fn explain(path: &Path, error: &io::Error) -> (String, String) {
    let parent = path.parent().unwrap_or(Path::new("/"));
    match error.kind() {
        io::ErrorKind::NotFound if !parent.exists() => (
            format!("there is no directory {}", parent.display()),
            "create it, or name another path".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => (
            format!("permission denied to {}", whoami()),
            format!("{}; {}", whose(path), whose(parent)),
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            "the file system is read-only".to_owned(),
            "name a path on a writable file system".to_owned(),
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (error.to_string(), "free some space; the old content is untouched".to_owned())
        }
        io::ErrorKind::IsADirectory => {
            ("it is a directory".to_owned(), "name a regular file".to_owned())
        }
        io::ErrorKind::InvalidFilename => {
            ("the name is too long".to_owned(), "name a shorter path".to_owned())
        }
        _ => (error.to_string(), "check the file system".to_owned()),
    }
}

fn whoami() -> String {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    format!("uid {} gid {}", uid.as_raw(), gid.as_raw())
}

fn whose(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(metadata) => format!(
            "{} belongs to uid {} gid {} with mode {:04o}",
            printable_path(path),
            metadata.uid(),
            metadata.gid(),
            metadata.mode() & 0o7777
        ),
        Err(_) => format!("{} cannot be looked at", printable_path(path)),
    }
}
