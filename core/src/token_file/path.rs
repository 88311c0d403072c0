//! From the path that a caller names to the real file, which is locked and replaced.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::error::FileError;
use super::system_error::SystemError;

/// As many symbolic links as Linux itself follows (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// Follows every symbolic link of `path` to the real file, which need not exist yet: it is replaced in its own
/// directory.
pub fn resolve(path: &Path) -> Result<PathBuf, FileError> {
    let failed =
        |path, call, error| FileError::from_io(path, "open", SystemError::in_call(call, error));
    // The kernel does not follow others' links in sticky directories (fs.protected_symlinks,
    // proc_sys_fs(5)). realpath(3), which only reads them, does.
    if let Err(error) = fs::metadata(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(failed(path, "stat(2)", error));
    }
    let mut named = path.to_owned();
    for _ in 0..MAX_LINKS {
        let missing = match fs::canonicalize(&named) {
            Ok(real) => return Ok(real),
            Err(error) if error.kind() == io::ErrorKind::NotFound => error,
            Err(error) => return Err(failed(path, "readlink(2)", error)),
        };
        let (Some(directory), Some(name)) = (named.parent(), named.file_name()) else {
            return Err(FileError::from_io(path, "open", missing));
        };
        let real = match fs::canonicalize(directory) {
            Ok(directory) => directory.join(name),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(FileError::from_io(&named, "create", error));
            }
            Err(error) => return Err(failed(&named, "readlink(2)", error)),
        };
        // A link whose target is missing: the file is to be created where the link points.
        match fs::read_link(&real) {
            Ok(target) => named = real.with_file_name(target),
            Err(_) => return Ok(real),
        }
    }
    Err(failed(path, "readlink(2)", io::Error::from_raw_os_error(libc::ELOOP)))
}

/// Whether two paths lead to one file, by whatever name, or will after it is created.
pub fn are_one(path: &Path, other: &Path) -> bool {
    let (Ok(path), Ok(other)) = (resolve(path), resolve(other)) else { return false };
    let is_same = |path: &Path, other: &Path| match (fs::metadata(path), fs::metadata(other)) {
        (Ok(one), Ok(other)) => Some((one.dev(), one.ino()) == (other.dev(), other.ino())),
        (Err(_), Err(_)) => None,
        _ => Some(false),
    };
    // A directory has several names, too, where it is mounted twice.
    let will_be = || match (path.parent(), other.parent()) {
        (Some(one), Some(two)) => {
            path.file_name() == other.file_name() && is_same(one, two) == Some(true)
        }
        _ => false,
    };
    path == other || is_same(&path, &other).unwrap_or_else(will_be)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_leads_to_the_file_that_it_names_even_before_that_exists() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let base = dir.path().canonicalize()?;
        fs::create_dir(base.join("real"))?;
        symlink("real/token.json", base.join("link.json"))?;
        let target = base.join("real/token.json");
        assert_eq!(resolve(&base.join("link.json")).ok(), Some(target.clone()));
        fs::write(&target, "{}")?;
        assert_eq!(resolve(&base.join("link.json")).ok(), Some(target));
        Ok(())
    }

    #[test]
    fn endless_links_and_missing_directories_are_errors() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        symlink("b", dir.path().join("a"))?;
        symlink("a", dir.path().join("b"))?;
        assert!(resolve(&dir.path().join("a")).is_err());
        let error = resolve(&dir.path().join("missing/token.json")).err();
        assert!(error.is_some_and(|error| error.to_string().contains("does not exist. Create it")));
        Ok(())
    }

    #[test]
    fn paths_are_one_by_what_they_lead_to_and_not_by_how_they_are_spelled() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = |name: &str| dir.path().join(name);
        fs::create_dir(path("sub"))?;
        symlink("token.json", path("link.json"))?;
        let spellings = [path("./token.json"), path("sub/../token.json"), path("link.json")];
        for exists in [false, true] {
            for other in &spellings {
                assert!(are_one(&path("token.json"), other), "{other:?}, {exists}");
            }
            assert!(!are_one(&path("token.json"), &path("other.json")), "{exists}");
            assert!(!are_one(&path("token.json"), &path("sub/token.json")), "{exists}");
            fs::write(path("token.json"), "{}")?;
        }
        fs::hard_link(path("token.json"), path("hard.json"))?;
        assert!(are_one(&path("token.json"), &path("hard.json")));
        assert!(!are_one(&path("token.json"), &path("missing/token.json")));
        Ok(())
    }
}
