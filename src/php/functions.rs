//! The functions that PHP calls.

use std::env;
use std::sync::Arc;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::exception::PhpResult;
use ext_php_rs::types::ZendHashTable;
use ext_php_rs::{php_function, wrap_function};

use super::arguments::{PathArg, SourceArg};
use super::exceptions;
use super::settings::current as current_settings;
use crate::account;
use crate::clock::SystemClock;
use crate::error::{ConfigError, Error};
use crate::failure::{Cause, FailureRecord};
use crate::protocol::{self, Call, Remote};
use crate::status::{self, Status};
use crate::wechat::Client;

/// Adds every function to `module`.
pub fn add_to(module: ModuleBuilder) -> ModuleBuilder {
    module.function(wrap_function!(wx_get_token)).function(wrap_function!(wx_token_status))
}

/// `wx_get_token(string $file, array|callable|null $source = null): string`
#[php_function]
pub fn wx_get_token(file: PathArg<'_>, source: SourceArg<'_>) -> PhpResult<String> {
    let path = file.absolute()?;
    let settings = current_settings();
    let options = source.options(settings)?;
    let refusal = |error: Error| exceptions::of(&path, &error);
    file.check_open_basedir(&path)?;
    if source.is_callable() {
        return Err(refusal(Error::Config(ConfigError(
            "callable sources are not supported yet: pass account options, or null".to_owned(),
        ))));
    }
    let upstream = || -> Result<Remote, ConfigError> {
        let environment = |name: &str| env::var(name).ok();
        let account = account::find(&options.account, settings, &environment)?;
        Ok(Arc::new(Client::new(account, &options.transport)?))
    };
    let call = Call {
        file: &path,
        lock_timeout: options.lock_timeout,
        file_mode: settings.file_mode,
        clock: Arc::new(SystemClock),
        upstream: &upstream,
    };
    protocol::get(&call).map(|token| token.value).map_err(refusal)
}

/// `wx_token_status(string $file): array`
#[php_function]
pub fn wx_token_status(file: PathArg<'_>) -> PhpResult<ZBox<ZendHashTable>> {
    let path = file.absolute()?;
    file.check_open_basedir(&path)?;
    to_array(&status::of(&path, &SystemClock)).map_err(|error| exceptions::internal(&error))
}

fn to_array(status: &Status) -> ext_php_rs::error::Result<ZBox<ZendHashTable>> {
    let mut array = ZendHashTable::new();
    array.insert("file", status.file.to_string_lossy().as_ref())?;
    array.insert("exists", status.exists)?;
    array.insert("state", status.state.name())?;
    array.insert("layout", status.layout)?;
    array.insert("expires_at", status.expiry.map(|expiry| expiry.secs()))?;
    array.insert("expires_in", status.expires_in)?;
    array.insert("failure", status.failure.as_ref().map(failure_array).transpose()?)?;
    array.insert("locked", status.holder.is_some())?;
    array.insert("holder_pid", status.holder.as_ref().map(|holder| i64::from(holder.pid)))?;
    array.insert("error", status.error.as_deref())?;
    Ok(array)
}

fn failure_array(failure: &FailureRecord) -> ext_php_rs::error::Result<ZBox<ZendHashTable>> {
    let mut array = ZendHashTable::new();
    let (errcode, message) = match &failure.cause {
        Cause::Api { errcode, errmsg } => (Some(*errcode), errmsg),
        Cause::Network { reason } => (None, reason),
    };
    array.insert("errcode", errcode)?;
    array.insert("message", message.as_str())?;
    array.insert("failed_at", failure.failed_at.secs())?;
    array.insert("retry_at", exceptions::rounded_up(failure.retry_at))?;
    array.insert("failures", i64::from(failure.failures))?;
    Ok(array)
}
