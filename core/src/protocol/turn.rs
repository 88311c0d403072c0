//! What a call does when it has the lock: it looks once more, then asks and stores.

use std::borrow::BorrowMut;
use std::sync::Arc;
use std::time::Duration;

use super::file_state::FileState;
use super::{Call, Remote, interrupted};
use crate::error::Error;
use crate::failure::{FailureRecord, Requester};
use crate::refresh::{Outcome, Refresh};
use crate::token::{Freshness, Token};
use crate::token_file::lock::TokenLock;
use crate::token_source::{FetchError, IssuedToken, TokenSource};
use crate::unstored_tokens::Fetched;

/// What a call wants of the file.
#[derive(Clone)]
pub enum Aim {
    /// To renew a valid token that is due, unless another has done so or it is too soon.
    Renew,
    /// To have a token.
    Obtain(Box<Wanted>),
}

/// What a call without a usable token looks for.
#[derive(Clone)]
pub struct Wanted {
    /// Any token but this one.
    pub rejected: Option<Arc<str>>,
    /// The failure that stood in the file when the call began: any other one happened since.
    pub old_failure: Option<FailureRecord>,
    /// A token that a refresh of this call could not store, because the file was exchanged.
    pub in_hand: Option<Fetched>,
}

impl Wanted {
    /// The token, or the failure, that another call has brought about since this one began.
    ///
    /// # Errors
    /// [`Error::FetchFailed`] if the refresh of another call failed.
    pub fn answered(
        &self,
        call: &Call,
        requester: &Requester,
        found: &FileState,
    ) -> Result<Option<Token>, Error> {
        if let Some(token) = call.usable(found, self.rejected.as_deref()) {
            return Ok(Some(token));
        }
        let failed = found.failure().filter(|record| {
            Some(*record) != self.old_failure.as_ref() && record.concerns(requester)
        });
        let Some(record) = failed else { return Ok(None) };
        // It failed a moment ago, whatever the clock of the file system says.
        let record = record.in_own_clock(call.clock.offset_to(record.failed_at));
        Err(Error::fetch_failed(&call.file, &record, requester, call.clock.now()))
    }
}

/// Takes a turn under `lock`: what others did last counts first, then a token in hand, and only then
/// `source`. `None` if there is nothing to do. An owned lock goes with the return.
///
/// # Errors
/// Any [`Error`].
pub fn take<L: BorrowMut<TokenLock>>(
    call: &Call,
    aim: &Aim,
    mut lock: L,
    source: &dyn TokenSource,
) -> Result<Option<Outcome>, Error> {
    let requester = source.requester();
    let mut found = call.find(lock.borrow().read(call.spec)?)?;
    call.check_owner(&found, requester.owner.as_ref())?;
    if interrupted::tell(call, lock.borrow_mut(), found.document(), source)? {
        found = call.find(lock.borrow().read(call.spec)?)?;
    }
    let mut rejected = None;
    let in_hand = match aim {
        Aim::Renew => {
            let freshness =
                found.token().map(|token| token.freshness(call.clock.now(), call.refresh_ahead));
            let is_fresh = freshness == Some(Freshness::Fresh);
            if is_fresh && found.unstored.is_none() {
                return Ok(found.token().cloned().map(Outcome::Stored));
            }
            let now = call.clock.now();
            if call.is_too_soon(&found, &requester)
                || interrupted::is_recent(lock.borrow().path(), now)
            {
                return Ok(None);
            }
            found.unstored.clone().filter(|_| is_fresh && !found.is_superseded)
        }
        Aim::Obtain(wanted) => {
            if let Some(token) = wanted.answered(call, &requester, &found)? {
                return Ok(Some(Outcome::Stored(token)));
            }
            rejected = wanted.rejected.as_deref();
            wanted.in_hand.clone()
        }
    };
    let refresh = Refresh::prepare(lock, found.snapshot.document, call.options())?;
    match in_hand {
        Some(fetched) => Ok(Some(refresh.store(fetched, source, call.clock.as_ref()))),
        None => refresh.run(source, rejected, call.clock.as_ref()).map(Some),
    }
}

/// An upstream that is asked on a worker while the lock stays with this thread, where PHP code holds it.
pub struct AskedOnWorker<'a> {
    /// The call that waits.
    pub call: &'a Call,
    /// The upstream itself.
    pub remote: &'a Remote,
}

impl TokenSource for AskedOnWorker<'_> {
    fn fetch(&self, rejected: Option<&str>) -> Result<IssuedToken, FetchError> {
        let remote = Arc::clone(self.remote);
        let rejected = rejected.map(str::to_owned);
        let answer =
            self.call.on_worker(self.remote.as_ref(), move || remote.fetch(rejected.as_deref()));
        answer.unwrap_or_else(|error| Err(FetchError::NotAttempted(error)))
    }

    fn requester(&self) -> Requester {
        self.remote.requester()
    }

    fn time_limit(&self) -> Duration {
        self.remote.time_limit()
    }

    fn overlap(&self) -> Option<Duration> {
        self.remote.overlap()
    }
}
