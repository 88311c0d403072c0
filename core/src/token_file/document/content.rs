//! What is to be written to a token file.

use std::fmt;

use crate::clock::Timestamp;

/// What is to be written to a file. Never shown: there is a token in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    /// The whole file.
    pub bytes: Vec<u8>,
    /// The modification time to give it, where that has a meaning.
    pub modified: Option<Timestamp>,
    /// What its extended attribute is to hold.
    pub attribute: Option<String>,
    /// Whether its readers ignore spaces at the end.
    pub may_be_padded: bool,
}

impl fmt::Debug for Content {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Content")
            .field("length", &self.bytes.len())
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}
