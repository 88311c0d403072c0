//! A status as a PHP array.

use std::path::Path;
use std::time::Duration;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::error::Result;
use ext_php_rs::exception::PhpResult;
use ext_php_rs::types::ZendHashTable;

use crate::{environment, exceptions};
use wx_token_core::clock::SystemClock;
use wx_token_core::failure::{Cause, FailureRecord};
use wx_token_core::printable::printable;
use wx_token_core::refresh_log::Destination;
use wx_token_core::settings::Settings;
use wx_token_core::status::{self, Status};
use wx_token_core::store::{Knowledge, Place};
use wx_token_core::token_file::{self, Layout};
use wx_token_core::wechat::errcode::{self, Asked};

pub fn as_array(
    path: &Path,
    layout: Option<Layout>,
    refresh_ahead: Duration,
    settings: &Settings,
) -> PhpResult<ZBox<ZendHashTable>> {
    let root = environment::variable("DOCUMENT_ROOT").filter(|root| root.starts_with('/'));
    let root = root.as_ref().map(Path::new);
    let status = status::read(path, layout, refresh_ahead, root, &SystemClock);
    array(&status, settings).map_err(|error| exceptions::internal(&error))
}

fn array(status: &Status, settings: &Settings) -> Result<ZBox<ZendHashTable>> {
    let mut array = ZendHashTable::new();
    array.insert("file", exceptions::path_value(&status.file))?;
    array.insert("exists", status.exists)?;
    array.insert("state", status.state.name())?;
    array.insert("stored", status.is_stored)?;
    array.insert("layout", status.layout.as_deref())?;
    array.insert("expires_at", status.expiry.map(|expiry| expiry.secs()))?;
    array.insert("expires_in", status.expires_in)?;
    array.insert("due_in", status.due_in)?;
    array.insert("failure", status.failure.as_ref().map(failure).transpose()?)?;
    array.insert("locked", status.holder.is_some())?;
    array.insert("holder_pid", status.holder.as_ref().map(|holder| i64::from(holder.pid)))?;
    array.insert("refreshing", status.refreshing)?;
    let place = settings.store.place.as_ref();
    array.insert("store", place.map(|place| store(place, &status.file)).transpose()?)?;
    array.insert("log", settings.log.as_deref().map(log).transpose()?)?;
    array.insert("exposed", status.exposure.as_deref())?;
    array.insert("error", status.error.as_deref())?;
    // Its other value is "polyfill": the same functions in PHP code.
    array.insert("implementation", "extension")?;
    Ok(array)
}

/// The shared store, as this server last found it: it is not asked for a status.
fn store(place: &Place, file: &Path) -> Result<ZBox<ZendHashTable>> {
    let known = token_file::resolve(file).map(|real| Knowledge::read(&real)).unwrap_or_default();
    let mut array = ZendHashTable::new();
    array.insert("place", place.to_string())?;
    array.insert("encrypted", !place.is_plain_beyond_loopback())?;
    array.insert("confirmed_at", known.confirmed_at.map(|at| at.secs()))?;
    array.insert("retry_at", known.broken_until.map(exceptions::rounded_up))?;
    array.insert("error", known.reason.as_deref())?;
    Ok(array)
}

fn log(destination: &Destination) -> Result<ZBox<ZendHashTable>> {
    let mut array = ZendHashTable::new();
    array.insert("place", destination.name())?;
    array.insert("error", destination.problem())?;
    Ok(array)
}

fn failure(failure: &FailureRecord) -> Result<ZBox<ZendHashTable>> {
    let mut array = ZendHashTable::new();
    let message = match &failure.cause {
        Cause::Api { errmsg, .. } => printable(errmsg).to_string(),
        Cause::StillRejected => errcode::describe(&failure.cause, Asked::Token),
        Cause::Network { reason } | Cause::Store { reason } => printable(reason).to_string(),
    };
    array.insert("errcode", failure.cause.errcode())?;
    array.insert("message", message)?;
    array.insert("failed_at", failure.failed_at.secs())?;
    array.insert("retry_at", exceptions::rounded_up(failure.retry_at))?;
    array.insert("failures", i64::from(failure.failures))?;
    Ok(array)
}
