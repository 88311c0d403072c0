//! Why the kernel denies an access, and the command that grants it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD};

use super::system_error::SystemError;
use super::users;
use crate::printable::printable_path;

/// The attribute that holds the ACL of a file (acl(5)).
pub const ACL: &str = "system.posix_acl_access";

/// The directory of the file at `path`.
pub fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}

/// Why `error` denied `task` on the file at `path`, and what to do. Owner and mode are one of five reasons.
pub fn explain(path: &Path, task: &str, error: &SystemError) -> (String, String) {
    let parent = parent(path);
    let (place, wanted) = match task {
        "read" => (path, READ),
        "write" | "lock" => (path, READ | WRITE),
        // A file is created in its directory.
        "create" => (parent, WRITE | SEARCH),
        // A directory on the way to the link's target may be closed.
        _ if path.is_symlink() => (path, 0),
        _ => (parent, SEARCH),
    };
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
    if is_allowed(place, wanted) {
        return explain_without_mode(path, error);
    }
    match fs::metadata(place) {
        Ok(metadata) if wanted & SEARCH == 0 && wanted != 0 => {
            explain_file(place, &metadata, wanted)
        }
        Ok(metadata) if wanted & WRITE != 0 && is_allowed(place, SEARCH) => {
            explain_directory(place, &metadata)
        }
        _ => explain_way(path),
    }
}

/// Owner and mode allow it.
fn explain_without_mode(path: &Path, error: &SystemError) -> (String, String) {
    let is_owner = |metadata: Metadata| Class::of_process(&metadata) == Class::Owner;
    if error.call == Some("utimensat(2)") && !fs::metadata(path).is_ok_and(is_owner) {
        return (
            "the expiry counts from its modification time, which only its owner can set".to_owned(),
            format!("Run chown {} {}", effective_user(), printable_path(path)),
        );
    }
    // credentials(7), capabilities(7)
    let or_capability = match error.call {
        Some("fchown(2)") => ", or root is without the capability CAP_CHOWN",
        _ => "",
    };
    (
        format!("{} is denied ({}), although owner and mode allow it", error.call(), error.error),
        format!("A sandbox (seccomp) or a security module may forbid it{or_capability}"),
    )
}

fn explain_file(file: &Path, metadata: &Metadata, wanted: u32) -> (String, String) {
    let problem = format!(
        "user {} has no permission; the file is owned by {}{}",
        whoami(),
        owner_and_mode(metadata),
        if has_acl(file) { ", and has an ACL (getfacl)" } else { "" }
    );
    let letters = if wanted & WRITE == 0 { "r" } else { "rw" };
    (problem, remedy(file, metadata, letters, "the file"))
}

fn explain_directory(directory: &Path, metadata: &Metadata) -> (String, String) {
    let problem = format!(
        "user {} may not write to the directory {} ({}{})",
        whoami(),
        printable_path(directory),
        owner_and_mode(metadata),
        if has_acl(directory) { ", with an ACL" } else { "" }
    );
    (problem, remedy(directory, metadata, "wx", "the directory"))
}

fn remedy(place: &Path, metadata: &Metadata, letters: &str, what: &str) -> String {
    let path = printable_path(place);
    if Class::of_process(metadata) == Class::Owner {
        return format!("Run chmod u+{letters} {path}");
    }
    format!("Run chown {} {path}, or share {what} through a group", effective_user())
}

/// A directory on the way to `path`, or to the target of a link there, is closed.
fn explain_way(path: &Path) -> (String, String) {
    let target = fs::read_link(path).map(|target| parent(path).join(target));
    let ways = [Some(path), target.as_deref().ok()].into_iter().flatten();
    let closed = ways.flat_map(|way| {
        let directories: Vec<_> = way.ancestors().skip(1).collect();
        directories.into_iter().rev()
    });
    let denied = |directory: &Path| {
        let metadata = fs::metadata(directory).ok()?;
        (!is_allowed(directory, SEARCH)).then_some((directory.to_owned(), metadata))
    };
    match closed.into_iter().find_map(denied) {
        Some((directory, metadata)) => {
            let path = printable_path(&directory);
            let (owner, class) = (owner_and_mode(&metadata), Class::of_process(&metadata).letter());
            (
                format!("user {} may not enter the directory {path} ({owner})", whoami()),
                format!("Run chmod {class}+x {path}, or pass another path"),
            )
        }
        None => (
            format!("user {} may not enter a directory on the way to it", whoami()),
            "Give that user access, or pass another path".to_owned(),
        ),
    }
}

fn owner_and_mode(metadata: &Metadata) -> String {
    let (user, group) = (users::user(metadata.uid()), users::group(metadata.gid()));
    format!("{user}:{group}, mode {:04o}", metadata.mode() & 0o7777)
}

fn effective_user() -> String {
    users::user(rustix::process::geteuid().as_raw())
}

/// As "www-data (33)".
fn whoami() -> String {
    let (name, uid) = (effective_user(), rustix::process::geteuid().as_raw().to_string());
    if name == uid { uid } else { format!("{name} ({uid})") }
}

fn has_acl(place: &Path) -> bool {
    rustix::fs::getxattr(place, ACL, &mut [0; 0]).is_ok()
}

/// The class of users of a file whose bits of the mode count for this process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Owner,
    Group,
    Others,
}

impl Class {
    fn of_process(metadata: &Metadata) -> Self {
        let has_group = |gid| {
            gid == rustix::process::getegid().as_raw()
                || rustix::process::getgroups()
                    .is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
        };
        if metadata.uid() == rustix::process::geteuid().as_raw() {
            Self::Owner
        } else if has_group(metadata.gid()) {
            Self::Group
        } else {
            Self::Others
        }
    }

    const fn shift(self) -> u32 {
        match self {
            Self::Owner => 6,
            Self::Group => 3,
            Self::Others => 0,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Owner => 'u',
            Self::Group => 'g',
            Self::Others => 'o',
        }
    }
}

// As the bits of a mode for one class of users.
const READ: u32 = 4;
const WRITE: u32 = 2;
const SEARCH: u32 = 1;

/// Whether owner and mode allow this process all of `wanted` on the file or directory at `place`.
fn is_allowed(place: &Path, wanted: u32) -> bool {
    let mut access = Access::EXISTS;
    access.set(Access::READ_OK, wanted & READ != 0);
    access.set(Access::WRITE_OK, wanted & WRITE != 0);
    access.set(Access::EXEC_OK, wanted & SEARCH != 0);
    // The kernel knows of capabilities and ACLs, but asks a security module, too.
    rustix::fs::accessat(CWD, place, access, AtFlags::EACCESS).is_ok()
        || wanted != 0 && is_allowed_by_mode(place, wanted)
}

/// The same by owner, group and mode alone. Any ACL counts as a denial.
fn is_allowed_by_mode(place: &Path, wanted: u32) -> bool {
    let Ok(metadata) = fs::metadata(place) else { return false };
    let class = Class::of_process(&metadata);
    let is_allowed = metadata.mode() >> class.shift() & wanted == wanted;
    is_allowed && (class == Class::Owner || !has_acl(place))
}

/// The attribute by which not even root may change the file or directory at `place`, and chattr(1)'s letter for it.
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

/// Describes a link at `path` that only its owner may follow: in a sticky directory that others may write, it
/// belongs neither to this user nor to the directory's owner (fs.protected_symlinks, proc_sys_fs(5)).
fn unfollowed_link(path: &Path) -> Option<String> {
    const STICKY_AND_WRITABLE_BY_ALL: u32 = 0o1002;
    let link = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_symlink)?;
    let directory = fs::metadata(parent(path)).ok()?;
    let is_guarded = directory.mode() & STICKY_AND_WRITABLE_BY_ALL == STICKY_AND_WRITABLE_BY_ALL
        && link.uid() != rustix::process::geteuid().as_raw()
        && link.uid() != directory.uid();
    is_guarded.then(|| {
        format!(
            "it is a link of user {} in the sticky directory {}",
            users::user(link.uid()),
            printable_path(parent(path))
        )
    })
}

#[cfg(test)]
mod tests {
    use std::io;
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
            let (problem, _) = explain(&path, "open", &SystemError::in_call("stat(2)", denied));
            let link = format!("it is a link of user {} in", users::user(65534));
            problem.contains(&format!("(fs.protected_symlinks): {link}"))
        };
        assert_eq!(told(0o1777, 65534), rustix::process::geteuid().is_root());
        assert!(!told(0o1777, 0), "his own");
        assert!(!told(0o755, 65534), "nobody else can put a link there");
    }
}
