//! The extension against `symfony/lock` in storms by turns: which has all its callers served first.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use wx_token_testing::Steps;

use crate::figures::{largest, median};
use crate::storm::{Place, Version};

const PROCESSES: [usize; 3] = [8, 32, 128];
const LATENCIES_MS: [u32; 2] = [50, 200];
const PAIRS: usize = 30;

/// The slowest callers of so many storms, in milliseconds: the medians.
#[derive(Serialize, Deserialize)]
pub struct Race {
    pub processes: usize,
    pub latency_ms: u32,
    pub ours_ms: f64,
    pub theirs_ms: f64,
    /// Of the differences of the pairs; below 0 if the extension is first.
    pub behind_ms: f64,
}

/// How far the extension is behind where it is farthest, in milliseconds.
pub fn farthest_behind_ms(races: &[Race]) -> f64 {
    largest(races.iter().map(|race| race.behind_ms))
}

/// What the pairs of one latency take, roughly.
const fn pairs_s(latency_ms: u32) -> u64 {
    2 * PAIRS as u64 * (latency_ms as u64 + 400) / 1000
}

pub fn seconds() -> Result<u64> {
    Ok(LATENCIES_MS.into_iter().map(pairs_s).sum::<u64>() * PROCESSES.len() as u64)
}

pub fn measure(steps: &Steps) -> Result<Vec<Race>> {
    let mut races = Vec::new();
    for processes in PROCESSES {
        for latency_ms in LATENCIES_MS {
            let name = format_args!("race, {processes} processes, {latency_ms} ms");
            steps.begin_long(pairs_s(latency_ms), name);
            races.push(race(processes, latency_ms)?);
        }
    }
    Ok(races)
}

fn race(processes: usize, latency_ms: u32) -> Result<Race> {
    let mut ours = Place::of(Version::WxToken, processes, latency_ms)?;
    let mut theirs = Place::of(Version::SymfonyLock, processes, latency_ms)?;
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        // Each goes first as often as the other.
        pairs.push(if pair % 2 == 0 {
            let ours = ours.slowest_ms()?;
            (ours, theirs.slowest_ms()?)
        } else {
            let theirs = theirs.slowest_ms()?;
            (ours.slowest_ms()?, theirs)
        });
    }
    let over_pairs = |figure: fn(&(f64, f64)) -> f64| median(pairs.iter().map(figure));
    Ok(Race {
        processes,
        latency_ms,
        ours_ms: over_pairs(|(ours, _)| *ours),
        theirs_ms: over_pairs(|(_, theirs)| *theirs),
        behind_ms: over_pairs(|(ours, theirs)| ours - theirs),
    })
}
