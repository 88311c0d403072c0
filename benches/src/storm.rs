//! Many processes call at the moment at which the token expires, or when it is due.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use wechat_emulator::Options;
use wx_token_testing::server::Server;
use wx_token_testing::{Steps, World, fastcgi, fpm};

use crate::crowd::{self, Crowd, NOTICE};
use crate::figures::{largest, median, percentile};
use crate::php;
use crate::world::{self, world};

const PROCESSES: [usize; 4] = [8, 32, 128, 256];
const LATENCIES_MS: [u32; 3] = [50, 200, 1000];
/// Beyond so many, one latency is enough, and no version whose callers fetch one after another.
const MANY: usize = 128;
/// The storm that is drawn, as processes and milliseconds.
const DRAWN: (usize, u32) = (32, 200);
/// The one of which README.md quotes the figures.
const QUOTED: (usize, u32) = (128, 200);

#[derive(Serialize, Deserialize)]
pub struct Storm {
    pub cells: Vec<Cell>,
    pub timelines: Vec<Timeline>,
}

impl Storm {
    /// What its picture and README.md show.
    pub fn shown(mut self) -> Self {
        self.cells.retain(|cell| (cell.processes, cell.latency_ms) == QUOTED);
        self
    }
}

/// One version in one storm; each figure is the median of its runs.
#[derive(Serialize, Deserialize)]
pub struct Cell {
    pub version: Version,
    pub processes: usize,
    pub latency_ms: u32,
    pub fetches: f64,
    pub median_ms: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    /// CPU time of all callers together, in milliseconds.
    pub cpu_ms: f64,
    /// Callers that got no token.
    pub failed: f64,
}

/// One run, as it is drawn.
#[derive(Serialize, Deserialize)]
pub struct Timeline {
    pub version: Version,
    pub processes: usize,
    pub latency_ms: u32,
    pub calls: Vec<Bar>,
}

/// A call, in milliseconds since the first.
#[derive(Serialize, Deserialize)]
pub struct Bar {
    pub begin: f64,
    pub end: f64,
    pub fetch: Option<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Version {
    Legacy,
    LegacyFlock,
    SymfonyLock,
    SymfonyGet,
    WxToken,
    /// The extension on a token that is still valid: nobody needs to wait.
    WxTokenDue,
}

impl Version {
    const ALL: [Self; 6] = [
        Self::Legacy,
        Self::LegacyFlock,
        Self::SymfonyLock,
        Self::SymfonyGet,
        Self::WxToken,
        Self::WxTokenDue,
    ];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Legacy => "articles' getToken",
            Self::LegacyFlock => "articles' getToken with flock",
            Self::SymfonyLock => "symfony/lock, read again under the lock",
            Self::SymfonyGet => "symfony FilesystemAdapter::get, php-fpm",
            Self::WxToken => "wx_get_token",
            Self::WxTokenDue => "wx_get_token, token due",
        }
    }

    fn program(self) -> PathBuf {
        match self {
            Self::Legacy => php::demo("legacy.php"),
            Self::LegacyFlock => php::demo("legacy_flock.php"),
            Self::SymfonyLock => php::program("storm/symfony_lock.php"),
            Self::SymfonyGet => php::program("storm/symfony_get.php"),
            Self::WxToken | Self::WxTokenDue => php::demo("wx_token.php"),
        }
    }

    const fn is_drawn(self) -> bool {
        matches!(self, Self::Legacy | Self::LegacyFlock | Self::WxToken)
    }

    /// Callers that fetch one after another take minutes, and always the same.
    const fn runs(self) -> usize {
        if self.is_serial() { 1 } else { 3 }
    }

    const fn is_serial(self) -> bool {
        matches!(self, Self::LegacyFlock)
    }

    /// How long the token lives at the moment of the storm, in seconds.
    const fn life(self) -> i64 {
        if matches!(self, Self::WxTokenDue) { 100 } else { -1 }
    }
}

/// What a process reports of its call.
#[derive(Deserialize)]
struct Call {
    begin_ns: u64,
    end_ns: u64,
    fetch_ns: Option<(u64, u64)>,
    /// CPU time of all threads of the process.
    cpu_ns: u64,
    got_token: bool,
}

impl Call {
    fn wait_ms(&self) -> f64 {
        milliseconds(self.begin_ns, self.end_ns)
    }
}

/// Every storm.
fn storms() -> impl Iterator<Item = (Version, usize, u32)> {
    let latencies =
        PROCESSES.into_iter().flat_map(|processes| LATENCIES_MS.map(|ms| (processes, ms)));
    let versions =
        latencies.flat_map(|(processes, ms)| Version::ALL.map(|version| (version, processes, ms)));
    versions.filter(|&(version, processes, latency_ms)| {
        processes <= MANY || !version.is_serial() && latency_ms == QUOTED.1
    })
}

/// What the runs of a storm take, roughly.
const fn storm_s((version, processes, latency_ms): (Version, usize, u32)) -> u64 {
    let fetches = if version.is_serial() { processes } else { 1 } as u64;
    let run_ms = fetches * latency_ms as u64 + 400;
    1 + (version.runs() as u64 * run_ms + 10 * processes as u64) / 1000
}

pub fn seconds() -> Result<u64> {
    Ok(storms().map(storm_s).sum())
}

pub fn measure(steps: &Steps) -> Result<Storm> {
    let mut storm = Storm { cells: Vec::new(), timelines: Vec::new() };
    for of_version @ (version, processes, latency_ms) in storms() {
        let name = version.name();
        let what = format_args!("storm, {processes} processes, {latency_ms} ms, {name}");
        steps.begin_long(storm_s(of_version), what);
        let runs = runs(version, processes, latency_ms)?;
        storm.cells.push(cell(version, processes, latency_ms, &runs));
        if (processes, latency_ms) == DRAWN && version.is_drawn() {
            let calls = runs.last().map(|run| bars(&run.calls)).unwrap_or_default();
            storm.timelines.push(Timeline { version, processes, latency_ms, calls });
        }
    }
    Ok(storm)
}

struct Run {
    fetches: u64,
    calls: Vec<Call>,
}

fn runs(version: Version, processes: usize, latency_ms: u32) -> Result<Vec<Run>> {
    let mut place = Place::of(version, processes, latency_ms)?;
    (0..version.runs()).map(|_| place.run()).collect()
}

/// Where the processes of one version stand ready.
pub struct Place {
    version: Version,
    latency: Duration,
    world: World,
    callers: Callers,
}

impl Place {
    pub fn of(version: Version, processes: usize, latency_ms: u32) -> Result<Self> {
        let latency = Duration::from_millis(latency_ms.into());
        let world = world(Options { latency, ..Options::default() });
        let callers = Callers::start(version, &world, processes)?;
        Ok(Self { version, latency, world, callers })
    }

    /// How long the slowest caller of a storm takes, in milliseconds.
    pub fn slowest_ms(&mut self) -> Result<f64> {
        Ok(largest(self.run()?.calls.iter().map(Call::wait_ms)))
    }

    fn run(&mut self) -> Result<Run> {
        let Self { version, latency, world, callers } = self;
        world.write_old_token(version.life());
        // The token of Symfony's cache.
        let _ = fs::remove_dir_all(world.dir.path().join("token.json.pool"));
        world.emulator.reset();
        let calls = callers.call(world, *latency)?;
        if *version != Version::SymfonyGet {
            world::settle(world);
        }
        Ok(Run { fetches: world.emulator.stats().fetches.total(), calls })
    }
}

enum Callers {
    Processes(Crowd),
    /// Symfony's cache lets one process compute only under a web server.
    Children {
        _fpm: Server,
        directory: TempDir,
        count: usize,
    },
}

impl Callers {
    fn start(version: Version, world: &World, processes: usize) -> Result<Self> {
        if version == Version::SymfonyGet {
            let directory = tempfile::tempdir()?;
            let pool = world::pool(processes);
            let fpm = fpm::serve(directory.path(), "", &pool, &world::fpm(world));
            return Ok(Self::Children { _fpm: fpm, directory, count: processes });
        }
        let mut command = world::php(world).command();
        command.arg(php::program("storm/worker.php")).arg(version.program()).arg(world.file());
        Ok(Self::Processes(Crowd::start(&mut command, processes)))
    }

    fn call(&mut self, world: &World, latency: Duration) -> Result<Vec<Call>> {
        match self {
            Self::Children { directory, count, .. } => {
                request(&fpm::socket(directory.path()), *count, world)
            }
            Self::Processes(crowd) => {
                crowd.announce();
                thread::sleep(NOTICE + latency / 2);
                let holders = lock_holders()?;
                let mut calls: Vec<Call> = crowd.reports()?;
                // PHP does not see the extension fetch: it is the caller with the lock that does.
                for (call, pid) in calls.iter_mut().zip(crowd.pids()) {
                    if holders.contains(&pid) {
                        call.fetch_ns.get_or_insert((call.begin_ns, call.end_ns));
                    }
                }
                Ok(calls)
            }
        }
    }
}

/// One request from each of so many clients at once.
fn request(fpm: &Path, clients: usize, world: &World) -> Result<Vec<Call>> {
    let query = format!(
        "variant={}&file={}&moment={}",
        Version::SymfonyGet.program().display(),
        world.file().display(),
        crowd::moment()
    );
    let script = php::program("storm/request.php");
    let answers: Vec<_> = thread::scope(|scope| {
        let client = || fastcgi::get(fpm, &script, &query, &[]).context("no answer of php-fpm");
        let clients: Vec<_> = (0..clients).map(|_| scope.spawn(client)).collect();
        clients.into_iter().map(|client| client.join()).collect()
    });
    let answers = answers.into_iter().map(|answer| answer.ok().context("a client died")?);
    answers.map(|answer| php::parse(&answer?)).collect()
}

/// The processes that hold an flock on anything.
fn lock_holders() -> Result<Vec<u32>> {
    let locks = fs::read_to_string("/proc/locks").context("cannot read /proc/locks")?;
    let holder = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        // A line of one that waits for the lock has an arrow here.
        words.next().filter(|kind| *kind == "FLOCK")?;
        words.nth(2)?.parse().ok()
    };
    Ok(locks.lines().filter_map(holder).collect())
}

fn cell(version: Version, processes: usize, latency_ms: u32, runs: &[Run]) -> Cell {
    let over_runs = |figure: &dyn Fn(&Run) -> f64| median(runs.iter().map(figure));
    let waits = |run: &Run| -> Vec<f64> { run.calls.iter().map(Call::wait_ms).collect() };
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    Cell {
        version,
        processes,
        latency_ms,
        fetches: over_runs(&|run| run.fetches as f64),
        median_ms: over_runs(&|run| median(waits(run))),
        p99_ms: over_runs(&|run| percentile(waits(run), 0.99)),
        slowest_ms: over_runs(&|run| largest(waits(run))),
        cpu_ms: over_runs(&|run| milliseconds(0, run.calls.iter().map(|call| call.cpu_ns).sum())),
        failed: over_runs(&|run| run.calls.iter().filter(|call| !call.got_token).count() as f64),
    }
}

fn bars(calls: &[Call]) -> Vec<Bar> {
    let first = calls.iter().map(|call| call.begin_ns).min().unwrap_or_default();
    let since = |moment| milliseconds(first, moment);
    let bar = |call: &Call| Bar {
        begin: since(call.begin_ns),
        end: since(call.end_ns),
        fetch: call.fetch_ns.map(|(begin, end)| (since(begin), since(end))),
    };
    calls.iter().map(bar).collect()
}

fn milliseconds(begin_ns: u64, end_ns: u64) -> f64 {
    Duration::from_nanos(end_ns.saturating_sub(begin_ns)).as_secs_f64() * 1e3
}
