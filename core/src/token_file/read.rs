//! Reads token files: as a whole, of bounded size, and not in the middle of a write.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::attributes;
use super::document::{Document, FileSpec, Origin};
use super::error::FileError;
use super::system_error::SystemError;
use super::version::{FileVersion, stat, stat_open, stat_resolved};
use crate::clock::{Clock, SystemClock, Timestamp};
use crate::descriptor;

/// The largest token file that is read, in bytes. A token has at most 512 bytes by WeChat's own
/// documents, so a larger file is something else.
const MAX_BYTES: u64 = 64 * 1024;

/// Token files are hardly ever larger, in bytes.
const USUAL_BYTES: usize = 4096;

/// A file that was changed so recently may still be being written in place, by us or by others.
const RACY: Duration = Duration::from_millis(50);

/// A file says in whole seconds what its record says in milliseconds.
const SECOND: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct Snapshot {
    /// `None` if there was no file.
    pub version: Option<FileVersion>,
    /// When the reading began, by the monotonic clock.
    pub began: Duration,
    /// When it ended, by the same clock: the file was in that version.
    pub ended: Duration,
    pub document: Document,
}

/// Reads the token file at `path`, which contains `spec`, without a lock. A missing file is an empty
/// document. While a file is being changed, this waits 20 ms at most.
pub fn read(path: &Path, spec: FileSpec) -> Result<Snapshot, FileError> {
    read_since(path, spec, None)
}

/// The same for a caller that has `seen` the file a moment ago: if its version differs now, it has just been
/// changed, whatever the clocks say.
pub fn read_since(
    path: &Path,
    spec: FileSpec,
    seen: Option<FileVersion>,
) -> Result<Snapshot, FileError> {
    let Some((file, now)) = open(path)? else { return Ok(missing(path, spec)) };
    let reading = read_once(path, &file)?;
    if !reading.is_racy(&seen.unwrap_or(now)) {
        return parse(path, &file, &reading, spec);
    }
    if let Some(snapshot) = parse_if_whole(path, &file, &reading, spec) {
        return Ok(snapshot);
    }
    parse(path, &file, &read_until_stable(path, &file, reading)?, spec)
}

/// The same without a wait: `None` for a file that has just been changed.
pub fn read_unless_racy(path: &Path, spec: FileSpec) -> Result<Option<Snapshot>, FileError> {
    let Some((file, seen)) = open(path)? else { return Ok(Some(missing(path, spec))) };
    let reading = read_once(path, &file)?;
    if reading.is_racy(&seen) {
        return Ok(parse_if_whole(path, &file, &reading, spec));
    }
    parse(path, &file, &reading, spec).map(Some)
}

/// The same as [`read`] for a path that has been resolved: a link that is there now is no file. What is read will
/// be replaced, so it is the last that was written, and not only whole.
pub fn read_resolved(path: &Path, spec: FileSpec) -> Result<Snapshot, FileError> {
    let Some(seen) = stat_resolved(path)? else { return Ok(missing(path, spec)) };
    let Some(file) = open_with(path, libc::O_NOFOLLOW)? else { return Ok(missing(path, spec)) };
    let mut reading = read_once(path, &file)?;
    if reading.is_racy(&seen) {
        reading = read_until_stable(path, &file, reading)?;
    }
    parse(path, &file, &reading, spec)
}

/// Opens the file at `path`, whose version was so just before; `None` if there is none.
fn open(path: &Path) -> Result<Option<(File, FileVersion)>, FileError> {
    // A FIFO or a device must not even be opened: opening alone can hang or have effects.
    let Some(seen) = stat(path)? else { return Ok(None) };
    Ok(open_with(path, 0)?.map(|file| (file, seen)))
}

fn open_with(path: &Path, flags: libc::c_int) -> Result<Option<File>, FileError> {
    match descriptor::file(path, &descriptor::cautious(flags)) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        // The link came after the stat.
        Err(error) if flags != 0 && error.raw_os_error() == Some(libc::ELOOP) => Ok(None),
        Err(error) => {
            Err(FileError::from_io(path, "read", SystemError::in_call("openat(2)", error)))
        }
    }
}

fn parse(
    path: &Path,
    file: &File,
    reading: &Reading,
    spec: FileSpec,
) -> Result<Snapshot, FileError> {
    let &Reading { ref bytes, version, began, ended } = reading;
    let attributes = attributes::read(file).into_iter().chain(attributes::unwritten(path));
    let origin = Origin {
        name: name_of(path),
        written: version.written(),
        attributes: attributes.collect(),
    };
    let document = Document::parse(bytes, spec, origin)
        .map_err(|refusal| FileError::refused(path, &refusal))?;
    Ok(Snapshot { version: Some(version), began, ended, document })
}

/// The snapshot, if it is whole although the file has just been changed: its token is the one of our record, which is
/// written last. Waiters need not read the file twice.
fn parse_if_whole(path: &Path, file: &File, reading: &Reading, spec: FileSpec) -> Option<Snapshot> {
    let snapshot = parse(path, file, reading, spec).ok()?;
    let (token, record) = snapshot.document.token().zip(snapshot.document.record())?;
    let is_same = |one: Timestamp, other| one.since(other) < SECOND;
    let is_whole = is_same(token.expiry, record.expiry) && is_same(record.expiry, token.expiry);
    is_whole.then_some(snapshot)
}

fn missing(path: &Path, spec: FileSpec) -> Snapshot {
    let origin = Origin {
        name: name_of(path),
        written: Timestamp::from_secs(0),
        attributes: attributes::unwritten(path).into_iter().collect(),
    };
    let document = Document::empty(spec, origin);
    Snapshot { version: None, began: Duration::ZERO, ended: Duration::ZERO, document }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

struct Reading {
    bytes: Vec<u8>,
    version: FileVersion,
    began: Duration,
    ended: Duration,
}

impl Reading {
    /// Whether the file, which was as `seen` a moment ago, is being changed. Another machine's clock may be
    /// ahead for hours; that is not "just now".
    fn is_racy(&self, seen: &FileVersion) -> bool {
        let (now, changed) = (SystemClock.now(), self.version.changed());
        let is_recent = now.since(changed) < RACY && changed.since(now) < RACY;
        is_recent || self.version != *seen
    }
}

/// Reads the file once. A write sets the time of change first, so the version is taken after the read.
fn read_once(path: &Path, file: &File) -> Result<Reading, FileError> {
    let began = SystemClock.monotonic();
    let bytes = read_bounded(path, file)?;
    let version = stat_open(path, file)?;
    Ok(Reading { bytes, version, began, ended: SystemClock.monotonic() })
}

/// Reads the file, of which there is a first `reading`, until it reads the same twice.
fn read_until_stable(path: &Path, file: &File, first: Reading) -> Result<Reading, FileError> {
    let mut reading = first;
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(1));
        let again = read_once(path, file)?;
        let is_settled = again.bytes == reading.bytes || !again.is_racy(&reading.version);
        reading = again;
        if is_settled {
            break;
        }
    }
    Ok(reading)
}

fn read_bounded(path: &Path, mut file: &File) -> Result<Vec<u8>, FileError> {
    let failed = |error| FileError::from_io(path, "read", SystemError::in_call("read(2)", error));
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::too_large(path, MAX_BYTES));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Record;
    use crate::token::Token;
    use crate::token_file::CredentialKind;

    #[test]
    fn a_file_that_has_just_changed_is_whole_if_our_record_agrees_with_it() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        let spec = FileSpec { kind: CredentialKind::AccessToken, layout: None };
        let expiry = Timestamp::from_millis(2_000_000_000_700);
        let record = Record::new(&Token::own("new", expiry), None, Timestamp::from_secs(5));
        let attribute = serde_json::json!({ "record": record.to_json() }).to_string();
        let is_whole = |content: &str, attribute: Option<&str>| -> io::Result<bool> {
            std::fs::write(&path, content)?;
            let file = File::options().read(true).write(true).open(&path)?;
            attributes::write(&file, attribute)?;
            let reading = read_once(&path, &file).unwrap();
            Ok(parse_if_whole(&path, &file, &reading, spec).is_some())
        };
        let whole = r#"{"access_token":"new","expire":2000000000}"#;
        assert!(is_whole(whole, Some(&attribute))?);
        assert!(!is_whole(whole, None)?, "anybody may be writing it");
        for torn in [
            r#"{"access_token":"new","expire":2000000"#,
            r#"{"access_token":"new","expire":2000000999}"#,
            r#"{"access_token":"new","expire":1000000000}"#,
            r#"{"access_token":"old","expire":2000000000}"#,
        ] {
            assert!(!is_whole(torn, Some(&attribute))?, "{torn}");
        }
        Ok(())
    }

    #[test]
    fn a_file_that_is_another_than_a_moment_ago_is_read_until_it_reads_the_same_twice()
    -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        std::fs::write(&path, "")?;
        let file = File::open(&path)?;
        let first = read_once(&path, &file).unwrap();
        // As a clock that differs shows it: it was changed long ago.
        let mut long_ago = first.version;
        long_ago.changed = (1000, 1);
        let reading = Reading { version: long_ago, ..first };
        assert!(!reading.is_racy(&long_ago));
        long_ago.changed = (1000, 2);
        assert!(reading.is_racy(&long_ago));
        Ok(())
    }
}
