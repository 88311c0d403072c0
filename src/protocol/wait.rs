//! A call without a usable token: it waits for another's refresh, or makes one.

use std::borrow::BorrowMut;
use std::ops::ControlFlow;
use std::sync::Arc;

use super::patience::Patience;
use super::{Call, Opened, critical};
use crate::error::Error;
use crate::failure::FailureRecord;
use crate::refresh::{Outcome, Refresh};
use crate::token::Token;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, Document, Identity, Snapshot};

/// A caller without a usable token, until it has one.
pub struct Wait<'a> {
    call: &'a Call,
    upstream: Opened<'a>,
    rejected: Option<&'a str>,
    /// The failure that stood in the file when the wait began: any other one happened since.
    old_failure: Option<FailureRecord>,
    seen: Option<Identity>,
    /// A token that a refresh of ours could not store, because the file was exchanged.
    in_hand: Option<Token>,
    patience: Patience<'a>,
}

impl<'a> Wait<'a> {
    /// Begins with `first`, in which there was no usable token.
    ///
    /// # Errors
    /// [`Error::Upstream`] if the last failure forbids to ask already.
    pub fn begin(
        call: &'a Call,
        upstream: Opened<'a>,
        first: Snapshot,
        rejected: Option<&'a str>,
    ) -> Result<Self, Error> {
        let now = call.clock.now();
        let old_failure = first.document.failure().cloned();
        let asker = upstream.upstream().asker();
        if let Some(record) = old_failure.as_ref().filter(|record| record.forbids(&asker, now)) {
            return Err(Error::upstream(&call.file, record, now));
        }
        let (seen, patience) = (first.identity, Patience::new(call));
        Ok(Self { call, upstream, rejected, old_failure, seen, in_hand: None, patience })
    }

    /// Waits, or refreshes.
    ///
    /// # Errors
    /// Any [`Error`].
    pub fn until_token(mut self) -> Result<Token, Error> {
        match (self.stored(), self.in_hand) {
            // That it is not stored is no reason to keep it from its caller.
            (Err(_), Some(token)) => Ok(token),
            (token, _) => token,
        }
    }

    /// The token that this call, or another, has stored.
    fn stored(&mut self) -> Result<Token, Error> {
        loop {
            let real = token_file::resolve(&self.call.file)?;
            let within = critical::with(&real, |lock| self.take_over_within(lock));
            let outcome = match within {
                // PHP code goes on holding the lock: if the file is another by now, it stays so.
                Some(outcome) => return outcome.map(Outcome::into_token),
                None => match TokenLock::attempt(&real, self.call.file_mode)? {
                    Attempt::Held(lock) => Some(self.take_over(lock)?),
                    Attempt::Busy | Attempt::Replaced => self.look()?.map(Outcome::Stored),
                },
            };
            match outcome {
                Some(Outcome::Stored(token)) => return Ok(token),
                Some(Outcome::Displaced(token)) => {
                    // Time to store it, once: whoever goes on exchanging the file keeps nobody.
                    match self.in_hand.replace(token) {
                        None => self.patience.renew(),
                        Some(_) => self.patience.pause(&real)?,
                    }
                }
                None => self.patience.pause(&real)?,
            }
        }
    }

    /// What the holder of the lock has left in the file since the last look.
    fn look(&mut self) -> Result<Option<Token>, Error> {
        let now = token_file::identify(&self.call.file)?;
        if now.is_none() || now == self.seen {
            return Ok(None);
        }
        let snapshot = token_file::read(&self.call.file, self.call.expected)?;
        self.seen = snapshot.identity;
        self.answered(&snapshot.document)
    }

    /// The token, or the failure, that another call has brought about while this one waited.
    fn answered(&self, document: &Document) -> Result<Option<Token>, Error> {
        if let Some(token) = self.call.usable(document, self.rejected) {
            return Ok(Some(token));
        }
        let asker = self.upstream.upstream().asker();
        let failed = document
            .failure()
            .filter(|record| Some(*record) != self.old_failure.as_ref() && record.concerns(&asker));
        failed.map_or(Ok(None), |record| {
            Err(Error::upstream(&self.call.file, record, self.call.clock.now()))
        })
    }

    /// Under a lock of its own.
    fn take_over(&mut self, lock: TokenLock) -> Result<Outcome, Error> {
        if matches!(self.upstream, Opened::Remote(_)) {
            // Nobody in this process need wait for a worker in vain.
            lock.hand_to_worker();
        }
        let refresh = match self.prepare(lock)? {
            ControlFlow::Break(outcome) => return Ok(outcome),
            ControlFlow::Continue(refresh) => refresh,
        };
        let clock = &self.call.clock;
        match &self.upstream {
            Opened::Local(upstream) => refresh.run(*upstream, self.rejected, clock.as_ref()),
            // The worker owns the lock from here on: it lives as long as the fetch, not as this call.
            Opened::Remote(remote) => {
                let (upstream, clock) = (Arc::clone(remote), Arc::clone(clock));
                let rejected = self.rejected.map(str::to_owned);
                self.call.on_worker(remote.as_ref(), move || {
                    refresh.run(upstream.as_ref(), rejected.as_deref(), clock.as_ref())
                })?
            }
        }
    }

    /// Under a lock that PHP code holds and goes on holding.
    fn take_over_within(&mut self, lock: &mut TokenLock) -> Result<Outcome, Error> {
        let refresh = match self.prepare(lock)? {
            ControlFlow::Break(outcome) => return Ok(outcome),
            ControlFlow::Continue(refresh) => refresh,
        };
        let clock = &self.call.clock;
        match &self.upstream {
            Opened::Local(upstream) => refresh.run(*upstream, self.rejected, clock.as_ref()),
            Opened::Remote(remote) => {
                let upstream = Arc::clone(remote);
                let rejected = self.rejected.map(str::to_owned);
                let asked_at = clock.now();
                let answer = self
                    .call
                    .on_worker(remote.as_ref(), move || upstream.fetch(rejected.as_deref()))?;
                refresh.settle(answer, self.rejected, asked_at, &remote.asker(), clock.now())
            }
        }
    }

    /// What others did last counts first, then a token in hand, and only then the upstream.
    fn prepare<L: BorrowMut<TokenLock>>(
        &mut self,
        lock: L,
    ) -> Result<ControlFlow<Outcome, Refresh<L>>, Error> {
        let document = lock.borrow().read(self.call.expected)?.document;
        if let Some(token) = self.answered(&document)? {
            return Ok(ControlFlow::Break(Outcome::Stored(token)));
        }
        let refresh = self.call.prepare(lock, document)?;
        match self.in_hand.clone() {
            Some(token) => refresh.store(token, self.call.clock.now()).map(ControlFlow::Break),
            None => Ok(ControlFlow::Continue(refresh)),
        }
    }
}
