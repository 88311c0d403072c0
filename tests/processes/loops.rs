//! Event loops: one thread serves many clients, so wx_try_token() may never block it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::php::{UNTIL, code};
use wx_token_testing::process::Process;
use wx_token_testing::{World, until};

/// A server as Workerman, Swoole and ReactPHP make them, in small: one select loop for all connections,
/// and timers.
const SERVER: &str = include_str!("php/server.php");

/// How long a fetch takes.
const LATENCY: Duration = Duration::from_millis(1500);

fn slow_world() -> World {
    let mut world = World::new(Options { latency: LATENCY, ..Options::default() });
    world.set("endpoint", "classic");
    world
}

struct Server {
    process: Process,
    address: String,
}

impl Server {
    fn start(world: &World) -> Self {
        let file = world.file();
        let mut process = world.php().start(code(SERVER), &[file.to_str().expect("a path")]);
        let address = process.read_line();
        Self { process, address }
    }

    /// Sends a line on a connection of its own, which the answer comes through.
    fn ask(&self, line: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(&self.address).expect("the server listens");
        stream.write_all(format!("{line}\n").as_bytes()).expect("the server reads");
        BufReader::new(stream)
    }
}

fn answer(mut connection: BufReader<TcpStream>) -> String {
    let mut line = String::new();
    connection.read_line(&mut line).expect("the server answers");
    line.trim_end().to_owned()
}

#[test]
fn a_first_call_blocks_no_other_connection() {
    let world = slow_world();
    world.write_expired();
    let server = Server::start(&world);
    let cold = server.ask("token");
    until("the refresh is under way", || world.emulator.stats().in_flight == 1);
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let begin = Instant::now();
        assert_eq!(answer(server.ask("ping")), "pong");
        slowest = slowest.max(begin.elapsed());
    }
    assert_eq!(world.emulator.stats().in_flight, 1, "all of them while WeChat is being asked");
    println!("slowest of 20 pings beside a cold call: {:.1} ms", slowest.as_secs_f64() * 1e3);
    let token = answer(cold);
    assert!(world.is_live(&token), "{token}");
    assert_eq!(world.stored()["access_token"], json!(token));
    assert_eq!(world.fetches(), 1);
    server.process.kill();
}

/// A call that polls until it has a token.
fn poll() -> String {
    format!("(function () use ($file) {{ {UNTIL} return $until(fn() => wx_try_token($file)); }})()")
}

#[test]
fn four_workers_that_poll_make_one_fetch_in_each_state_of_the_file() {
    let poll = poll();
    let world = World::slow();
    for content in ["", r#"{"access_token":"easWas"#, r#"{"access_token":"old","expire":5}"#] {
        world.emulator.reset();
        world.write(content);
        let answers = world.callers_of(&poll, 4).release();
        assert_eq!(world.fetches(), 1, "{content:?}");
        world.assert_one_live_token(&answers);
    }
}

#[test]
fn a_loop_that_polls_ends_with_the_failure_of_its_refresh() {
    let mut world = World::slow();
    world.set("secret", "wrong");
    world.write_expired();
    for answer in world.callers_of(&poll(), 4).release() {
        assert_eq!(answer.class(), "WxToken\\ApiException", "{}", answer.message());
    }
    assert_eq!(world.fetches(), 1);
}

/// What makes a thread wait, for a time, for another one, for a peer or for a disk.
const BLOCKING: [&str; 18] = [
    "clock_nanosleep",
    "nanosleep",
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_wait",
    "epoll_pwait",
    "connect",
    "sendto",
    "sendmsg",
    "recvfrom",
    "recvmsg",
    "fsync",
    "fdatasync",
    "fallocate",
    "wait4",
    "pause",
];

#[test]
fn a_poll_makes_no_blocking_system_call_on_the_thread_of_php() {
    let world = slow_world();
    let token = world.write_live(100);
    let log = world.dir.path().join("calls");
    // Due, then cold, then fresh: each poll stands between two marks.
    let program = r#"
        $file = $argv[1];
        $poll = function () use ($file) {
            @stat('/mark/begin');
            $token = wx_try_token($file);
            @stat('/mark/end');
            return $token;
        };
        $token = $until($poll);
        $until(fn() => !in_array($poll(), [$token, null], true));
        file_put_contents($file, '');
        $until($poll);
        for ($i = 0; $i < 3; $i++) { $poll(); }
    "#;
    let program = format!("{UNTIL}{program}");
    let php = world.php().command();
    let status = Command::new("strace")
        .args(["-f", "-T", "-o"])
        .arg(&log)
        .arg(php.get_program())
        .args(php.get_args())
        .args(["-r", &program, "--"])
        .arg(world.file())
        .env_remove("WX_APPID")
        .env_remove("WX_SECRET")
        .status();
    assert!(status.is_ok_and(|status| status.success()));
    assert_ne!(world.stored()["access_token"], json!(token));
    assert_eq!(world.fetches(), 2, "the due refresh and the cold one");

    let text = std::fs::read_to_string(&log).expect("a log of strace");
    let thread = text.split_whitespace().next().expect("a first line");
    let mut polls = 0;
    let mut is_polling = false;
    for line in text.lines().filter(|line| line.starts_with(thread)) {
        let call = line.trim_start_matches(thread).trim_start();
        if call.contains("/mark/") {
            is_polling = call.contains("/mark/begin");
            polls += i32::from(is_polling);
            continue;
        }
        if !is_polling {
            continue;
        }
        let call = call.trim_start_matches("<... ");
        let name = call.split(['(', ' ']).next().unwrap_or_default();
        assert!(!BLOCKING.contains(&name), "{line}");
        assert!(
            name != "flock"
                || call.contains("resumed")
                || call.contains("LOCK_NB")
                || call.contains("LOCK_UN"),
            "{line}"
        );
        // Whatever else waits would do so for the fetch.
        let seconds =
            call.rsplit_once('<').and_then(|(_, time)| time.trim_end_matches('>').parse().ok());
        let seconds: f64 = seconds.unwrap_or(0.0);
        assert!(seconds < LATENCY.as_secs_f64() / 2.0, "{line}");
    }
    assert!(polls > 20, "{polls} polls");
}
