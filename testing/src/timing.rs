//! Clocks and waits.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::php::Answer;

/// Seconds since 1970.
pub fn now() -> u64 {
    since_1970().as_secs()
}

/// Milliseconds since 1970.
pub fn now_ms() -> u128 {
    since_1970().as_millis()
}

/// The time since 1970.
pub fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock after 1970")
}

/// Waits until `condition` holds.
///
/// # Panics
/// After 30 s.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(Instant::now() < deadline, "not within 30 s: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// Sets a flag when it is dropped, also by a panic: threads that wait for the flag would never end.
pub struct SetOnDrop<'a>(pub &'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Prints how long the callers of a storm waited: a figure for the reader, never an assertion.
pub fn print_waits(what: &str, answers: &[Answer]) {
    let mut waits: Vec<f64> = answers.iter().map(|answer| answer.milliseconds).collect();
    waits.sort_by(f64::total_cmp);
    let (median, slowest) = (waits[waits.len() / 2], waits[waits.len() - 1]);
    println!("{what}: {} callers, median {median:.0} ms, slowest {slowest:.0} ms", waits.len());
}
