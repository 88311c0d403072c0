//! Tokens that could not be stored: only this process has them, by the real path of their file.
//!
//! A token is forgotten when one can be stored, or when it expires.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::failure::{Cause, FailureRecord};
use crate::record::Record;
use crate::token::Token;
use crate::token_file::{Document, KnownFiles};

/// A token as its source has given it, with its record.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub token: Token,
    pub record: Record,
}

/// A token that could not be stored: only this process has it.
#[derive(Clone)]
pub struct UnstoredToken {
    pub fetched: Fetched,
    /// The token that the file contained then. If it contains another one now, that is newer.
    pub instead_of: Option<Arc<str>>,
    /// The failure that was recorded for others. A later one in the file tells of a newer token that could not be
    /// stored either.
    pub failure: FailureRecord,
    /// For how long this token can be used after that; `None` if a newer one does not invalidate it.
    pub overlap: Option<Duration>,
}

static UNSTORED: KnownFiles<UnstoredToken> = KnownFiles::new();

/// The token that could not be stored in the file at `path`, by whatever name, which contains `document`: while
/// it is valid at `now`, and the file has no newer one. And whether another process has a newer one, which it
/// could not store either.
pub fn unstored(path: &Path, document: &Document, now: Timestamp) -> Option<(Fetched, bool)> {
    let UnstoredToken { fetched, instead_of, failure, overlap } = UNSTORED.get(path)?;
    if document.token().is_some_and(|token| Some(&token.value) != instead_of.as_ref()) {
        return None;
    }
    let is_later = |other: &&FailureRecord| {
        matches!(other.cause, Cause::Store { .. }) && other.failed_at > failure.failed_at
    };
    let later = document.failure().filter(is_later);
    let end = later.zip(overlap).map(|(later, overlap)| later.failed_at + overlap);
    let is_usable = fetched.token.is_valid(now) && end.is_none_or(|end| now < end);
    is_usable.then_some((fetched, later.is_some()))
}

/// Keeps a token that could not be stored in the file at `real`, and forgets those that have expired at `now`.
/// Whether it is the first since one could be stored.
pub fn keep_unstored(real: &Path, unstored: UnstoredToken, now: Timestamp) -> bool {
    let before = UNSTORED.set(real, Some(unstored));
    UNSTORED.retain(|unstored| unstored.fetched.token.is_valid(now));
    before.is_none()
}

/// The file at `real` could be written: no other token is needed.
pub fn stored(real: &Path) {
    UNSTORED.set(real, None);
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
            endpoint: "stable",
            ticket: None,
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
}
