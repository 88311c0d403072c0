//! The hot call: a fresh token, again and again.

use std::collections::BTreeMap;
use std::{iter, thread};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use wechat_emulator::Options;
use wx_token_testing::Steps;

use crate::figures::median;
use crate::php;
use crate::world::{self, world};

pub const EXTENSION: &str = "wx_get_token";
pub const EXTENSION_REMEMBERS: &str = "wx_get_token, revalidate_freq=1";
pub const EMPTY: &str = "empty function";
pub const STAT: &str = "bare stat";
pub const FSTAT: &str = "bare fstat";
pub const FILEMTIME: &str = "filemtime, PHP's stat cache";
pub const FILEMTIME_ALONE: &str = "clearstatcache and filemtime";
pub const APCU: &str = "apcu_fetch";
pub const LEGACY: &str = "articles' getToken";
pub const POLYFILL: &str = "polyfill";
pub const PHP_FILES: &str = "symfony PhpFilesAdapter";
pub const FILE_READERS: [&str; 5] = [
    "articles' getToken, LOCK_SH",
    "symfony FilesystemAdapter",
    "symfony Psr16Cache, files",
    "symfony/lock, getToken",
    "illuminate FileStore",
];

const TOKEN_LENGTHS: [usize; 2] = [157, 512];
const ROUNDS: usize = 31;
const CROWD_SUBJECTS: [&str; 5] = [EXTENSION, STAT, APCU, FILEMTIME, FILEMTIME_ALONE];
const CROWD_ROUNDS: usize = 7;
const CROWD_SECONDS: f64 = 0.4;
/// More processes than any machine has cores.
pub const MANY: usize = 128;

#[derive(Serialize, Deserialize)]
pub struct Hot {
    pub subjects: Vec<Subject>,
    pub crowds: Vec<CrowdCost>,
}

/// What a call of one of those compared costs, with one number of token files.
#[derive(Serialize, Deserialize)]
pub struct Subject {
    pub name: String,
    pub token_bytes: usize,
    pub files: usize,
    /// Nanoseconds of CPU time per call, the median of all rounds.
    pub ns: f64,
    /// How often a call of the extension fits in: the median of the rounds' ratios.
    pub ratio: f64,
    /// The same with `wx_token.revalidate_freq=1`.
    pub ratio_remembering: f64,
    /// What it costs, by what it costs with one file: the median of the rounds' ratios.
    pub ratio_to_one_file: f64,
}

/// What a call of one of those compared costs in one of many processes, all on one file.
#[derive(Serialize, Deserialize)]
pub struct CrowdCost {
    pub name: String,
    pub processes: usize,
    /// Nanoseconds of CPU time per call, the median of all rounds.
    pub cpu_ns: f64,
    /// CPU time per call by that of one process alone: the median of the rounds' ratios.
    pub ratio: f64,
    /// Calls per second of all together.
    pub calls_per_second: f64,
}

impl Hot {
    /// The figures of those compared with 157 bytes and so many `files`.
    pub fn with_files(&self, files: usize) -> impl Iterator<Item = &Subject> {
        let first = TOKEN_LENGTHS.first().copied();
        self.subjects.iter().filter(move |one| one.files == files && Some(one.token_bytes) == first)
    }

    /// What its picture and README.md show.
    pub fn shown(mut self) -> Self {
        let first = TOKEN_LENGTHS.first().copied();
        self.subjects.retain(|one| one.files == 1 && Some(one.token_bytes) == first);
        self
    }
}

/// What the steps take, roughly: all subjects with one token, and those of the crowds in a round of one size.
const COMPARISON_S: u64 = 30;
const CROWD_S: u64 = 4;

pub fn seconds() -> Result<u64> {
    let crowds = CROWD_ROUNDS * crowd_sizes()?.len();
    Ok(TOKEN_LENGTHS.len() as u64 * COMPARISON_S + crowds as u64 * CROWD_S)
}

pub fn measure(steps: &Steps) -> Result<Hot> {
    let mut subjects = Vec::new();
    for token_bytes in TOKEN_LENGTHS {
        steps.begin_long(COMPARISON_S, format_args!("hot, a token of {token_bytes} bytes"));
        subjects.extend(compare(token_bytes)?);
    }
    Ok(Hot { subjects, crowds: crowds(steps)? })
}

/// Nanoseconds of CPU time per call of each round, by name and number of files.
type Rounds = BTreeMap<String, BTreeMap<usize, Vec<f64>>>;

fn compare(token_bytes: usize) -> Result<Vec<Subject>> {
    let directory = tempfile::Builder::new().prefix("wx_token-bench-").tempdir()?;
    let rounds: Rounds = php::json(
        php::with_extension()
            .with_all(&["zend_extension=opcache", "opcache.enable_cli=1"])
            .with("opcache.max_accelerated_files=32531")
            .with(&format!("extension={}", php::baseline()?.display()))
            .with_all(&["extension=apcu", "apc.enable_cli=1", "apc.shm_size=128M"])
            .with_all(&["extension=mbstring", "extension=ctype", "memory_limit=-1"])
            .command()
            .arg(php::program("hot/subjects.php"))
            .arg(directory.path())
            .args([token_bytes.to_string(), ROUNDS.to_string()]),
    )?;
    let of = |name: &str, files: usize| {
        rounds.get(name).and_then(|by_files| by_files.get(&files)).context("a subject is missing")
    };
    let mut subjects = Vec::new();
    for (name, by_files) in &rounds {
        for (&files, ns) in by_files {
            subjects.push(Subject {
                name: name.clone(),
                token_bytes,
                files,
                ns: median(ns.iter().copied()),
                ratio: ratio(ns, of(EXTENSION, files)?),
                ratio_remembering: ratio(ns, of(EXTENSION_REMEMBERS, files)?),
                ratio_to_one_file: ratio(ns, of(name, 1)?),
            });
        }
    }
    subjects.sort_by(|one, other| one.files.cmp(&other.files).then(one.ns.total_cmp(&other.ns)));
    Ok(subjects)
}

/// The median of the ratios of each round.
fn ratio(some: &[f64], others: &[f64]) -> f64 {
    median(some.iter().zip(others).map(|(one, other)| one / other))
}

#[derive(Deserialize)]
struct Work {
    calls: f64,
    cpu_ns: f64,
}

/// How many processes: from one to twice the cores, each time twice as many, and many.
fn crowd_sizes() -> Result<Vec<usize>> {
    let cores = thread::available_parallelism()?.get();
    let doubled = iter::successors(Some(1), |size| Some(size * 2));
    Ok(doubled.take_while(|size| *size <= 2 * cores).chain([MANY]).collect())
}

/// CPU time per call, and calls per second, of each round, by subject and number of processes.
type CrowdRounds = BTreeMap<(&'static str, usize), (Vec<f64>, Vec<f64>)>;

fn crowds(steps: &Steps) -> Result<Vec<CrowdCost>> {
    let world = world(Options::default());
    let sizes = crowd_sizes()?;
    let mut rounds = CrowdRounds::new();
    for _ in 0..CROWD_ROUNDS {
        for &processes in &sizes {
            steps.begin_long(CROWD_S, format_args!("hot, {processes} processes"));
            for name in CROWD_SUBJECTS {
                let work: Vec<Work> = php::json(
                    world::php(&world)
                        .with(&format!("extension={}", php::baseline()?.display()))
                        .with_all(&["extension=apcu", "apc.enable_cli=1"])
                        .command()
                        .arg(php::program("hot/many.php"))
                        .args([name.as_ref(), world.file().as_os_str()])
                        .args([CROWD_SECONDS.to_string(), processes.to_string()]),
                )?;
                let calls: f64 = work.iter().map(|one| one.calls).sum();
                let cpu: f64 = work.iter().map(|one| one.cpu_ns).sum();
                let (costs, rates) = rounds.entry((name, processes)).or_default();
                costs.push(cpu / calls);
                rates.push(calls / CROWD_SECONDS);
            }
        }
    }
    let mut crowds = Vec::new();
    for (&(name, processes), (costs, rates)) in &rounds {
        let (alone, _) = rounds.get(&(name, 1)).context("no process alone")?;
        crowds.push(CrowdCost {
            name: name.to_owned(),
            processes,
            cpu_ns: median(costs.iter().copied()),
            ratio: ratio(costs, alone),
            calls_per_second: median(rates.iter().copied()),
        });
    }
    Ok(crowds)
}
