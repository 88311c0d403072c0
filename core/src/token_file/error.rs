//! What is wrong with a token file, on which path, and what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use super::access::{self, parent};
use super::document::Refusal;
use super::system_error::SystemError;
use crate::printable::{Printable, printable, printable_path};

#[derive(Debug, thiserror::Error)]
#[error("cannot {task} {}: {}. {remedy}", self.shown_path(), printable(problem))]
pub struct FileError {
    path: PathBuf,
    task: &'static str,
    /// It contains text of the operating system: cleaned when it is displayed.
    problem: String,
    remedy: String,
    #[source]
    source: Option<io::Error>,
}

impl FileError {
    pub fn from_io(path: &Path, task: &'static str, error: impl Into<SystemError>) -> Self {
        let error = error.into();
        let (problem, remedy) = explain(path, task, &error);
        Self { path: path.to_owned(), task, problem, remedy, source: Some(error.error) }
    }

    pub(crate) fn problem(&self) -> &str {
        &self.problem
    }

    /// PHP's `open_basedir` does not include the file at `path`, or its directory, where it is replaced.
    pub fn denied_by_open_basedir(path: &Path) -> Self {
        let remedy = "Add the directory of the token file to open_basedir, or move the file";
        Self::without_source(path, "open_basedir does not include it".to_owned(), remedy)
    }

    pub(super) fn wrong_kind(path: &Path, kind: &str) -> Self {
        Self::without_source(path, format!("it is {kind}"), "Pass the path of a regular file")
    }

    pub(super) fn too_large(path: &Path, max_bytes: u64) -> Self {
        let problem = format!("it is larger than {} KiB", max_bytes / 1024);
        Self::without_source(path, problem, "A token file is far smaller: check the path")
    }

    /// The content of the file at `path` is rejected. No advice here may cost a token: the file may contain one.
    pub(super) fn refused(path: &Path, refusal: &Refusal) -> Self {
        let (problem, remedy) = match refusal {
            Refusal::Foreign(reason) => {
                (format!("it is not a token file: {reason}"), "Check the path")
            }
            Refusal::Ambiguous { reason, remedy } => (reason.clone(), remedy.as_str()),
        };
        Self::without_source(path, problem, format!("{remedy}; the file is unchanged"))
    }

    /// The directory of the file at `path`, if it is missing: no file can be created there.
    pub(crate) fn missing_directory(path: &Path) -> Option<Self> {
        let error = io::Error::from(io::ErrorKind::NotFound);
        (!parent(path).exists()).then(|| Self::from_io(path, "create", error))
    }

    fn without_source(path: &Path, problem: String, remedy: impl Into<String>) -> Self {
        Self { path: path.to_owned(), task: "use", problem, remedy: remedy.into(), source: None }
    }

    /// A name that is too long says nothing in full.
    fn shown_path(&self) -> Printable<'_> {
        let path = printable_path(&self.path);
        let is_too_long = |error: &io::Error| error.kind() == io::ErrorKind::InvalidFilename;
        if self.source.as_ref().is_some_and(is_too_long) { path.at_most(200) } else { path }
    }
}

fn explain(path: &Path, task: &str, error: &SystemError) -> (String, String) {
    let SystemError { call, error: source } = error;
    let (errno, text) = (source.raw_os_error(), source.to_string());
    let (directory, is_there) = (printable_path(parent(path)), parent(path).exists());
    let full;
    let (problem, remedy) = match source.kind() {
        io::ErrorKind::PermissionDenied => return access::explain(path, task, error),
        io::ErrorKind::NotFound if !is_there => {
            full = format!("the directory {directory} does not exist");
            (&*full, "Create it, or pass another path")
        }
        // Of /proc and the like.
        io::ErrorKind::NotFound if task == "create" => {
            full = format!("no file can be created in {directory}");
            (&*full, "Pass a path in another directory")
        }
        io::ErrorKind::NotFound => ("it does not exist", "Check the path"),
        _ if errno == Some(libc::ELOOP) => {
            ("its symbolic links form a loop", "Correct the link, or pass another path")
        }
        _ if errno == Some(libc::ENOSYS) => {
            full = format!("{call} is not available ({text})");
            (
                &*full,
                "A sandbox (seccomp) may forbid it, or the kernel or the file system may lack it",
            )
        }
        io::ErrorKind::ReadOnlyFilesystem => {
            ("the file system is read-only", "Pass a path on a writable file system")
        }
        io::ErrorKind::StorageFull if has_no_inode(parent(path)) => {
            full = format!("the file system of {directory} has no free inodes");
            (
                &*full,
                "Delete files there, of whatever size (df -i shows the inodes); the old content is untouched",
            )
        }
        io::ErrorKind::StorageFull => (&*text, "Free some space; the old content is untouched"),
        io::ErrorKind::QuotaExceeded => {
            full = format!("the disk quota is used up ({text})");
            (
                &*full,
                "Raise the quota, or delete files that count toward it; the old content is untouched",
            )
        }
        io::ErrorKind::IsADirectory => ("it is a directory", "Pass the path of a regular file"),
        io::ErrorKind::InvalidFilename => ("the name is too long", "Pass a shorter path"),
        io::ErrorKind::NotADirectory => {
            ("a part of the path is a file, not a directory", "Check the path")
        }
        _ if matches!(errno, Some(libc::EMFILE | libc::ENFILE)) => (
            &*text,
            "Raise the limit of open files (ulimit -n, LimitNOFILE= of systemd), or close some",
        ),
        _ => (&*text, "Check the file system"),
    };
    (problem.to_owned(), remedy.to_owned())
}

/// Whether the file system of `directory` has room, but no inode for a file more. Where the number of inodes
/// is not limited (btrfs), there are none in all.
fn has_no_inode(directory: &Path) -> bool {
    rustix::fs::statvfs(directory)
        .is_ok_and(|stat| stat.f_files > 0 && stat.f_favail == 0 && stat.f_bavail > 0)
}
