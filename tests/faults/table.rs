//! What came of the faults of a scenario, as a table for the reader.

use std::collections::BTreeSet;

use crate::fault::Fault;
use crate::outcome::Outcome;
use crate::sweep::Phase;

/// Faults that share a column; any other error goes into the last one.
const COLUMNS: [&[&str]; 8] = [
    &["SIGKILL"],
    &["ENOSPC", "EDQUOT"],
    &["EIO"],
    &["EACCES", "EPERM"],
    &["EROFS"],
    &["EINTR"],
    &["EMFILE"],
    &["ENOMEM"],
];

/// Rows are calls, in the order in which they first came.
#[derive(Default)]
pub struct Table(Vec<Row>);

struct Row {
    phase: Phase,
    call: String,
    /// Names of faults, each with what came of it.
    outcomes: BTreeSet<(&'static str, String)>,
}

impl Table {
    pub fn add(&mut self, fault: &Fault, outcome: &Outcome) {
        let call = match fault.call.about.as_str() {
            "" => format!("`{}`", fault.call.name),
            about => format!("`{}`: {about}", fault.call.name),
        };
        let outcome = (fault.name(), outcome.to_string());
        match self.0.iter_mut().find(|row| row.phase == fault.phase && row.call == call) {
            Some(row) => _ = row.outcomes.insert(outcome),
            None => {
                self.0.push(Row { phase: fault.phase, call, outcomes: BTreeSet::from([outcome]) });
            }
        }
    }

    /// The table, with one row for calls of a phase that differ in nothing else.
    pub fn markdown(&self) -> String {
        let columns = COLUMNS.map(|names| names.join(", ")).join(" | ");
        let mut text = format!("| phase | call | {columns} | other |\n");
        text += &format!("|---|---|{}\n", "---|".repeat(COLUMNS.len() + 1));
        let mut told = Vec::new();
        for row in &self.0 {
            let line = (row.phase, row.cells());
            if told.contains(&line) {
                continue;
            }
            let same = self.0.iter().filter(|other| (other.phase, other.cells()) == line);
            let calls: Vec<&str> = same.map(|row| row.call.as_str()).collect();
            text += &format!("| {} | {} | {} |\n", row.phase, calls.join("; "), line.1.join(" | "));
            told.push(line);
        }
        text
    }

    /// The rows in which something else came of a fault than in `other`, which has its rows too.
    pub fn unlike(self, other: &Self) -> Self {
        let is_unlike = |row: &Row| {
            let same = |known: &&Row| (known.phase, &known.call) == (row.phase, &row.call);
            other.0.iter().find(same).is_none_or(|known| !row.outcomes.is_subset(&known.outcomes))
        };
        Self(self.0.into_iter().filter(is_unlike).collect())
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Row {
    /// For each column what came of its faults. Those that differ are named.
    fn cells(&self) -> Vec<String> {
        let named = COLUMNS.iter().map(|names| self.cell(|name| names.contains(&name), false));
        let is_other = |name: &str| !COLUMNS.iter().any(|names| names.contains(&name));
        named.chain([self.cell(is_other, true)]).collect()
    }

    fn cell(&self, is_in: impl Fn(&str) -> bool, is_named: bool) -> String {
        let mut named: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        let found = self.outcomes.iter().filter(|(name, _)| is_in(name));
        for (name, outcome) in found {
            // The outcomes of a name stand side by side.
            match named.last_mut() {
                Some((names, outcomes)) if names[..] == [*name] => outcomes.push(outcome),
                _ => named.push((vec![name], vec![outcome])),
            }
        }
        let mut joined: Vec<(Vec<&str>, Vec<&str>)> = Vec::new();
        for (names, outcomes) in named {
            match joined.iter_mut().find(|(_, known)| *known == outcomes) {
                Some((known, _)) => known.extend(names),
                None => joined.push((names, outcomes)),
            }
        }
        let is_one = joined.len() == 1 && !is_named;
        let cell = |(names, outcomes): (Vec<&str>, Vec<&str>)| {
            let outcomes = outcomes.join(" or ");
            if is_one { outcomes } else { format!("{}: {outcomes}", names.join(", ")) }
        };
        joined.into_iter().map(cell).collect::<Vec<_>>().join("; ")
    }
}
