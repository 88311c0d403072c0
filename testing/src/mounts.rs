//! File systems that are mounted for one test.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::run;

/// Something that is mounted, until this is dropped.
pub struct Mounted(PathBuf);

impl Mounted {
    /// Mounts at `at` what the other arguments of mount(8) say.
    pub fn new<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>, at: &Path) -> Self {
        run(Command::new("mount").args(arguments).arg(at));
        Self(at.to_owned())
    }

    /// Mounts `source` at `at` once more.
    pub fn bind(source: &Path, at: &Path) -> Self {
        Self::new([OsStr::new("--bind"), source.as_os_str()], at)
    }

    /// Mounts the directory `at` on itself, read-only.
    pub fn read_only(at: &Path) -> Self {
        let mounted = Self::bind(at, at);
        run(Command::new("mount").args(["-o", "remount,bind,ro"]).arg(at));
        mounted
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// A small disk.
pub struct Disk {
    // Unmounted before the directory goes.
    _mounted: Mounted,
    directory: TempDir,
}

impl Disk {
    /// Of 16 MB, made by mkfs.ext3(8) with these options. ext3 has no fallocate(2).
    pub fn ext3(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let image = directory.path().join("image");
        File::create(&image).and_then(|image| image.set_len(16 << 20)).expect("an image");
        let made = Command::new("mkfs.ext3").arg("-qF").args(options).arg(&image).output();
        assert!(made.is_ok_and(|made| made.status.success()), "mkfs.ext3 makes a disk");
        Self::mount(directory, &[OsStr::new("-o"), OsStr::new("loop"), image.as_os_str()])
    }

    /// In memory, with these options of tmpfs(5).
    pub fn tmpfs(options: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Self::mount(directory, &["-t", "tmpfs", "-o", options, "tmpfs"])
    }

    fn mount<S: AsRef<OsStr>>(directory: TempDir, arguments: &[S]) -> Self {
        let at = directory.path().join("disk");
        fs::create_dir(&at).expect("a directory");
        Self { _mounted: Mounted::new(arguments, &at), directory }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("disk")
    }

    /// Takes all the space, root's reserve included.
    pub fn fill(&self) {
        while self.grow_filler() {}
    }

    /// Takes all the space but root's reserve.
    pub fn fill_for_users(&self) {
        let space = || rustix::fs::statvfs(self.path()).expect("a file system");
        while space().f_bavail > 0 && self.grow_filler() {}
        assert!(space().f_bfree > 0, "root has nothing in reserve");
    }

    /// Takes less than a block, unless the disk is full.
    fn grow_filler(&self) -> bool {
        let filler = self.path().join("filler");
        let filler = File::options().create(true).append(true).open(filler);
        match filler.expect("a file").write_all(&[b'x'; 512]) {
            Err(error) if error.kind() == ErrorKind::StorageFull => false,
            written => written.map(|()| true).expect("a file to fill"),
        }
    }

    /// Gives the space back.
    pub fn empty(&self) {
        fs::remove_file(self.path().join("filler")).expect("a filler");
    }

    /// Takes all the inodes.
    pub fn take_inodes(&self) {
        for name in 0.. {
            if let Err(error) = File::create(self.path().join(format!("filler-{name}"))) {
                assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
                return;
            }
        }
    }
}
