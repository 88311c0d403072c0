//! A fault at each system call of a refresh (I7): SIGKILL, and the errors that the call really has.
//!
//! The calls are recorded from a refresh as it is, so the sweep follows the code. `WX_FAULTS=all`
//! makes every fault in every scenario and prints what came of them; without it, a sample is made.
//!
//! ptrace(2) itself and not strace(1): strace counts the calls of each thread from one, so it cannot
//! tell the first `close` of the worker from the caller's, and it makes `close` fail by leaving it out,
//! which no kernel does.

#![cfg(all(test, target_os = "linux", target_arch = "x86_64"))]
mod calls;
mod fault;
mod outcome;
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

#[test]
fn an_expired_file_that_is_replaced() {
    sweep(&REPLACED);
}

#[test]
fn an_expired_file_that_is_written_in_place() {
    let name = "an expired file is written in place";
    sweep(&Scenario { name, write_mode: "in_place", ..REPLACED });
}

#[test]
fn a_missing_file() {
    sweep(&Scenario { name: "a missing file is made", start: Start::Missing, ..REPLACED });
}

#[test]
fn a_due_file_that_is_refreshed_in_the_background() {
    let name = "a due file is refreshed in the background";
    sweep(&Scenario { name, start: Start::Due, ..REPLACED });
}

#[test]
fn an_expired_file_with_a_loader() {
    let name = "an expired file is refreshed by a loader";
    sweep(&Scenario { name, source: Source::Loader, ..REPLACED });
}
