//! Creates a missing token file, empty.
//!
//! It is at its path only with the owner and mode that it is to have: a process that dies before leaves nothing
//! there that others cannot use.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::FileError;
use super::flock::try_lock;
use super::system_error::SystemError;
use super::{metadata, siblings};
use crate::descriptor;
use crate::notice;
use crate::printable::printable_path;
use crate::process::ProcessState;

/// How often to create the file, or to open the one that another process has created, while others remove
/// or replace it at once.
const MAX_TRIES: usize = 16;

/// Opens the file at `path`, which has been resolved, or creates it. `None` if others replace it again and
/// again, or have put a link there: the path must be resolved again.
pub fn open_or_create(
    held: &ProcessState,
    path: &Path,
    mode: u32,
) -> Result<Option<File>, FileError> {
    let mut options = descriptor::cautious(libc::O_NOFOLLOW);
    options.write(true);
    for _ in 0..MAX_TRIES {
        // Never O_CREAT on a file that exists: fs.protected_regular forbids it in sticky
        // directories even to root (proc_sys_fs(5)).
        match descriptor::file_under(Some(held), path, &options) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.raw_os_error() == Some(libc::ELOOP) => return Ok(None),
            Err(error) => {
                let error = SystemError::in_call("openat(2)", error);
                return Err(FileError::from_io(path, "write", error));
            }
        }
        match create(held, path, mode) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(FileError::from_io(path, "create", error)),
        }
    }
    Ok(None)
}

fn create(held: &ProcessState, path: &Path, mode: u32) -> Result<File, SystemError> {
    let file = match create_beside(held, path, mode) {
        // There may be neither renameat2(2) with RENAME_NOREPLACE nor link(2): FUSE, filters of containers.
        // Or another process has created the file and, under its lock, swept ours away.
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => {
            create_at_path(held, path, mode)?
        }
        created => created?,
    };
    if metadata::is_roots_alone(&file) {
        warn_of_roots_file(held, path);
    }
    Ok(file)
}

fn create_beside(held: &ProcessState, path: &Path, mode: u32) -> Result<File, SystemError> {
    let new = siblings::create(held, path).map_err(SystemError::of("openat(2)"))?;
    // Then no process takes it for a leftover. If one just does, the file is created at its path.
    let _ = try_lock(new.as_file());
    metadata::settle_in(held, new.as_file(), path, mode)?;
    new.persist_noclobber(path).map_err(|failed| {
        siblings::remove(failed.file);
        SystemError::in_call("renameat2(2) or linkat(2)", failed.error)
    })
}

fn create_at_path(held: &ProcessState, path: &Path, mode: u32) -> Result<File, SystemError> {
    let mut options = descriptor::cautious(libc::O_NOFOLLOW);
    options.write(true).create_new(true).mode(0o600);
    let new = descriptor::file_under(Some(held), path, &options);
    let new = new.map_err(SystemError::of("openat(2)"))?;
    metadata::settle_in(held, &new, path, mode).inspect_err(|_| drop(fs::remove_file(path)))?;
    Ok(new)
}

/// The file locks a web server out, which would learn of it only from its own failed call.
fn warn_of_roots_file(held: &ProcessState, path: &Path) {
    let notice = format!(
        "wx_token: root has created {file}, and only root can read it. If the web server needs it, run chown WEBUSER {directory} {file}: in a directory of that user, root creates files for that user",
        file = printable_path(path),
        directory = printable_path(path.parent().unwrap_or(path))
    );
    notice::leave_once_under(held, notice);
}
