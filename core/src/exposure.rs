//! Whether others may read a token file: the clients of a web server, or the users of the machine.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::printable::printable_path;
use crate::token_file;

const BY_OTHERS: u32 = 0o004;
const SEARCH_BY_OTHERS: u32 = 0o001;

/// Why others may read the file at `path`, and what to do. Code before the token of a guarded file keeps a web server from
/// sending it, if its name has the server run it.
pub fn find(path: &Path, is_guarded: bool, document_root: Option<&Path>) -> Option<String> {
    let real = token_file::resolve(path).ok()?;
    let root = document_root.filter(|root| **root != *Path::new("/"));
    let root = root.and_then(|root| fs::canonicalize(root).ok());
    let root = root.filter(|root| real.starts_with(root));
    let is_run = real.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("php"));
    if let Some(root) = root.filter(|_| !(is_guarded && is_run)) {
        return Some(format!(
            "it is below the document root {}, so a web server may send it to anybody. Move it out of there, or have the web server deny it",
            printable_path(&root)
        ));
    }
    let mode = fs::metadata(&real).ok()?.mode();
    let is_open = |directory: &Path| {
        fs::metadata(directory).is_ok_and(|directory| directory.mode() & SEARCH_BY_OTHERS != 0)
    };
    let is_readable = mode & BY_OTHERS != 0 && real.ancestors().skip(1).all(is_open);
    is_readable.then(|| {
        format!(
            "every user of this machine can read it (mode {:04o}). Run chmod o-rwx {}",
            mode & 0o7777,
            printable_path(&real)
        )
    })
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::io;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_web_server_sends_what_is_below_its_root_unless_it_runs_it() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let root = dir.path().canonicalize()?.join("html");
        fs::create_dir_all(root.join("data"))?;
        for (name, is_guarded, is_sent) in [
            ("html/token.json", false, true),
            ("html/data/token.json", false, true),
            ("html/data/../token.json", false, true),
            ("html/token.php", true, false),
            ("html/token.PHP", true, false),
            ("html/token.php", false, true),
            ("html/token.json", true, true),
            ("token.json", false, false),
            ("html-data/token.json", false, false),
        ] {
            let found = find(&dir.path().join(name), is_guarded, Some(&root));
            let is_named = found.as_ref().is_some_and(|found| found.contains("document root"));
            assert_eq!(is_named, is_sent, "{name}, guarded {is_guarded}: {found:?}");
        }
        assert_eq!(find(&root.join("token.json"), false, None), None);
        assert_eq!(find(&root.join("token.json"), false, Some(Path::new("/"))), None);
        Ok(())
    }

    #[test]
    fn a_file_is_open_to_every_user_if_the_way_to_it_is() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "{}")?;
        for (directory, file, is_open) in [
            (0o755, 0o644, true),
            (0o755, 0o640, false),
            (0o700, 0o644, false),
            (0o711, 0o604, true),
        ] {
            fs::set_permissions(dir.path(), Permissions::from_mode(directory))?;
            fs::set_permissions(&path, Permissions::from_mode(file))?;
            let found = find(&path, false, None);
            assert_eq!(found.is_some(), is_open, "{directory:o} {file:o}: {found:?}");
        }
        Ok(())
    }
}
