//! The functions that PHP calls.

#![allow(non_snake_case, reason = "the names of PHP's parameters are PHP's")]

use std::env;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::exception::PhpResult;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::{php_function, wrap_function};

use super::arguments::{
    AccountArg, CallOptions, CallableArg, PathArg, SecondsArg, SourceArg, TextArg,
};
use super::callback::{self, Interruption};
use super::loader::Loader;
use super::settings::current as current_settings;
use super::{exceptions, status};
use crate::account::{self, Account};
use crate::clock::SystemClock;
use crate::error::{ConfigError, Error};
use crate::protocol::{self, Call, Remote, Source, critical};
use crate::settings::Settings;
use crate::ticket::TicketUpstream;
use crate::token::Token;
use crate::token_file::lock::Deadlock;
use crate::token_file::{self, Expected, Subject};
use crate::wechat::{Client, Http, TicketKind};

/// Adds every function to `module`.
pub fn add_to(module: ModuleBuilder) -> ModuleBuilder {
    module
        .function(wrap_function!(wx_get_token))
        .function(wrap_function!(wx_refresh_token))
        .function(wrap_function!(wx_get_ticket))
        .function(wrap_function!(wx_token_status))
        .function(wrap_function!(wx_with_lock))
}

/// `wx_get_token(string $file, array|callable|null $source = null): string`
#[php_function]
pub fn wx_get_token(file: PathArg<'_, 1>, source: SourceArg<'_, 2>) -> PhpResult<String> {
    token(file.absolute()?, &source, protocol::get)
}

/// `wx_refresh_token(string $file, string $rejected, array|callable|null $source = null): string`
#[php_function]
pub fn wx_refresh_token(
    file: PathArg<'_, 1>,
    rejected: TextArg<'_, 2>,
    source: SourceArg<'_, 3>,
) -> PhpResult<String> {
    let rejected = rejected.as_str()?;
    token(file.absolute()?, &source, |call, source| protocol::replace(call, source, rejected))
}

fn token<const N: u32>(
    path: PathBuf,
    source: &SourceArg<'_, N>,
    get: impl Fn(&Call, &Source<'_>) -> Result<Token, Error>,
) -> PhpResult<String> {
    match source {
        SourceArg::Account(account) => {
            let settings = current_settings();
            let options = account.options(&settings)?;
            let call = call(path, Subject::AccessToken, &settings, &options);
            let open = || client(&find_account(&options, &settings)?, &options);
            let token = get(&call, &Source::Remote(&open));
            token.map(|token| token.value).map_err(|error| exceptions::of(&call.file, &error))
        }
        SourceArg::Loader(callable) => load(path, callable, get).map_err(Interruption::go_on)?,
    }
}

/// By its end everything but the outcome is dropped: a fatal error goes on with a long jump.
fn load(
    path: PathBuf,
    callable: &Zval,
    get: impl Fn(&Call, &Source<'_>) -> Result<Token, Error>,
) -> Result<PhpResult<String>, Interruption> {
    let loader = Loader::new(callable);
    let settings = current_settings();
    let call = call(path, Subject::AccessToken, &settings, &CallOptions::of(&settings));
    let token = get(&call, &Source::Local(&loader));
    if let Some(interruption) = loader.interruption() {
        return Err(interruption);
    }
    let thrown = |error| loader.take_thrown().unwrap_or_else(|| exceptions::of(&call.file, &error));
    Ok(token.map(|token| token.value).map_err(thrown))
}

const DEFAULT_TICKET: &str = "jsapi";

/// `wx_get_ticket(string $ticketFile, string $tokenFile, string $type = 'jsapi',
/// ?array $source = null): string`
#[php_function]
#[php(defaults(r#type = DEFAULT_TICKET))]
pub fn wx_get_ticket(
    ticketFile: PathArg<'_, 1>,
    tokenFile: PathArg<'_, 2>,
    r#type: TextArg<'_, 3>,
    source: AccountArg<'_, 4>,
) -> PhpResult<String> {
    let settings = current_settings();
    let options = source.options(&settings)?;
    let (path, token_path) = (ticketFile.absolute()?, tokenFile.absolute()?);
    let kind = r#type.as_str()?;
    let subject = TicketKind::subject(kind).map_err(|problem| r#type.refuse(problem))?;
    if path == token_path {
        return Err(ticketFile.refuse("must not be the token file"));
    }
    let open = || -> Result<Remote, Error> {
        if critical::holds(&token_file::resolve(&token_path)?) {
            let (file, deadlock) = (token_path.clone(), Deadlock::TicketInsideToken);
            return Err(Error::Deadlock { file, deadlock });
        }
        let account = find_account(&options, &settings)?;
        let wrong = |problem| ConfigError(format!("the type of ticket {problem}"));
        Ok(Arc::new(TicketUpstream {
            kind: TicketKind::of(kind, account.endpoint).map_err(wrong)?,
            http: Http::new(account.endpoint, options.transport.clone()),
            // A layout that is said is the ticket file's.
            token_call: call(
                token_path.clone(),
                Subject::AccessToken,
                &settings,
                &CallOptions { layout: None, ..options.clone() },
            ),
            tokens: client(&account, &options)?,
        }))
    };
    let call = call(path, subject, &settings, &options);
    let ticket = protocol::get(&call, &Source::Remote(&open));
    ticket.map(|ticket| ticket.value).map_err(|error| exceptions::of(&call.file, &error))
}

/// `wx_token_status(string $file): array`
#[php_function]
pub fn wx_token_status(file: PathArg<'_, 1>) -> PhpResult<ZBox<ZendHashTable>> {
    let path = file.absolute()?;
    status::of(&path, current_settings().refresh_ahead)
}

/// `wx_with_lock(string $file, callable $critical, ?float $timeout = null): mixed`
#[php_function]
pub fn wx_with_lock(
    file: PathArg<'_, 1>,
    critical: CallableArg<'_, 2>,
    timeout: SecondsArg<3>,
) -> PhpResult<Zval> {
    let lock_timeout = timeout.or(current_settings().lock_timeout)?;
    within_lock(file.absolute()?, critical.0, lock_timeout)?.map_err(Interruption::go_on)
}

/// As [`load`], for a critical section.
fn within_lock(
    path: PathBuf,
    critical: &Zval,
    lock_timeout: Duration,
) -> PhpResult<Result<Zval, Interruption>> {
    let settings = current_settings();
    let options = CallOptions { lock_timeout, ..CallOptions::of(&settings) };
    let call = call(path, Subject::Any, &settings, &options);
    let lock = critical::enter(&call).map_err(|error| exceptions::of(&call.file, &error))?;
    let outcome = callback::call(critical);
    drop(lock);
    Ok(outcome)
}

fn call(path: PathBuf, subject: Subject, settings: &Settings, options: &CallOptions) -> Call {
    Call {
        file: path,
        expected: Expected { subject, layout: options.layout },
        refresh_ahead: options.refresh_ahead,
        background: settings.background,
        lock_timeout: options.lock_timeout,
        file_mode: settings.file_mode,
        write_mode: settings.write_mode,
        clock: Arc::new(SystemClock),
    }
}

fn find_account(options: &CallOptions, settings: &Settings) -> Result<Account, Error> {
    let environment = |name: &str| env::var(name).ok();
    Ok(account::find(&options.account, settings, &environment)?)
}

fn client(account: &Account, options: &CallOptions) -> Result<Remote, Error> {
    let http = Http::new(account.endpoint, options.transport.clone());
    Ok(Arc::new(Client::new(account.clone(), http)))
}
