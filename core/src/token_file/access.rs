//! Why the kernel denies an access, and the command that grants it.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{Access, AtFlags, CWD, StatxAttributes, StatxFlags, statx};
use rustix::process::geteuid;

use super::system_error::SystemError;
use super::users;
use crate::printable::printable_path;

pub const ACL: &str = "system.posix_acl_access";

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
    if error.error.raw_os_error() == Some(libc::EPERM)
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
        Ok(metadata) if wanted & (READ | WRITE) != 0 && is_allowed(place, wanted & SEARCH) => {
            explain_mode(place, &metadata, wanted)
        }
        _ => explain_way(path),
    }
}

fn explain_without_mode(path: &Path, error: &SystemError) -> (String, String) {
    let is_owner = |metadata: Metadata| metadata.uid() == geteuid().as_raw();
    if error.call == "utimensat(2)" && !fs::metadata(path).is_ok_and(is_owner) {
        return (
            "the expiry counts from its modification time, which only its owner can set".to_owned(),
            format!("Run chown {} {}", effective_user(), printable_path(path)),
        );
    }
    // credentials(7), capabilities(7)
    let or_capability = match error.call {
        "fchown(2)" => ", or root is without the capability CAP_CHOWN",
        _ => "",
    };
    (
        format!("{} is denied ({}), although owner and mode allow it", error.call, error.error),
        format!("A sandbox (seccomp) or a security module may forbid it{or_capability}"),
    )
}

fn explain_mode(place: &Path, metadata: &Metadata, wanted: u32) -> (String, String) {
    let (user, owner, path) = (whoami(), owner_and_mode(metadata), printable_path(place));
    let acl = if has_acl(place) { ", and has an ACL (getfacl)" } else { "" };
    let (problem, what) = if metadata.is_dir() {
        let problem = format!("user {user} may not write to the directory {path}, which is");
        (problem, "the directory")
    } else {
        (format!("user {user} has no permission; the file is"), "the file")
    };
    let remedy = if metadata.uid() == geteuid().as_raw() {
        let letters = ["", "x", "w", "wx", "r", "rx", "rw"].get(wanted as usize);
        format!("Run chmod u+{} {path}", letters.unwrap_or(&"rwx"))
    } else {
        format!("Run chown {} {path}, or share {what} through a group", effective_user())
    };
    (format!("{problem} owned by {owner}{acl}"), remedy)
}

/// A directory on the way to `path`, or to the target of a link there, is closed.
fn explain_way(path: &Path) -> (String, String) {
    let target = fs::read_link(path).map(|target| parent(path).join(target)).unwrap_or_default();
    let upwards = [&target, path].into_iter().flat_map(|end| end.ancestors().skip(1));
    // The last one that can be looked at: those below it cannot.
    let closed = upwards.filter(|directory| !is_allowed(directory, SEARCH));
    let seen = closed.filter_map(|directory| Some((directory, fs::metadata(directory).ok()?)));
    let user = whoami();
    match seen.last() {
        Some((directory, metadata)) => {
            let (path, owner) = (printable_path(directory), owner_and_mode(&metadata));
            let (_, class) = class_of_process(&metadata);
            (
                format!(
                    "user {user} may not enter the directory {path}, which is owned by {owner}"
                ),
                format!("Run chmod {class}+x {path}, or pass another path"),
            )
        }
        None => (
            format!("user {user} may not enter a directory on the way to it"),
            "Give that user access, or pass another path".to_owned(),
        ),
    }
}

fn owner_and_mode(metadata: &Metadata) -> String {
    let (user, group) = (users::user(metadata.uid()), users::group(metadata.gid()));
    format!("{user}:{group}, mode {:04o}", metadata.mode() & 0o7777)
}

fn effective_user() -> String {
    users::user(geteuid().as_raw())
}

fn whoami() -> String {
    let (name, uid) = (effective_user(), geteuid().to_string());
    if name == uid { uid } else { format!("{name} ({uid})") }
}

fn has_acl(place: &Path) -> bool {
    rustix::fs::getxattr(place, ACL, &mut [0; 0]).is_ok()
}

/// How far the bits of the mode are shifted that count for this process, and chmod(1)'s letter for them.
fn class_of_process(metadata: &Metadata) -> (u32, char) {
    let has_group = |gid| {
        gid == rustix::process::getegid().as_raw()
            || rustix::process::getgroups()
                .is_ok_and(|groups| groups.iter().any(|group| group.as_raw() == gid))
    };
    if metadata.uid() == geteuid().as_raw() {
        (6, 'u')
    } else if has_group(metadata.gid()) {
        (3, 'g')
    } else {
        (0, 'o')
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
    let (shift, class) = class_of_process(&metadata);
    metadata.mode() >> shift & wanted == wanted && (class == 'u' || !has_acl(place))
}

/// The attribute by which not even root may change the file or directory at `place`, and chattr(1)'s letter for it.
fn attribute(place: &Path) -> Option<(&'static str, char)> {
    let attributes = statx(CWD, place, AtFlags::empty(), StatxFlags::empty()).ok()?.stx_attributes;
    if attributes.contains(StatxAttributes::IMMUTABLE) {
        Some(("\"immutable\"", 'i'))
    } else if attributes.contains(StatxAttributes::APPEND) {
        Some(("\"append only\"", 'a'))
    } else {
        None
    }
}

/// Describes a link at `path` that only its owner may follow: in a sticky directory that others may write, it
/// belongs neither to this user nor to the directory's owner (fs.protected_symlinks, proc_sys_fs(5)).
fn unfollowed_link(path: &Path) -> Option<String> {
    const STICKY_AND_WRITABLE_BY_ALL: u32 = 0o1002;
    let link = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_symlink)?;
    let directory = fs::metadata(parent(path)).ok()?;
    let is_guarded = directory.mode() & STICKY_AND_WRITABLE_BY_ALL == STICKY_AND_WRITABLE_BY_ALL
        && link.uid() != geteuid().as_raw()
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
            if geteuid().is_root() {
                lchown(&path, Some(owner), None).unwrap();
            }
            let denied = io::Error::from_raw_os_error(libc::EACCES);
            let (problem, _) = explain(&path, "open", &SystemError::in_call("stat(2)", denied));
            let link = format!("it is a link of user {} in", users::user(65534));
            problem.contains(&format!("(fs.protected_symlinks): {link}"))
        };
        assert_eq!(told(0o1777, 65534), geteuid().is_root());
        assert!(!told(0o1777, 0), "his own");
        assert!(!told(0o755, 65534), "nobody else can put a link there");
    }
}
