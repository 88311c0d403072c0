//! Signals of every kind while a call waits: their handlers run, and the wait is as long as it would have
//! been (I5).

use std::fs::File;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use wechat_emulator::Options;
use wx_token_testing::php::code;
use wx_token_testing::process::Process;
use wx_token_testing::{World, until};

const CALL: &str = include_str!("php/signals.php");

/// SIGKILL and SIGSTOP, and the two that glibc reserves: a process cannot handle them.
const BARRED: [u32; 4] = [9, 19, 32, 33];
const SIGCONT: u32 = 18;

fn handled() -> impl Iterator<Item = u32> {
    (1..=64).filter(|signal| !BARRED.contains(signal))
}

fn call(world: &World, restart: &str) -> Process {
    let file = world.file().display().to_string();
    let mut process = world.php().start(code(CALL), &[&file, restart]);
    assert_eq!(process.read_line(), "ready");
    process.release();
    process
}

/// Sends every signal, again and again with a real stop among them, until the process is gone,
/// half a minute at most. Without pauses PHP would never be done with its handlers; and SIGCONT and the stop signals, while they are
/// pending, drive each other out.
fn shower(pid: u32) -> Child {
    let others = handled().filter(|signal| *signal != SIGCONT);
    let script = format!(
        "for round in $(seq 300); do kill -STOP {pid} && kill -CONT {pid} || exit 0; sleep 0.05; \
         for signal in {}; do kill -$signal {pid} || exit 0; done; sleep 0.05; done; \
         kill -KILL {pid}",
        others.map(|signal| signal.to_string()).collect::<Vec<_>>().join(" ")
    );
    Command::new("sh").args(["-c", &script]).stderr(Stdio::null()).spawn().expect("sh")
}

fn end(process: Process) -> Value {
    let text = process.rest();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?}"))
}

fn assert_all_handled(answer: &Value) {
    assert_eq!(answer["handled"], json!(handled().collect::<Vec<_>>()), "{answer}");
}

#[test]
fn a_call_under_a_shower_of_signals_waits_for_its_fetch_and_no_longer() {
    for restart in ["restart", "interrupt"] {
        let world = World::new(Options::default());
        world.write_expired();
        world.emulator.script_json(json!([{"delay_ms": 2000}])).expect("a script");
        let process = call(&world, restart);
        until("a fetch is under way", || world.emulator.stats().in_flight == 1);
        let mut shower = shower(process.pid());
        let answer = end(process);
        shower.wait().expect("sh");
        println!("{restart}: a fetch of 2 s, {} ms", answer["ms"]);
        let token = answer["token"].as_str().unwrap_or_else(|| panic!("no token but {answer}"));
        assert!(world.is_live(token));
        assert_eq!(world.fetches(), 1);
        assert_all_handled(&answer);
        assert!(answer["ms"].as_f64().is_some_and(|ms| (2000.0..6000.0).contains(&ms)), "{answer}");
    }
}

#[test]
fn a_call_under_a_shower_of_signals_waits_for_a_lock_until_its_timeout() {
    for restart in ["restart", "interrupt"] {
        let mut world = World::new(Options::default());
        world.set("lock_timeout", "2");
        world.write_expired();
        let holder = File::open(world.file()).expect("a token file");
        holder.lock().expect("a lock");
        let process = call(&world, restart);
        let mut shower = shower(process.pid());
        let answer = end(process);
        shower.wait().expect("sh");
        println!("{restart}: a timeout of 2 s, {} ms", answer["ms"]);
        assert_eq!(answer["class"], "WxToken\\LockException", "{answer}");
        assert_all_handled(&answer);
        assert!(answer["ms"].as_f64().is_some_and(|ms| (2000.0..6000.0).contains(&ms)), "{answer}");
        assert_eq!(world.fetches(), 0);
    }
}
