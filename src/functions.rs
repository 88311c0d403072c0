//! The functions that PHP calls.

#![allow(non_snake_case, reason = "the names of PHP's parameters are PHP's")]

use std::ffi::CStr;
use std::path::Path;
use std::sync::Arc;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::exception::{PhpException, PhpResult};
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, Zval};
use ext_php_rs::{php_function, wrap_function};

use crate::arguments::{
    AccountArg, CallOptions, CallableArg, PathArg, SecondsArg, SourceArg, TextArg, check_place,
};
use crate::callback::{self, Bailout, Called};
use crate::loader::Loader;
use crate::{default_account, environment, exceptions, frame, log, settings, status};
use wx_token_core::account::{self, Account};
use wx_token_core::clock::SystemClock;
use wx_token_core::error::{ConfigError, Error};
use wx_token_core::protocol::{self, Call, LazySource, Remote, held_locks};
use wx_token_core::record::TokenOwner;
use wx_token_core::settings::Settings;
use wx_token_core::ticket::TicketSource;
use wx_token_core::token::Token;
use wx_token_core::token_file::{self, CredentialKind, Deadlock, FileSpec};
use wx_token_core::wechat::{Client, Http, TicketKind, Transport};

/// Adds every function to `module`.
pub fn add_to(module: ModuleBuilder) -> ModuleBuilder {
    module
        .function(wrap_function!(wx_get_token))
        .function(wrap_function!(wx_try_token))
        .function(wrap_function!(wx_refresh_token))
        .function(wrap_function!(wx_get_ticket))
        .function(wrap_function!(wx_token_status))
        .function(wrap_function!(wx_with_lock))
}

/// `wx_get_token(string $file, array|callable|null $source = null): string`
#[php_function]
pub fn wx_get_token(file: PathArg<'_, 1>, source: SourceArg<'_, 2>) -> PhpResult<TokenString> {
    get_token(&file, &source).map_err(Ended::resume)
}

fn get_token(file: &PathArg<'_, 1>, source: &SourceArg<'_, 2>) -> Result<TokenString, Ended> {
    let options = source.options()?;
    let path = file.absolute()?;
    let remembered = match source {
        SourceArg::Account(_) => recall(path.as_c_str(), CredentialKind::AccessToken, &options),
        SourceArg::Loader(_) => {
            recall_anybodys(path.as_c_str(), CredentialKind::AccessToken, &options)
        }
    };
    match remembered {
        Some(token) => Ok(TokenString(token)),
        None => ask(&path, source, &options, &settings::current(), protocol::get),
    }
}

/// `wx_try_token(string $file, ?array $source = null): ?string`
#[php_function]
pub fn wx_try_token(
    file: PathArg<'_, 1>,
    source: AccountArg<'_, 2>,
) -> PhpResult<Option<TokenString>> {
    let options = source.options()?;
    let path = file.absolute()?;
    if let Some(token) = recall(path.as_c_str(), CredentialKind::AccessToken, &options) {
        return Ok(Some(TokenString(token)));
    }
    check_place(&path)?;
    let settings = settings::current();
    let account = find_account(&options, &settings);
    let call = account_call(&path, CredentialKind::AccessToken, &account, &options, &settings);
    let open = || client(account.as_ref(), &options, &settings);
    let token = protocol::try_get(&call, &open);
    log::write_notices();
    let token = token.map_err(|error| exceptions::from_error(&call.file, &error))?;
    Ok(token.map(TokenString))
}

/// `wx_refresh_token(string $file, string $rejected, array|callable|null $source = null): string`
#[php_function]
pub fn wx_refresh_token(
    file: PathArg<'_, 1>,
    rejected: TextArg<'_, 2>,
    source: SourceArg<'_, 3>,
) -> PhpResult<TokenString> {
    refresh_token(&file, &rejected, &source).map_err(Ended::resume)
}

fn refresh_token(
    file: &PathArg<'_, 1>,
    rejected: &TextArg<'_, 2>,
    source: &SourceArg<'_, 3>,
) -> Result<TokenString, Ended> {
    let rejected = rejected.as_str()?;
    let replace =
        |call: &Call, source: &LazySource<'_>| protocol::refresh_rejected(call, source, rejected);
    ask(&file.absolute()?, source, &source.options()?, &settings::current(), replace)
}

fn ask<const N: u32>(
    path: &Path,
    source: &SourceArg<'_, N>,
    options: &CallOptions<'_>,
    settings: &Settings,
    get: impl Fn(&Call, &LazySource<'_>) -> Result<Token, Error>,
) -> Result<TokenString, Ended> {
    check_place(path)?;
    match source {
        SourceArg::Account(_) => {
            let account = find_account(options, settings);
            let call = account_call(path, CredentialKind::AccessToken, &account, options, settings);
            let open = || client(account.as_ref(), options, settings);
            let token = get(&call, &LazySource::Remote(&open));
            log::write_notices();
            Ok(TokenString(token.map_err(|error| exceptions::from_error(&call.file, &error))?))
        }
        SourceArg::Loader(callable) => {
            let call = call(path, CredentialKind::AccessToken, options, settings);
            let loader = Loader::new(callable);
            let token = get(&call, &LazySource::Local(&loader));
            log::write_notices();
            let thrown = if token.is_err() { loader.take_thrown() } else { None };
            if let Some(interruption) = loader.end() {
                return Err(interruption.into());
            }
            let refused =
                |error| thrown.unwrap_or_else(|| exceptions::from_error(&call.file, &error));
            Ok(TokenString(token.map_err(refused)?))
        }
    }
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
) -> PhpResult<TokenString> {
    let options = source.options()?;
    let (path, token_path) = (ticketFile.absolute()?, tokenFile.absolute()?);
    let name = r#type.as_str()?;
    let kind = TicketKind::kind(name).map_err(|problem| r#type.refuse(problem))?;
    let is_token_file = || ticketFile.refuse("must not be the token file");
    if *path == *token_path {
        return Err(is_token_file());
    }
    if let Some(ticket) = recall(path.as_c_str(), kind, &options) {
        return Ok(TokenString(ticket));
    }
    check_place(&path)?;
    check_place(&token_path)?;
    // The ticket's lock is held while the token is got: by another name, it would wait for itself.
    if token_file::are_one(&path, &token_path) {
        return Err(is_token_file());
    }
    let settings = settings::current();
    let account = find_account(&options, &settings);
    let open = || -> Result<Remote, Error> {
        if held_locks::holds(&frame::caller(), &token_file::resolve(&token_path)?) {
            let (file, deadlock) = (token_path.to_path_buf(), Deadlock::TicketInsideToken);
            return Err(Error::Deadlock { file, deadlock });
        }
        let asking = account.as_ref().map_err(|error| error.clone())?;
        let wrong = |problem| ConfigError(format!("the type of ticket {problem}"));
        // A layout that is said is the ticket file's.
        let token_options = CallOptions { layout: None, ..options };
        Ok(Arc::new(TicketSource {
            kind: TicketKind::parse(name, asking.endpoint).map_err(wrong)?,
            http: Http::new(asking.endpoint, transport(&options, &settings)),
            token_call: {
                let kind = CredentialKind::AccessToken;
                let call = account_call(&token_path, kind, &account, &token_options, &settings);
                Call { caller: call.caller.on_worker(), ..call }
            },
            tokens: client(Ok(asking), &options, &settings)?,
        }))
    };
    let call = account_call(&path, kind, &account, &options, &settings);
    let ticket = protocol::get(&call, &LazySource::Remote(&open));
    log::write_notices();
    ticket.map(TokenString).map_err(|error| exceptions::from_error(&call.file, &error))
}

/// `wx_token_status(string $file): array`
#[php_function]
pub fn wx_token_status(file: PathArg<'_, 1>) -> PhpResult<ZBox<ZendHashTable>> {
    let path = file.absolute()?;
    check_place(&path)?;
    status::as_array(&path, settings::current().refresh_ahead)
}

/// `wx_with_lock(string $file, callable $held_locks, ?float $timeout = null): mixed`
#[php_function]
pub fn wx_with_lock(
    file: PathArg<'_, 1>,
    held_locks: CallableArg<'_, 2>,
    timeout: SecondsArg<3>,
) -> PhpResult<Zval> {
    with_lock(&file, held_locks.0, &timeout).map_err(Ended::resume)
}

fn with_lock(
    file: &PathArg<'_, 1>,
    held_locks: &Zval,
    timeout: &SecondsArg<3>,
) -> Result<Zval, Ended> {
    let settings = settings::current();
    let lock_timeout = Some(timeout.or(settings.lock_timeout)?);
    let options = CallOptions { lock_timeout, ..CallOptions::default() };
    let path = file.absolute()?;
    check_place(&path)?;
    let call = call(&path, CredentialKind::Any, &options, &settings);
    let inside = held_locks::enter(&call);
    log::write_notices();
    let inside = inside.map_err(|error| exceptions::from_error(&call.file, &error))?;
    // What a function gives by reference is a reference, which no value that goes on may be.
    let called = callback::call(held_locks, |returned| returned.dereference().shallow_clone());
    drop(inside);
    match called {
        Called { interruption: Some(interruption), .. } => Err(interruption.into()),
        Called { result, .. } => Ok(result.unwrap_or_default()),
    }
}

/// Why a function returns no value. When it goes on from there, everything else has been dropped: a
/// fatal error goes on with a long jump.
enum Ended {
    Thrown(PhpException),
    Interrupted(Bailout),
}

impl Ended {
    fn resume(self) -> PhpException {
        match self {
            Self::Thrown(exception) => exception,
            Self::Interrupted(interruption) => interruption.resume(),
        }
    }
}

impl From<PhpException> for Ended {
    fn from(exception: PhpException) -> Self {
        Self::Thrown(exception)
    }
}

impl From<Bailout> for Ended {
    fn from(interruption: Bailout) -> Self {
        Self::Interrupted(interruption)
    }
}

/// A token as a string of PHP's.
pub struct TokenString(Token);

impl IntoZval for TokenString {
    const TYPE: DataType = DataType::String;
    const NULLABLE: bool = false;

    fn set_zval(self, zval: &mut Zval, persistent: bool) -> ext_php_rs::error::Result<()> {
        zval.set_string(&self.0.value, persistent)
    }
}

/// The remembered token, if it is not another account's than the call's.
fn recall(path: &CStr, kind: CredentialKind, options: &CallOptions<'_>) -> Option<Token> {
    let spec = FileSpec { kind, layout: options.layout };
    settings::read(|settings| {
        let refresh_ahead = options.refresh_ahead.unwrap_or(settings.refresh_ahead);
        let claim = options.account.claim(settings.endpoint);
        let is_anothers = |owner: &TokenOwner| match claim {
            Some(claim) => claim.is_not(owner),
            None => default_account::is_not(owner, settings),
        };
        let trust = settings.revalidate_freq;
        protocol::recall(path, spec, refresh_ahead, trust, is_anothers)
    })
}

/// The remembered token, whosever it is: a loader does not say whose it gets.
fn recall_anybodys(path: &CStr, kind: CredentialKind, options: &CallOptions<'_>) -> Option<Token> {
    let spec = FileSpec { kind, layout: options.layout };
    settings::read(|settings| {
        let trust = settings.revalidate_freq;
        protocol::recall(path, spec, settings.refresh_ahead, trust, |_| false)
    })
}

fn call(path: &Path, kind: CredentialKind, options: &CallOptions<'_>, settings: &Settings) -> Call {
    Call {
        file: path.to_owned(),
        spec: FileSpec { kind, layout: options.layout },
        refresh_ahead: options.refresh_ahead.unwrap_or(settings.refresh_ahead),
        background: settings.background,
        lock_timeout: options.lock_timeout.unwrap_or(settings.lock_timeout),
        file_mode: settings.file_mode,
        write_mode: settings.write_mode,
        max_files: settings.max_files,
        clock: Arc::new(SystemClock),
        caller: frame::caller(),
        owner: None,
    }
}

/// A call that asks WeChat, for `account`.
fn account_call(
    path: &Path,
    kind: CredentialKind,
    account: &Result<Account, ConfigError>,
    options: &CallOptions<'_>,
    settings: &Settings,
) -> Call {
    let owner = match account {
        Ok(account) => Some(account.claim().owner()),
        Err(_) => account::owner(&options.account, settings, &environment::variable),
    };
    Call { owner, ..call(path, kind, options, settings) }
}

/// The account of a call. That there is none matters only once WeChat must be asked.
fn find_account(options: &CallOptions<'_>, settings: &Settings) -> Result<Account, ConfigError> {
    account::find(&options.account, settings, &environment::variable)
}

fn client(
    account: Result<&Account, &ConfigError>,
    options: &CallOptions<'_>,
    settings: &Settings,
) -> Result<Remote, Error> {
    let account = account.map_err(Clone::clone)?;
    let http = Http::new(account.endpoint, transport(options, settings));
    Ok(Arc::new(Client::new(account.credentials.clone(), account.endpoint, http)))
}

fn transport(options: &CallOptions<'_>, settings: &Settings) -> Transport {
    let timeout = options.timeout.unwrap_or(settings.transport.timeout);
    Transport { timeout, ..settings.transport.clone() }
}
