//! What a call finds when it looks up a token: the content of the file, and a token that this process
//! could not store there. A file belongs to one account, and this is where that is checked.

use super::call::Call;
use crate::clock::Timestamp;
use crate::error::{ConfigError, Error};
use crate::failure::FailureRecord;
use crate::memory;
use crate::printable::{printable, printable_path};
use crate::record::TokenOwner;
use crate::token::{Freshness, Token};
use crate::token_file::{self, Document, Snapshot};
use crate::unstored_tokens::{self, Fetched};

pub struct Lookup {
    pub snapshot: Snapshot,
    pub unstored: Option<Fetched>,
    /// Whether another process has a newer token still: `unstored` must not be stored any more.
    pub is_superseded: bool,
}

impl Lookup {
    pub fn token(&self) -> Option<&Token> {
        let unstored = self.unstored.as_ref().map(|fetched| &fetched.token);
        unstored.or(self.document().token())
    }

    pub const fn document(&self) -> &Document {
        &self.snapshot.document
    }

    pub const fn failure(&self) -> Option<&FailureRecord> {
        self.document().failure()
    }
}

impl Call {
    pub(super) fn usable(&self, found: &Lookup, rejected: Option<&str>) -> Option<Token> {
        let token = found.token().filter(|token| token.is_valid(self.clock.now()))?;
        (rejected != Some(&*token.value)).then(|| token.clone())
    }

    /// Whether `token` is fresh and stored: then there is nothing to refresh.
    pub(super) fn is_fresh(&self, token: &Token, found: &Lookup) -> bool {
        let freshness = token.freshness(self.clock.now(), self.refresh_ahead);
        found.unstored.is_none() && freshness == Freshness::Fresh
    }

    /// Remembers the file until it changes, or until `confirm_at`.
    pub(super) fn remember(&self, found: &Lookup, confirm_at: Timestamp) {
        memory::remember(&self.file, self.spec, &found.snapshot, self.clock.now(), confirm_at);
    }

    /// Reads the file without a lock. The token must belong to the account that this call names.
    pub(super) fn look_up(&self) -> Result<Lookup, Error> {
        self.look_up_in(token_file::read(&self.file, self.spec)?)
    }

    pub(super) fn look_up_in(&self, snapshot: Snapshot) -> Result<Lookup, Error> {
        // Who has moved the file away does not want its token any more.
        let unstored = snapshot.version.and_then(|_| {
            unstored_tokens::unstored(&self.file, &snapshot.document, self.clock.now())
        });
        let (unstored, is_superseded) = unstored.unzip();
        let is_superseded = is_superseded.unwrap_or(false);
        let lookup = Lookup { snapshot, unstored, is_superseded };
        self.check_owner(&lookup, self.owner.as_ref())?;
        Ok(lookup)
    }

    /// Another account would get a token that is not its own, and then replace it with its own.
    pub(super) fn check_owner(
        &self,
        lookup: &Lookup,
        caller: Option<&TokenOwner>,
    ) -> Result<(), Error> {
        let owner = match &lookup.unstored {
            Some(fetched) => fetched.record.owner.clone(),
            None => lookup.document().record().and_then(|record| record.owner),
        };
        let pair = owner.zip(caller).filter(|(owner, caller)| owner.is_not(caller));
        let Some((owner, caller)) = pair else { return Ok(()) };
        let name = |account: &str| printable(account).at_most(64).to_string();
        let (file, caller_name) = (printable_path(&self.file), name(&caller.account));
        let problem = if owner.account == caller.account {
            format!(
                "cannot use {file}: it contains the token of another application of {caller_name}, or of this application before its secret was reset. Use one file for each application; after a reset, move the file away"
            )
        } else {
            format!(
                "cannot use {file}: it contains the token of {}, and this call is for {caller_name}. Use one file for each account; to give this file to {caller_name}, move the old one away",
                name(&owner.account)
            )
        };
        Err(Error::Config(ConfigError(problem)))
    }
}
