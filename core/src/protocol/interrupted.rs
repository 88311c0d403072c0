//! A refresh that ended with its process, before it was stored: php-fpm kills its workers at a reload.
//!
//! Its replacement is still beside the file, if there was one, and nobody has locked it. Whether WeChat was
//! asked, and has answered, cannot be told. Where a new token invalidates the one before, the file's token may
//! then die long before its expiry. The next turn writes that into the file, so everybody learns of it, legacy
//! code too, and a refresh that fails does not make it forgotten.

use std::path::Path;
use std::time::Duration;

use super::Call;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::notice;
use crate::printable::printable_path;
use crate::refresh::Refresh;
use crate::token_file::lock::TokenLock;
use crate::token_file::{Document, siblings};
use crate::token_source::TokenSource;

/// The next refresh waits so long. Where every process ends before WeChat answers, each would ask in vain.
const PAUSE: Duration = Duration::from_secs(10);

/// Whether a refresh of the real file at `path` was cut off just before `now`.
pub fn is_recent(path: &Path, now: Timestamp) -> bool {
    siblings::scan(path).interrupted_at().is_some_and(|began| began <= now && now < began + PAUSE)
}

/// The moment from which the token of the real file at `path` is not to be used, because a refresh of it
/// by `source` was cut off.
pub fn usable_until(path: &Path, source: &dyn TokenSource) -> Option<Timestamp> {
    let overlap = source.overlap()?;
    Some(siblings::scan(path).interrupted_at()? + overlap)
}

/// Writes into the locked file, which holds `document`, that its token expires earlier, if a refresh by
/// `source` was cut off. Whether that has changed the file.
///
/// # Errors
/// [`Error::File`] if no write can be prepared: then no refresh can, either.
pub fn tell(
    call: &Call,
    lock: &mut TokenLock,
    document: &Document,
    source: &dyn TokenSource,
) -> Result<bool, Error> {
    let Some(until) = usable_until(lock.path(), source) else { return Ok(false) };
    let refresh = Refresh::prepare(lock, document.clone(), call.options())?;
    // What cannot be written now stays to be told of by the next turn.
    let is_brought_forward = refresh.shorten_expiry(until, call.clock.as_ref()).unwrap_or_default();
    if is_brought_forward {
        notice::leave(format!(
            "wx_token: a refresh of {} was cut off when its process ended, and its token is lost; a new one is fetched. If php-fpm ended it, set process_control_timeout (README)",
            printable_path(&call.file)
        ));
    }
    Ok(is_brought_forward)
}
