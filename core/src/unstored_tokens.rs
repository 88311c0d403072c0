//! What this process knows of token files because the files themselves could not take it: a token that could
//! not be stored, and what belongs into an extended attribute where there is none.
//!
//! Nothing clears it but what makes an entry needless. By real path.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::failure::{Cause, FailureRecord};
use crate::process::ProcessMutex;
use crate::record::Record;
use crate::token::Token;
use crate::token_file::{self, Document};

/// A token as an upstream has given it, with its record.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The token.
    pub token: Token,
    /// What is known of it.
    pub record: Record,
}

/// A token that could not be stored: this process alone has it.
#[derive(Clone)]
pub struct UnstoredToken {
    /// The token.
    pub fetched: Fetched,
    /// The token that the file held then. If it holds another one by now, that is newer.
    pub instead_of: Option<Arc<str>>,
    /// What was left for others. If the file tells of a later token that could not be stored, that is newer.
    pub failure: FailureRecord,
    /// For how long this one can then be relied on; `None` if that makes no difference.
    pub overlap: Option<Duration>,
}

#[derive(Default)]
struct Entry {
    attribute: Option<String>,
    unstored: Option<UnstoredToken>,
}

type Entries = BTreeMap<PathBuf, Entry>;

static LEDGER: ProcessMutex<Entries> = ProcessMutex::new(BTreeMap::new());

/// Of no more files than this anything is known. Where there are no extended attributes, each file that is
/// refreshed has an entry.
const MOST: usize = 10_000;

/// Nobody pays for the mutex, nor for the real path, while there is nothing to know.
static IS_ANY: AtomicBool = AtomicBool::new(false);

/// What the extended attribute of the file at `path` would hold if it could; by whatever name.
#[must_use]
pub fn attribute(path: &Path) -> Option<String> {
    with_entry(path, |entry| entry.attribute.clone())
}

/// Keeps what the extended attribute of the file at `real` could not take, or forgets it.
pub fn keep_attribute(real: &Path, attribute: Option<String>) {
    change(real, |_, entry| entry.attribute = attribute);
}

/// The token that could not be stored in the file at `path`, by whatever name, which holds `document`: as long
/// as it is valid at `now`, and the file has no newer one. And whether another process has one, which it could
/// not store either.
#[must_use]
pub fn unstored(path: &Path, document: &Document, now: Timestamp) -> Option<(Fetched, bool)> {
    let UnstoredToken { fetched, instead_of, failure, overlap } =
        with_entry(path, |entry| entry.unstored.clone())?;
    if document.token().is_some_and(|token| Some(&token.value) != instead_of.as_ref()) {
        return None;
    }
    let is_later = |other: &&FailureRecord| {
        matches!(other.cause, Cause::Store { .. }) && other.failed_at > failure.failed_at
    };
    let later = document.failure().filter(is_later);
    let end = later.zip(overlap).map(|(later, overlap)| later.failed_at + overlap);
    let is_alive = fetched.token.is_valid(now) && end.is_none_or(|end| now < end);
    is_alive.then_some((fetched, later.is_some()))
}

/// Keeps a token that could not be stored in the file at `real`, and lets go what has expired at `now`. Whether
/// it is the first since one could be stored.
pub fn keep_unstored(real: &Path, unstored: UnstoredToken, now: Timestamp) -> bool {
    change(real, |others, entry| {
        others.retain(|_, entry| {
            entry.unstored.take_if(|unstored| !unstored.fetched.token.is_valid(now));
            !entry.is_needless()
        });
        entry.unstored.replace(unstored).is_none()
    })
}

/// The file at `real` could be written: it says itself what there is to know.
pub fn stored(real: &Path) {
    if IS_ANY.load(Ordering::Relaxed) {
        change(real, |_, entry| entry.unstored = None);
    }
}

fn with_entry<R>(path: &Path, work: impl FnOnce(&Entry) -> Option<R>) -> Option<R> {
    if !IS_ANY.load(Ordering::Relaxed) {
        return None;
    }
    let real = token_file::resolve(path).ok()?;
    LEDGER.with(|entries| entries.get(&real).and_then(work))
}

/// Changes the entry of `real`, beside the others.
fn change<R>(real: &Path, work: impl FnOnce(&mut Entries, &mut Entry) -> R) -> R {
    LEDGER.with(|entries| {
        let mut entry = entries.remove(real).unwrap_or_default();
        let result = work(entries, &mut entry);
        if !entry.is_needless() {
            if entries.len() >= MOST {
                entries.pop_first();
            }
            entries.insert(real.to_owned(), entry);
        }
        IS_ANY.store(!entries.is_empty(), Ordering::Relaxed);
        result
    })
}

impl Entry {
    const fn is_needless(&self) -> bool {
        self.attribute.is_none() && self.unstored.is_none()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::failure::{Failure, Requester, RetryPolicy};
    use crate::fingerprint::Fingerprint;
    use crate::token_file::{CredentialKind, FileSpec, Origin};

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn failure(at: Timestamp) -> FailureRecord {
        let requester = Requester {
            account: Fingerprint::from_hex("a"),
            route: Fingerprint::from_hex("w"),
            owner: None,
            describe: Cause::to_string,
        };
        let cause = Cause::Store { reason: "full".into() };
        FailureRecord::new(
            Failure { cause, retry_policy: RetryPolicy::Backoff },
            &requester,
            None,
            at,
        )
    }

    fn unstored_token(value: &str) -> UnstoredToken {
        let expiry = Timestamp::from_secs(1_700_007_200);
        let token = Token::own(value, expiry);
        let record = Record::new(&token, None, NOW);
        let fetched = Fetched { token, record };
        let overlap = Some(Duration::from_secs(240));
        UnstoredToken { fetched, instead_of: Some("old".into()), failure: failure(NOW), overlap }
    }

    fn empty() -> Document {
        let spec = FileSpec { kind: CredentialKind::AccessToken, layout: None };
        let name = "token.json".to_owned();
        Document::empty(spec, Origin { name, written: NOW, attributes: Vec::new() })
    }

    fn reread(bytes: &[u8]) -> Document {
        let (spec, name) = (empty().spec(), "token.json".to_owned());
        let origin = Origin { name, written: NOW, attributes: Vec::new() };
        Document::parse(bytes, spec, origin).unwrap()
    }

    fn holding(value: &str) -> Document {
        reread(format!(r#"{{"access_token":"{value}","expire":1700000100}}"#).as_bytes())
    }

    #[test]
    fn a_token_that_could_not_be_stored_is_known_until_there_is_a_newer_one_or_it_expires() {
        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap().join("token.json");
        fs::write(&real, "").unwrap();
        let link = dir.path().join("link.json");
        symlink("token.json", &link).unwrap();
        let known = |document: &Document, now| unstored(&link, document, now);
        let value = |document: &Document, now| {
            known(document, now).map(|(fetched, _)| fetched.token.value.to_string())
        };
        assert!(keep_unstored(&real, unstored_token("a"), NOW), "the first");
        assert!(!keep_unstored(&real, unstored_token("b"), NOW));
        assert_eq!(value(&holding("old"), NOW).as_deref(), Some("b"));
        assert_eq!(value(&empty(), NOW).as_deref(), Some("b"), "the file is gone, or torn");
        assert_eq!(value(&holding("newer"), NOW), None);
        assert_eq!(
            value(&holding("old"), Timestamp::from_secs(1_700_007_200)),
            None,
            "it has expired"
        );
        let after = |millis| {
            let record = failure(NOW + Duration::from_millis(millis));
            reread(&holding("old").with_failure(&record).unwrap().bytes)
        };
        assert!(known(&after(0), NOW).is_some_and(|(_, is_superseded)| !is_superseded));
        let end = NOW + Duration::from_millis(240_001);
        let almost = end.before(Duration::from_millis(1));
        assert!(known(&after(1), almost).is_some_and(|(_, is_superseded)| is_superseded));
        assert_eq!(value(&after(1), end), None, "another process's newer one has killed it");
        stored(&real);
        assert_eq!(value(&holding("old"), NOW), None);
        assert!(keep_unstored(&real, unstored_token("c"), NOW), "the first since");
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
