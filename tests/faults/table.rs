//! What came of the faults of a scenario, as a table for the reader.

use std::fmt::Write;

use crate::fault::Fault;
use crate::outcome::Outcome;
use crate::sweep::Phase;

/// Rows are calls, columns are faults, each in the order in which they first came.
#[derive(Default)]
pub struct Table {
    rows: Vec<Row>,
    columns: Vec<&'static str>,
}

struct Row {
    phase: Phase,
    call: String,
    cells: Vec<(&'static str, String)>,
}

impl Table {
    pub fn add(&mut self, fault: &Fault, outcome: &Outcome) {
        let call = format!("`{}` {}", fault.call.name, fault.call.about);
        let same = |row: &Row| row.phase == fault.phase && row.call == call;
        let row = self.rows.iter().position(same).unwrap_or_else(|| {
            self.rows.push(Row { phase: fault.phase, call, cells: Vec::new() });
            self.rows.len() - 1
        });
        let cell = (fault.name(), outcome.to_string());
        if !self.rows[row].cells.contains(&cell) {
            self.rows[row].cells.push(cell);
        }
        if !self.columns.contains(&fault.name()) {
            self.columns.push(fault.name());
        }
    }

    pub fn markdown(&self) -> String {
        let mut text = format!("| phase | call | {} |\n", self.columns.join(" | "));
        text += &format!("|---|---|{}\n", "---|".repeat(self.columns.len()));
        for row in &self.rows {
            write!(text, "| {} | {} |", row.phase, row.call).expect("memory");
            for column in &self.columns {
                let cells = row.cells.iter().filter(|(name, _)| name == column);
                let cells: Vec<&str> = cells.map(|(_, outcome)| outcome.as_str()).collect();
                write!(text, " {} |", cells.join("; ")).expect("memory");
            }
            text.push('\n');
        }
        text
    }
}
