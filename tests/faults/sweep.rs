//! Every fault of a scenario, or a sample of them.

use std::collections::HashSet;
use std::time::Instant;
use std::{env, fmt};

use wx_token_testing::Steps;

use crate::calls::Call;
use crate::fault::{self, Fault};
use crate::scenario::{Scenario, Stage};
use crate::table::Table;
use crate::{SCENARIOS, report};

/// How far a refresh has got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Without a lock.
    Look,
    /// Under the lock, before the fetch.
    Prepare,
    /// The store is asked for a token, or for the turn to fetch one.
    Take,
    /// The fetch.
    Ask,
    /// The store gets the token.
    Put,
    /// The store is told that there is none.
    Fail,
    /// A fresh token is compared with the store's.
    Sync,
    /// What follows: the token is stored.
    Store,
}

impl fmt::Display for Phase {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Look => "look",
            Self::Prepare => "prepare",
            Self::Take => "take",
            Self::Ask => "ask",
            Self::Put => "put",
            Self::Fail => "fail",
            Self::Sync => "sync",
            Self::Store => "store",
        })
    }
}

/// How often a refresh that did not reach the call is repeated: threads that wait for each other, and answers
/// of sockets, do not need the same calls every time.
const ATTEMPTS: usize = 10;

/// Of a sweep: a line for each fault would be thousands.
const STEPS: usize = 10;

/// Makes the faults of `scenario`: all, if `WX_FAULTS` says so.
///
/// # Panics
/// If something does not hold after one of them, or one cannot be made.
pub fn sweep(scenario: &Scenario) {
    let start = Instant::now();
    let stage = Stage::of(scenario);
    let recordings = [(); 3].map(|()| fault::record(&stage));
    let mut faults = faults(scenario, &recordings[0]);
    let all = env::var("WX_FAULTS").is_ok_and(|which| which == "all");
    if !all {
        sample(scenario, &mut faults);
    }
    let mut tables = [Table::default(), Table::default()];
    let (mut unmet, mut broken) = (Vec::new(), Vec::new());
    let step = faults.len().div_ceil(STEPS);
    let steps = Steps::new(scenario.name, faults.len() as u64);
    for (number, fault) in faults.iter().enumerate() {
        if number.is_multiple_of(step) {
            steps.begin_long(step as u64, fault);
        }
        let attempts = (0..ATTEMPTS).map(|_| fault::make(&stage, fault));
        match attempts.filter_map(Result::transpose).next() {
            Some(Ok(outcome)) => tables[usize::from(fault.lasts)].add(fault, &outcome),
            Some(Err(error)) => broken.push(format!("{fault}: {error}")),
            None if recordings.iter().all(|calls| calls.contains(&fault.call)) => {
                broken.push(format!("{fault}: a refresh with it never comes to that call"));
            }
            None => unmet.push(fault.to_string()),
        }
    }
    let (calls, time) = (recordings[0].len(), start.elapsed().as_secs_f64());
    println!("{}: {calls} system calls, {} faults, {time:.0} s", scenario.name, faults.len());
    if all {
        println!("in one recording of three, and not met again: {unmet:#?}");
        let [once, lasting] = tables;
        let lasting = lasting.unlike(&once);
        let mut section = format!("## When {}\n\n{}", scenario.name, once.markdown());
        if !lasting.is_empty() {
            section += "\nIf the error lasts, something else comes of it at these calls:\n\n";
            section += &lasting.markdown();
        }
        report::add(scenario.name, section, &SCENARIOS.map(|scenario| scenario.name));
    }
    assert!(broken.is_empty(), "{}: {broken:#?}", scenario.name);
}

/// SIGKILL at each of the `calls`, and each error that they have, once and for good.
fn faults(scenario: &Scenario, calls: &[Call]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (phase, call) in phases(scenario, calls) {
        let fault = |error, lasts| Fault { phase, call: call.clone(), error, lasts };
        faults.push(fault(None, false));
        for error in call.errors() {
            faults.push(fault(Some(*error), false));
            if (call.is_about_files() || call.is_about_store()) && error.may_last() {
                faults.push(fault(Some(*error), true));
            }
        }
    }
    faults
}

/// SIGKILL at all that concerns the disk, and of each kind of such a call the likeliest error.
fn sample(scenario: &Scenario, faults: &mut Vec<Fault>) {
    if scenario.shared.is_some() {
        return sample_of_store(faults);
    }
    let mut seen = HashSet::new();
    faults.retain(|fault| {
        let Call { name, about, .. } = &fault.call;
        let is_kill = fault.error.is_none();
        fault.call.is_about_files()
            && (is_kill || seen.insert((fault.phase, *name, about.clone(), fault.lasts)))
    });
}

/// What is unlike a refresh without a store: of each kind of call that can fail SIGKILL and the likeliest error.
fn sample_of_store(faults: &mut Vec<Fault>) {
    let mut seen = HashSet::new();
    faults.retain(|fault| {
        let call = &fault.call;
        let is_kill = fault.error.is_none();
        let request = call.is_about_connection().then_some(fault.phase);
        call.is_about_store()
            && !call.errors().is_empty()
            && (is_kill || fault.lasts)
            && seen.insert((request, call.name, call.about.clone(), is_kill))
    });
}

fn phases<'a>(scenario: &Scenario, calls: &'a [Call]) -> Vec<(Phase, &'a Call)> {
    let locks = |call: &Call| call.about.ends_with("(lock)");
    let reserves = |call: &Call| call.name == "fallocate";
    let requests = |call: &Call| call.name == "socket" || call.is_about_connection();
    let locked = calls.iter().position(locks).expect("a lock is taken");
    // A loader makes no request of its own: it is asked in between. A file that is written in place has room already.
    let prepared = calls.iter().rposition(reserves).unwrap_or(locked);
    let last = calls.iter().rposition(requests).unwrap_or(prepared);
    let mut phase = Phase::Look;
    let mut coming = scenario.requests.iter();
    let mut phases = Vec::new();
    for (index, call) in calls.iter().enumerate() {
        if call.name == "socket" {
            phase = *coming.next().expect("a request more than the scenario has");
        } else if index > last {
            phase = Phase::Store;
        }
        phases.push((phase, call));
        if index == locked {
            phase = Phase::Prepare;
        }
    }
    assert!(coming.next().is_none(), "a request less than the scenario has");
    phases
}
