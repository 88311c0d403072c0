//! Disk space for the next content of a token file, reserved before a token is fetched.

use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt, MetadataExt};

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::system_error::SystemError;
use super::times;

/// Room for a token of the longest kind and a failure record, in bytes.
pub const HEADROOM: u64 = 4096;

/// Room for a token as WeChat's documents have it and a failure record, in bytes.
const USUAL_GROWTH: u64 = 2048;

/// Room for a token as WeChat's documents have it, in bytes. A longer file has such a token already, and
/// the failure record is not indispensable.
const LEAST_GROWTH: u64 = 512;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It will: in space that is reserved, or in blocks that the file has.
    Certain,
    /// The file system cannot tell before the write: ext3, NFS, ZFS, most of FUSE.
    Unknown,
}

pub fn reserve(file: &File, bytes: u64) -> Result<Room, SystemError> {
    let reserved = rustix::io::retry_on_intr(|| {
        rustix::fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes)
    });
    match reserved {
        Ok(()) => Ok(Room::Certain),
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(Room::Unknown),
        Err(error) => Err(SystemError::in_call("fallocate(2)", error)),
    }
}

/// The same for a file that nobody reads yet: with bytes, if need be.
pub fn reserve_in_new(file: &File, bytes: u64) -> Result<(), SystemError> {
    if reserve(file, bytes)? == Room::Unknown {
        pad(file, 0, bytes)?;
        // Some file systems report a full disk only then.
        file.sync_data()?;
    }
    Ok(())
}

/// Reserves disk space for the next content of the file itself, which is `old`. fallocate(2) changes the
/// time from which an expiry may count: it is called only where there is no room, by processes that can reset
/// that time.
pub fn reserve_in_place(file: &File, old: &Metadata) -> Result<Room, SystemError> {
    let has_room_for = |growth| allocated(old) >= old.len() + growth;
    if has_room_for(USUAL_GROWTH) {
        return Ok(Room::Certain);
    }
    let reserved = if times::may_set_modified(file) {
        let reserved = reserve(file, old.len() + HEADROOM);
        file.set_modified(old.modified()?)?;
        reserved
    } else {
        Ok(Room::Unknown)
    };
    match reserved {
        Ok(Room::Unknown) | Err(_) if has_room_for(LEAST_GROWTH.saturating_sub(old.len())) => {
            Ok(Room::Certain)
        }
        reserved => reserved,
    }
}

pub fn allocated(file: &Metadata) -> u64 {
    // In units of 512 bytes, whatever the size of a block (stat(3type)).
    file.blocks() * 512
}

/// Lengthens the file from `length` to `end` bytes by spaces, which its readers ignore; or not at all.
pub fn pad(file: &File, length: u64, end: u64) -> Result<(), SystemError> {
    let spaces = vec![b' '; usize::try_from(end.saturating_sub(length)).unwrap_or_default()];
    file.write_all_at(&spaces, length).map_err(|error| {
        let _ = file.set_len(length);
        SystemError::in_call("pwrite(2)", error)
    })
}
