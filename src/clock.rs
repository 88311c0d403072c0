//! The wall clock, as a value and as something that can be replaced in tests.
//!
//! Token files speak of moments as Unix time, so every moment in the core is an [`Epoch`].

use std::ops::Add;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(i64);

impl Epoch {
    /// The moment `seconds` after 1970.
    #[must_use]
    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// The moment `millis` milliseconds after 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long from `earlier` to this moment; zero if it lies behind.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The moment `span` before this one.
    #[must_use]
    pub fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    /// The first moment of the next minute.
    #[must_use]
    pub const fn next_minute(self) -> Self {
        const MINUTE: i64 = 60_000;
        Self((self.0.div_euclid(MINUTE) + 1).saturating_mul(MINUTE))
    }
}

impl Add<Duration> for Epoch {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

/// Where the protocol gets the time from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Epoch;
}

/// The system's wall clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Epoch {
        read(ClockId::Realtime)
    }
}

/// The system's wall clock as of its last tick: late, and several times quicker to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct CoarseClock;

impl CoarseClock {
    /// How late it is at most: a tick at CONFIG_HZ=100 (clock_gettime(2), time(7)).
    pub const LATE: Duration = Duration::from_millis(10);
}

impl Clock for CoarseClock {
    fn now(&self) -> Epoch {
        #[cfg(target_os = "linux")]
        return read(ClockId::RealtimeCoarse);
        #[cfg(not(target_os = "linux"))]
        SystemClock.now()
    }
}

fn read(clock: ClockId) -> Epoch {
    let now = clock_gettime(clock);
    Epoch(now.tv_sec.saturating_mul(1000).saturating_add(now.tv_nsec / 1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_minute_begins_on_a_whole_minute_and_lies_ahead() {
        assert_eq!(Epoch::from_secs(59).next_minute(), Epoch::from_secs(60));
        assert_eq!(Epoch::from_secs(60).next_minute(), Epoch::from_secs(120));
    }

    #[test]
    fn moments_saturate_instead_of_overflowing() {
        assert_eq!(Epoch::from_secs(i64::MAX) + Duration::MAX, Epoch(i64::MAX));
        assert_eq!(Epoch::from_secs(1).since(Epoch::from_secs(2)), Duration::ZERO);
    }
}
