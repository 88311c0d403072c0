//! A growing fleet of machines with one account: what it fetches, and what it asks of the store they share.
//!
//! A machine is a directory with two PHP processes. All of them are on this one, so there is no network between them, and
//! they have its processors in common.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use wechat_emulator::Options;
use wx_token_testing::redis::Redis;
use wx_token_testing::{Steps, World, until};

use crate::crowd::{Crowd, NOTICE};
use crate::figures::{largest, median};
use crate::php;
use crate::world::{self, world};

const MACHINES: [usize; 7] = [1, 2, 5, 10, 20, 50, 100];
const PROCESSES: usize = 2;
const LATENCY: Duration = Duration::from_millis(200);
const RUNS: usize = 3;

/// How often a machine compares its token in the measurement, and by default, in seconds.
const MEASURED_INTERVAL: f64 = 1.0;
const INTERVAL: f64 = 25.0;
const TRAFFIC: Duration = Duration::from_secs(10);

/// A fleet of one size; each figure is the median of its runs.
#[derive(Serialize, Deserialize)]
pub struct Fleet {
    pub machines: usize,
    /// At an expiry that all processes meet at once.
    pub fetches: f64,
    /// The same without a store.
    pub fetches_alone: f64,
    pub slowest_ms: f64,
    /// What the store runs for that expiry.
    pub scripts: f64,
    /// What the store runs while tokens are valid and all machines have traffic.
    pub scripts_per_second: f64,
}

/// What a process reports.
#[derive(Deserialize)]
struct Report {
    slowest_ms: f64,
    got_token: bool,
}

/// What a fleet of this size takes, roughly.
const fn fleet_s(machines: usize) -> u64 {
    TRAFFIC.as_secs() + 4 + machines as u64 / 5
}

pub fn seconds() -> Result<u64> {
    Ok(MACHINES.into_iter().map(fleet_s).sum())
}

pub fn measure(steps: &Steps) -> Result<Vec<Fleet>> {
    MACHINES
        .into_iter()
        .map(|machines| {
            steps.begin_long(fleet_s(machines), format_args!("fleet, {machines} machines"));
            let mut shared = Site::new(machines, true)?;
            let storms = (0..RUNS).map(|_| shared.expire()).collect::<Result<Vec<_>>>()?;
            let scripts_per_second = shared.traffic()?;
            drop(shared);
            let alone = Site::new(machines, false)?.expire()?;
            let over_runs = |of: fn(&Storm) -> f64| median(storms.iter().map(of));
            Ok(Fleet {
                machines,
                fetches: over_runs(|one| one.fetches),
                fetches_alone: alone.fetches,
                slowest_ms: over_runs(|one| one.slowest_ms),
                scripts: over_runs(|one| one.scripts),
                scripts_per_second,
            })
        })
        .collect()
}

struct Storm {
    fetches: f64,
    slowest_ms: f64,
    scripts: f64,
}

struct Site {
    world: World,
    redis: Redis,
    files: Vec<PathBuf>,
    crowd: Crowd,
}

impl Site {
    fn new(machines: usize, is_shared: bool) -> Result<Self> {
        let mut world = world(Options { latency: LATENCY, ..Options::default() });
        let redis = Redis::start();
        world.set("endpoint", "stable");
        if is_shared {
            world.set("store", &redis.url());
        }
        // A hundred machines wait for two processors here, which no machine of a real fleet does.
        world.set("store_timeout", "5");
        world.set("store_revalidate", &MEASURED_INTERVAL.to_string());
        let machine = |number| {
            let directory = world.dir.path().join(format!("machine{number}"));
            fs::create_dir(&directory)?;
            Ok(directory.join("token.json"))
        };
        let files = (0..machines).map(machine).collect::<Result<Vec<_>>>()?;
        let php = world::php(&world);
        let processes = files.iter().flat_map(|file| std::iter::repeat_n(file, PROCESSES));
        let crowd = Crowd::of(processes.map(|file| {
            let mut command: Command = php.command();
            command.arg(php::program("fleet/worker.php")).arg(file);
            command
        }));
        Ok(Self { world, redis, files, crowd })
    }

    /// All processes find the token expired at the same moment.
    fn expire(&mut self) -> Result<Storm> {
        for file in &self.files {
            fs::write(file, r#"{"access_token":"an-old-token","expire":1600000000}"#)?;
        }
        self.redis.run(&["flushall"]);
        self.redis.run(&["config", "resetstat"]);
        self.world.emulator.reset();
        let reports = self.call(Duration::ZERO)?;
        let is_stored =
            |file: &PathBuf| fs::read_to_string(file).is_ok_and(|text| !text.contains("an-old-"));
        until("every machine has the token", || self.files.iter().all(is_stored));
        #[expect(clippy::cast_precision_loss, reason = "they are few")]
        Ok(Storm {
            fetches: self.world.emulator.stats().fetches.total() as f64,
            slowest_ms: largest(reports.iter().map(|report| report.slowest_ms)),
            scripts: self.scripts(),
        })
    }

    /// How many scripts a second the store runs with the default interval while all machines have traffic.
    fn traffic(&mut self) -> Result<f64> {
        self.redis.run(&["config", "resetstat"]);
        self.call(TRAFFIC)?;
        Ok(self.scripts() / TRAFFIC.as_secs_f64() * MEASURED_INTERVAL / INTERVAL)
    }

    fn call(&mut self, span: Duration) -> Result<Vec<Report>> {
        self.crowd.announce_for(span);
        thread::sleep(NOTICE + span);
        let reports: Vec<Report> = self.crowd.reports()?;
        ensure!(reports.iter().all(|report| report.got_token), "a process got no token");
        Ok(reports)
    }

    fn scripts(&self) -> f64 {
        let stats = self.redis.run(&["info", "commandstats"]);
        let calls =
            |line: &str| line.strip_prefix("cmdstat_eval:calls=")?.split(',').next()?.parse().ok();
        stats.lines().find_map(calls).unwrap_or_default()
    }
}
