//! The store of the machines of a scenario, and what this machine keeps of it beside its token file.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::PathBuf;

use serde_json::{Value, json};
use wx_token_testing::redis::Redis;
use wx_token_testing::{World, now};

/// A Redis that all worlds of a scenario use, one after another, and a connection to it.
pub struct Store {
    redis: Redis,
    connection: BufReader<TcpStream>,
}

impl Store {
    pub fn start() -> Self {
        let redis = Redis::start();
        let connection = TcpStream::connect(("127.0.0.1", redis.port)).expect("Redis listens");
        Self { redis, connection: BufReader::new(connection) }
    }

    pub fn url(&self) -> String {
        self.redis.url()
    }

    pub const fn port(&self) -> u16 {
        self.redis.port
    }

    pub fn empty(&mut self) {
        assert_eq!(self.ask(&["FLUSHALL"]), "+OK");
    }

    pub fn has_token(&mut self) -> bool {
        self.count("tok") > 0
    }

    pub fn has_failure(&mut self) -> bool {
        self.count("fail") > 0
    }

    /// Makes the turn of a machine, and the pause after a failure, longer than any test.
    pub fn prolong(&mut self) {
        self.set_time("lease", now() + 3600);
        self.set_time("retry", now() + 3600);
    }

    pub fn end_pause(&mut self) {
        self.set_time("retry", 0);
    }

    /// In how many hashes there is a field.
    fn count(&mut self, field: &str) -> u64 {
        let script = "local n = 0 \
            for _, key in ipairs(redis.call('KEYS', '*')) do n = n + redis.call('HEXISTS', key, ARGV[1]) end \
            return n";
        let answer = self.ask(&["EVAL", script, "0", field]);
        answer.strip_prefix(':').and_then(|count| count.parse().ok()).expect("a number")
    }

    /// Sets a field where there is one, in seconds.
    fn set_time(&mut self, field: &str, seconds: u64) {
        let script = "for _, key in ipairs(redis.call('KEYS', '*')) do \
            if redis.call('HEXISTS', key, ARGV[1]) == 1 then \
                redis.call('HSET', key, ARGV[1], ARGV[2]) redis.call('PERSIST', key) \
            end end return 0";
        let milliseconds = (seconds * 1000).to_string();
        assert_eq!(self.ask(&["EVAL", script, "0", field, &milliseconds]), ":0");
    }

    /// The answer to a command, which is one line.
    fn ask(&mut self, command: &[&str]) -> String {
        let mut text = format!("*{}\r\n", command.len());
        for word in command {
            text += &format!("${}\r\n{word}\r\n", word.len());
        }
        let sent = self.connection.get_mut().write_all(text.as_bytes());
        let mut answer = String::new();
        sent.and_then(|()| self.connection.read_line(&mut answer)).expect("Redis answers");
        answer.trim_end().to_owned()
    }
}

/// The file beside the token file.
pub fn beside(world: &World) -> PathBuf {
    world.dir.path().join(".token.json.wx_store")
}

/// Its size, in bytes.
const SIZE: usize = 4096;

/// Writes what a machine knows whose last call was two minutes ago.
pub fn be_idle(world: &World) {
    let text = json!({"confirmed_at_ms": (now() - 120) * 1000}).to_string();
    let width = SIZE - 1;
    fs::write(beside(world), format!("{text:width$}\n")).expect("the file is written");
}

/// # Errors
/// It does not hold what the last call has learnt, so the user of that call cannot use it.
pub fn check_beside(world: &World) -> Result<(), String> {
    let text = fs::read_to_string(beside(world)).map_err(|error| format!("beside: {error}"))?;
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let is_new = json["confirmed_at_ms"].as_u64().is_some_and(|at| at / 1000 + 60 > now());
    if is_new { Ok(()) } else { Err(format!("the file beside holds {}", text.trim_end())) }
}
