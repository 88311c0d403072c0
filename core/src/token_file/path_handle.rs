//! A descriptor that names a file and opens nothing (`O_PATH`, open(2)): fstat(2) on it walks no path.

use std::ffi::CStr;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{OFlags, fcntl_getfl, fstat, fstatfs};

use super::version::FileVersion;
use crate::descriptor;
use crate::process::FileId;

/// File systems of this machine, whose fstat(2) asks nobody else (statfs(2), linux/magic.h): ext2 to ext4, XFS, Btrfs, tmpfs,
/// overlayfs, F2FS, ZFS, bcachefs.
const LOCAL: [u64; 8] = [
    0xEF53,
    0x5846_5342,
    0x9123_683E,
    0x0102_1994,
    0x794C_7630,
    0xF2F5_2010,
    0x2FC1_2FC1,
    0xCA45_1A4E,
];

/// Whether a file is on a file system of this machine.
pub(super) fn is_local(file: impl AsFd) -> bool {
    let kind = fstatfs(file).map(|stat| u64::try_from(stat.f_type));
    kind.is_ok_and(|kind| kind.is_ok_and(|kind| LOCAL.contains(&kind)))
}

#[derive(Debug)]
pub struct PathHandle {
    fd: ManuallyDrop<OwnedFd>,
    id: FileId,
}

impl PathHandle {
    /// The file at `path`, if that is the one of `version`, on a file system of this machine.
    pub fn open(path: &CStr, version: &FileVersion) -> Option<Self> {
        let fd = ManuallyDrop::new(descriptor::path_only(path).ok()?);
        let handle = Self { fd, id: version.id };
        (is_local(&*handle.fd) && handle.shows(version)).then_some(handle)
    }

    /// Whether the file is still in `version`. Its path may lead elsewhere.
    pub fn shows(&self, version: &FileVersion) -> bool {
        fstat(&*self.fd).is_ok_and(|stat| FileVersion::from_stat(&stat) == *version)
    }
}

impl Drop for PathHandle {
    /// Code that closes descriptors that it does not own may have closed this one, and its number may be another file's by
    /// now, or name the same file with a lock on it: that is left alone.
    fn drop(&mut self) {
        let is_ours = fstat(&*self.fd)
            .is_ok_and(|stat| FileVersion::from_stat(&stat).id == self.id)
            && fcntl_getfl(&*self.fd).is_ok_and(|flags| flags.contains(OFlags::PATH));
        if is_ours {
            // SAFETY: it is not used again.
            unsafe { ManuallyDrop::drop(&mut self.fd) };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs::{self, File};
    use std::os::fd::AsRawFd;
    use std::os::unix::ffi::OsStrExt;

    use super::super::version::stat_regular;
    use super::*;

    fn open(path: &std::path::Path) -> (CString, FileVersion, PathHandle) {
        let name = CString::new(path.as_os_str().as_bytes()).unwrap();
        let version = stat_regular(&name).unwrap();
        let handle = PathHandle::open(&name, &version).unwrap();
        (name, version, handle)
    }

    #[test]
    fn a_handle_shows_every_change_of_its_file_and_none_of_its_path() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.json");
        let changes: [&dyn Fn(); 5] = [
            &|| fs::write(&path, "new").unwrap(),
            &|| fs::remove_file(&path).unwrap(),
            &|| {
                fs::write(dir.path().join("other"), "old").unwrap();
                fs::rename(dir.path().join("other"), &path).unwrap();
            },
            &|| fs::hard_link(&path, dir.path().join("link")).unwrap(),
            &|| File::options().write(true).open(&path).unwrap().set_len(1).unwrap(),
        ];
        for change in changes {
            fs::write(&path, "old").unwrap();
            // The time of change has a tick of its own.
            let (name, version, handle) = open(&path);
            assert!(handle.shows(&version));
            while stat_regular(&name) == Some(version) && path.exists() {
                change();
            }
            assert!(!handle.shows(&version));
            let _ = fs::remove_file(&path);
            let _ = fs::remove_file(dir.path().join("link"));
        }
        fs::write(&path, "old").unwrap();
        let (name, version, _handle) = open(&path);
        fs::write(dir.path().join("other"), "old").unwrap();
        let other =
            stat_regular(&CString::new(dir.path().join("other").as_os_str().as_bytes()).unwrap());
        assert!(PathHandle::open(&name, &other.unwrap()).is_none(), "another file than was read");
        assert!(PathHandle::open(c"/proc/self/stat", &version).is_none());
    }

    #[test]
    fn a_number_that_others_have_closed_and_use_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token.json");
        fs::write(&path, "old").unwrap();
        for same in [true, false] {
            let (_, version, handle) = open(&path);
            let number = handle.fd.as_raw_fd();
            let other = if same { path.clone() } else { dir.path().join("other") };
            fs::write(dir.path().join("other"), "text").unwrap();
            let file = File::open(other).unwrap();
            // SAFETY: the number is this test's own; dup2(2) closes it and uses it again.
            assert_eq!(unsafe { libc::dup2(file.as_raw_fd(), number) }, number);
            assert_eq!(handle.shows(&version), same);
            drop(handle);
            // SAFETY: as above; fcntl(2) only looks.
            assert!(unsafe { libc::fcntl(number, libc::F_GETFD) } >= 0, "closed for its user");
            // SAFETY: as above.
            unsafe { libc::close(number) };
        }
    }
}
