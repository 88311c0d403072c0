//! What this process knows of token files because the files themselves could not take it: a token that could
//! not be stored, and what belongs into an extended attribute where there is none.
//!
//! Nothing clears it but what makes an entry needless. By real path.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::clock::Epoch;
use crate::process;
use crate::record::Record;
use crate::token::Token;
use crate::token_file;

/// A token as an upstream has given it, with its record.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The token.
    pub token: Token,
    /// What is known of it.
    pub record: Record,
}

/// A token that could not be stored: this process alone has it.
#[derive(Debug, Clone)]
pub struct Unstored {
    /// The token.
    pub fetched: Fetched,
    /// The token that the file held then. If it holds another one by now, that is newer.
    pub instead_of: Option<Token>,
    /// Why it could not be stored.
    pub reason: String,
}

#[derive(Default)]
struct Entry {
    attribute: Option<String>,
    unstored: Option<Unstored>,
}

static LEDGER: LazyLock<Mutex<HashMap<PathBuf, Entry>>> = LazyLock::new(Mutex::default);

/// Nobody pays for the mutex, nor for the real path, while there is nothing to know.
static IS_ANY: AtomicBool = AtomicBool::new(false);

/// What the extended attribute of the file at `path` would hold if it could; by whatever name.
#[must_use]
pub fn attribute(path: &Path) -> Option<String> {
    with_entry(path, |entry| entry.attribute.clone())
}

/// Keeps what the extended attribute of the file at `real` could not take, or forgets it.
pub fn keep_attribute(real: &Path, attribute: Option<String>) {
    change(real, |entry| entry.attribute = attribute);
}

/// The token that could not be stored in the file at `path`, by whatever name, as long as it is valid and
/// the file goes on holding `current`, or nothing else.
#[must_use]
pub fn unstored(path: &Path, current: Option<&Token>, now: Epoch) -> Option<Unstored> {
    let unstored = with_entry(path, |entry| entry.unstored.clone())?;
    let is_newest = current.is_none() || current == unstored.instead_of.as_ref();
    (is_newest && unstored.fetched.token.is_valid(now)).then_some(unstored)
}

/// Keeps a token that could not be stored in the file at `real`. Whether it is the first since one could.
pub fn keep_unstored(real: &Path, unstored: Unstored) -> bool {
    change(real, |entry| entry.unstored.replace(unstored).is_none())
}

/// The file at `real` could be written: it says itself what there is to know.
pub fn stored(real: &Path) {
    if IS_ANY.load(Ordering::Relaxed) {
        change(real, |entry| entry.unstored = None);
    }
}

fn with_entry<R>(path: &Path, work: impl FnOnce(&Entry) -> Option<R>) -> Option<R> {
    if !IS_ANY.load(Ordering::Relaxed) {
        return None;
    }
    let real = token_file::resolve(path).ok()?;
    with_ledger(|ledger| ledger.get(&real).and_then(work))
}

fn change<R>(real: &Path, work: impl FnOnce(&mut Entry) -> R) -> R {
    with_ledger(|ledger| {
        let mut entry = ledger.remove(real).unwrap_or_default();
        let result = work(&mut entry);
        if entry.attribute.is_some() || entry.unstored.is_some() {
            ledger.insert(real.to_owned(), entry);
        }
        IS_ANY.store(!ledger.is_empty(), Ordering::Relaxed);
        result
    })
}

fn with_ledger<R>(work: impl FnOnce(&mut HashMap<PathBuf, Entry>) -> R) -> R {
    // Whoever has the one lock has the other: no fork leaves it locked in the child.
    let _no_fork = process::under_way();
    work(&mut LEDGER.lock().unwrap_or_else(PoisonError::into_inner))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    const NOW: Epoch = Epoch::from_secs(1_700_000_000);

    fn token(value: &str) -> Token {
        let expiry = Epoch::from_secs(1_700_007_200);
        Token { value: value.into(), expiry, may_live_long: true }
    }

    fn unstored_token(value: &str, instead_of: Option<Token>) -> Unstored {
        let token = token(value);
        let record = Record::of(&token, None, NOW);
        Unstored { fetched: Fetched { token, record }, instead_of, reason: "full".into() }
    }

    #[test]
    fn a_token_that_could_not_be_stored_is_known_until_the_file_has_a_newer_one_or_it_expires() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("token.json");
        fs::write(&real, "").unwrap();
        let link = dir.path().join("link.json");
        symlink("token.json", &link).unwrap();
        let value = |current: Option<&Token>, now| {
            unstored(&link, current, now).map(|known| known.fetched.token.value.to_string())
        };
        let (old, newer) = (token("old"), token("newer"));
        assert!(keep_unstored(&real, unstored_token("a", Some(old.clone()))), "the first");
        assert!(!keep_unstored(&real, unstored_token("b", Some(old.clone()))));
        assert_eq!(value(Some(&old), NOW).as_deref(), Some("b"));
        assert_eq!(value(None, NOW).as_deref(), Some("b"), "the file is gone, or torn");
        assert_eq!(value(Some(&newer), NOW), None);
        assert_eq!(value(Some(&old), Epoch::from_secs(1_700_007_200)), None);
        stored(&real);
        assert_eq!(value(Some(&old), NOW), None);
        assert!(keep_unstored(&real, unstored_token("c", None)), "the first since");
        stored(&real);
    }

    #[test]
    fn what_an_attribute_could_not_take_is_known_until_one_can() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("token.json");
        assert_eq!(attribute(&real), None);
        keep_attribute(&real, Some("{}".into()));
        assert_eq!(attribute(&dir.path().join("./token.json")).as_deref(), Some("{}"));
        stored(&real);
        assert_eq!(attribute(&real).as_deref(), Some("{}"));
        keep_attribute(&real, None);
        assert_eq!(attribute(&real), None);
    }
}
