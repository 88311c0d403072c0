//! Whether callers get valid tokens, and whether another process reads whole files.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::Value;
use wechat_emulator::Emulator;

use crate::now_ms;

/// Asks the emulator about each token.
pub struct Witness<'a> {
    emulator: &'a Emulator,
    seen: Mutex<Seen>,
}

#[derive(Default)]
pub struct Seen {
    pub calls: u64,
    /// Every token that callers got, with the time of its end as far as that is known, in seconds since 1970.
    pub tokens: BTreeMap<String, f64>,
    /// Tokens that were invalid when callers got them.
    pub dead: BTreeSet<String>,
    /// Answers that came too late to tell whether their token was valid then.
    pub late: u64,
    /// Exceptions by class, each with its last message.
    pub exceptions: BTreeMap<String, (u64, String)>,
    /// Output that is not an answer.
    pub failed: Vec<String>,
    /// Requests without an answer while a server killed its workers.
    pub cut: u64,
    pub slowest_ms: f64,
}

/// WeChat's errcode for an expired token; a replaced one has another.
const EXPIRED: i64 = 42001;

/// When a replaced token became invalid is not known: an answer that is older than so many seconds is not
/// judged by it.
const PROMPT: f64 = 1.0;

impl<'a> Witness<'a> {
    pub fn new(emulator: &'a Emulator) -> Self {
        Self { emulator, seen: Mutex::default() }
    }

    pub fn seen(self) -> Seen {
        self.seen.into_inner().expect("no witness panicked")
    }

    /// How many calls were seen so far.
    pub fn calls(&self) -> u64 {
        self.seen.lock().expect("no witness panicked").calls
    }

    pub fn fails(&self, why: impl ToString) {
        self.seen.lock().expect("no witness panicked").failed.push(why.to_string());
    }

    /// Takes the answer to a request, or its failure.
    pub fn judge_request(&self, answer: io::Result<String>) {
        match answer {
            Ok(answer) => self.judge(&answer),
            Err(error) => self.fails(error),
        }
    }

    /// The same while a server may kill its workers.
    pub fn judge_request_with(&self, kills: &Kills, request: impl FnOnce() -> io::Result<String>) {
        let before = kills.0.load(Ordering::SeqCst);
        let answer = request();
        let after = kills.0.load(Ordering::SeqCst);
        if answer.is_err() && (before != after || kills_at(after)) {
            self.seen.lock().expect("no witness panicked").cut += 1;
        } else {
            self.judge_request(answer);
        }
    }

    /// Takes an answer of a program in `php/`.
    pub fn judge(&self, text: &str) {
        let Ok(answer) = serde_json::from_str::<Value>(text) else { return self.fails(text) };
        let (Some(ms), Some(at)) = (answer["ms"].as_f64(), answer["at"].as_f64()) else {
            return self.fails(text);
        };
        let mut seen = self.seen.lock().expect("no witness panicked");
        seen.calls += 1;
        seen.slowest_ms = seen.slowest_ms.max(ms);
        match (answer["token"].as_str(), answer["class"].as_str()) {
            (Some(token), None) => seen.token(token, at, self.emulator),
            (None, Some(class)) => {
                let message = answer["message"].as_str().unwrap_or_default().to_owned();
                let (count, last) = seen.exceptions.entry(class.to_owned()).or_default();
                (*count, *last) = (*count + 1, message);
            }
            _ => seen.failed.push(text.to_owned()),
        }
    }
}

/// The times in which a server kills its workers: their beginnings and ends, counted.
#[derive(Default)]
pub struct Kills(AtomicU64);

impl Kills {
    /// One such time.
    pub fn during(&self, work: impl FnOnce()) {
        self.0.fetch_add(1, Ordering::SeqCst);
        work();
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

const fn kills_at(count: u64) -> bool {
    count % 2 == 1
}

impl Seen {
    fn token(&mut self, token: &str, given_at: f64, emulator: &Emulator) {
        let verdict = emulator.check(token);
        let now = now_ms() as f64 / 1000.0;
        let death = self.tokens.entry(token.to_owned()).or_default();
        let is_expired = verdict.errcode == EXPIRED;
        if verdict.valid {
            *death = now + verdict.seconds_left;
        } else if given_at > *death || (!is_expired && now - given_at < PROMPT) {
            self.dead.insert(token.to_owned());
        } else if !is_expired {
            self.late += 1;
        }
    }
}

/// Reads the token file again and again until `end`. Returns how often, and every content that was not whole.
pub fn bystander(file: &Path, end: &AtomicBool) -> (u64, Vec<String>) {
    let (mut reads, mut broken) = (0, Vec::new());
    while !end.load(Ordering::Relaxed) {
        let content = fs::read_to_string(file).unwrap_or_else(|error| error.to_string());
        let json = serde_json::from_str::<Value>(&content).unwrap_or_default();
        if json["access_token"].as_str().is_none_or(str::is_empty) {
            broken.push(content);
        }
        reads += 1;
        // The callers need the processor.
        thread::sleep(Duration::from_millis(1));
    }
    (reads, broken)
}
