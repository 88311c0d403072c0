//! What the extension costs a process that hardly uses it, and what a call asks of the kernel.

use std::collections::BTreeMap;
use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use wechat_emulator::Options;
use wx_token_testing::php::Php;
use wx_token_testing::{Steps, World, extension};

use crate::figures::median;
use crate::php;
use crate::world::{self, world};

const PAIRS: usize = 101;
const FILES: usize = 10_000;

#[derive(Serialize, Deserialize)]
pub struct Rest {
    /// Of the stripped library.
    pub so_bytes: u64,
    /// What the extension adds to `php -n -r ''`: the medians of the pairs' differences.
    pub wall_ms: f64,
    pub cpu_ms: f64,
    pub peak_kb: f64,
    /// Memory that an idle process shares with no other, with the extension less without.
    pub private_kb: f64,
    /// The same after two calls.
    pub private_after_calls_kb: f64,
    /// The same after two calls on each of 10 000 files, by what PHP without the extension needs to name them.
    pub private_after_files_kb: f64,
    pub threads: i64,
    pub descriptors: i64,
    pub calls: Vec<SystemCalls>,
}

/// System calls of one call, by name.
#[derive(Serialize, Deserialize)]
pub struct SystemCalls {
    pub call: String,
    pub counts: BTreeMap<String, usize>,
}

impl SystemCalls {
    pub fn total(&self) -> usize {
        self.counts.values().sum()
    }
}

const SECONDS: u64 = 20;

pub const fn seconds() -> Result<u64> {
    Ok(SECONDS)
}

pub fn measure(steps: &Steps) -> Result<Rest> {
    steps.begin_long(SECONDS, "rest");
    let (world, expired) = (world(Options::default()), world(Options::default()));
    expired.write_old_token(-1);
    // The extension reads a file that has just been changed more than once.
    thread::sleep(Duration::from_secs(3));
    let mut pairs = Vec::new();
    for pair in 0..PAIRS {
        let (mut without, mut with) = (php::bare().command(), php::with_extension().command());
        // Each goes first as often as the other.
        pairs.push(if pair % 2 == 0 {
            let without = Startup::of(&mut without)?;
            (without, Startup::of(&mut with)?)
        } else {
            let with = Startup::of(&mut with)?;
            (Startup::of(&mut without)?, with)
        });
    }
    let added = |figure: fn(&Startup) -> f64| {
        median(pairs.iter().map(|(without, with)| figure(with) - figure(without)))
    };
    let idle = php::program("rest/idle.php");
    let bare: Idle = php::json(php::bare().command().arg(&idle))?;
    let loaded: Idle = php::json(php::with_extension().command().arg(&idle))?;
    let used: Idle = php::json(world::php(&world).command().arg(&idle).arg(world.file()))?;
    let on_files = |php: &Php| -> Result<Idle> {
        php::json(php.command().arg(&idle).arg(world.file()).arg(FILES.to_string()))
    };
    let used_much = on_files(&world::php(&world))?;
    let used_much_without = on_files(&php::bare())?;
    Ok(Rest {
        so_bytes: fs::metadata(extension())?.len(),
        wall_ms: added(|startup| startup.wall_ms),
        cpu_ms: added(|startup| startup.cpu_ms),
        peak_kb: added(|startup| startup.peak_kb),
        private_kb: loaded.private_kb - bare.private_kb,
        private_after_calls_kb: used.private_kb - bare.private_kb,
        private_after_files_kb: used_much.private_kb - used_much_without.private_kb,
        threads: used.threads - bare.threads,
        descriptors: used.descriptors - bare.descriptors,
        calls: vec![
            system_calls(&world, "fresh, once the file is remembered", 3)?,
            system_calls(&world, "fresh, the first call of a process", 1)?,
            system_calls(&expired, "expired, with its refresh", 1)?,
        ],
    })
}

#[derive(Deserialize)]
struct Idle {
    private_kb: f64,
    threads: i64,
    descriptors: i64,
}

/// A process that does nothing, from its start to its end.
struct Startup {
    wall_ms: f64,
    cpu_ms: f64,
    peak_kb: f64,
}

impl Startup {
    fn of(command: &mut Command) -> Result<Self> {
        command.args(["-r", ""]).stdout(Stdio::null());
        let start = Instant::now();
        let process = command.spawn()?;
        let (status, usage) = wait(process.id())?;
        let wall_ms = start.elapsed().as_secs_f64() * 1e3;
        ensure!(status.success(), "{command:?} failed ({status})");
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        let peak_kb = usage.ru_maxrss as f64;
        Ok(Self { wall_ms, cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime), peak_kb })
    }
}

/// Waits for the end of a child, and learns what it used up.
fn wait(pid: u32) -> Result<(ExitStatus, libc::rusage)> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::uninit();
    // SAFETY: both pointers are to writable memory of the right type.
    let waited = unsafe { libc::wait4(pid.try_into()?, &mut status, 0, usage.as_mut_ptr()) };
    ensure!(waited > 0, "cannot wait for PHP: {}", std::io::Error::last_os_error());
    // SAFETY: wait4 has succeeded, and so has filled it in.
    Ok((ExitStatus::from_raw(status), unsafe { usage.assume_init() }))
}

/// The system calls, of all threads, of the last of so many calls in a process.
fn system_calls(world: &World, call: &str, calls: usize) -> Result<SystemCalls> {
    let log = world.dir.path().join("strace.log");
    let php = world::php(world).command();
    let mut strace = Command::new("strace");
    strace.args(["-f", "-o"]).arg(&log).arg("--").arg(php.get_program()).args(php.get_args());
    strace.arg(php::program("rest/marked.php")).arg(world.file()).arg(calls.to_string());
    strace.envs(php.get_envs().filter_map(|(name, value)| Some((name, value?))));
    php::succeeded(&mut strace)?;
    let log = fs::read_to_string(log)?;
    let marked = log
        .lines()
        .skip_while(|line| !line.contains("/mark-begin"))
        .skip(1)
        .take_while(|line| !line.contains("/mark-end"));
    let mut counts = BTreeMap::new();
    for line in marked {
        // "PID name(arguments) = result", or "PID <... name resumed>", "PID +++ exited" and signals.
        let text =
            line.split_once(' ').map(|(_, text)| text.trim_start()).context("an odd line")?;
        if let Some((name, _)) = text.split_once('(')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    Ok(SystemCalls { call: call.to_owned(), counts })
}
