//! What is wrong with a token file, on which path, and what to do about it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::document::Refusal;
use crate::printable::{printable, printable_path};

/// A token file that cannot be read, written, or is not a token file.
#[derive(Debug, thiserror::Error)]
#[error("cannot {task} {}: {}. {remedy}", printable_path(path), printable(problem))]
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

    /// What is wrong, without path and remedy.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// PHP's `open_basedir` bars the file at `path`, or its directory.
    #[must_use]
    pub fn barred_by_open_basedir(path: &Path) -> Self {
        let remedy = "Add the directory of the token file to open_basedir, or pass another path: replacements are made there";
        Self::without_source(path, "use", "open_basedir bars it".to_owned(), remedy)
    }

    pub(super) fn wrong_kind(path: &Path, kind: &str) -> Self {
        Self::without_source(
            path,
            "use",
            format!("it is {kind}"),
            "Pass the path of a regular file",
        )
    }

    pub(super) fn too_large(path: &Path) -> Self {
        let problem = format!("it is larger than {} KiB", super::MAX_BYTES / 1024);
        Self::without_source(path, "use", problem, "A token file is far smaller: check the path")
    }

    /// The content of the file at `path` is refused. No advice here may cost a token: the file may hold one.
    pub(super) fn refused(path: &Path, refusal: &Refusal) -> Self {
        let (problem, remedy) = match refusal {
            Refusal::Foreign(reason) => {
                (format!("it is not a token file: {reason}"), "Check the path")
            }
            Refusal::Unclear { reason, remedy } => (reason.clone(), *remedy),
        };
        let remedy = format!("{remedy}. The file is unchanged");
        Self::without_source(path, "use", problem, &remedy)
    }

    /// The directory of the file at `path`, if it is missing: no file can be made there.
    #[must_use]
    pub fn missing_directory(path: &Path) -> Option<Self> {
        let error = io::Error::from(io::ErrorKind::NotFound);
        (!directory(path).exists()).then(|| Self::from_io(path, "create", error))
    }

    fn without_source(path: &Path, task: &'static str, problem: String, remedy: &str) -> Self {
        Self { path: path.to_owned(), task, problem, remedy: remedy.to_owned(), source: None }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn explain(path: &Path, error: &io::Error) -> (String, String) {
    let parent = directory(path);
    match error.kind() {
        io::ErrorKind::NotFound if !parent.exists() => (
            format!("the directory {} does not exist", printable_path(parent)),
            "Create it, or pass another path".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => {
            // Of a file that is missing there is nothing to say: the directory is what refuses.
            let belongings = [whose(path), whose(parent)].into_iter().flatten();
            (
                format!("permission denied to {}", whoami()),
                format!(
                    "Give that user access by owner, group or mode: {}",
                    belongings.collect::<Vec<_>>().join("; ")
                ),
            )
        }
        io::ErrorKind::ReadOnlyFilesystem => (
            "the file system is read-only".to_owned(),
            "Pass a path on a writable file system".to_owned(),
        ),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            (error.to_string(), "Free some space; the old content is untouched".to_owned())
        }
        io::ErrorKind::IsADirectory => {
            ("it is a directory".to_owned(), "Pass the path of a regular file".to_owned())
        }
        io::ErrorKind::InvalidFilename => {
            ("the name is too long".to_owned(), "Pass a shorter path".to_owned())
        }
        io::ErrorKind::NotADirectory => (
            "a part of the path is a file, not a directory".to_owned(),
            "Check the path".to_owned(),
        ),
        _ => (error.to_string(), "Check the file system".to_owned()),
    }
}

fn whoami() -> String {
    let (uid, gid) = (rustix::process::geteuid(), rustix::process::getegid());
    format!("uid {} gid {}", uid.as_raw(), gid.as_raw())
}

/// Whose the file at `path` is; `None` if there is none.
fn whose(path: &Path) -> Option<String> {
    match fs::metadata(path) {
        Ok(metadata) => Some(format!(
            "{} belongs to uid {} gid {} with mode {:04o}",
            printable_path(path),
            metadata.uid(),
            metadata.gid(),
            metadata.mode() & 0o7777
        )),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => Some(format!("{}: {error}", printable_path(path))),
    }
}
