//! What the project promises of its speed, and whether this run has shown it.

use anyhow::Result;

use crate::figures::largest;
use crate::hot::{self, Hot, Subject};
use crate::log::Logged;
use crate::race;
use crate::rest::Rest;
use crate::results::Results;
use crate::say;
use crate::storm::{Storm, Version};

/// What two equal measurements of CPU time may differ by.
const NOISE: f64 = 1.05;

struct Target {
    promise: String,
    found: String,
    reached: bool,
}

impl Target {
    fn at_most(promise: &str, found: f64, limit: f64) -> Self {
        Self { promise: promise.to_owned(), found: format!("{found:.2}"), reached: found <= limit }
    }

    fn at_least(promise: &str, found: f64, limit: f64) -> Self {
        Self { promise: promise.to_owned(), found: format!("{found:.2}"), reached: found >= limit }
    }
}

pub fn print(results: &Results) -> Result<()> {
    let mut targets = Vec::new();
    targets.extend(results.hot.as_ref().map(of_hot).unwrap_or_default());
    targets.extend(results.log.as_ref().map(of_log).unwrap_or_default());
    targets.extend(results.storm.as_ref().map(of_storm).unwrap_or_default());
    targets.extend(results.race.as_deref().map(|races| {
        let promise =
            "expired, ms that the slowest caller is behind that of symfony/lock: at most 1";
        Target::at_most(promise, race::farthest_behind_ms(races), 1.0)
    }));
    targets.extend(results.rest.as_ref().map(of_rest).unwrap_or_default());
    say("\nTargets")?;
    for Target { promise, found, reached } in targets {
        let verdict = if reached { "reached" } else { "MISSED" };
        say(format!("  {verdict:8} {found:>8}  {promise}"))?;
    }
    Ok(())
}

fn of_hot(hot: &Hot) -> Vec<Target> {
    let figure = |files, name: &str, of: fn(&Subject) -> f64| {
        hot.with_files(files).find(|one| one.name == name).map_or(f64::NAN, of)
    };
    let ratio = |name| figure(1, name, |one| one.ratio);
    let remembering = |name| figure(1, name, |one| one.ratio_remembering);
    let growth = |name| figure(10_000, name, |one| one.ratio_to_one_file);
    let to_stat = Target::at_most(
        "hot call, times a bare stat: at most 0.40, or 1.4 times a bare fstat",
        1.0 / ratio(hot::STAT),
        0.4,
    );
    let is_near_fstat = 1.0 / ratio(hot::FSTAT) <= 1.4;
    let mut targets = vec![Target { reached: to_stat.reached || is_near_fstat, ..to_stat }];
    let peers = [(hot::LEGACY, 13.0), (hot::PHP_FILES, 6.0)];
    for (name, limit) in peers.into_iter().chain(hot::FILE_READERS.map(|name| (name, 10.0))) {
        let promise = format!("times as fast as {name}: at least {limit}");
        targets.push(Target::at_least(&promise, ratio(name), limit));
    }
    targets.push(Target::at_least(
        "polyfill, times as fast as articles' getToken: at least 1.2",
        ratio(hot::LEGACY) / ratio(hot::POLYFILL),
        1.2,
    ));
    targets.push(Target::at_most(
        "with revalidate_freq=1, times apcu_fetch: at most 0.65",
        1.0 / remembering(hot::APCU),
        0.65,
    ));
    // There is a descriptor of 16 files. What a stat itself costs more, once its paths are too many for the processor's
    // caches, nobody saves.
    targets.push(Target::at_most(
        "10 000 files, times a bare stat of each: at most 1.3",
        growth(hot::EXTENSION) / growth(hot::STAT) / ratio(hot::STAT),
        1.3,
    ));
    let in_crowd = |processes| {
        hot.crowds
            .iter()
            .filter(move |crowd| crowd.name == hot::EXTENSION && crowd.processes == processes)
    };
    for (processes, limit) in [(2, 1.05), (hot::MANY, NOISE)] {
        targets.extend(in_crowd(processes).map(|crowd| {
            let promise = format!(
                "CPU time a call in {processes} processes, times that in one: at most {limit}"
            );
            Target::at_most(&promise, crowd.ratio, limit)
        }));
    }
    targets
}

fn of_log(logged: &Logged) -> Vec<Target> {
    vec![
        Target::at_most(
            "hot call, times that without the log: at most 1.05",
            logged.hot_ratio,
            NOISE,
        ),
        Target::at_most(
            "refresh, times that without the log: at most 1.05",
            logged.refresh_ratio,
            NOISE,
        ),
    ]
}

fn of_storm(storm: &Storm) -> Vec<Target> {
    let of = |version| storm.cells.iter().filter(move |cell| cell.version == version);
    let over = |version, processes| {
        largest(
            of(version)
                .filter(|cell| cell.processes >= processes)
                .map(|cell| cell.slowest_ms - f64::from(cell.latency_ms)),
        )
    };
    vec![
        Target::at_most(
            "expired, fetches of a storm: at most 1",
            largest(of(Version::WxToken).map(|cell| cell.fetches)),
            1.0,
        ),
        Target::at_most(
            "expired, 128 callers, ms that the slowest takes beyond the fetch: at most 50",
            over(Version::WxToken, 128),
            50.0,
        ),
        Target::at_most(
            "due, ms that the slowest caller takes beyond the fetch: below 0",
            over(Version::WxTokenDue, 0),
            0.0,
        ),
    ]
}

fn of_rest(rest: &Rest) -> Vec<Target> {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let megabytes = rest.so_bytes as f64 / 1e6;
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    let held = (rest.threads + rest.descriptors) as f64;
    vec![
        Target::at_most("size of the library in MB: at most 2.5", megabytes, 2.5),
        Target::at_most("ms of CPU time added to the start of PHP: at most 1", rest.cpu_ms, 1.0),
        Target::at_most("MB added to an idle PHP: at most 1", rest.private_kb * 1024.0 / 1e6, 1.0),
        Target::at_most("threads and descriptors held when idle: none", held, 0.0),
    ]
}
