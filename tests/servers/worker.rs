//! Long-running workers that reload and stop by signals (I1, I2, I3, I7).

use std::collections::BTreeMap;
use std::path::Path;
use std::thread;

use rustix::process::Signal;
use serde_json::json;
use wx_token_testing::name_server::{HOSTED, NameServer, SERVED, WECHAT};
use wx_token_testing::php::{Php, code};
use wx_token_testing::process::Process;
use wx_token_testing::process::{is_running, tell};
use wx_token_testing::witness::Witness;
use wx_token_testing::{World, until};

use crate::serving::{assert_one_fetch_each, is_unlocked, short_lived};

const WORKER: &str = include_str!("php/worker.php");

/// A worker that prints what came of each call, once it is released.
pub fn start(world: &World) -> Process {
    start_with(world, &world.php(), &[])
}

/// The same with a child after each call of its own, which looks host names up, as the worker does that of
/// WeChat: `server` has them all, and keeps its files in `directory`.
pub fn start_forking(world: &World, server: &NameServer, directory: &Path) -> Process {
    let names = [SERVED, HOSTED].map(|(name, address)| (name, address.to_string()));
    let names = json!(names.into_iter().collect::<BTreeMap<_, _>>()).to_string();
    let port = world.emulator.address().port();
    let php = server.serve(world.php(), directory);
    let php = php.with(&format!("wx_token.api_base=\"https://{WECHAT}:{port}\""));
    start_with(world, &php, &[&names])
}

fn start_with(world: &World, php: &Php, more: &[&str]) -> Process {
    let file = world.file().display().to_string();
    let arguments: Vec<_> = [file.as_str()].into_iter().chain(more.iter().copied()).collect();
    let mut worker = php.start(code(WORKER), &arguments);
    assert_eq!(worker.read_line(), "ready");
    worker
}

/// Judges each line of `worker`, which has been released, until its end.
pub fn follow(mut worker: Process, witness: &Witness<'_>) {
    loop {
        match worker.read_line() {
            line if line.is_empty() => return,
            line => witness.judge(&line),
        }
    }
}

/// Kills the workers after a panic: the threads that follow them wait for their end.
pub struct Ended(pub Vec<u32>);

impl Drop for Ended {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.iter().for_each(|pid| tell(*pid, Signal::KILL));
        }
    }
}

/// Tells the workers to stop, and waits until they have.
pub fn stop(pids: &[u32]) {
    pids.iter().for_each(|pid| tell(*pid, Signal::TERM));
    until("the workers have stopped", || !pids.iter().any(|pid| is_running(*pid)));
}

#[test]
fn workers_with_handlers_live_through_storm_reload_and_stop() {
    let world = short_lived();
    world.write_expired();
    let mut workers: Vec<_> = (0..8).map(|_| start(&world)).collect();
    let pids: Vec<u32> = workers.iter().map(Process::pid).collect();
    let witness = Witness::new(&world.emulator);
    workers.iter_mut().for_each(Process::release);
    thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| follow(worker, &witness));
        }
        let _ended = Ended(pids.clone());
        for fetch in 1..=3 {
            until("a fetch is under way", || {
                let stats = world.emulator.stats();
                (stats.fetches.total(), stats.in_flight) == (fetch, 1)
            });
            if fetch < 3 {
                pids.iter().for_each(|pid| tell(*pid, Signal::HUP));
            }
        }
        stop(&pids);
    });
    let seen = witness.seen();
    println!("{} calls, slowest {:.0} ms", seen.calls, seen.slowest_ms);
    assert_eq!((seen.failed, seen.exceptions), Default::default());
    assert_eq!(seen.dead, Default::default(), "dead tokens were handed out");
    assert_eq!(world.fetches(), 3);
    assert_one_fetch_each(&world);
    assert!(is_unlocked(&world), "the lock is orphaned");
    assert_eq!(world.names(), ["token.json"]);
}
