//! `make bench`: what the extension costs, beside what it replaces and its peers.
//!
//! Everything is measured on one machine in one run, in turn, and compared as ratios. `hot`, `log`, `storm`,
//! `race`, `fleet`, `web` and `rest` measure; `results` keeps what they found; `target`, `table` and `chart` show it. The
//! PHP programs that are measured are in `benches/php/`.

mod chart;
mod crowd;
mod figures;
mod fleet;
mod hot;
mod log;
mod machine;
mod php;
mod race;
mod rest;
mod results;
mod storm;
mod table;
mod target;
mod web;
mod world;

use std::env;
use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::{Result, bail};
use wx_token_testing::Steps;

use crate::results::Results;

/// How long a part takes, roughly.
type Seconds = fn() -> Result<u64>;
type Measure = fn(&mut Results, &Steps) -> Result<()>;

const PARTS: [(&str, Seconds, Measure); 7] = [
    ("hot", hot::seconds, |results, steps| {
        hot::measure(steps).map(|found| results.hot = Some(found))
    }),
    ("rest", rest::seconds, |results, steps| {
        rest::measure(steps).map(|found| results.rest = Some(found))
    }),
    ("log", log::seconds, |results, steps| {
        log::measure(steps).map(|found| results.log = Some(found))
    }),
    ("storm", storm::seconds, |results, steps| {
        storm::measure(steps).map(|found| results.storm = Some(found))
    }),
    ("race", race::seconds, |results, steps| {
        race::measure(steps).map(|found| results.race = Some(found))
    }),
    ("fleet", fleet::seconds, |results, steps| {
        fleet::measure(steps).map(|found| results.fleet = Some(found))
    }),
    ("web", web::seconds, |results, steps| {
        web::measure(steps).map(|found| results.web = Some(found))
    }),
];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // If there is no stderr, nobody is there to be told.
            let _ = writeln!(io::stderr(), "bench: {problem:#}");
            ExitCode::FAILURE
        }
    }
}

/// The arguments name the parts to measure; without any, all are.
fn run() -> Result<()> {
    let asked: Vec<String> = env::args().skip(1).collect();
    let names = PARTS.map(|(name, ..)| name);
    if let Some(unknown) = asked.iter().find(|part| !names.contains(&part.as_str())) {
        bail!("there is no part {unknown:?}: the parts are {}", names.join(", "));
    }
    let is_asked = |name: &str| asked.is_empty() || asked.iter().any(|part| part == name);
    let parts = || PARTS.into_iter().filter(|(name, ..)| is_asked(name));
    let seconds = parts().map(|(_, seconds, _)| seconds()).sum::<Result<_>>()?;
    let (mut results, steps) = (Results::none()?, Steps::new("bench", seconds));
    for (_, _, measure) in parts() {
        measure(&mut results, &steps)?;
    }
    table::print(&results)?;
    target::print(&results)?;
    chart::draw(&results.keep()?)
}

fn say(line: impl Display) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
