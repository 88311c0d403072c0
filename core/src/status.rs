//! The status of a token file, read without its lock and without a fetch.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::exposure;
use crate::failure::{Cause, FailureRecord};
use crate::token::Freshness;
use crate::token_file::holder::{self, Holder};
use crate::token_file::{self, CredentialKind, Document, FileError, FileSpec, Layout, siblings};
use crate::unstored_tokens;

#[derive(Debug, Clone, Copy, Default)]
pub enum State {
    Fresh,
    /// Its token is valid, and close enough to its expiry to refresh.
    Due,
    Expired,
    /// It is partial: half written, or all NUL bytes.
    Damaged,
    Missing,
    /// It cannot be read, or is not a token file.
    #[default]
    Unusable,
}

impl State {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Due => "due",
            Self::Expired => "expired",
            Self::Damaged => "damaged",
            Self::Missing => "missing",
            Self::Unusable => "unusable",
        }
    }
}

/// The status of a token file. It contains neither token nor secret.
#[derive(Debug, Default)]
pub struct Status {
    pub file: PathBuf,
    pub exists: bool,
    pub state: State,
    /// Whether the file holds the token that this process returns.
    pub is_stored: bool,
    pub layout: Option<String>,
    pub expiry: Option<Timestamp>,
    /// Whole seconds until then, negative afterwards.
    pub expires_in: Option<i64>,
    pub due_in: Option<i64>,
    pub failure: Option<FailureRecord>,
    pub holder: Option<Holder>,
    pub refreshing: bool,
    /// Why others than its owner may read it.
    pub exposure: Option<String>,
    /// Why it is unusable, or cannot be created.
    pub error: Option<String>,
}

/// The status of the token or ticket file at `path`, whose token is due `refresh_ahead` before its expiry.
/// `layout` is as for a call. A web server sends what is below `document_root`, if there is one.
pub fn read(
    path: &Path,
    layout: Option<Layout>,
    refresh_ahead: Duration,
    document_root: Option<&Path>,
    clock: &dyn Clock,
) -> Status {
    let mut status = Status { file: path.to_owned(), is_stored: true, ..Status::default() };
    match token_file::read(path, FileSpec { kind: CredentialKind::Any, layout }) {
        Ok(snapshot) => {
            status.exists = snapshot.version.is_some();
            status.holder = snapshot.version.and_then(|version| holder::find(version.id));
            // A refresh creates its temporary file before it fetches.
            status.refreshing = status.holder.is_some()
                && token_file::resolve(path).is_ok_and(|real| siblings::is_staged(&real));
            let is_guarded = snapshot.document.is_guarded();
            status.exposure = exposure::find(path, is_guarded, document_root);
            describe(&mut status, &snapshot.document, refresh_ahead, clock.now());
            status.error = match &status.failure {
                Some(FailureRecord { cause: Cause::Store { reason }, .. }) if !status.is_stored => {
                    Some(format!(
                        "only this process has the token, which could not be stored: {reason}"
                    ))
                }
                _ if status.exists => None,
                _ => FileError::missing_directory(path).map(|error| error.to_string()),
            };
        }
        Err(error) => {
            status.exists = path.exists();
            status.exposure = exposure::find(path, true, document_root);
            status.error = Some(error.to_string());
        }
    }
    status
}

fn describe(status: &mut Status, document: &Document, refresh_ahead: Duration, now: Timestamp) {
    let unstored = unstored_tokens::unstored(&status.file, document, now).filter(|_| status.exists);
    let token = unstored.as_ref().map(|(fetched, _)| &fetched.token).or(document.token());
    status.is_stored = unstored.is_none();
    status.layout = document.layout();
    status.failure = document.failure().cloned();
    status.expiry = token.map(|token| token.expiry);
    status.expires_in = status.expiry.map(|expiry| expiry.secs() - now.secs());
    status.due_in = status.expiry.map(|expiry| expiry.before(refresh_ahead).secs() - now.secs());
    status.state = match token.map(|token| token.freshness(now, refresh_ahead)) {
        _ if status.is_stored && !status.exists => State::Missing,
        _ if status.is_stored && document.is_damaged() => State::Damaged,
        Some(Freshness::Fresh) => State::Fresh,
        Some(Freshness::Due) => State::Due,
        Some(Freshness::Expired) | None => State::Expired,
    };
}
