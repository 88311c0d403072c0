//! What a format finds in a file.

use super::keyed::Keyed;
use super::layout::Layout;
use super::refresh_state::RefreshState;
use crate::clock::Timestamp;

pub struct Found {
    pub layout: Layout,
    /// `None` with layout "plain", and where there is nothing to keep: a write makes the file anew.
    pub file: Option<Keyed>,
    pub token: Option<(String, Timestamp)>,
    /// `None` where the layout has no room for it.
    pub state: Option<RefreshState>,
    pub is_damaged: bool,
}

impl Found {
    pub const fn nothing(layout: Layout) -> Self {
        Self { layout, file: None, token: None, state: None, is_damaged: false }
    }

    /// Nothing, since a write or a copy of the file broke off.
    pub fn truncated(layout: Layout) -> Self {
        Self { is_damaged: true, ..Self::nothing(layout) }
    }
}
