//! A small file beside a token file, for what changes more often than the token: a change of the token file itself, of its
//! attributes even, would be read again by every process.
//!
//! It is written under the token file's lock. What cannot be written, this process knows.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use super::known::KnownFiles;
use super::metadata;
use crate::descriptor;

/// Its name is that of the token file, after a dot, and this.
const MARK: &str = ".wx_store";

/// Its size, in bytes: each write replaces all of it at once.
const SIZE: usize = 4096;

static UNWRITTEN: KnownFiles<String> = KnownFiles::new();

/// What the file beside the token file at `real` says. A file that is being written says nothing.
pub fn read(real: &Path) -> Option<String> {
    UNWRITTEN.get(real).or_else(|| read_file(real))
}

/// Writes `text`, which has no line break and less than 4096 bytes.
pub fn write(real: &Path, text: &str) {
    let written = write_file(real, text);
    UNWRITTEN.set(real, written.is_err().then(|| text.to_owned()));
}

fn read_file(real: &Path) -> Option<String> {
    let file = descriptor::file(&path(real)?, &descriptor::cautious(libc::O_NOFOLLOW)).ok()?;
    let mut bytes = [0; SIZE];
    file.read_exact_at(&mut bytes, 0).ok()?;
    let text = str::from_utf8(&bytes).ok()?.strip_suffix('\n')?;
    Some(text.trim_end().to_owned())
}

fn write_file(real: &Path, text: &str) -> io::Result<()> {
    let path = path(real).ok_or(io::ErrorKind::InvalidFilename)?;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY);
    let file = match descriptor::file(&path, &options) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(real, &path, &mut options)?,
        // Another user's process was killed before it could give the file away, or must not give files away.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            fs::remove_file(&path)?;
            create(real, &path, &mut options)?
        }
        opened => opened?,
    };
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let padding = (SIZE - 1).checked_sub(text.len()).ok_or(io::ErrorKind::InvalidInput)?;
    file.write_all_at(format!("{text}{}\n", " ".repeat(padding)).as_bytes(), 0)
}

/// The file is for those who use the token file, as far as this user may give it to them.
fn create(real: &Path, path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = descriptor::file(path, options.create_new(true).mode(0o600))?;
    let token_file = descriptor::file(real, &descriptor::cautious(libc::O_NOFOLLOW))?;
    if metadata::take_after(&file, &token_file).is_err() {
        let _ = share_with_group(&file, &token_file);
    }
    Ok(file)
}

/// Any user may do that in a group of their own.
fn share_with_group(file: &File, token_file: &File) -> io::Result<()> {
    let of = token_file.metadata()?;
    fchown(file, None, Some(of.gid()))?;
    file.set_permissions(of.permissions())
}

fn path(real: &Path) -> Option<PathBuf> {
    let name = [b".", real.file_name()?.as_bytes(), MARK.as_bytes()].concat();
    Some(real.with_file_name(OsString::from_vec(name)))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_belongs_to_whom_the_token_file_does() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let real = dir.path().canonicalize()?.join("token.json");
        fs::write(&real, "{}")?;
        fs::set_permissions(&real, fs::Permissions::from_mode(0o640))?;
        assert_eq!(read(&real), None);
        for text in [r#"{"a":1}"#, "", "…主机", &"x".repeat(4095)] {
            write(&real, text);
            assert_eq!(read_file(&real).as_deref(), Some(text));
        }
        let mode = fs::metadata(path(&real).unwrap())?.permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
        Ok(())
    }

    #[test]
    fn what_cannot_be_written_is_known_to_this_process() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let real = dir.path().canonicalize()?.join("token.json");
        fs::write(&real, "{}")?;
        let elsewhere = dir.path().join("elsewhere");
        fs::write(&elsewhere, "precious")?;
        symlink(&elsewhere, path(&real).unwrap())?;
        write(&real, "text");
        assert_eq!(read(&real).as_deref(), Some("text"));
        assert_eq!(fs::read_to_string(&elsewhere)?, "precious");
        fs::remove_file(path(&real).unwrap())?;
        write(&real, "other");
        assert_eq!(read_file(&real).as_deref(), Some("other"));
        assert_eq!(read(&real).as_deref(), Some("other"));
        Ok(())
    }
}
