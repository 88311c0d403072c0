//! All that changes while the emulator runs, behind one lock.

use std::sync::{Arc, Mutex, PoisonError};

use crate::account::Account;
use crate::clock::{Clock, Moment};
use crate::endpoint::Endpoint;
use crate::options::Options;
use crate::script::Script;
use crate::stats::Stats;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) options: Options,
    pub(crate) account: Account,
    pub(crate) script: Script,
    /// All but `tokens_alive`, which [`World::stats`] adds.
    pub(crate) counters: Stats,
}

impl World {
    pub(crate) fn new(options: Options) -> Self {
        Self {
            options,
            account: Account::new(),
            script: Script::default(),
            counters: Stats::default(),
        }
    }

    pub(crate) fn stats(&self, now: Moment) -> Stats {
        Stats {
            tokens_alive: u64::try_from(self.account.alive(now)).unwrap_or(u64::MAX),
            ..self.counters
        }
    }

    /// Zeroes the counters; fetches under way stay in flight.
    pub(crate) fn reset(&mut self) {
        let in_flight = self.counters.in_flight;
        self.counters = Stats { in_flight, max_in_flight: in_flight, ..Stats::default() };
    }

    /// Forgets tokens and quotas as well; options and script stay.
    pub(crate) fn forget(&mut self) {
        self.account = Account::new();
        self.reset();
    }
}

/// The world as connections and the handle share it.
#[derive(Debug)]
pub(crate) struct Shared {
    clock: Clock,
    world: Mutex<World>,
}

impl Shared {
    pub(crate) fn new(options: Options) -> Self {
        Self { clock: Clock::start(), world: Mutex::new(World::new(options)) }
    }

    /// Runs `act` alone with the world. The clock is read under the lock, so it never goes back
    /// from one caller to the next.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut World, Moment) -> R) -> R {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        act(&mut world, now)
    }
}

/// A fetch between its arrival and its answer.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Shared>);

impl InFlight {
    /// Counts a fetch that has just arrived.
    pub(crate) fn arrive(shared: &Arc<Shared>, endpoint: Endpoint) -> Self {
        shared.with(|world, _| {
            let counters = &mut world.counters;
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
            .with(|world, _| world.counters.in_flight = world.counters.in_flight.saturating_sub(1));
    }
}
