//! The extended attribute of token files: the record of the token, and what the content has no room for.
//!
//! What a file cannot take, this process knows.

use std::fs::File;
use std::path::Path;

use rustix::fs::XattrFlags;
use rustix::io::Errno;

use super::known::KnownFiles;

pub const ATTRIBUTE: &str = "user.wx_token";

/// No more is written, nor read: file systems such as ext4 have a block for all attributes of a file.
const MAX_BYTES: usize = 4096;

static UNWRITTEN: KnownFiles<String> = KnownFiles::new();

pub fn read(file: &File) -> Option<String> {
    let mut buffer = [0; MAX_BYTES];
    let length = rustix::fs::fgetxattr(file, ATTRIBUTE, &mut buffer).ok()?;
    String::from_utf8(buffer.get(..length)?.to_vec()).ok()
}

/// Whether the file system of `file` has such attributes.
pub fn are_supported(file: &File) -> bool {
    let found = rustix::fs::fgetxattr(file, ATTRIBUTE, &mut [0u8; 0]);
    found.is_ok() || found == Err(Errno::NODATA)
}

pub fn write(file: &File, attribute: Option<&str>) -> Result<(), Errno> {
    match attribute {
        Some(text) if text.len() > MAX_BYTES => Err(Errno::NOSPC),
        Some(text) => rustix::fs::fsetxattr(file, ATTRIBUTE, text.as_bytes(), XattrFlags::empty()),
        None => match rustix::fs::fremovexattr(file, ATTRIBUTE) {
            Err(Errno::NODATA) => Ok(()),
            removed => removed,
        },
    }
}

/// What the attribute of the file at `path` would be if the file could take it; by whatever name.
pub fn unwritten(path: &Path) -> Option<String> {
    UNWRITTEN.get(path)
}

/// Keeps an attribute that the file at `real` could not take, or forgets it.
pub fn keep(real: &Path, attribute: Option<String>) {
    UNWRITTEN.set(real, attribute);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_attribute_could_not_take_is_known_until_one_can() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("token.json");
        assert_eq!(unwritten(&real), None);
        keep(&real, Some("{}".into()));
        assert_eq!(unwritten(&dir.path().join("./token.json")).as_deref(), Some("{}"));
        keep(&real, None);
        assert_eq!(unwritten(&real), None);
    }
}
