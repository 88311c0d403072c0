//! A fault at each system call of a refresh (I7): SIGKILL, and the errors that the call really has.
//!
//! The calls are recorded from a refresh as it is, so the sweep follows the code. `WX_FAULTS=all`
//! makes every fault in every scenario and writes docs/faults.md; without it, a sample is made.
//!
//! ptrace(2) itself and not strace(1): strace counts the calls of each thread from one, so it cannot
//! tell the first `close` of the worker from the caller's, and it makes `close` fail by leaving it out,
//! which no kernel does.

#![cfg(test)]
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod calls;
mod fault;
mod outcome;
mod report;
mod scenario;
mod store;
mod sweep;
mod table;
mod tracer;

use crate::scenario::{Scenario, Shared, Source, Start};
use crate::sweep::{Phase, sweep};

const REPLACED: Scenario = Scenario {
    name: "an expired file is replaced",
    write_mode: "replace",
    endpoint: "stable",
    start: Start::Expired,
    source: Source::Account,
    shared: None,
    requests: &[Phase::Ask],
};
const IN_PLACE: Scenario =
    Scenario { name: "an expired file is written in place", write_mode: "in_place", ..REPLACED };
const MISSING: Scenario =
    Scenario { name: "a missing file is created", start: Start::Missing, ..REPLACED };
const DUE: Scenario =
    Scenario { name: "a due file is refreshed in the background", start: Start::Due, ..REPLACED };
const LOADER: Scenario = Scenario {
    name: "a loader refreshes an expired file",
    source: Source::Loader,
    requests: &[],
    ..REPLACED
};
const GIVEN: Scenario = Scenario {
    name: "an expired file is replaced, and the store gets the token",
    shared: Some(Shared::Nothing),
    requests: &[Phase::Take, Phase::Ask, Phase::Put],
    ..REPLACED
};
const TAKEN: Scenario = Scenario {
    name: "an expired file gets the token of another machine",
    shared: Some(Shared::Token),
    requests: &[Phase::Take],
    ..REPLACED
};
/// With classic tokens: the replaced one still is good.
const NEWER: Scenario = Scenario {
    name: "a fresh file gets a newer token of another machine, after an idle minute",
    endpoint: "classic",
    start: Start::Fresh,
    requests: &[Phase::Sync],
    ..TAKEN
};
const GIVEN_BACK: Scenario = Scenario {
    name: "a store that has lost everything gets the token of a fresh file",
    start: Start::Fresh,
    requests: &[Phase::Sync, Phase::Put],
    ..GIVEN
};
const REJECTED: Scenario = Scenario {
    name: "WeChat rejects the account, and the store is told",
    source: Source::RejectedAccount,
    requests: &[Phase::Take, Phase::Ask, Phase::Fail],
    ..GIVEN
};

/// In the order of docs/faults.md.
const SCENARIOS: [Scenario; 10] =
    [REPLACED, IN_PLACE, MISSING, DUE, LOADER, GIVEN, TAKEN, NEWER, GIVEN_BACK, REJECTED];

#[test]
fn an_expired_file_that_is_replaced() {
    sweep(&REPLACED);
}

#[test]
fn an_expired_file_that_is_written_in_place() {
    sweep(&IN_PLACE);
}

#[test]
fn a_missing_file() {
    sweep(&MISSING);
}

#[test]
fn a_due_file_that_is_refreshed_in_the_background() {
    sweep(&DUE);
}

#[test]
fn an_expired_file_with_a_loader() {
    sweep(&LOADER);
}

#[test]
fn an_expired_file_with_an_empty_store() {
    sweep(&GIVEN);
}

#[test]
fn an_expired_file_with_the_token_of_another_machine_in_the_store() {
    sweep(&TAKEN);
}

#[test]
fn a_fresh_file_with_a_newer_token_in_the_store() {
    sweep(&NEWER);
}

#[test]
fn a_fresh_file_with_an_empty_store() {
    sweep(&GIVEN_BACK);
}

#[test]
fn a_rejected_account_with_a_store() {
    sweep(&REJECTED);
}
