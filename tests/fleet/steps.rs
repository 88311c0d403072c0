//! A fault at each step of a refresh: of the store, and of the process that fetches (F2 to F5, F9).

use std::path::PathBuf;

use rustix::process::Signal;
use wx_token_testing::php::{Answer, Callers, GET};
use wx_token_testing::process::{Process, tell};
use wx_token_testing::proxy::{Point, Proxy, Script, Way};
use wx_token_testing::redis::Redis;
use wx_token_testing::{Steps, print_waits, until};

use crate::fleet::{EXPIRED, Fleet, all};
use crate::watch::Watch;

/// Where the refresh of the first machine is when the fault comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    BeforeTake,
    /// It has its turn and its token, and no other machine has.
    BeforePut,
    /// The store has the token, and the machine will never know.
    PutAnswerLost,
    AfterPut,
}

const STEPS: [Step; 4] = [Step::BeforeTake, Step::BeforePut, Step::PutAnswerLost, Step::AfterPut];

impl Step {
    const fn point(self) -> Point {
        match self {
            Self::BeforeTake => Point::Before(Script::Take),
            Self::BeforePut => Point::Before(Script::Put),
            Self::PutAnswerLost | Self::AfterPut => Point::After(Script::Put),
        }
    }

    /// Lets what is held go on.
    fn pass(self, proxy: &Proxy, fault: Fault) {
        proxy.release(match self {
            Self::PutAnswerLost => Way::Cut(0),
            // It was killed before it sent that.
            Self::BeforePut if fault == HolderKilled => Way::Swallow,
            _ => Way::Open,
        });
    }

    const fn has_put(self) -> bool {
        matches!(self, Self::PutAnswerLost | Self::AfterPut)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// The store is killed, and comes back empty.
    StoreKilled,
    /// The store is stopped until every caller has ended.
    StoreStopped,
    AllFlushed,
    KeyDeleted,
    HolderKilled,
    /// Until the other machines have their tokens.
    HolderStopped,
}

use Fault::{AllFlushed, HolderKilled, HolderStopped, KeyDeleted, StoreKilled, StoreStopped};

impl Fault {
    const fn is_of_holder(self) -> bool {
        matches!(self, HolderKilled | HolderStopped)
    }

    /// What happens to the store.
    fn begin(self, redis: &mut Redis) {
        match self {
            StoreKilled => {
                redis.kill();
                redis.restart();
            }
            StoreStopped => redis.hang(),
            AllFlushed => drop(redis.run(&["flushall"])),
            KeyDeleted => {
                let key = redis.run(&["keys", "*"]);
                redis.run(&["del", &key]);
            }
            HolderKilled | HolderStopped => {}
        }
    }

    /// The most fetches that there may be.
    const fn most_fetches(self, step: Step) -> u64 {
        match self {
            // Each machine asks for itself.
            StoreKilled | StoreStopped => MACHINES as u64,
            // The lease is lost: one that began before, and one after.
            AllFlushed | KeyDeleted => 2,
            HolderKilled | HolderStopped if step.has_put() => 1,
            // The one that took over, and the one that was overtaken.
            HolderKilled | HolderStopped => 2,
        }
    }
}

const MACHINES: usize = 3;
const FETCH_MS: f64 = 200.0;
const STORE_TIMEOUT: u32 = 1;
const TIMEOUT: u32 = 2;

/// For a busy machine.
const SLACK_MS: f64 = 4000.0;

fn lease_ms(endpoint: &str) -> f64 {
    let classic = f64::from(TIMEOUT + 2 * STORE_TIMEOUT + 1) * 1000.0;
    if endpoint == "classic" { classic } else { 2000.0 }
}

/// Makes `fault` at each step for both endpoints, or for one of them in turn.
fn sweep(fault: Fault) {
    let mut chosen = Vec::new();
    for (number, step) in STEPS.into_iter().enumerate() {
        for (of_endpoint, endpoint) in ["stable", "classic"].into_iter().enumerate() {
            // There the lease counts, and the order of two tokens.
            let is_vital = fault.is_of_holder() && step == Step::BeforePut;
            if all() || is_vital || (number + fault as usize) % 2 == of_endpoint {
                chosen.push((step, endpoint));
            }
        }
    }
    let steps = Steps::new(&format!("{fault:?}"), chosen.len() as u64);
    for (step, endpoint) in chosen {
        steps.begin(format_args!("{step:?}, {endpoint}"));
        make(fault, step, endpoint);
    }
}

fn make(fault: Fault, step: Step, endpoint: &str) {
    let what = format!("{fault:?}, {step:?}, {endpoint}");
    // The last one joins when all is over.
    let (mut fleet, proxy) = Fleet::behind_proxy(MACHINES + 1);
    fleet.world.set("endpoint", endpoint);
    fleet.world.set("timeout", &TIMEOUT.to_string());
    fleet.world.set("store_timeout", &STORE_TIMEOUT.to_string());
    fleet.write(EXPIRED);
    let watch = Watch::start(&fleet);
    let php = fleet.world.php();
    let caller = |machine: usize| Callers::start(&php, &fleet.machines[machine], GET, 1);
    let (holder, others) = (caller(0), [1, 2, 2].map(caller));

    proxy.hold(step.point());
    let holder = holder.release_only().remove(0);
    proxy.until_held();
    let others: Vec<_> = others.into_iter().flat_map(Callers::release_only).collect();
    let answers = match fault {
        HolderKilled => {
            holder.kill();
            step.pass(&proxy, fault);
            answers(others)
        }
        HolderStopped => {
            tell(holder.pid(), Signal::STOP);
            let answers = answers(others);
            step.pass(&proxy, fault);
            tell(holder.pid(), Signal::CONT);
            // Its time stood still.
            assert!(fleet.world.is_live(Answer::of(holder).token()), "{what}");
            answers
        }
        of_store => {
            let mut all = Vec::new();
            if step == Step::AfterPut {
                step.pass(&proxy, fault);
                all.push(Answer::of(holder));
                of_store.begin(&mut fleet.redis);
            } else {
                of_store.begin(&mut fleet.redis);
                step.pass(&proxy, fault);
                all.push(Answer::of(holder));
            }
            all.extend(answers(others));
            fleet.redis.go_on();
            all
        }
    };
    print_waits(&what, &answers);
    let lease = if fault.is_of_holder() { lease_ms(endpoint) } else { 0.0 };
    let bound = FETCH_MS + 2000.0 * f64::from(STORE_TIMEOUT) + lease + SLACK_MS;
    for answer in &answers {
        assert!(fleet.world.is_live(answer.token()), "{what}");
        assert!(answer.milliseconds < bound, "{what}: {} ms", answer.milliseconds);
    }
    if fault.is_of_holder() {
        // The store was there all the time, so it has what they got: nothing that came later, and is older.
        assert_eq!(fleet.call(MACHINES).token(), answers[0].token(), "{what}");
    }
    let fetches = fleet.world.fetches();
    assert!(fetches <= fault.most_fetches(step), "{what}: {fetches} fetches");
    assert_agreement(&mut fleet, &what);
    assert_eq!(fleet.world.fetches(), fetches, "{what}: agreement needs no fetch");
    watch.assert_order(&fleet);
}

fn answers(callers: Vec<Process>) -> Vec<Answer> {
    callers.into_iter().map(Answer::of).collect()
}

/// After a few calls all machines have the same live token, and so has the store.
fn assert_agreement(fleet: &mut Fleet, what: &str) {
    fleet.world.set("store_revalidate", "0.1");
    until("all machines have one token", || {
        for machine in 0..MACHINES {
            assert!(fleet.world.is_live(fleet.call(machine).token()), "{what}");
        }
        let first = fleet.stored(0);
        let agree = (1..MACHINES).all(|machine| fleet.stored(machine) == first);
        agree && !fleet.field("tok").is_empty()
    });
    assert_eq!(fleet.call(MACHINES).token(), fleet.stored(0), "{what}: the store has another one");
}

#[test]
fn the_store_is_killed_and_comes_back_empty() {
    sweep(StoreKilled);
}

#[test]
fn the_store_is_stopped_and_goes_on() {
    sweep(StoreStopped);
}

#[test]
fn the_store_loses_all() {
    sweep(AllFlushed);
}

#[test]
fn the_store_loses_the_key() {
    sweep(KeyDeleted);
}

#[test]
fn the_process_that_fetches_is_killed() {
    sweep(HolderKilled);
}

#[test]
fn the_process_that_fetches_is_overtaken_and_goes_on() {
    sweep(HolderStopped);
}

/// All have waited for as long as the lease lasts, and only one of them fetches. Where the store has a token, its key
/// outlives the lease.
#[test]
fn of_many_machines_that_wait_for_one_that_died_one_takes_over() {
    for is_rejected in [false, true] {
        let (mut fleet, proxy) = Fleet::behind_proxy(6);
        fleet.world.set("endpoint", "classic");
        fleet.world.set("timeout", "1");
        fleet.world.set("store_timeout", "1");
        fleet.write(EXPIRED);
        let mut call = GET.to_owned();
        if is_rejected {
            let answers = fleet.storm(1, GET);
            call = format!("wx_refresh_token($file, '{}')", answers[0].token());
            fleet.world.emulator.reset();
        }
        let php = fleet.world.php();
        let start = |file: &PathBuf| Callers::start(&php, file, &call, 1);
        let mut callers: Vec<_> = fleet.machines.iter().map(start).collect();
        proxy.hold(Point::After(Script::Take));
        let holder = callers.remove(0).release_only().remove(0);
        proxy.until_held();
        let others: Vec<_> = callers.into_iter().flat_map(Callers::release_only).collect();
        holder.kill();
        proxy.release(Way::Open);
        let answers = answers(others);
        print_waits(
            &format!("the machine that has its turn dies, rejected: {is_rejected}"),
            &answers,
        );
        for answer in &answers {
            assert_eq!(answer.token(), answers[0].token());
        }
        assert!(fleet.world.is_live(answers[0].token()));
        assert_eq!(fleet.world.fetches(), 1);
    }
}

/// The lock of its file makes the next process of a machine its successor in the store.
#[test]
fn the_next_process_of_a_machine_continues_where_a_killed_one_was() {
    let (mut fleet, proxy) = Fleet::behind_proxy(1);
    fleet.world.set("endpoint", "classic");
    fleet.world.set("timeout", "20");
    fleet.write(EXPIRED);
    proxy.hold(Point::After(Script::Take));
    let php = fleet.world.php();
    let killed = Callers::start(&php, &fleet.machines[0], GET, 1).release_only().remove(0);
    proxy.until_held();
    killed.kill();
    proxy.release(Way::Open);
    let answer = fleet.call(0);
    assert!(fleet.world.is_live(answer.token()));
    // The lease of the killed one lasts for 25 s.
    assert!(answer.milliseconds < 8000.0, "{} ms", answer.milliseconds);
    print_waits("a successor on the same machine", &[answer]);
    assert_eq!(fleet.world.fetches(), 1);
}
