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

use crate::results::Results;

type Measure = fn(&mut Results) -> Result<()>;

const PARTS: [(&str, Measure); 7] = [
    ("hot", |results| hot::measure().map(|found| results.hot = Some(found))),
    ("rest", |results| rest::measure().map(|found| results.rest = Some(found))),
    ("log", |results| log::measure().map(|found| results.log = Some(found))),
    ("storm", |results| storm::measure().map(|found| results.storm = Some(found))),
    ("race", |results| race::measure().map(|found| results.race = Some(found))),
    ("fleet", |results| fleet::measure().map(|found| results.fleet = Some(found))),
    ("web", |results| web::measure().map(|found| results.web = Some(found))),
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
    let names = PARTS.map(|(name, _)| name);
    if let Some(unknown) = asked.iter().find(|part| !names.contains(&part.as_str())) {
        bail!("there is no part {unknown:?}: the parts are {}", names.join(", "));
    }
    let mut results = Results::none()?;
    for (name, measure) in PARTS {
        if asked.is_empty() || asked.iter().any(|part| part == name) {
            say(format!("measuring: {name}"))?;
            measure(&mut results)?;
        }
    }
    table::print(&results)?;
    target::print(&results)?;
    chart::draw(&results.keep()?)
}

fn say(line: impl Display) -> Result<()> {
    Ok(writeln!(io::stdout(), "{line}")?)
}
