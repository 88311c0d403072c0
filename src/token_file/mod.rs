//! The token file: the only state on disk, and its flock the only lock.
//!
//! Whoever reads here reads a whole file of bounded size or gets a [`FileError`]; nothing here asks
//! an upstream, and nothing here decides.

pub mod document;
mod error;
pub mod holder;
pub mod lock;
mod path;
pub mod replace;

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::clock::{Clock, Epoch, SystemClock};

pub use self::document::{Content, Document, Expected, Layout, Origin, Subject};
pub use self::error::FileError;
pub use self::path::resolve;

/// The largest token file that is read, in bytes. A token has at most 512 bytes by WeChat's own
/// documents, so anything larger is something else.
pub const MAX_BYTES: u64 = 64 * 1024;

/// Which file it is, and which state of it: as long as this is the same, so is the content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identity {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            dev: metadata.dev(),
            ino: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// When the file was last modified, as it says itself.
    #[must_use]
    pub const fn written(&self) -> Epoch {
        epoch(self.modified)
    }

    /// When anything of the file was last changed. Unlike the modification time, nobody can set it.
    const fn changed(&self) -> Epoch {
        epoch(self.changed)
    }

    /// Whether both are the same file, in whatever state.
    #[must_use]
    pub fn is_same_file(&self, other: &Self) -> bool {
        (self.dev, self.ino) == (other.dev, other.ino)
    }
}

const fn epoch((seconds, nanos): (i64, i64)) -> Epoch {
    Epoch::from_millis(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
}

/// The file at `path` as it is now; `None` if there is none.
///
/// # Errors
/// [`FileError`] if the path cannot be looked at or is not a regular file.
pub fn identify(path: &Path) -> Result<Option<Identity>, FileError> {
    match fs::metadata(path) {
        Ok(metadata) => regular(path, &metadata).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileError::from_io(path, "look at", error)),
    }
}

/// What a token file held when it was read.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// `None` if there was no file.
    pub identity: Option<Identity>,
    /// The content.
    pub document: Document,
}

/// Reads the token file at `path`, in which `expected` is kept, without a lock. A missing file is an empty document.
///
/// # Errors
/// [`FileError`] if it cannot be read, is no regular file, is too large, or is no token file.
pub fn read(path: &Path, expected: Expected) -> Result<Snapshot, FileError> {
    // A FIFO or a device must not even be opened: opening alone can hang or have effects.
    if identify(path)?.is_none() {
        return Ok(missing(path, expected));
    }
    let opened =
        OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path);
    match opened {
        Ok(file) => read_open(path, &file, expected),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(missing(path, expected)),
        Err(error) => Err(FileError::from_io(path, "read", error)),
    }
}

fn read_open(path: &Path, file: &File, expected: Expected) -> Result<Snapshot, FileError> {
    let (bytes, identity) = read_settled(path, file)?;
    let is_plain = expected.layout == Some(Layout::Plain);
    let note = if is_plain { replace::read_note(file) } else { None };
    let origin = Origin { name: name_of(path), written: identity.written(), note };
    let document = Document::parse(&bytes, expected, origin)
        .map_err(|reason| FileError::not_a_token_file(path, reason))?;
    Ok(Snapshot { identity: Some(identity), document })
}

/// A file that was changed so recently may still be being written in place, by us or by others.
const UNSETTLED: Duration = Duration::from_millis(50);

/// Reads the file, and a file that is changed just now until it reads the same twice. A write sets the
/// time of change first, so it is looked at after the read.
fn read_settled(path: &Path, file: &File) -> Result<(Vec<u8>, Identity), FileError> {
    let identify = || {
        let metadata = file.metadata().map_err(|error| FileError::from_io(path, "read", error))?;
        regular(path, &metadata)
    };
    let mut bytes = read_bounded(path, file)?;
    let mut identity = identify()?;
    for _ in 0..20 {
        if !is_unsettled(identity.changed()) {
            break;
        }
        thread::sleep(Duration::from_millis(1));
        let before = mem::replace(&mut bytes, read_bounded(path, file)?);
        identity = identify()?;
        if before == bytes {
            break;
        }
    }
    Ok((bytes, identity))
}

/// Another machine's clock may be ahead for hours; that is not "just now".
fn is_unsettled(changed: Epoch) -> bool {
    let now = SystemClock.now();
    now.since(changed) < UNSETTLED && changed.since(now) < UNSETTLED
}

fn read_bounded(path: &Path, file: &File) -> Result<Vec<u8>, FileError> {
    let failed = |error| FileError::from_io(path, "read", error);
    let mut bytes = Vec::new();
    let mut file = file;
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::too_large(path));
    }
    Ok(bytes)
}

fn missing(path: &Path, expected: Expected) -> Snapshot {
    let origin = Origin { name: name_of(path), written: Epoch::from_secs(0), note: None };
    Snapshot { identity: None, document: Document::empty(expected, origin) }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn regular(path: &Path, metadata: &Metadata) -> Result<Identity, FileError> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return Ok(Identity::of(metadata));
    }
    Err(FileError::wrong_kind(
        path,
        if kind.is_dir() {
            "a directory"
        } else if kind.is_fifo() {
            "a FIFO"
        } else if kind.is_socket() {
            "a socket"
        } else {
            "a device"
        },
    ))
}
