//! What a call finds: what the file holds, and what this process knows of it besides.

use super::Call;
use crate::error::{ConfigError, Error};
use crate::failure::FailureRecord;
use crate::printable::{printable, printable_path};
use crate::record::TokenOwner;
use crate::token::Token;
use crate::token_file::{self, Document, Snapshot};
use crate::unstored_tokens::{self, Fetched};

/// A look at a token file.
pub struct FileState {
    /// What the file held when it was read.
    pub snapshot: Snapshot,
    /// A newer token, which could not be stored.
    pub unstored: Option<Fetched>,
    /// Whether another process has one that is newer still: this one is not to be stored any more.
    pub is_superseded: bool,
}

impl FileState {
    /// The newest token, dead or alive.
    pub fn token(&self) -> Option<&Token> {
        let unstored = self.unstored.as_ref().map(|fetched| &fetched.token);
        unstored.or(self.document().token())
    }

    /// What the file holds.
    pub const fn document(&self) -> &Document {
        &self.snapshot.document
    }

    /// What the last failed refresh left.
    pub const fn failure(&self) -> Option<&FailureRecord> {
        self.document().failure()
    }

    /// Whose the token is, if that is known.
    fn owner(&self) -> Option<TokenOwner> {
        match &self.unstored {
            Some(fetched) => fetched.record.owner.clone(),
            None => self.document().record()?.owner,
        }
    }
}

impl Call {
    /// Looks at the file without a lock.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::Config`] if its token is another account's than this call names.
    pub(super) fn look(&self) -> Result<FileState, Error> {
        self.find(token_file::read(&self.file, self.spec)?)
    }

    /// The same for what was read already.
    ///
    /// # Errors
    /// [`Error::Config`].
    pub(super) fn find(&self, snapshot: Snapshot) -> Result<FileState, Error> {
        let now = self.clock.now();
        // Whoever has moved the file away wants nothing of it any more.
        let is_there = snapshot.identity.is_some();
        let unstored =
            is_there.then(|| unstored_tokens::unstored(&self.file, &snapshot.document, now));
        let (unstored, is_superseded) = unstored.flatten().unzip();
        let is_superseded = is_superseded.unwrap_or(false);
        let file_state = FileState { snapshot, unstored, is_superseded };
        self.check_owner(&file_state, self.owner.as_ref())?;
        Ok(file_state)
    }

    /// One file is one account's: another one would be given a token that is not its own, and put its own
    /// in the place of that.
    ///
    /// # Errors
    /// [`Error::Config`] if the token that was found is known to be another's than `asking`'s.
    pub(super) fn check_owner(
        &self,
        file_state: &FileState,
        asking: Option<&TokenOwner>,
    ) -> Result<(), Error> {
        let Some(asking) = asking else { return Ok(()) };
        let Some(owner) = file_state.owner().filter(|owner| owner.is_not(asking)) else {
            return Ok(());
        };
        let name = |account: &str| printable(account).at_most(64).to_string();
        let file = printable_path(&self.file);
        let problem = if owner.account == asking.account {
            format!(
                "{file} keeps the token of another application of {}, or of this one before its secret was reset. Pass a path of its own for each application; after a reset, move the file away",
                name(&asking.account)
            )
        } else {
            format!(
                "{file} keeps the token of {}, and this call is for {}. Pass a path of its own for each account; to hand this one over, move the file away",
                name(&owner.account),
                name(&asking.account)
            )
        };
        Err(Error::Config(ConfigError(problem)))
    }
}
