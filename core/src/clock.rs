//! The clocks, which tests can replace, and moments as Unix time, as token files have them.
//!
//! A wall clock may be set at any time, and differs from that of a file system on another machine. So the
//! monotonic clock measures durations, and processes compare moments by the file system's clock.

use std::ops::{Add, Sub};
use std::time::Duration;

use libc::clockid_t;
use serde::{Deserialize, Serialize};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Never.
    pub const MAX: Self = Self(i64::MAX);

    pub const fn from_secs(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment that a file or a clock gives in seconds and nanoseconds.
    pub(crate) const fn from_parts((seconds, nanos): (i64, i64)) -> Self {
        Self(seconds.saturating_mul(1000).saturating_add(nanos / 1_000_000))
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub const fn millis(self) -> i64 {
        self.0
    }

    /// How long from `earlier` to this moment; zero if it comes later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Whether it is less than `span` before `now`.
    pub(crate) fn is_within(self, span: Duration, now: Self) -> bool {
        self <= now && now.0.saturating_sub(self.0) < millis(span)
    }

    pub(crate) fn before(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(millis(span)))
    }

    pub(crate) const fn next_minute(self) -> Self {
        const MINUTE: i64 = 60_000;
        Self((self.0.div_euclid(MINUTE) + 1).saturating_mul(MINUTE))
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(millis(span)))
    }
}

/// Whole milliseconds: without the division of 128 bits in [`Duration::as_millis`], which each call would pay for.
pub(crate) fn millis(span: Duration) -> i64 {
    let millis = span.as_secs().saturating_mul(1000).saturating_add(span.subsec_millis().into());
    i64::try_from(millis).unwrap_or(i64::MAX)
}

/// How far a file system's clock is ahead of the process's wall clock: milliseconds, negative if it is
/// behind. A moment of the process's clock plus this is the same moment of the file system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// A smaller difference counts as none: a file system may keep whole seconds, or every second one.
    const LEAST: i64 = 3000;

    /// The offset of a file system that has just dated something `stamp`, when it was `now` here.
    pub(crate) const fn between(now: Timestamp, stamp: Timestamp) -> Self {
        let millis = stamp.0.saturating_sub(now.0);
        if millis.saturating_abs() < Self::LEAST { Self(0) } else { Self(millis) }
    }
}

impl Add<ClockOffset> for Timestamp {
    type Output = Self;

    fn add(self, offset: ClockOffset) -> Self {
        Self(self.0.saturating_add(offset.0))
    }
}

impl Sub<ClockOffset> for Timestamp {
    type Output = Self;

    fn sub(self, offset: ClockOffset) -> Self {
        Self(self.0.saturating_sub(offset.0))
    }
}

pub trait Clock: Send + Sync {
    fn now(&self) -> Timestamp;

    /// The time since some fixed moment, whatever the wall clock is set to.
    fn monotonic(&self) -> Duration;

    /// How far the clock of a file system is ahead that has just dated something `stamp`.
    fn offset_to(&self, stamp: Timestamp) -> ClockOffset {
        ClockOffset::between(self.now(), stamp)
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_parts(read(libc::CLOCK_REALTIME))
    }

    fn monotonic(&self) -> Duration {
        // A token grows older while the machine is suspended.
        let (seconds, nanos) = read(libc::CLOCK_BOOTTIME);
        Duration::new(seconds.try_into().unwrap_or(0), nanos.try_into().unwrap_or(0))
    }
}

/// The system's wall clock as of its last tick: late, and several times quicker to read.
pub struct CoarseClock;

impl CoarseClock {
    /// How late it is at most: a tick at CONFIG_HZ=100 (clock_gettime(2), time(7)).
    pub const LATE: Duration = Duration::from_millis(10);

    pub(crate) fn now() -> Timestamp {
        Timestamp::from_parts(read(libc::CLOCK_REALTIME_COARSE))
    }
}

/// Seconds and nanoseconds, through the C library: valgrind(1) and preloaded clocks intercept that.
fn read(clock: clockid_t) -> (i64, i64) {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: clock_gettime(2) writes one timespec; for the clocks above it does not fail.
    unsafe { libc::clock_gettime(clock, &raw mut now) };
    (now.tv_sec, now.tv_nsec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_minute_begins_on_a_whole_minute_and_lies_ahead() {
        assert_eq!(Timestamp::from_secs(59).next_minute(), Timestamp::from_secs(60));
        assert_eq!(Timestamp::from_secs(60).next_minute(), Timestamp::from_secs(120));
    }

    #[test]
    fn moments_saturate_instead_of_overflowing() {
        assert_eq!(Timestamp::from_secs(i64::MAX) + Duration::MAX, Timestamp(i64::MAX));
        assert_eq!(Timestamp::from_secs(1).since(Timestamp::from_secs(2)), Duration::ZERO);
    }

    #[test]
    fn clocks_differ_by_three_seconds_or_not_at_all() {
        let now = Timestamp::from_secs(1000);
        let stamped = |millis: i64| {
            now + ClockOffset::between(now, Timestamp::from_millis(1_000_000 + millis))
        };
        assert_eq!([2999, -2999].map(stamped), [now, now]);
        assert_eq!(stamped(3000), Timestamp::from_millis(1_003_000));
        assert_eq!(stamped(-3000), Timestamp::from_millis(997_000));
        assert_eq!(stamped(-3000) - ClockOffset(-3000), now);
    }

    #[test]
    fn the_monotonic_clock_goes_on() {
        let before = SystemClock.monotonic();
        assert!(before > Duration::ZERO && SystemClock.monotonic() >= before);
    }
}
