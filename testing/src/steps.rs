//! Steps of long work, as `testing/progress` draws them.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};

/// Long work, on whose steps standard error has a line each: `[3/12] race: 8 processes`.
pub struct Steps {
    title: String,
    total: u64,
    begun: AtomicU64,
}

impl Steps {
    pub fn new(title: &str, total: u64) -> Self {
        Self { title: title.to_owned(), total, begun: AtomicU64::new(0) }
    }

    /// A step begins.
    pub fn begin(&self, name: impl Display) {
        self.begin_long(1, name);
    }

    /// What begins is as long as so many steps.
    pub fn begin_long(&self, length: u64, name: impl Display) {
        eprintln!("{}", self.line(length, name));
    }

    fn line(&self, length: u64, name: impl Display) -> String {
        let number = self.begun.fetch_add(length, Ordering::Relaxed) + 1;
        format!("[{number}/{}] {}: {name}", self.total, self.title)
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn a_step_has_the_number_after_all_that_was_begun() {
        let steps = Steps::new("race", 5);
        assert_eq!(steps.line(1, "8 processes"), "[1/5] race: 8 processes");
        assert_eq!(steps.line(3, "32 processes"), "[2/5] race: 32 processes");
        assert_eq!(steps.line(1, "128 processes"), "[5/5] race: 128 processes");
    }
}
