//! The emulator's clock: it starts at zero with the emulator.

use std::time::{Duration, Instant};

/// Time since the emulator started.
pub(crate) type Moment = Duration;

#[derive(Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(&self) -> Moment {
        self.0.elapsed()
    }
}
