//! What the log of refreshes costs: a hot call and a refresh, with it and without.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use wechat_emulator::Options;
use wx_token_testing::{Steps, World};

use crate::figures::median;
use crate::php;
use crate::world::{self, world};

const PAIRS: usize = 21;
const CALLS: usize = 400_000;
/// WeChat answers at once, so that the log weighs most.
const REFRESHES: usize = 25;

/// The medians of the pairs.
#[derive(Serialize, Deserialize)]
pub struct Logged {
    /// Nanoseconds of CPU time of a hot call without the log.
    pub hot_ns: f64,
    /// With the log, by that without.
    pub hot_ratio: f64,
    /// Milliseconds of a refresh without the log.
    pub refresh_ms: f64,
    pub refresh_ratio: f64,
}

#[derive(Deserialize)]
struct Cost {
    hot_ns: f64,
    refresh_ns: f64,
}

/// What all take, roughly.
const SECONDS: u64 = 30;

pub const fn seconds() -> Result<u64> {
    Ok(SECONDS)
}

pub fn measure(steps: &Steps) -> Result<Logged> {
    steps.begin_long(SECONDS, "log");
    let (plain, mut logged) = (world(Options::default()), world(Options::default()));
    let log = logged.dir.path().join("wx_token.log").display().to_string();
    logged.set("log", &log);
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        // Each goes first as often as the other.
        pairs.push(if pair % 2 == 0 {
            let plain = cost(&plain)?;
            (plain, cost(&logged)?)
        } else {
            let logged = cost(&logged)?;
            (cost(&plain)?, logged)
        });
    }
    let over_pairs = |figure: fn(&(Cost, Cost)) -> f64| median(pairs.iter().map(figure));
    Ok(Logged {
        hot_ns: over_pairs(|(plain, _)| plain.hot_ns),
        hot_ratio: over_pairs(|(plain, logged)| logged.hot_ns / plain.hot_ns),
        refresh_ms: over_pairs(|(plain, _)| plain.refresh_ns / 1e6),
        refresh_ratio: over_pairs(|(plain, logged)| logged.refresh_ns / plain.refresh_ns),
    })
}

fn cost(world: &World) -> Result<Cost> {
    world.write_old_token(3600);
    php::json(
        world::php(world)
            .command()
            .arg(php::program("log/calls.php"))
            .arg(world.file())
            .args([CALLS.to_string(), REFRESHES.to_string()]),
    )
}
