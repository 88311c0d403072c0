//! What is wrong with a token file, on which path, and what to do about it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

use super::document::Refusal;
use super::metadata::ACL;
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
    pub fn from_io(path: &Path, task: &'static str, error: impl Into<SystemError>) -> Self {
        let error = error.into();
        let (problem, remedy) = explain(path, task, &error);
        Self { path: path.to_owned(), task, problem, remedy, source: Some(error.error) }
    }

    /// What is wrong, without path and remedy.
    #[must_use]
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// PHP's `open_basedir` bars the file at `path`, or its directory.
    #[must_use]
    pub fn denied_by_open_basedir(path: &Path) -> Self {
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
            Refusal::Ambiguous { reason, remedy } => (reason.clone(), *remedy),
        };
        let remedy = format!("{remedy}; the file is unchanged");
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

/// An error of the operating system, and which system call it came from, where that is known.
#[derive(Debug)]
pub struct SystemError {
    /// As its manual page is named, "flock(2)".
    call: Option<&'static str>,
    error: io::Error,
}

impl SystemError {
    /// The `error` of `call`.
    pub fn in_call(call: &'static str, error: impl Into<io::Error>) -> Self {
        Self { call: Some(call), error: error.into() }
    }

    /// What kind of error it is.
    pub fn kind(&self) -> io::ErrorKind {
        self.error.kind()
    }

    fn errno(&self) -> Option<i32> {
        self.error.raw_os_error()
    }

    fn call(&self) -> &'static str {
        self.call.unwrap_or("a system call")
    }
}

impl From<io::Error> for SystemError {
    fn from(error: io::Error) -> Self {
        Self { call: None, error }
    }
}

fn directory(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

fn explain(path: &Path, task: &str, error: &SystemError) -> (String, String) {
    let parent = directory(path);
    match error.kind() {
        io::ErrorKind::NotFound if !parent.exists() => (
            format!("the directory {} does not exist", printable_path(parent)),
            "Create it, or pass another path".to_owned(),
        ),
        // Of /proc and the like.
        io::ErrorKind::NotFound if task == "create" => (
            format!("no file can be created in {}", printable_path(parent)),
            "Pass a path in another directory".to_owned(),
        ),
        io::ErrorKind::NotFound => ("it does not exist".to_owned(), "Check the path".to_owned()),
        _ if error.errno() == Some(libc::ELOOP) => (
            "its symbolic links form a loop".to_owned(),
            "Correct the link, or pass another path".to_owned(),
        ),
        io::ErrorKind::PermissionDenied => explain_denial(path, task, error),
        _ if error.errno() == Some(libc::ENOSYS) => (
            format!("{} is not available ({})", error.call(), error.error),
            "A sandbox (seccomp) may forbid it, or the kernel or the file system may lack it"
                .to_owned(),
        ),
        io::ErrorKind::ReadOnlyFilesystem => (
            "the file system is read-only".to_owned(),
            "Pass a path on a writable file system".to_owned(),
        ),
        io::ErrorKind::StorageFull if has_no_inode(parent) => (
            format!("the file system of {} has no free inodes", printable_path(parent)),
            "Delete files there, of whatever size (df -i shows the inodes); the old content is untouched".to_owned(),
        ),
        io::ErrorKind::StorageFull => {
            (error.error.to_string(), "Free some space; the old content is untouched".to_owned())
        }
        io::ErrorKind::QuotaExceeded => (
            format!("the disk quota is used up ({})", error.error),
            "Raise the quota, or delete files that count toward it; the old content is untouched"
                .to_owned(),
        ),
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
        _ if matches!(error.errno(), Some(libc::EMFILE | libc::ENFILE)) => (
            error.error.to_string(),
            "Raise the limit of open files (ulimit -n, LimitNOFILE= of systemd), or close some"
                .to_owned(),
        ),
        _ => (error.error.to_string(), "Check the file system".to_owned()),
    }
}

/// Who or what denies `task`. Owner and mode are one of four.
fn explain_denial(path: &Path, task: &str, error: &SystemError) -> (String, String) {
    let parent = directory(path);
    // A file is made in its directory.
    let place = if task == "create" { parent } else { path };
    if error.errno() == Some(libc::EPERM)
        && let Some((attribute, letter)) = attribute(place)
    {
        let place = printable_path(place);
        return (
            format!("{place} has the attribute {attribute}, which overrules owner and mode"),
            format!("Run chattr -{letter} {place}, or pass another path"),
        );
    }
    if let Some(link) = unfollowed_link(path) {
        return (
            format!("the kernel does not follow it (fs.protected_symlinks): {link}"),
            "Pass the path of the file itself".to_owned(),
        );
    }
    let is_allowed = match task {
        "read" => is_allowed(path, READ),
        "write" | "lock" => is_allowed(path, READ | WRITE),
        "create" => is_allowed(parent, WRITE | SEARCH),
        // What a link leads to may be barred on the way there.
        _ if path.is_symlink() => is_allowed(path, 0),
        _ => is_allowed(parent, SEARCH),
    };
    if is_allowed {
        // credentials(7), capabilities(7)
        let or_capability = match error.call {
            Some("fchown(2)") => ", or root is without the capability CAP_CHOWN",
            _ => "",
        };
        return (
            format!(
                "{} is denied ({}), although owner and mode allow it",
                error.call(),
                error.error
            ),
            format!("A sandbox (seccomp) or a security module may forbid it{or_capability}"),
        );
    }
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

/// The attribute of what is at `place` that keeps even root from changing it, and chattr(1)'s letter for it.
#[cfg(target_os = "linux")]
fn attribute(place: &Path) -> Option<(&'static str, char)> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};
    let attributes = statx(CWD, place, AtFlags::empty(), StatxFlags::empty()).ok()?.stx_attributes;
    if attributes.contains(StatxAttributes::IMMUTABLE) {
        Some(("\"immutable\"", 'i'))
    } else if attributes.contains(StatxAttributes::APPEND) {
        Some(("\"append only\"", 'a'))
    } else {
        None
    }
}

#[cfg(not(target_os = "linux"))]
fn attribute(_place: &Path) -> Option<(&'static str, char)> {
    None
}

/// What to say of a link at `path` that only its owner may follow: in a sticky directory that others may
/// write, it belongs neither to this user nor to the directory's (fs.protected_symlinks,
/// proc_sys_fs(5)).
fn unfollowed_link(path: &Path) -> Option<String> {
    const STICKY_AND_WRITABLE_BY_ALL: u32 = 0o1002;
    let link = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_symlink)?;
    let parent = fs::metadata(directory(path)).ok()?;
    let is_guarded = parent.mode() & STICKY_AND_WRITABLE_BY_ALL == STICKY_AND_WRITABLE_BY_ALL
        && link.uid() != rustix::process::geteuid().as_raw()
        && link.uid() != parent.uid();
    is_guarded.then(|| {
        format!(
            "it is a link of uid {} in the sticky directory {}",
            link.uid(),
            printable_path(directory(path))
        )
    })
}

// As the bits of a mode for one class of users.
const READ: u32 = 4;
const WRITE: u32 = 2;
const SEARCH: u32 = 1;

/// Whether owner and mode let this process do all of `wanted` to what is at `place`.
fn is_allowed(place: &Path, wanted: u32) -> bool {
    let mut access = Access::EXISTS;
    access.set(Access::READ_OK, wanted & READ != 0);
    access.set(Access::WRITE_OK, wanted & WRITE != 0);
    access.set(Access::EXEC_OK, wanted & SEARCH != 0);
    // The kernel knows of capabilities and ACLs, but asks a security module, too.
    rustix::fs::accessat(CWD, place, access, AtFlags::EACCESS).is_ok()
        || wanted != 0 && is_allowed_by_mode(place, wanted)
}

/// The same by nothing but owner, group and mode. Whatever stands in an ACL is taken for a refusal.
fn is_allowed_by_mode(place: &Path, wanted: u32) -> bool {
    let Ok(metadata) = fs::metadata(place) else { return false };
    let has_group = |gid| {
        gid == rustix::process::getegid().as_raw()
            || rustix::process::getgroups()
                .is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
    };
    let mode = metadata.mode();
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        return mode >> 6 & wanted == wanted;
    }
    let of_class = if has_group(metadata.gid()) { mode >> 3 } else { mode };
    of_class & wanted == wanted && rustix::fs::getxattr(place, ACL, &mut [0; 0]).is_err()
}

/// Whether the file system of `directory` has room, but no inode for a file more. Where the number of inodes
/// is not limited (btrfs), there are none in all.
fn has_no_inode(directory: &Path) -> bool {
    rustix::fs::statvfs(directory)
        .is_ok_and(|stat| stat.f_files > 0 && stat.f_favail == 0 && stat.f_bavail > 0)
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, lchown, symlink};

    use super::*;

    /// As where `fs.protected_symlinks` is set, which is a setting of the whole machine.
    #[test]
    fn a_link_that_the_kernel_does_not_follow_is_told_from_one_that_leads_to_a_barred_place() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.json");
        symlink("/dev/null", &path).unwrap();
        let told = |mode, owner| {
            fs::set_permissions(dir.path(), PermissionsExt::from_mode(mode)).unwrap();
            if rustix::process::geteuid().is_root() {
                lchown(&path, Some(owner), None).unwrap();
            }
            let denied = io::Error::from_raw_os_error(libc::EACCES);
            let error = FileError::from_io(&path, "find", SystemError::in_call("stat(2)", denied));
            error.to_string().contains("fs.protected_symlinks): it is a link of uid 65534")
        };
        assert_eq!(told(0o1777, 65534), rustix::process::geteuid().is_root());
        assert!(!told(0o1777, 0), "his own");
        assert!(!told(0o755, 65534), "nobody else can put a link there");
    }
}
