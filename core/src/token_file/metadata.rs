//! Owner, mode, ACL and attributes of a new file: those of the file that it replaces, or those that its directory
//! demands.
//!
//! A new file that cannot be like the old one does not replace it: the old file is written instead.

use std::fs::{File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::Path;

use rustix::fs::XattrFlags;

use super::access::ACL;
use super::attributes::ATTRIBUTE;
use super::system_error::SystemError;
use crate::descriptor;
use crate::process::ProcessState;

/// Gives `new` the owner, mode, ACL and attributes of `old`, as far as they differ. After an error, `new` is
/// not like `old`.
pub fn take_after(new: &File, old: &File) -> io::Result<()> {
    let (was, is) = (old.metadata()?, new.metadata()?);
    give(None, new, &is, &was)?;
    if bits(&was) != bits(&is) {
        new.set_permissions(was.permissions())?;
    }
    drop_acl(new)?;
    for name in attributes(old).iter().filter(|name| name.as_str() != ATTRIBUTE) {
        let mut value = vec![0; 64 * 1024];
        let Ok(length) = rustix::fs::fgetxattr(old, name.as_str(), &mut value) else { continue };
        value.truncate(length);
        let copied = rustix::fs::fsetxattr(new, name.as_str(), &value, XattrFlags::empty());
        // Only the security module may set its labels.
        if !name.starts_with("security.") {
            copied?;
        }
    }
    Ok(())
}

/// Gives a file that is new at `path` the permission bits `mode`, whatever the umask. A file that root creates
/// in another user's directory is meant for that user's web server, which gets it if possible.
pub fn settle_in(
    process_state: &ProcessState,
    new: &File,
    path: &Path,
    mode: u32,
) -> Result<(), SystemError> {
    let is = new.metadata()?;
    if bits(&is) != mode {
        let set = new.set_permissions(Permissions::from_mode(mode));
        set.map_err(SystemError::of("fchmod(2)"))?;
    }
    let Some(directory) = path.parent().filter(|_| rustix::process::geteuid().is_root()) else {
        return Ok(());
    };
    match give(Some(process_state), new, &is, &directory.metadata()?) {
        // There is no such owner in this user namespace, who could need the file. But a root that may not give
        // it away leaves nothing that the web server cannot open.
        Err(error) if is_refusal(&error) && error.kind() != io::ErrorKind::PermissionDenied => {
            Ok(())
        }
        given => given.map_err(SystemError::of("fchown(2)")),
    }
}

pub fn is_roots_alone(file: &File) -> bool {
    const READ_BY_GROUP: u32 = 0o040;
    const READ_BY_OTHERS: u32 = 0o004;
    file.metadata().is_ok_and(|made| {
        let by_group = made.gid() != 0 && made.mode() & READ_BY_GROUP != 0;
        made.uid() == 0 && !by_group && made.mode() & READ_BY_OTHERS == 0
    })
}

/// Whether a file cannot get its owner here or by this process, although nothing is broken.
fn is_refusal(error: &io::Error) -> bool {
    // EPERM and EACCES; EINVAL and EOVERFLOW, where a user namespace has no number for an owner
    // (user_namespaces(7)); ENOSYS and EOPNOTSUPP.
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
    ) || error.raw_os_error() == Some(libc::EOVERFLOW)
}

/// Gives `file`, which is owned as `is` says, to the owner and group that `was` says.
fn give(held: Option<&ProcessState>, file: &File, is: &Metadata, was: &Metadata) -> io::Result<()> {
    let open =
        |map: &str| descriptor::file_under(held, map.as_ref(), OpenOptions::new().read(true));
    if is_stand_in(was.uid(), || open("/proc/self/uid_map"))
        || is_stand_in(was.gid(), || open("/proc/self/gid_map"))
    {
        return Err(io::ErrorKind::Unsupported.into());
    }
    let uid = (was.uid() != is.uid()).then(|| was.uid());
    let gid = (was.gid() != is.gid()).then(|| was.gid());
    if uid.is_none() && gid.is_none() { Ok(()) } else { fchown(file, uid, gid) }
}

/// What stat(2) shows for every user or group without a number in this user namespace
/// (/proc/sys/kernel/overflowuid in proc_sys_kernel(5)).
const OVERFLOW_ID: u32 = 65534;

/// All numbers of users or groups: the last one stands for none.
const ALL_IDS: u64 = u32::MAX as u64;

/// Whether `id` may stand for any user without a number here, so that a file given to `id` would be
/// another user's. `map` lists who has a number.
fn is_stand_in(id: u32, map: impl FnOnce() -> io::Result<File>) -> bool {
    // Without /proc, the numbers count as they are.
    id == OVERFLOW_ID
        && map().and_then(io::read_to_string).is_ok_and(|map| mapped_ids(&map) < ALL_IDS)
}

/// How many numbers a `uid_map` maps: lines of inner start, outer start and length
/// (user_namespaces(7)).
fn mapped_ids(map: &str) -> u64 {
    let lengths =
        map.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse::<u64>().ok());
    lengths.sum()
}

fn bits(metadata: &Metadata) -> u32 {
    metadata.mode() & 0o7777
}

/// A directory's default ACL is not the old file's.
fn drop_acl(new: &File) -> io::Result<()> {
    match rustix::fs::fremovexattr(new, ACL) {
        Err(error) if rustix::fs::fgetxattr(new, ACL, &mut [0; 0]).is_ok() => Err(error.into()),
        _ => Ok(()),
    }
}

fn attributes(file: &File) -> Vec<String> {
    let mut names = vec![0; 64 * 1024];
    let length = rustix::fs::flistxattr(file, &mut names).unwrap_or(0);
    let names = names.get(..length).unwrap_or_default().split(|byte| *byte == 0);
    names
        .filter(|name| !name.is_empty())
        .filter_map(|name| str::from_utf8(name).ok().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_that_leaves_anybody_out_makes_the_overflow_id_ambiguous() {
        let whole = "         0          0 4294967295\n";
        let parts = "0 100000 65536\n70000 200000 10\n";
        assert_eq!(mapped_ids(whole), ALL_IDS);
        assert_eq!(mapped_ids(parts), 65546);
        let stands_in = |id, map: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), map).unwrap();
            is_stand_in(id, || file.reopen())
        };
        assert!(stands_in(OVERFLOW_ID, parts));
        assert!(stands_in(OVERFLOW_ID, ""), "a namespace that maps nobody");
        assert!(!stands_in(OVERFLOW_ID, whole));
        assert!(!stands_in(33, parts), "a number of its own");
        assert!(!is_stand_in(OVERFLOW_ID, || Err(io::ErrorKind::NotFound.into())));
    }

    #[test]
    fn what_cannot_be_here_is_a_refusal_and_what_is_broken_is_none() {
        let is = |errno| is_refusal(&io::Error::from_raw_os_error(errno));
        for errno in [
            libc::EPERM,
            libc::EACCES,
            libc::EINVAL,
            libc::ENOSYS,
            libc::EOPNOTSUPP,
            libc::EOVERFLOW,
        ] {
            assert!(is(errno), "{errno}");
        }
        for errno in [libc::EIO, libc::ENOSPC, libc::EROFS, libc::EDQUOT, libc::ENOMEM] {
            assert!(!is(errno), "{errno}");
        }
    }
}
