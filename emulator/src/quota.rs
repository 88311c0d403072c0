//! How many calls an account may make in a day and in a minute.
//!
//! WeChat publishes the limits (doc/service/Message_Management/API_Call_Limits.html below
//! developers.weixin.qq.com), but not the hour at which a day begins. Here days and minutes begin with
//! the emulator.

use std::time::Duration;

use crate::clock::Moment;
use crate::errcode::Errcode;

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * 60;

/// Calls in the present day and minute.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    day: Window<DAY>,
    minute: Window<MINUTE>,
}

/// Calls allowed in a day and in a minute; `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) day: u64,
    pub(crate) minute: Option<u64>,
    /// The errcode of a call above the limit per minute.
    pub(crate) minute_errcode: Errcode,
}

impl Quota {
    /// Counts one call, unless a limit is reached: a rejected call does not count.
    pub(crate) fn count_call(&mut self, limits: Limits, now: Moment) -> Result<(), Errcode> {
        if !self.day.has_room(limits.day, now) {
            return Err(Errcode::DAILY_QUOTA_REACHED);
        }
        if !self.minute.has_room(limits.minute.unwrap_or(u64::MAX), now) {
            return Err(limits.minute_errcode);
        }
        self.day.calls += 1;
        self.minute.calls += 1;
        Ok(())
    }
}

/// Forced refreshes in the present day, and the moment of the last one.
#[derive(Debug, Default)]
pub(crate) struct ForceQuota {
    day: Window<DAY>,
    last: Option<Moment>,
}

impl ForceQuota {
    /// Whether a forced refresh may happen at `now`. Counts it if so.
    pub(crate) fn allows(&mut self, daily: u64, interval: Duration, now: Moment) -> bool {
        let allowed = self.last.is_none_or(|last| now.saturating_sub(last) >= interval)
            && self.day.has_room(daily, now);
        if allowed {
            self.day.calls += 1;
            self.last = Some(now);
        }
        allowed
    }
}

/// Calls in the present one of the windows of `SECONDS` that follow each other.
#[derive(Debug, Default)]
struct Window<const SECONDS: u64> {
    number: u64,
    calls: u64,
}

impl<const SECONDS: u64> Window<SECONDS> {
    fn has_room(&mut self, limit: u64, now: Moment) -> bool {
        let number = now.as_secs() / SECONDS;
        if number != self.number {
            *self = Self { number, calls: 0 };
        }
        self.calls < limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_QUOTA_REACHED: Errcode = Errcode(45011);

    const LIMITS: Limits = Limits { day: 3, minute: Some(2), minute_errcode: MINUTE_QUOTA_REACHED };

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_minute_quota_returns_with_the_next_minute() {
        let mut quota = Quota::default();
        assert_eq!(quota.count_call(LIMITS, at(0)), Ok(()));
        assert_eq!(quota.count_call(LIMITS, at(59)), Ok(()));
        assert_eq!(quota.count_call(LIMITS, at(59)), Err(MINUTE_QUOTA_REACHED));
        assert_eq!(quota.count_call(LIMITS, at(60)), Ok(()));
    }

    #[test]
    fn a_minute_quota_that_looks_like_the_days_returns_with_the_next_minute() {
        let limits = Limits { minute_errcode: Errcode::DAILY_QUOTA_REACHED, ..LIMITS };
        let mut quota = Quota::default();
        assert_eq!(quota.count_call(limits, at(0)), Ok(()));
        assert_eq!(quota.count_call(limits, at(1)), Ok(()));
        assert_eq!(quota.count_call(limits, at(2)), Err(Errcode::DAILY_QUOTA_REACHED));
        assert_eq!(quota.count_call(limits, at(60)), Ok(()));
    }

    #[test]
    fn the_daily_quota_returns_with_the_next_day() {
        let mut quota = Quota::default();
        for minute in 0..3 {
            assert_eq!(quota.count_call(LIMITS, at(60 * minute)), Ok(()));
        }
        assert_eq!(quota.count_call(LIMITS, at(86_399)), Err(Errcode::DAILY_QUOTA_REACHED));
        assert_eq!(quota.count_call(LIMITS, at(86_400)), Ok(()));
    }

    #[test]
    fn forced_refreshes_keep_their_distance_and_their_daily_number() {
        let mut quota = ForceQuota::default();
        let mut allows = |seconds| quota.allows(2, at(30), at(seconds));
        assert!(allows(0));
        assert!(!allows(29));
        assert!(allows(30));
        assert!(!allows(60));
        assert!(allows(86_400));
    }
}
