//! The times of a token file: how they are set, and the clock of the file system that they show.

use std::fs::File;
use std::io;
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::{Timespec, Timestamps, UTIME_NOW};

use super::attributes;
use super::version::FileVersion;
use crate::clock::{Clock, SystemClock, Timestamp};

/// A fetch takes less, and a token is due long before its expiry.
const TOLERANCE: Duration = Duration::from_secs(10);

pub fn set_modified(file: &File, modified: Timestamp) -> io::Result<()> {
    let since = u64::try_from(modified.millis()).unwrap_or(0);
    file.set_modified(UNIX_EPOCH + Duration::from_millis(since))
}

/// Whether this process may set the modification time of the file: its owner may, but not everybody who may
/// write it (utimensat(2)). It is set to what it is.
pub fn may_set_modified(file: &File) -> bool {
    let modified = file.metadata().and_then(|metadata| metadata.modified());
    modified.is_ok_and(|modified| file.set_modified(modified).is_ok())
}

/// Whether a write that dates the file now, instead of `modified`, extends the lifetime that counts from that.
pub fn extends_lifetime(modified: Timestamp) -> bool {
    SystemClock.now().since(modified) > TOLERANCE
}

/// What the clock of the file system shows: `file` is changed so that nobody sees a difference, and the
/// file system dates that. `None` if it shows nothing new.
pub fn file_system_clock(file: &File, is_new: bool) -> Option<Timestamp> {
    let version = || Some(FileVersion::from_stat(&rustix::fs::fstat(file).ok()?));
    let before = version()?;
    // Both are named, the second as it is: libfuse 2 does nothing for one alone, and says that it did.
    let times = Timestamps {
        last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_NOW },
        last_modification: before.modification_time(),
    };
    if rustix::fs::futimens(file, &times).is_err() {
        // Only the owner may. But a process that may write the file may write its attribute: with a space more
        // or less, since the same value would change nothing.
        let attribute = attributes::read(file).unwrap_or_else(|| "{}".to_owned());
        let other = attribute.strip_suffix(' ').map(str::to_owned);
        let other = other.unwrap_or_else(|| format!("{attribute} "));
        attributes::write(file, Some(&other)).ok()?;
    }
    let after = version()?;
    // A new file has just been dated. An older one shows nothing where the time of change is that of
    // modification, as with rclone and sshfs.
    (is_new || before != after).then(|| after.changed())
}
