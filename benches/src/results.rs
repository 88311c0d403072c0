//! What was measured, and what `benches/results/results.json` keeps of it: what README.md and the pictures
//! show.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::fleet::Fleet;
use crate::hot::Hot;
use crate::log::Logged;
use crate::machine::Machine;
use crate::race::Race;
use crate::rest::Rest;
use crate::storm::Storm;
use crate::web::Web;

#[derive(Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot: Option<Hot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Logged>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storm: Option<Storm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub race: Option<Vec<Race>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fleet: Option<Vec<Fleet>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

impl Results {
    /// Nothing is measured yet.
    pub fn none() -> Result<Self> {
        let machine = Machine::this()?;
        Ok(Self {
            machine,
            hot: None,
            log: None,
            storm: None,
            race: None,
            fleet: None,
            web: None,
            rest: None,
        })
    }

    /// Puts what was measured, in so far as it is shown, in the place of what was kept of the same parts.
    /// Parts that another machine measured go: figures of two machines do not compare.
    pub fn keep(self) -> Result<Self> {
        let last =
            fs::read(file()).ok().and_then(|text| serde_json::from_slice::<Self>(&text).ok());
        let last = match last {
            Some(last) if last.machine == self.machine => last,
            _ => Self::none()?,
        };
        let kept = Self {
            machine: self.machine,
            hot: self.hot.map(Hot::shown).or(last.hot),
            log: self.log.or(last.log),
            storm: self.storm.map(Storm::shown).or(last.storm),
            race: self.race.or(last.race),
            fleet: self.fleet.or(last.fleet),
            web: self.web.or(last.web),
            rest: self.rest.or(last.rest),
        };
        fs::create_dir_all(directory())?;
        let text = lines(&json!(kept), 0) + "\n";
        fs::write(file(), text).with_context(|| format!("cannot write {}", file().display()))?;
        Ok(kept)
    }
}

/// JSON with a line for each figure, and for each record of a list.
fn lines(value: &Value, depth: usize) -> String {
    let (open, close, items): (_, _, Vec<String>) = match value {
        Value::Object(members) if depth < 3 => {
            let member = |(name, value)| format!("{}: {}", json!(name), lines(value, depth + 1));
            ('{', '}', members.iter().map(member).collect())
        }
        Value::Array(list) if depth < 3 => {
            ('[', ']', list.iter().map(|value| lines(value, depth + 1)).collect())
        }
        value => return value.to_string(),
    };
    let indent = "  ".repeat(depth);
    format!("{open}\n{indent}  {}\n{indent}{close}", items.join(&format!(",\n{indent}  ")))
}

fn file() -> PathBuf {
    directory().join("results.json")
}

/// Where results and pictures go.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results")
}
