//! What a format finds in a file.

use super::keyed::Keyed;
use super::layout::{FileExpiry, Layout};
use super::refresh_state::RefreshState;

pub struct Found {
    pub layout: Layout,
    /// `None` in text files, and where there is nothing to keep: a write makes the file anew.
    pub file: Option<Keyed>,
    /// What a new file begins with, before its JSON.
    pub prefix: String,
    /// What a text file ends with, after its token.
    pub suffix: String,
    pub token: Option<(String, FileExpiry)>,
    /// `None` where the layout has no room for it.
    pub state: Option<RefreshState>,
    pub is_damaged: bool,
}

impl Found {
    pub fn nothing(layout: Layout, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        let suffix = String::new();
        Self { layout, file: None, prefix, suffix, token: None, state: None, is_damaged: false }
    }

    /// Nothing, since a write or a copy of the file broke off.
    pub fn truncated(layout: Layout, prefix: impl Into<String>) -> Self {
        Self { is_damaged: true, ..Self::nothing(layout, prefix) }
    }

    /// A text file with a token and nothing else to keep.
    pub fn text(layout: Layout, token: &str, expiry: FileExpiry) -> Self {
        Self { token: Some((token.to_owned(), expiry)), ..Self::nothing(layout, "") }
    }
}
