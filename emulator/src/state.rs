//! All that changes while the emulator runs, behind one lock.

use std::sync::{Arc, Mutex, PoisonError};

use crate::account::Account;
use crate::clock::{Clock, Moment};
use crate::endpoint::Endpoint;
use crate::options::Options;
use crate::script::Script;
use crate::stats::Stats;

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) account: Account,
    pub(crate) script: Script,
    /// All but `tokens_alive`, which [`State::stats`] adds.
    pub(crate) counters: Stats,
}

impl State {
    pub(crate) fn stats(&self, now: Moment) -> Stats {
        Stats {
            tokens_alive: u64::try_from(self.account.count_valid(now)).unwrap_or(u64::MAX),
            ..self.counters
        }
    }

    /// Sets the counters to zero, but for the fetches in flight.
    pub(crate) fn reset(&mut self) {
        let in_flight = self.counters.in_flight;
        self.counters = Stats { in_flight, max_in_flight: in_flight, ..Stats::default() };
    }

    /// Forgets tokens and quotas, too. Options and script stay.
    pub(crate) fn forget(&mut self) {
        self.account = Account::default();
        self.reset();
    }
}

/// The state, shared by connections and the handle.
#[derive(Debug)]
pub(crate) struct SharedState {
    clock: Clock,
    state: Mutex<State>,
}

impl SharedState {
    pub(crate) fn new(options: Options) -> Self {
        Self { clock: Clock::start(), state: Mutex::new(State { options, ..State::default() }) }
    }

    /// Runs `act` under the lock. The clock is read there, too, so that it never goes back from one
    /// caller to the next.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut State, Moment) -> R) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        act(&mut state, now)
    }
}

/// A fetch between its arrival and its answer.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<SharedState>);

impl InFlight {
    /// Counts a fetch at its arrival.
    pub(crate) fn arrive(shared: &Arc<SharedState>, endpoint: Endpoint) -> Self {
        shared.with(|state, _| {
            let counters = &mut state.counters;
            counters.fetches.count(endpoint);
            counters.in_flight += 1;
            counters.max_in_flight = counters.max_in_flight.max(counters.in_flight);
        });
        Self(Arc::clone(shared))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0
            .with(|state, _| state.counters.in_flight = state.counters.in_flight.saturating_sub(1));
    }
}
