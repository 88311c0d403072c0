//! What is to be written to a token file.

use crate::clock::Timestamp;

/// What is to be written to a file. Nothing can show it: there is a token in it.
#[cfg_attr(test, derive(Debug))]
#[derive(Clone, PartialEq, Eq)]
pub struct Content {
    pub bytes: Vec<u8>,
    /// The modification time to give it, where that has a meaning.
    pub modified: Option<Timestamp>,
    pub attribute: Option<String>,
    /// Whether its readers ignore spaces at the end.
    pub may_be_padded: bool,
}
