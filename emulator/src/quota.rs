//! How many calls a day and a minute may have.
//!
//! WeChat publishes the limits (doc/service/Message_Management/API_Call_Limits.html below
//! developers.weixin.qq.com) but not the hour at which they return: here days and minutes are
//! counted from the emulator's start.

use std::time::Duration;

use crate::clock::Moment;
use crate::errcode::Errcode;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Calls in the present day and minute.
#[derive(Debug)]
pub(crate) struct Quota {
    day: Window,
    minute: Window,
}

/// Calls allowed in a day and a minute; `None` is no limit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) day: Option<u64>,
    pub(crate) minute: Option<u64>,
    /// What a call beyond the minute's limit gets.
    pub(crate) minute_errcode: Errcode,
}

impl Quota {
    pub(crate) fn new() -> Self {
        Self { day: Window::of(DAY), minute: Window::of(MINUTE) }
    }

    /// Counts one call, unless a limit is reached: a refused call uses nothing up.
    pub(crate) fn take(&mut self, limits: Limits, now: Moment) -> Result<(), Errcode> {
        if !self.day.has_room(limits.day, now) {
            return Err(Errcode::DAILY_QUOTA_REACHED);
        }
        if !self.minute.has_room(limits.minute, now) {
            return Err(limits.minute_errcode);
        }
        self.day.used += 1;
        self.minute.used += 1;
        Ok(())
    }
}

/// Forced refreshes: so many a day, and so far apart.
#[derive(Debug)]
pub(crate) struct ForceQuota {
    day: Window,
    last: Option<Moment>,
}

impl ForceQuota {
    pub(crate) fn new() -> Self {
        Self { day: Window::of(DAY), last: None }
    }

    /// Whether a forced refresh may happen at `now`; counts it if so.
    pub(crate) fn take(&mut self, daily: u64, interval: Duration, now: Moment) -> bool {
        let rested = self.last.is_none_or(|last| now.saturating_sub(last) >= interval);
        let allowed = rested && self.day.has_room(Some(daily), now);
        if allowed {
            self.day.used += 1;
            self.last = Some(now);
        }
        allowed
    }
}

#[derive(Debug)]
struct Window {
    length: Duration,
    index: u128,
    used: u64,
}

impl Window {
    fn of(length: Duration) -> Self {
        Self { length, index: 0, used: 0 }
    }

    fn has_room(&mut self, limit: Option<u64>, now: Moment) -> bool {
        let index = now.as_millis() / self.length.as_millis();
        if index != self.index {
            self.index = index;
            self.used = 0;
        }
        limit.is_none_or(|limit| self.used < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_QUOTA_REACHED: Errcode = Errcode(45011);

    const LIMITS: Limits =
        Limits { day: Some(3), minute: Some(2), minute_errcode: MINUTE_QUOTA_REACHED };

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_minute_quota_returns_with_the_next_minute() {
        let mut quota = Quota::new();
        assert_eq!(quota.take(LIMITS, at(0)), Ok(()));
        assert_eq!(quota.take(LIMITS, at(59)), Ok(()));
        assert_eq!(quota.take(LIMITS, at(59)), Err(MINUTE_QUOTA_REACHED));
        assert_eq!(quota.take(LIMITS, at(60)), Ok(()));
    }

    #[test]
    fn a_minute_quota_that_looks_like_the_days_returns_with_the_next_minute() {
        let limits = Limits { minute_errcode: Errcode::DAILY_QUOTA_REACHED, ..LIMITS };
        let mut quota = Quota::new();
        assert_eq!(quota.take(limits, at(0)), Ok(()));
        assert_eq!(quota.take(limits, at(1)), Ok(()));
        assert_eq!(quota.take(limits, at(2)), Err(Errcode::DAILY_QUOTA_REACHED));
        assert_eq!(quota.take(limits, at(60)), Ok(()));
    }

    #[test]
    fn the_daily_quota_returns_with_the_next_day() {
        let mut quota = Quota::new();
        for minute in 0..3 {
            assert_eq!(quota.take(LIMITS, at(60 * minute)), Ok(()));
        }
        assert_eq!(quota.take(LIMITS, at(86_399)), Err(Errcode::DAILY_QUOTA_REACHED));
        assert_eq!(quota.take(LIMITS, at(86_400)), Ok(()));
    }

    #[test]
    fn forced_refreshes_keep_their_distance_and_their_daily_number() {
        let mut quota = ForceQuota::new();
        let mut take = |seconds| quota.take(2, at(30), at(seconds));
        assert!(take(0));
        assert!(!take(29));
        assert!(take(30));
        assert!(!take(60));
        assert!(take(86_400));
    }
}
