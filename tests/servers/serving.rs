//! Servers from start to stop, under load: no failed request, no invalid token, one fetch for an expiry, and
//! no lock that stays (I1, I2, I3, I7).

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::fpm::DEBIAN;
use wx_token_testing::php::Answer;
use wx_token_testing::site::Site;
use wx_token_testing::witness::{Kills, Witness, bystander};
use wx_token_testing::{SetOnDrop, WWW_DATA, World, until};

/// As many as there are workers.
const VISITORS: usize = 8;

/// How much longer a token lives at most once there is a newer one.
const OVERLAP: Duration = Duration::from_secs(2);

/// Tokens that are due after three seconds and expire after nine, which is time enough for a server
/// to come up again on a busy machine. A fetch takes half a second.
pub fn short_lived() -> World {
    let mut world = World::new(Options {
        latency: Duration::from_millis(500),
        lifetime: Duration::from_millis(9900),
        // Lifetimes are told in whole seconds, rounded down.
        renewal: Duration::from_secs(8),
        overlap: OVERLAP,
        ..Options::default()
    });
    world.set("refresh_ahead", "6");
    world
}

pub fn is_unlocked(world: &World) -> bool {
    File::open(world.file()).expect("a token file").try_lock().is_ok()
}

/// Every fetch brought a new token, and none was lost.
pub fn assert_one_fetch_each(world: &World) {
    let stats = world.emulator.stats();
    assert_eq!(stats.fetches.total(), stats.minted.stable, "fetches for so many tokens");
    assert_newest_is_stored(world);
}

/// One fetch at a time, and its token is in the file.
fn assert_newest_is_stored(world: &World) {
    assert_eq!(world.emulator.stats().max_in_flight, 1);
    let token = world.stored()["access_token"].as_str().map(str::to_owned).expect("a token");
    let left = world.emulator.check(&token).seconds_left;
    let overlap = world.emulator.options().overlap;
    assert!(left > overlap.as_secs_f64(), "the stored token is not the newest: {left} s left");
}

fn expire(world: &World, user: u32) {
    world.write_expired();
    chown(world.file(), Some(user), Some(user)).expect("the tests run as root");
}

fn keeps_its_promises(start: impl FnOnce(&World) -> Site) {
    let world = short_lived();
    let site = start(&world);
    storm(&world, &site);
    under_load(&world, &site, None);
    stop(&world, site);
}

/// The same with a server that kills its workers at a reload and a stop: what it cuts is its own doing, and a
/// refresh that it cuts off is begun anew.
fn keeps_its_promises_despite_kills(start: impl FnOnce(&World) -> Site) {
    let world = short_lived();
    // WeChat's overlap, too, is as long as a token is due before its expiry.
    world.emulator.change(|options| options.overlap = Duration::from_secs(6));
    let site = start(&world);
    storm(&world, &site);
    under_load(&world, &site, Some(&Kills::default()));
    site.stop();
    until("no fetch is under way", || world.emulator.stats().in_flight == 0);
    assert!(is_unlocked(&world), "the lock is orphaned");
    world.write_expired();
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
    assert_newest_is_stored(&world);
    // Of each pair, the first was cut off: by the reload, and by the stop.
    let stats = world.emulator.stats();
    assert!(stats.fetches.total() <= stats.minted.stable + 2, "{stats:?}");
}

/// Many requests to a server that has only just started, and no valid token.
fn storm(world: &World, site: &Site) {
    expire(world, WWW_DATA);
    world.emulator.reset();
    let query = format!("file={}", world.file().display());
    let requests = site.requests();
    let answers: Vec<Answer> = thread::scope(|scope| {
        let request =
            || requests.get(&query).unwrap_or_else(|error| panic!("{error} {}", site.log()));
        let threads: Vec<_> = (0..32).map(|_| scope.spawn(request)).collect();
        threads
            .into_iter()
            .map(|thread| Answer::parse(&thread.join().expect("an answer")))
            .collect()
    });
    assert_one_fetch_each(world);
    assert_eq!(world.fetches(), 1);
    world.assert_one_live_token(&answers);
}

/// A refresh with a reload in its middle, and then another one.
fn under_load(world: &World, site: &Site, kills: Option<&Kills>) {
    let query = format!("file={}", world.file().display());
    let (end, witness) = (AtomicBool::new(false), Witness::new(&world.emulator));
    let requests = site.requests();
    let (reads, broken) = thread::scope(|scope| {
        let over = SetOnDrop(&end);
        let bystander = scope.spawn(|| bystander(&world.file(), &end));
        for _ in 0..VISITORS {
            scope.spawn(|| {
                while !end.load(Ordering::Relaxed) {
                    match kills {
                        Some(kills) => witness.judge_request_with(kills, || requests.get(&query)),
                        None => witness.judge_request(requests.get(&query)),
                    }
                    thread::sleep(Duration::from_millis(20));
                }
            });
        }
        let before = world.stored()["access_token"].clone();
        until("a refresh is under way", || world.emulator.stats().in_flight == 1);
        kills.map_or_else(|| site.reload(), |kills| kills.during(|| site.reload()));
        // A refresh that was cut off is begun anew.
        until("a refresh is stored", || world.stored()["access_token"] != before);
        until("its lock is free", || world.emulator.stats().in_flight == 0 && is_unlocked(world));
        // The next one is to outlast the visitors: the server is told to stop in its middle. The end of a
        // process waits for a fetch of this length, on a busy machine too.
        let before = world.fetches();
        world.emulator.change(|options| options.latency = Duration::from_millis(200));
        until("the next one is", || world.fetches() > before);
        drop(over);
        bystander.join().expect("a bystander")
    });
    let seen = witness.seen();
    println!(
        "{} requests, {} cut by their server, slowest call {:.0} ms, {} fetches, {reads} reads of a bystander",
        seen.calls,
        seen.cut,
        seen.slowest_ms,
        world.fetches()
    );
    assert_eq!((seen.failed, seen.exceptions), Default::default(), "{}", site.log());
    assert_eq!(seen.dead, Default::default(), "dead tokens were handed out");
    assert_eq!(broken, Vec::<String>::new(), "what the bystander has read");
    assert!(seen.tokens.len() >= 2, "the refresh during the reload was lost");
}

/// A stop during a refresh that nobody waits for.
fn stop(world: &World, site: Site) {
    site.stop();
    until("the fetch is over", || world.emulator.stats().in_flight == 0);
    assert!(is_unlocked(world), "the lock is orphaned");
    assert_one_fetch_each(world);
    assert_eq!(world.names(), ["token.json"], "something was left behind");
}

/// Requests that wait for a fetch when their server is told to stop are answered.
fn answers_accepted_requests(start: impl FnOnce(&World) -> Site) {
    let world = short_lived();
    let site = start(&world);
    expire(&world, WWW_DATA);
    let arrivals = world.dir.path().join("arrivals");
    fs::write(&arrivals, "").expect("a file");
    chown(&arrivals, Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
    let query = format!("file={}&arrivals={}", world.file().display(), arrivals.display());
    world.emulator.script_json(json!([{"delay_ms": 3000}])).expect("a script");
    let witness = Witness::new(&world.emulator);
    thread::scope(|scope| {
        let requests = site.requests();
        for _ in 0..4 {
            let (witness, query) = (&witness, &query);
            scope.spawn(move || witness.judge_request(requests.get(query)));
        }
        until("all have been let in", || fs::read(&arrivals).is_ok_and(|marks| marks.len() == 4));
        until("a fetch is under way", || world.emulator.stats().in_flight == 1);
        site.stop();
    });
    let seen = witness.seen();
    assert_eq!((seen.failed, seen.exceptions), Default::default());
    assert_eq!((seen.calls, seen.tokens.len(), seen.dead.len()), (4, 1, 0));
    assert!(is_unlocked(&world), "the lock is orphaned");
    assert_one_fetch_each(&world);
}

#[test]
fn nginx_and_a_static_pool_of_php_fpm() {
    keeps_its_promises_despite_kills(|world| {
        Site::nginx_and_fpm(world, "pm = static\npm.max_children = 8")
    });
}

#[test]
fn nginx_and_a_php_fpm_that_gives_its_workers_time() {
    let pool = "pm = static\npm.max_children = 8";
    keeps_its_promises(|world| Site::nginx_and_patient_fpm(world, pool));
}

#[test]
fn nginx_and_a_dynamic_pool_of_php_fpm() {
    keeps_its_promises_despite_kills(|world| Site::nginx_and_fpm(world, DEBIAN));
}

#[test]
fn nginx_and_an_ondemand_pool_of_php_fpm() {
    let pool = "pm = ondemand\npm.max_children = 8\npm.process_idle_timeout = 1s";
    keeps_its_promises_despite_kills(|world| Site::nginx_and_fpm(world, pool));
}

#[test]
#[cfg_attr(not(apache), ignore = "this PHP has no module for Apache")]
fn apache_prefork_with_php_as_its_module() {
    keeps_its_promises(|world| Site::apache(world, 8));
}

#[test]
fn phps_own_server() {
    keeps_its_promises(|world| Site::builtin(world, 4));
}

#[test]
fn php_fpm_that_gives_its_workers_time_answers_accepted_requests_before_it_stops() {
    let pool = "pm = static\npm.max_children = 4";
    answers_accepted_requests(|world| Site::nginx_and_patient_fpm(world, pool));
}

#[test]
#[cfg_attr(not(apache), ignore = "this PHP has no module for Apache")]
fn apache_answers_accepted_requests_before_it_stops() {
    answers_accepted_requests(|world| Site::apache(world, 4));
}
