//! What can be said of a token file without locking it and without asking anybody.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};
use crate::failure::{Cause, FailureRecord};
use crate::token::Freshness;
use crate::token_file::holder::{self, Holder};
use crate::token_file::{self, CredentialKind, Document, FileError, FileSpec, siblings};
use crate::unstored_tokens;

/// What state a token file is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Its token is valid.
    Fresh,
    /// Its token is valid, and close enough to its expiry to be refreshed.
    Due,
    /// Its token is no longer valid, or it has none.
    Expired,
    /// It is torn: half written, or all NUL bytes.
    Damaged,
    /// There is no file.
    Missing,
    /// It cannot be read, or is not a token file.
    Unusable,
}

impl State {
    /// The state's name for PHP.
    #[must_use]
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

/// A token file as it stands. Neither token nor secret is in here.
#[derive(Debug)]
pub struct Status {
    /// The file that was asked about.
    pub file: PathBuf,
    /// Whether there is something at that path.
    pub exists: bool,
    /// Its state.
    pub state: State,
    /// Whether the token that this process hands out is in the file.
    pub is_stored: bool,
    /// How it spells token and expiry.
    pub layout: Option<String>,
    /// When its token expires or expired.
    pub expiry: Option<Timestamp>,
    /// Whole seconds until then, negative afterwards.
    pub expires_in: Option<i64>,
    /// Whole seconds until it is due, negative afterwards.
    pub due_in: Option<i64>,
    /// The last failed refresh.
    pub failure: Option<FailureRecord>,
    /// Who holds its lock.
    pub holder: Option<Holder>,
    /// Whether a refresh is under way.
    pub refreshing: bool,
    /// Why it is unusable, or cannot be created.
    pub error: Option<String>,
}

/// The status of the file of a token or a ticket at `path`, which is due `refresh_ahead` before its
/// expiry.
#[must_use]
pub fn read(path: &Path, refresh_ahead: Duration, clock: &dyn Clock) -> Status {
    let mut status = Status {
        file: path.to_owned(),
        exists: true,
        state: State::Unusable,
        is_stored: true,
        layout: None,
        expiry: None,
        expires_in: None,
        due_in: None,
        failure: None,
        holder: None,
        refreshing: false,
        error: None,
    };
    match token_file::read(path, FileSpec { kind: CredentialKind::Any, layout: None }) {
        Ok(snapshot) => {
            status.exists = snapshot.identity.is_some();
            status.holder = snapshot.identity.and_then(|identity| holder::find(identity.id));
            status.refreshing = status.holder.is_some() && is_staged(path);
            describe(&mut status, &snapshot.document, refresh_ahead, clock.now());
            status.error = match &status.failure {
                Some(FailureRecord { cause: Cause::Store { reason }, .. }) if !status.is_stored => {
                    Some(format!(
                        "this process alone has the token, which could not be stored: {reason}"
                    ))
                }
                _ if status.exists => None,
                _ => FileError::missing_directory(path).map(|error| error.to_string()),
            };
        }
        Err(error) => {
            status.exists = path.exists();
            status.error = Some(error.to_string());
        }
    }
    status
}

/// Whoever refreshes makes its replacement first.
fn is_staged(path: &Path) -> bool {
    token_file::resolve(path).is_ok_and(|real| siblings::is_staged(&real))
}

fn describe(status: &mut Status, document: &Document, refresh_ahead: Duration, now: Timestamp) {
    let unstored = unstored_tokens::unstored(&status.file, document, now).filter(|_| status.exists);
    let token = unstored.as_ref().map(|(fetched, _)| &fetched.token).or(document.token());
    status.is_stored = unstored.is_none();
    status.layout = document.layout().map(|layout| layout.name());
    status.failure = document.failure().cloned();
    status.expiry = token.map(|token| token.expiry);
    status.expires_in = status.expiry.map(|expiry| expiry.secs() - now.secs());
    status.due_in = status.expiry.map(|expiry| expiry.before(refresh_ahead).secs() - now.secs());
    status.state = match token {
        _ if status.is_stored && !status.exists => State::Missing,
        _ if status.is_stored && document.is_damaged() => State::Damaged,
        Some(token) => match token.freshness(now, refresh_ahead) {
            Freshness::Fresh => State::Fresh,
            Freshness::Due => State::Due,
            Freshness::Expired => State::Expired,
        },
        None => State::Expired,
    };
}
