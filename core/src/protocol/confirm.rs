//! A fresh token that other machines may have replaced: now and then, one call of this machine asks the shared store.

use std::convert;
use std::time::Duration;

use super::call::{Call, Confirmation, LazySource};
use super::held_locks;
use super::refresh::Outcome;
use super::runner;
use super::under_lock::Goal;
use crate::clock::Timestamp;
use crate::store::Knowledge;
use crate::token::Token;
use crate::token_file;
use crate::token_file::lock::{Attempt, TokenLock};

/// How soon a call asks again that could not.
const SOON: Duration = Duration::from_secs(1);

/// The token to return in place of the fresh `token`: the same, but where the call has waited for a newer one. And when the
/// next call has to come here.
pub fn confirm(call: &Call, source: &LazySource<'_>, token: Token) -> (Token, Timestamp) {
    match call.confirmation {
        None => (token, Timestamp::MAX),
        Some(confirmation) => {
            let (newer, next) = try_confirm(call, source, confirmation);
            (newer.unwrap_or(token), next)
        }
    }
}

fn try_confirm(
    call: &Call,
    source: &LazySource<'_>,
    confirmation: Confirmation,
) -> (Option<Token>, Timestamp) {
    let now = call.clock.now();
    let later = (None, now + SOON);
    let Ok(real) = token_file::resolve(&call.file) else { return later };
    let before = Knowledge::read(&real);
    let is_recent = |at: &Timestamp| now.since(*at) < confirmation.every;
    if let Some(at) = before.last_asked_at(now).filter(is_recent) {
        return (None, at + confirmation.every);
    }
    if before.is_broken(now) || held_locks::holds(&call.caller, &real) {
        return later;
    }
    let attempt = TokenLock::attempt(&real, call.file_mode, &call.caller);
    let Ok(Attempt::Held(lock)) = attempt else { return later };
    let knowledge = Knowledge::read(&real);
    if knowledge.last_asked_at(now) != before.last_asked_at(now) {
        return later;
    }
    let Ok(Some(remote)) = source.open_comparer() else { return later };
    // First: while the store is asked, nobody else comes as far as this.
    Knowledge { asked_at: Some(now), ..knowledge }.write(&real);
    let next = now + confirmation.every;
    let running = runner::start(call, &remote, Goal::Confirm, None, lock, convert::identity);
    let confirmed_at = before.confirmed_at(now);
    let is_old = confirmed_at.is_none_or(|at| now.since(at) >= confirmation.max_age);
    if confirmation.max_age.is_zero() || !is_old {
        return (None, next);
    }
    let outcome = running.ok().and_then(|running| running.wait_for(confirmation.timeout));
    match outcome {
        Some(Ok(Some(Outcome::Obtained(newer)))) => (Some(newer), next),
        _ => (None, next),
    }
}
