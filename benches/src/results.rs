//! What was measured, as `benches/results/results.json` keeps it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::hot::Hot;
use crate::machine::Machine;
use crate::rest::Rest;
use crate::storm::Storm;
use crate::web::Web;

#[derive(Serialize, Deserialize)]
pub struct Results {
    pub machine: Machine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot: Option<Hot>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storm: Option<Storm>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<Web>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rest: Option<Rest>,
}

impl Results {
    /// The last results, if they are of this machine: those of two machines do not compare.
    pub fn of_this_machine() -> Result<Self> {
        let machine = Machine::this()?;
        let last = fs::read(directory().join("results.json")).ok();
        let last: Option<Self> = last.and_then(|text| serde_json::from_slice(&text).ok());
        let none = Self { machine: machine.clone(), hot: None, storm: None, web: None, rest: None };
        Ok(last.filter(|last| last.machine == machine).unwrap_or(none))
    }

    pub fn store(&self) -> Result<()> {
        let path = directory().join("results.json");
        fs::create_dir_all(directory())?;
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Where results and pictures go.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("results")
}
