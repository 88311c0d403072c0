//! A call without a usable token: it waits for another's refresh, or makes one.

use std::sync::Arc;

use super::patience::Patience;
use super::{Call, Opened, critical};
use crate::error::Error;
use crate::failure::FailureRecord;
use crate::refresh::Outcome;
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
        let account = upstream.upstream().account();
        if let Some(record) = old_failure.as_ref().filter(|record| record.forbids(&account, now)) {
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
        loop {
            let real = token_file::resolve(&self.call.file)?;
            let within = critical::with(&real, |lock| self.take_over_within(lock));
            let outcome = match within {
                Some(result) => Some(result?),
                None => match TokenLock::attempt(&real, self.call.file_mode)? {
                    Attempt::Held(lock) => Some(self.take_over(lock)?),
                    Attempt::Busy | Attempt::Replaced => self.look()?.map(Outcome::Stored),
                },
            };
            match outcome {
                Some(Outcome::Stored(token)) => return Ok(token),
                Some(Outcome::Displaced(token)) => {
                    self.in_hand = Some(token);
                    self.patience.renew();
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
        let account = self.upstream.upstream().account();
        let failed = document.failure().filter(|record| {
            Some(*record) != self.old_failure.as_ref() && record.concerns(&account)
        });
        failed.map_or(Ok(None), |record| {
            Err(Error::upstream(&self.call.file, record, self.call.clock.now()))
        })
    }

    /// Under the lock: what others did last counts first, then a token in hand, then the upstream.
    fn take_over(&mut self, lock: TokenLock) -> Result<Outcome, Error> {
        let document = lock.read(self.call.expected)?.document;
        if let Some(token) = self.answered(&document)? {
            return Ok(Outcome::Stored(token));
        }
        if matches!(self.upstream, Opened::Remote(_)) {
            // Nobody in this process need wait for a worker in vain.
            lock.hand_to_worker();
        }
        let refresh = self.call.prepare(lock, document)?;
        if let Some(token) = self.in_hand.take() {
            return refresh.store(token, self.call.clock.now());
        }
        match &self.upstream {
            Opened::Local(upstream) => {
                refresh.run(*upstream, self.rejected, self.call.clock.as_ref())
            }
            // The worker owns the lock from here on: it lives as long as the fetch, not as this call.
            Opened::Remote(remote) => {
                let (upstream, clock) = (Arc::clone(remote), Arc::clone(&self.call.clock));
                let rejected = self.rejected.map(str::to_owned);
                self.call.on_worker(remote.as_ref(), move || {
                    refresh.run(upstream.as_ref(), rejected.as_deref(), clock.as_ref())
                })?
            }
        }
    }

    /// The same under a lock that PHP code holds and goes on holding.
    fn take_over_within(&mut self, lock: &mut TokenLock) -> Result<Outcome, Error> {
        let document = lock.read(self.call.expected)?.document;
        if let Some(token) = self.answered(&document)? {
            return Ok(Outcome::Stored(token));
        }
        let refresh = self.call.prepare(lock, document)?;
        let clock = &self.call.clock;
        if let Some(token) = self.in_hand.take() {
            return refresh.store(token, clock.now());
        }
        match &self.upstream {
            Opened::Local(upstream) => refresh.run(*upstream, self.rejected, clock.as_ref()),
            Opened::Remote(remote) => {
                let upstream = Arc::clone(remote);
                let rejected = self.rejected.map(str::to_owned);
                let asked_at = clock.now();
                let answer = self
                    .call
                    .on_worker(remote.as_ref(), move || upstream.fetch(rejected.as_deref()))?;
                refresh.settle(answer, self.rejected, asked_at, &remote.account(), clock.now())
            }
        }
    }
}
