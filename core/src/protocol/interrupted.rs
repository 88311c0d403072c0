//! A refresh that was interrupted: its process ended before it could store the token, as php-fpm's workers
//! do at a reload.
//!
//! Its temporary file is still beside the token file, if there was one, and nobody has locked it. Nothing
//! tells whether WeChat has answered. Where a new token invalidates the old one, the file's token may then end
//! long before its expiry. The next refresh writes the earlier expiry into the file, so that everybody learns
//! of it, legacy code too, and a refresh that fails does not lose it.

use std::path::Path;
use std::time::Duration;

use super::refresh::Refresh;
use crate::clock::Timestamp;
use crate::notice;
use crate::printable::printable_path;
use crate::token_source::TokenSource;

/// The pause before the next refresh. Where every process ends before WeChat answers, each would fetch in vain.
const PAUSE: Duration = Duration::from_secs(10);

pub fn is_recent(began: Option<Timestamp>, now: Timestamp) -> bool {
    began.is_some_and(|began| began <= now && now < began + PAUSE)
}

/// The time from which the file's token may be invalid, if a refresh that `began` was interrupted.
pub fn usable_until(began: Option<Timestamp>, source: &dyn TokenSource) -> Option<Timestamp> {
    Some(began? + source.overlap()?)
}

/// Stores that the token of `file` expires at `until`. Whether that has changed the file.
pub fn shorten_expiry(refresh: Refresh<'_>, until: Timestamp, file: &Path) -> bool {
    // If the write fails, the next refresh tries again.
    let is_shortened = refresh.shorten_expiry(until).unwrap_or_default();
    if is_shortened {
        notice::leave(format!(
            "wx_token: the process ended during a refresh of {}, and the new token is lost; wx_token fetches another one. If php-fpm ended the process, set process_control_timeout (README)",
            printable_path(file)
        ));
    }
    is_shortened
}
