//! What a call does when it has the lock: it looks once more, then asks and stores.

use std::borrow::BorrowMut;
use std::sync::Arc;
use std::time::Duration;

use super::{Call, Remote, cut_off};
use crate::error::Error;
use crate::failure::{Asker, FailureRecord};
use crate::refresh::{Outcome, Refresh};
use crate::token::{Age, Token};
use crate::token_file::Document;
use crate::token_file::lock::TokenLock;
use crate::upstream::{Grant, Setback, Upstream};

/// What a call wants of the file.
#[derive(Clone)]
pub enum Aim {
    /// To renew a valid token that is due, unless another has done so or it is too soon.
    Renew,
    /// To have a token.
    Obtain(Wanted),
}

/// What a call without a usable token looks for.
#[derive(Clone)]
pub struct Wanted {
    /// Any token but this one.
    pub rejected: Option<Arc<str>>,
    /// The failure that stood in the file when the call began: any other one happened since.
    pub old_failure: Option<FailureRecord>,
    /// A token that a refresh of this call could not store, because the file was exchanged.
    pub in_hand: Option<Token>,
}

impl Wanted {
    /// The token, or the failure, that another call has brought about since this one began.
    ///
    /// # Errors
    /// [`Error::Upstream`] if the refresh of another call failed.
    pub fn answered(
        &self,
        call: &Call,
        asker: &Asker,
        document: &Document,
    ) -> Result<Option<Token>, Error> {
        if let Some(token) = call.usable(document, self.rejected.as_deref()) {
            return Ok(Some(token));
        }
        let failed = document
            .failure()
            .filter(|record| Some(*record) != self.old_failure.as_ref() && record.concerns(asker));
        failed.map_or(Ok(None), |record| Err(Error::upstream(&call.file, record, call.clock.now())))
    }
}

/// Takes a turn under `lock`: what others did last counts first, then a token in hand, and only then
/// `upstream`. `None` if there is nothing to do. An owned lock goes with the return.
///
/// # Errors
/// Any [`Error`].
pub fn take<L: BorrowMut<TokenLock>>(
    call: &Call,
    aim: &Aim,
    mut lock: L,
    upstream: &dyn Upstream,
) -> Result<Option<Outcome>, Error> {
    cut_off::tell(call, lock.borrow_mut(), upstream)?;
    let document = lock.borrow().read(call.expected)?.document;
    let asker = upstream.asker();
    let mut rejected = None;
    let mut in_hand = None;
    match aim {
        Aim::Renew => {
            let age = document.token().map(|token| token.age(call.clock.now(), call.refresh_ahead));
            if age == Some(Age::Fresh) {
                return Ok(document.token().cloned().map(Outcome::Stored));
            }
            if call.is_too_soon(&document, &asker) {
                return Ok(None);
            }
        }
        Aim::Obtain(wanted) => {
            if let Some(token) = wanted.answered(call, &asker, &document)? {
                return Ok(Some(Outcome::Stored(token)));
            }
            rejected = wanted.rejected.as_deref();
            in_hand.clone_from(&wanted.in_hand);
        }
    }
    let refresh = Refresh::prepare(lock, document, call.manner())?;
    let outcome = match in_hand {
        Some(token) => refresh.store(token, call.clock.now()),
        None => refresh.run(upstream, rejected, call.clock.as_ref()),
    };
    outcome.map(Some)
}

/// An upstream that is asked on a worker while the lock stays with this thread, where PHP code holds it.
pub struct AskedOnWorker<'a> {
    /// The call that waits.
    pub call: &'a Call,
    /// The upstream itself.
    pub remote: &'a Remote,
}

impl Upstream for AskedOnWorker<'_> {
    fn fetch(&self, rejected: Option<&str>) -> Result<Grant, Setback> {
        let remote = Arc::clone(self.remote);
        let rejected = rejected.map(str::to_owned);
        let answer =
            self.call.on_worker(self.remote.as_ref(), move || remote.fetch(rejected.as_deref()));
        answer.unwrap_or_else(|error| Err(Setback::Unasked(error)))
    }

    fn asker(&self) -> Asker {
        self.remote.asker()
    }

    fn time_limit(&self) -> Duration {
        self.remote.time_limit()
    }

    fn invalidates_the_last(&self) -> bool {
        self.remote.invalidates_the_last()
    }
}
