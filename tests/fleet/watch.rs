//! Every token that the files of a fleet hold, one after the other (F3).

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use crate::fleet::Fleet;

/// Of two fetches that began within a second of each other, the store need not know the later one. And a fetch begins
/// before WeChat creates its token.
const ABOUT_THE_SAME: Duration = Duration::from_millis(1500);

pub struct Watch {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<Vec<Vec<String>>>>,
}

impl Watch {
    pub fn start(fleet: &Fleet) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let (files, of_thread) = (fleet.machines.clone(), Arc::clone(&end));
        let thread = thread::spawn(move || watch(&files, &of_thread));
        Self { end, thread: Some(thread) }
    }

    /// Asserts that no token gave way to one that was created before it.
    pub fn assert_order(mut self, fleet: &Fleet) {
        self.end.store(true, Ordering::Relaxed);
        let seen = self.thread.take().and_then(|thread| thread.join().ok());
        let seen = seen.expect("the watcher did not panic");
        for (machine, tokens) in seen.iter().enumerate() {
            // What a test wrote has none.
            let age = |token: &String| fleet.world.emulator.age(token);
            let ages: Vec<Duration> = tokens.iter().filter_map(age).collect();
            let is_ordered = ages.windows(2).all(|pair| pair[1] <= pair[0] + ABOUT_THE_SAME);
            assert!(is_ordered, "machine {machine} had tokens of these ages: {ages:?}");
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Relaxed);
    }
}

fn watch(files: &[PathBuf], end: &AtomicBool) -> Vec<Vec<String>> {
    let mut seen = vec![Vec::new(); files.len()];
    let mut is_last = false;
    while !is_last {
        // What is there at the end is seen, too.
        is_last = end.load(Ordering::Relaxed);
        for (file, seen) in files.iter().zip(&mut seen) {
            let text = fs::read(file).unwrap_or_default();
            let json: Value = serde_json::from_slice(&text).unwrap_or_default();
            let token = json["access_token"].as_str().unwrap_or_default().to_owned();
            if seen.last() != Some(&token) && !token.is_empty() {
                seen.push(token);
            }
        }
        // The machines need the processor.
        thread::sleep(Duration::from_millis(2));
    }
    seen
}
