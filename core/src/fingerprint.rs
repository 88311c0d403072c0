//! Fingerprints: they tell things apart without revealing them.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub fn from_hex(hex: impl Into<String>) -> Self {
        Self(hex.into())
    }

    /// The fingerprint of `parts`, none of which contains a NUL byte.
    pub fn from_parts<T: AsRef<str>>(parts: impl IntoIterator<Item = T>) -> Self {
        let mut hasher = Sha256::new();
        for (number, part) in parts.into_iter().enumerate() {
            hasher.update(if number == 0 { "" } else { "\0" });
            hasher.update(part.as_ref());
        }
        Self(hasher.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    pub fn hex(&self) -> &str {
        &self.0
    }
}
