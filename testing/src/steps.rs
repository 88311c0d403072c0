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
        let number = self.begun.fetch_add(length, Ordering::Relaxed) + 1;
        eprintln!("[{number}/{}] {}: {name}", self.total, self.title);
    }
}
