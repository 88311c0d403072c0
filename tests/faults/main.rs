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
mod sweep;
mod table;
mod tracer;

use crate::scenario::{Scenario, Source, Start};
use crate::sweep::sweep;

const REPLACED: Scenario = Scenario {
    name: "an expired file is replaced",
    write_mode: "replace",
    start: Start::Expired,
    source: Source::Account,
};
const IN_PLACE: Scenario =
    Scenario { name: "an expired file is written in place", write_mode: "in_place", ..REPLACED };
const MISSING: Scenario =
    Scenario { name: "a missing file is created", start: Start::Missing, ..REPLACED };
const DUE: Scenario =
    Scenario { name: "a due file is refreshed in the background", start: Start::Due, ..REPLACED };
const LOADER: Scenario =
    Scenario { name: "a loader refreshes an expired file", source: Source::Loader, ..REPLACED };

/// In the order of docs/faults.md.
const SCENARIOS: [Scenario; 5] = [REPLACED, IN_PLACE, MISSING, DUE, LOADER];

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
