//! Everything at once, for as long as MINUTES says: servers, reloads, kills, forks, a WeChat that fails one time in
//! ten. Nothing breaks, and nothing grows (I1 to I9).

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;
use wechat_emulator::{Options, Tls};
use wx_token_testing::fpm::DEBIAN;
use wx_token_testing::name_server::{NameServer, WECHAT};
use wx_token_testing::php::Callers;
use wx_token_testing::process::Process;
use wx_token_testing::process::{Holdings, tell};
use wx_token_testing::site::{Requests, Site};
use wx_token_testing::witness::{Kills, Seen, Witness, bystander};
use wx_token_testing::{Steps, World};

use crate::serving::is_unlocked;
use crate::worker::{self, Ended};

/// What `make test` has time for.
const SHORT: Duration = Duration::from_secs(12);

const LOCK_TIMEOUT: f64 = 10.0;
const TIMEOUT: f64 = 2.0;
/// The longest call, in milliseconds: a wait for the lock, a fetch, five seconds to write what it brought,
/// and as much for a machine that has other things to do.
const LONGEST: f64 = (LOCK_TIMEOUT + TIMEOUT + 5.0 + 5.0) * 1000.0;

/// Exceptions for failures of WeChat; any other is a fault of the extension.
const UPSTREAM: [&str; 2] = ["WxToken\\NetworkException", "WxToken\\ApiException"];

/// As long as each other.
const STEPS: u32 = 20;

/// What a long-lived process may grow by: KiB of memory, descriptors, threads. Where malloc gives a thread an arena of
/// its own, one process or two grow by up to a megabyte, in half a minute as in five.
const GROWTH: [u64; 3] = [2048, 0, 0];

/// What most of them may grow by, in KiB: a leak is in all of them.
const USUAL_GROWTH: u64 = 512;

struct Soak<'a> {
    world: &'a World,
    witness: Witness<'a>,
    end: AtomicBool,
    /// Tokens that were invalidated before their expiry: only WeChat knows.
    revoked: Mutex<BTreeSet<String>>,
    reloads: AtomicU64,
    /// When php-fpm kills its workers.
    fpm_kills: Kills,
    kills: AtomicU64,
    expiries: AtomicU64,
}

impl Soak<'_> {
    fn is_over(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }

    /// Lets a time between these milliseconds pass, or less at the end.
    fn pause(&self, between: std::ops::Range<u64>) {
        let until = Instant::now() + Duration::from_millis(fastrand::u64(between));
        while !self.is_over() && Instant::now() < until {
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn visit(&self, requests: Requests) {
        let query = format!("file={}", self.world.file().display());
        while !self.is_over() {
            self.witness.judge_request_with(&self.fpm_kills, || requests.get(&query));
            self.pause(10..30);
        }
    }

    fn reload(&self, site: &Site) {
        loop {
            self.pause(2000..8000);
            if self.is_over() {
                return;
            }
            self.fpm_kills.during(|| site.reload());
            self.reloads.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Workers that are killed at any moment, one after the other.
    fn kill(&self) {
        while !self.is_over() {
            let mut victim = worker::start(self.world);
            let pid = victim.pid();
            // The kill may come at once, and a dead process reads nothing.
            victim.release();
            thread::scope(|scope| {
                scope.spawn(|| worker::follow(victim, &self.witness));
                self.pause(0..1500);
                tell(pid, Signal::KILL);
            });
            self.kills.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends tokens before their time: in the file, as a program without the lock does, and at WeChat.
    fn expire(&self) {
        loop {
            for how in [Self::replace_by_expired, Self::revoke] {
                self.pause(2000..5000);
                if self.is_over() {
                    return;
                }
                how(self);
                self.expiries.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn replace_by_expired(&self) {
        let other = self.world.dir.path().join("other");
        fs::write(&other, r#"{"access_token":"an-old-token","expire":5}"#).expect("a file");
        let owner = fs::metadata(self.world.dir.path()).expect("a directory");
        chown(&other, Some(owner.uid()), Some(owner.gid())).expect("the tests run as root");
        fs::rename(&other, self.world.file()).expect("a rename");
    }

    fn revoke(&self) {
        // Under the lock, so that no fetch is under way.
        let lock = loop {
            let file = File::open(self.world.file()).expect("a token file");
            file.lock().expect("a lock");
            let identity = |data: fs::Metadata| (data.dev(), data.ino());
            let locked = file.metadata().map(identity).expect("metadata");
            if fs::metadata(self.world.file()).map(identity).is_ok_and(|there| there == locked) {
                break file;
            }
        };
        let rejected = self.token();
        self.revoked.lock().expect("no panic").insert(rejected.clone());
        self.world.emulator.expire_all();
        drop(lock);
        let call = format!("wx_refresh_token($file, '{rejected}')");
        while !self.is_over() && !self.world.is_live(&self.token()) {
            Callers::start(&self.world.php(), &self.world.file(), &call, 2).release();
        }
    }

    fn token(&self) -> String {
        self.world.stored()["access_token"].as_str().map(str::to_owned).expect("a token")
    }

    /// What each of `processes` holds, from its first moment to its last.
    fn watch(&self, processes: &[u32]) -> BTreeMap<u32, Vec<Holdings>> {
        let mut samples = BTreeMap::<u32, Vec<Holdings>>::new();
        while !self.is_over() {
            for pid in processes {
                match Holdings::of(*pid) {
                    Some(holdings) => samples.entry(*pid).or_default().push(holdings),
                    None => self.witness.fails(format!("process {pid} is gone")),
                }
            }
            self.pause(40..60);
        }
        samples
    }
}

/// One refresh in ten fails, each time in another way. WeChat's -1 and a closed connection are tried
/// three times in one refresh.
fn bad_weather(world: &World, rounds: u64) {
    let faults = [
        json!({"status": 500}),
        json!({"errcode": -1, "times": 3}),
        json!({"hang": true}),
        json!({"cut": "half"}),
        json!({"body": "<html>"}),
        json!({"cut": "before", "times": 3}),
        json!({"endless": true}),
        json!({"drip_ms": 5}),
    ];
    for fault in faults.iter().cycle().take(usize::try_from(rounds).expect("a number")) {
        let round = json!([{"times": 3}, fault, {"times": 6}]);
        world.emulator.script_json(round).expect("a script");
    }
}

/// By how much the least that a process held has grown from the second quarter of its time to the last. A
/// refresh has a thread and descriptors for a while; what stays is a leak.
fn growth(samples: &[Holdings]) -> [u64; 3] {
    let quarter = samples.len() / 4;
    let floor = |samples: &[Holdings], of: fn(&Holdings) -> u64| samples.iter().map(of).min();
    let grown = |of| {
        let early = floor(&samples[quarter..2 * quarter], of);
        let late = floor(&samples[3 * quarter..], of);
        late.zip(early).map_or(0, |(late, early)| late.saturating_sub(early))
    };
    [grown(|held| held.memory), grown(|held| held.descriptors), grown(|held| held.threads)]
}

#[test]
fn faults_of_all_kinds_break_nothing_and_leak_nothing() {
    let minutes = std::env::var("MINUTES").ok().filter(|text| !text.is_empty());
    let minutes = minutes.map(|text| text.parse().expect("MINUTES is a number"));
    let time = minutes.map_or(SHORT, |minutes: f64| Duration::from_secs_f64(minutes * 60.0));
    let mut world = World::new(Options {
        latency: Duration::from_millis(200),
        lifetime: Duration::from_millis(5900),
        // Lifetimes are told in whole seconds, rounded down.
        renewal: Duration::from_secs(4),
        overlap: Duration::from_secs(2),
        tls: Some(Tls { cert_names: vec!["127.0.0.1".into(), WECHAT.into()], ..Tls::default() }),
        ..Options::default()
    });
    // Workers of servers give up root.
    let outside = tempfile::tempdir().expect("a directory");
    let ca_file = outside.path().join("ca.pem");
    fs::copy(world.emulator.ca_file().expect("a CA file"), &ca_file).expect("a copy");
    for (path, mode) in [(ca_file.as_path(), 0o644), (outside.path(), 0o755)] {
        fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("chmod");
    }
    world.set("ca_file", ca_file.to_str().expect("a path"));
    world.set("refresh_ahead", "2");
    world.set("lock_timeout", &LOCK_TIMEOUT.to_string());
    world.set("timeout", &TIMEOUT.to_string());
    let fpm = Site::nginx_and_fpm(&world, &format!("{DEBIAN}\npm.max_requests = 50"));
    let apache = cfg!(apache).then(|| Site::apache(&world, 2));
    world.call();
    let server = NameServer::start();
    let mut workers = vec![worker::start(&world), worker::start(&world)];
    workers.push(worker::start_forking(&world, &server, outside.path()));
    let pids: Vec<u32> = workers.iter().map(Process::pid).collect();
    let mut watched = pids.clone();
    watched.extend(apache.iter().flat_map(Site::processes));
    bad_weather(&world, time.as_secs());

    let soak = Soak {
        world: &world,
        witness: Witness::new(&world.emulator),
        end: AtomicBool::new(false),
        revoked: Mutex::default(),
        reloads: AtomicU64::new(0),
        fpm_kills: Kills::default(),
        kills: AtomicU64::new(0),
        expiries: AtomicU64::new(0),
    };
    let ((reads, broken), samples) = thread::scope(|scope| {
        let soak = &soak;
        workers.iter_mut().for_each(Process::release);
        for worker in workers {
            scope.spawn(|| worker::follow(worker, &soak.witness));
        }
        for site in [Some(&fpm), apache.as_ref()].into_iter().cycle().take(6).flatten() {
            let requests = site.requests();
            scope.spawn(move || soak.visit(requests));
        }
        scope.spawn(|| soak.reload(&fpm));
        scope.spawn(|| soak.kill());
        scope.spawn(|| soak.expire());
        let bystander = scope.spawn(|| bystander(&world.file(), &soak.end));
        let watch = scope.spawn(|| soak.watch(&watched));
        let _ended = Ended(pids.clone());
        let steps = Steps::new("soak", STEPS.into());
        for _ in 0..STEPS {
            steps.begin(format_args!("{} calls so far", soak.witness.calls()));
            thread::sleep(time / STEPS);
        }
        soak.end.store(true, Ordering::Relaxed);
        worker::stop(&pids);
        (bystander.join().expect("a bystander"), watch.join().expect("samples"))
    });
    let Soak { witness, revoked, reloads, kills, expiries, .. } = soak;
    let (seen, revoked) = (witness.seen(), revoked.into_inner().expect("no panic"));
    let (reloads, kills, expiries) =
        (reloads.into_inner(), kills.into_inner(), expiries.into_inner());
    apache.into_iter().for_each(Site::stop);
    let log = fpm.log();
    fpm.stop();
    assert!(is_unlocked(&world), "the lock is orphaned");

    let grown: BTreeMap<u32, [u64; 3]> =
        samples.iter().map(|(pid, samples)| (*pid, growth(samples))).collect();
    let dead: BTreeSet<_> = seen.dead.difference(&revoked).collect();
    let stats = world.emulator.stats();
    report(&seen, &grown, &world, time);
    println!(
        "dead tokens {}, broken reads {} of {reads}; {reloads} reloads, {kills} kills, \
         {expiries} expiries before their time",
        dead.len(),
        broken.len()
    );
    assert_eq!(seen.failed, Vec::<String>::new(), "{log}");
    assert!(dead.is_empty(), "{dead:?}");
    assert_eq!(broken, Vec::<String>::new());
    assert!(seen.slowest_ms < LONGEST, "a call took {} ms", seen.slowest_ms);
    let ours = |class: &&String| !UPSTREAM.contains(&class.as_str());
    assert_eq!(seen.exceptions.keys().find(ours), None, "{:?}", seen.exceptions);
    for (pid, grown) in &grown {
        let is_flat = grown.iter().zip(GROWTH).all(|(grown, most)| *grown <= most);
        assert!(is_flat, "process {pid} has grown: {grown:?}");
    }
    let mut memory: Vec<u64> = grown.values().map(|[memory, ..]| *memory).collect();
    memory.sort_unstable();
    assert!(
        memory[(memory.len() - 1) / 2] <= USUAL_GROWTH,
        "most processes have grown: {memory:?} KiB"
    );
    // Each fetch brought a new token, or else failed, was killed, here or by php-fpm, or was made for a token
    // that was taken out of the file before its time.
    assert!(server.asked() > 0, "no host name was looked up");
    let failed = 3 * (stats.fetches.total() / 10 + 1);
    let most = stats.minted.stable + failed + kills + reloads + expiries;
    assert!(stats.fetches.total() <= most, "{} fetches of {most}", stats.fetches.total());
    assert!(seen.tokens.len() >= 3 && seen.calls > 100, "too little to tell anything");

    // The next refresh removes what killed processes left.
    world.emulator.clear_script();
    world.write_expired();
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
}

fn report(seen: &Seen, grown: &BTreeMap<u32, [u64; 3]>, world: &World, time: Duration) {
    let stats = world.emulator.stats();
    println!("soak of {} s", time.as_secs());
    println!(
        "{} calls, slowest {:.0} ms, {} too late to judge; {} cut by their server",
        seen.calls, seen.slowest_ms, seen.late, seen.cut
    );
    println!(
        "{} tokens, {} fetches, {} minted",
        seen.tokens.len(),
        stats.fetches.total(),
        stats.minted.stable
    );
    for (class, (count, last)) in &seen.exceptions {
        println!("{count} × {class}, the last: {last}");
    }
    for (pid, [memory, descriptors, threads]) in grown {
        println!("process {pid}: {memory} KiB, {descriptors} descriptors, {threads} threads more");
    }
}
