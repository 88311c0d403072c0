//! A site under load while its token expires again and again: wrk, nginx, php-fpm.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use wechat_emulator::Options;
use wx_token_testing::server::free_port;
use wx_token_testing::site::nginx;
use wx_token_testing::{Steps, fpm, until};

use crate::php;
use crate::world::{self, world};

const CHILDREN: usize = 16;
const CONNECTIONS: &str = "16";
const LATENCY: Duration = Duration::from_millis(200);
/// Life of a token in seconds. The articles' code takes a new one at its end, and so three seconds after
/// the last; so does the extension, which finds it due after two, and leaves it alone for one more.
const LIFE_LEGACY: u64 = 3;
const LIFE_EXTENSION: u64 = 6;
const REFRESH_AHEAD: &str = "wx_token.refresh_ahead=4";
/// Ten expiries.
const SECONDS: u64 = 31;

#[derive(Serialize, Deserialize)]
pub struct Web {
    pub sites: Vec<Site>,
}

/// What wrk and the upstream saw of a site.
#[derive(Serialize, Deserialize)]
pub struct Site {
    pub name: String,
    pub requests_per_second: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    pub failed: u64,
    pub fetches: u64,
}

/// The line of `benches/php/web/report.lua`.
#[derive(Deserialize)]
struct Report {
    requests: f64,
    seconds: f64,
    p99_ms: f64,
    slowest_ms: f64,
    failed: u64,
}

const SITES: [(&str, u64, &str); 3] = [
    ("articles' getToken", LIFE_LEGACY, "legacy.php"),
    ("articles' getToken with flock", LIFE_LEGACY, "legacy_flock.php"),
    ("wx_get_token", LIFE_EXTENSION, "wx_token.php"),
];

pub const fn seconds() -> Result<u64> {
    Ok(SITES.len() as u64 * SECONDS)
}

pub fn measure(steps: &Steps) -> Result<Web> {
    let site = |(name, life, program)| {
        steps.begin_long(SECONDS, format_args!("web, {name}"));
        site(name, life, php::demo(program))
    };
    Ok(Web { sites: SITES.into_iter().map(site).collect::<Result<_>>()? })
}

/// A site whose requests call the `getToken()` of `program`, and whose tokens live `life` seconds.
fn site(name: &str, life: u64, program: PathBuf) -> Result<Site> {
    let world = world(Options {
        latency: LATENCY,
        // Answers tell it in whole seconds, rounded down.
        lifetime: Duration::from_secs(life) + Duration::from_millis(500),
        ..Options::default()
    });
    let directory = tempfile::tempdir()?;
    let php = world::fpm(&world)
        .with(REFRESH_AHEAD)
        .with_env("GETTOKEN", program)
        .with_env("LIFETIME", life.to_string())
        .with_env("TOKEN_FILE", world.file());
    let _fpm = fpm::serve(directory.path(), "", &world::pool(CHILDREN), &php);
    let port = free_port();
    let _nginx = nginx::serve(directory.path(), port, &php::program("web/request.php"), "root");
    until("nginx listens", || TcpStream::connect(("127.0.0.1", port)).is_ok());
    world.write_old_token(i64::try_from(life)?);
    let output = php::succeeded(
        Command::new("wrk")
            .args(["-t1", "-c", CONNECTIONS, "-d", &SECONDS.to_string(), "--timeout", "10s", "-s"])
            .arg(php::program("web/report.lua"))
            .arg(format!("http://127.0.0.1:{port}/")),
    )?;
    let said = String::from_utf8(output.stdout)?;
    let report: Report = php::parse(said.lines().last().context("wrk says nothing")?.as_bytes())?;
    Ok(Site {
        name: name.to_owned(),
        requests_per_second: report.requests / report.seconds,
        p99_ms: report.p99_ms,
        slowest_ms: report.slowest_ms,
        failed: report.failed,
        fetches: world.emulator.stats().fetches.total(),
    })
}
