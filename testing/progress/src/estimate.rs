//! How long the rest takes, if it takes as long as what is done.

use std::time::Duration;

/// What is known of work that is not done, each time since its first step.
#[derive(Clone, Copy, Default)]
pub struct Estimate {
    /// When the last step began, what was done then, and what of it the step before did.
    at: Duration,
    done: f64,
    last: f64,
}

impl Estimate {
    /// A step begins `at` this time, when so much of the work is `done`, from 0 to 1.
    pub fn reach(&mut self, at: Duration, done: f64) {
        if done > self.done {
            *self = Self { at, done, last: done - self.done };
        } else if done < self.done {
            *self = Self { at, done, last: 0.0 };
        }
    }

    /// What is left `now`; `None` before anything is done.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        if self.done <= 0.0 {
            return None;
        }
        let whole = self.at.as_secs_f64() / self.done;
        // A step that takes longer than those before it does not make those after it shorter.
        let after_this_step = whole * (1.0 - self.done - self.last);
        let left = (whole - now.as_secs_f64()).max(after_this_step).max(0.0);
        Duration::try_from_secs_f64(left).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Estimate;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_known_before_the_first_step_is_done() {
        let mut estimate = Estimate::default();
        assert_eq!(estimate.left(seconds(1)), None);
        estimate.reach(seconds(2), 0.0);
        assert_eq!(estimate.left(seconds(3)), None);
    }

    #[test]
    fn the_rest_goes_on_as_the_beginning() {
        let mut estimate = Estimate::default();
        estimate.reach(seconds(10), 0.25);
        assert_eq!(estimate.left(seconds(10)), Some(seconds(30)));
        estimate.reach(seconds(30), 0.5);
        assert_eq!(estimate.left(seconds(30)), Some(seconds(30)));
    }

    #[test]
    fn what_is_left_shrinks_during_a_step_down_to_the_steps_after_it() {
        let mut estimate = Estimate::default();
        estimate.reach(seconds(10), 0.25);
        assert_eq!(estimate.left(seconds(16)), Some(seconds(24)));
        assert_eq!(estimate.left(seconds(20)), Some(seconds(20)));
        assert_eq!(estimate.left(seconds(60)), Some(seconds(20)));
    }

    #[test]
    fn nothing_is_left_of_a_last_step_that_is_late() {
        let mut estimate = Estimate::default();
        estimate.reach(seconds(10), 0.5);
        assert_eq!(estimate.left(seconds(25)), Some(Duration::ZERO));
        // Of five, the parts add up to more than the whole, by a rounding.
        estimate.reach(seconds(30), 0.6);
        estimate.reach(seconds(40), 0.8);
        assert_eq!(estimate.left(seconds(60)), Some(Duration::ZERO));
    }

    #[test]
    fn work_that_begins_anew_knows_nothing() {
        let mut estimate = Estimate::default();
        estimate.reach(seconds(10), 0.5);
        estimate.reach(seconds(20), 0.0);
        assert_eq!(estimate.left(seconds(21)), None);
    }
}
