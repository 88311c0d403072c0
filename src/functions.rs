//! The functions that PHP calls.

#![allow(non_snake_case, reason = "the names of PHP's parameters are PHP's")]

use std::ffi::CStr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::builders::ModuleBuilder;
use ext_php_rs::convert::IntoZval;
use ext_php_rs::exception::PhpResult;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendHashTable, ZendStr, Zval};
use ext_php_rs::{php_function, wrap_function};

use crate::argument_errors::value_error;
use crate::arguments::{CallableArg, SecondsArg, SourceArg, TextArg};
use crate::callback::{self, Bailout};
use crate::loader::Loader;
use crate::options::{CallOptions, OptionsArg};
use crate::path::{PathArg, as_path, check_directory};
use crate::{environment, error_log, exceptions, frame, sapi, settings, status};
use wx_token_core::account::{self, Account};
use wx_token_core::clock::SystemClock;
use wx_token_core::endpoint::Endpoint;
use wx_token_core::error::{ConfigError, Error};
use wx_token_core::memory::Query;
use wx_token_core::protocol::{self, Call, Confirmation, LazySource, Local, Remote, held_locks};
use wx_token_core::record::TokenOwner;
use wx_token_core::refresh_log::{Log, Script};
use wx_token_core::settings::Settings;
use wx_token_core::store::{Fleet, Shared, SharedSource};
use wx_token_core::ticket::{self, TicketSource};
use wx_token_core::token::Token;
use wx_token_core::token_file::{self, CredentialKind, Deadlock, FileSpec};
use wx_token_core::wechat::{Client, Http, TicketApi, Transport};

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
    let (options, path) = (source.options()?, file.absolute()?);
    if let Some(token) = recall(&path, CredentialKind::AccessToken, &options) {
        return Ok(token);
    }
    // The path is dropped in there.
    resuming(move || get(as_path(&path), &options, protocol::get))
}

/// `wx_try_token(string $file, ?array $source = null): ?string`
#[php_function]
pub fn wx_try_token(
    file: PathArg<'_, 1>,
    source: OptionsArg<'_, 2>,
) -> PhpResult<Option<TokenString>> {
    let (options, path) = (source.read()?.without_loader(2)?, file.absolute()?);
    let remembered = recall(&path, CredentialKind::AccessToken, &options);
    if remembered.is_some() {
        return Ok(remembered);
    }
    let path = as_path(&path);
    check_directory(path)?;
    let settings = settings::current();
    let account = find_account(&options, &settings);
    let call = account_call(path, CredentialKind::AccessToken, &account, &options, &settings);
    let open = || client(path, account.as_ref(), &options, &settings);
    let token = protocol::try_get(&call, &open);
    Ok(thrown(&call, token)?.map(|token| TokenString::new(&token.value)))
}

/// `wx_refresh_token(string $file, string $rejected, array|callable|null $source = null): string`
#[php_function]
pub fn wx_refresh_token(
    file: PathArg<'_, 1>,
    rejected: TextArg<'_, 2>,
    source: SourceArg<'_, 3>,
) -> PhpResult<TokenString> {
    resuming(|| {
        let (rejected, path) = (rejected.as_str()?, file.absolute()?);
        get(as_path(&path), &source.options()?, |call, source| {
            protocol::refresh_rejected(call, source, rejected)
        })
    })
}

/// Gets a token as `protocol` does.
fn get(
    path: &Path,
    options: &CallOptions<'_>,
    protocol: impl FnOnce(&Call, &LazySource<'_>) -> Result<Token, Error>,
) -> Result<TokenString, Bailout> {
    check_directory(path)?;
    let settings = settings::current();
    match options.loader {
        None => {
            let kind = CredentialKind::AccessToken;
            let account = find_account(options, &settings);
            let call = account_call(path, kind, &account, options, &settings);
            let open = || client(path, account.as_ref(), options, &settings);
            let token = protocol(&call, &LazySource::Remote(&open));
            Ok(TokenString::new(&thrown(&call, token)?.value))
        }
        Some(callable) => {
            let call = call(path, CredentialKind::AccessToken, options, &settings);
            let confirmation = options.share_as.and_then(|_| confirmation(&settings));
            let call = Call { confirmation, ..call };
            let loader = Loader::new(callable);
            let open = || shared_loader(&loader, path, options, &settings);
            let token = protocol(&call, &LazySource::Local(&open));
            let exception = if token.is_err() { loader.take_thrown() } else { None };
            let token = thrown(&call, token);
            if let Some(bailout) = loader.end() {
                return Err(bailout);
            }
            let token = token.map_err(|error| exception.unwrap_or(error))?;
            Ok(TokenString::new(&token.value))
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
    source: OptionsArg<'_, 4>,
) -> PhpResult<TokenString> {
    let options = source.read()?.without_loader(4)?;
    let (path, token_path) = (ticketFile.absolute()?, tokenFile.absolute()?);
    let name = r#type.as_str()?;
    let kind = ticket::kind(name).map_err(|problem| value_error(3, problem))?;
    let is_token_file = || value_error(1, "must not be the same file as $tokenFile");
    if path == token_path {
        return Err(is_token_file());
    }
    if let Some(ticket) = recall(&path, kind, &options) {
        return Ok(ticket);
    }
    let (path, token_path) = (as_path(&path), as_path(&token_path));
    check_directory(path)?;
    check_directory(token_path)?;
    // The call holds the ticket's lock while it gets the token: under another name of the file, it would wait for
    // itself.
    if token_file::are_one(path, token_path) {
        return Err(is_token_file());
    }
    let settings = settings::current();
    let account = find_account(&options, &settings);
    let open = || -> Result<Remote, Error> {
        if held_locks::holds(&frame::caller(), &token_file::resolve(token_path)?) {
            let (file, deadlock) = (token_path.to_path_buf(), Deadlock::TicketInsideToken);
            return Err(Error::Deadlock { file, deadlock });
        }
        let asking = account.as_ref().map_err(|error| error.clone())?;
        // The option `layout` is about the ticket file.
        let token_options = CallOptions { layout: None, ..options };
        let source = Arc::new(TicketSource {
            api: TicketApi::of(kind, asking.endpoint)
                .ok_or_else(|| no_such_ticket(name, asking.endpoint))?,
            http: Http::new(asking.endpoint, transport(&options, &settings)),
            token_call: {
                let kind = CredentialKind::AccessToken;
                account_call(token_path, kind, &account, &token_options, &settings).on_worker()
            },
            tokens: client(token_path, Ok(asking), &options, &settings)?,
            kind,
        });
        Ok(shared(source, path, asking, name, &settings)?)
    };
    let call = account_call(path, kind, &account, &options, &settings);
    let ticket = protocol::get(&call, &LazySource::Remote(&open));
    thrown(&call, ticket).map(|ticket| TokenString::new(&ticket.value))
}

fn no_such_ticket(name: &str, endpoint: Endpoint) -> ConfigError {
    let other = if endpoint == Endpoint::Wecom { "agent_config" } else { "wx_card" };
    ConfigError(format!(
        "the ticket type \"{name}\" does not exist for endpoint \"{}\". Use \"jsapi\" or \"{other}\", or change the endpoint",
        endpoint.name()
    ))
}

/// `wx_token_status(string $file, ?array $source = null): array`
#[php_function]
pub fn wx_token_status(
    file: PathArg<'_, 1>,
    source: OptionsArg<'_, 2>,
) -> PhpResult<ZBox<ZendHashTable>> {
    let (options, path) = (source.read()?, file.absolute()?);
    let path = as_path(&path);
    check_directory(path)?;
    let settings = settings::current();
    status::as_array(path, options.layout, refresh_ahead(&options, &settings), &settings)
}

fn refresh_ahead(options: &CallOptions<'_>, settings: &Settings) -> Duration {
    options.overrides.refresh_ahead.unwrap_or(settings.refresh_ahead)
}

/// `wx_with_lock(string $file, callable $critical, ?float $timeout = null): mixed`
#[php_function]
pub fn wx_with_lock(
    file: PathArg<'_, 1>,
    critical: CallableArg<'_, 2>,
    timeout: SecondsArg<3>,
) -> PhpResult<Zval> {
    resuming(|| {
        let mut options = CallOptions::default();
        options.overrides.lock_timeout = timeout.duration()?;
        let path = file.absolute()?;
        let path = as_path(&path);
        check_directory(path)?;
        let call = call(path, CredentialKind::Any, &options, &settings::current());
        let guard = thrown(&call, held_locks::enter(&call))?;
        // A function that returns by reference gives a reference, which must not reach the caller.
        let called = callback::call(critical.0, |result| result.dereference().shallow_clone());
        drop(guard);
        match called.bailout {
            Some(bailout) => Err(bailout),
            None => Ok(called.result.unwrap_or_default()),
        }
    })
}

/// Runs `work`, and resumes what PHP code began there instead of returning. Everything of `work` is dropped by then.
fn resuming<T>(work: impl FnOnce() -> Result<T, Bailout>) -> PhpResult<T> {
    work().map_err(Bailout::resume)
}

/// The result of `call`, its error as an exception. Writes what the core has left for the error log.
fn thrown<T>(call: &Call, result: Result<T, Error>) -> PhpResult<T> {
    error_log::write_notices();
    result.map_err(|error| exceptions::from_error(&call.file, &error))
}

/// A token as PHP gets it. The engine may leave the call when it allocates the string, for want of memory: nothing may be
/// borrowed then.
pub struct TokenString(ZBox<ZendStr>);

impl TokenString {
    fn new(token: &str) -> Self {
        Self(ZendStr::new(token, false))
    }
}

impl IntoZval for TokenString {
    const TYPE: DataType = DataType::String;
    const NULLABLE: bool = false;

    fn set_zval(self, zval: &mut Zval, _persistent: bool) -> ext_php_rs::error::Result<()> {
        zval.set_zend_string(self.0);
        Ok(())
    }
}

/// The remembered token. It may be another account's only for a loader, which does not say whose token it gets.
fn recall(path: &CStr, kind: CredentialKind, options: &CallOptions<'_>) -> Option<TokenString> {
    let spec = FileSpec { kind, layout: options.layout };
    let remembered = settings::read(|settings| {
        let is_anothers =
            |owner: &TokenOwner| options.loader.is_none() && options.is_anothers(owner, settings);
        let (trust, path_ttl) = (settings.revalidate_freq, settings.path_ttl);
        let query = Query { path, spec, trust, path_ttl };
        protocol::recall(query, refresh_ahead(options, settings), is_anothers)
    });
    remembered.map(|token| TokenString::new(&token))
}

fn call(path: &Path, kind: CredentialKind, options: &CallOptions<'_>, settings: &Settings) -> Call {
    Call {
        file: path.to_owned(),
        spec: FileSpec { kind, layout: options.layout },
        refresh_ahead: refresh_ahead(options, settings),
        background: settings.background,
        lock_timeout: options.overrides.lock_timeout.unwrap_or(settings.lock_timeout),
        file_mode: settings.file_mode,
        write_mode: settings.write_mode,
        clock: Arc::new(SystemClock),
        caller: frame::caller(),
        owner: None,
        confirmation: None,
        log: settings.log.as_ref().map(|destination| Log {
            destination: Arc::clone(destination),
            level: settings.log_level,
            sapi: sapi::name(),
            script: Script::Running(sapi::script),
        }),
    }
}

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
    Call { owner, confirmation: confirmation(settings), ..call(path, kind, options, settings) }
}

fn confirmation(settings: &Settings) -> Option<Confirmation> {
    let store = &settings.store;
    store.place.as_ref().map(|_| Confirmation {
        every: store.revalidate,
        max_age: store.max_age,
        timeout: store.timeout,
    })
}

/// The account of a call. That there is none matters only once WeChat must be asked.
fn find_account(options: &CallOptions<'_>, settings: &Settings) -> Result<Account, ConfigError> {
    account::find(&options.account, settings, &environment::variable)
}

/// WeChat, as the source of the token in the file at `path`.
fn client(
    path: &Path,
    account: Result<&Account, &ConfigError>,
    options: &CallOptions<'_>,
    settings: &Settings,
) -> Result<Remote, Error> {
    let account = account.map_err(Clone::clone)?;
    let http = Http::new(account.endpoint, transport(options, settings));
    let client = Arc::new(Client::new(account.credentials.clone(), account.endpoint, http));
    Ok(shared(client, path, account, "", settings)?)
}

/// `source`, behind the shared store if the settings name one.
fn shared(
    source: Remote,
    path: &Path,
    account: &Account,
    ticket: &str,
    settings: &Settings,
) -> Result<Remote, ConfigError> {
    let Some(place) = &settings.store.place else { return Ok(source) };
    let Account { credentials, endpoint } = account;
    let bases: Vec<_> = settings.transport.bases.iter().map(ToString::to_string).collect();
    let shared = Shared {
        credentials,
        endpoint: *endpoint,
        bases: &bases.join(","),
        ticket,
        fetch_limit: source.time_limit(),
    };
    let ca_file = settings.transport.ca_file.as_deref();
    let fleet = Arc::new(Fleet::new(place, &settings.store, ca_file, &shared)?);
    let (file, clock) = (path.to_owned(), Arc::new(SystemClock));
    Ok(Arc::new(SharedSource { inner: source, fleet, file, clock }))
}

/// `loader`, behind the shared store if the call says under which name and the settings name a store.
fn shared_loader<'a>(
    loader: &'a Loader<'a>,
    path: &Path,
    options: &CallOptions<'_>,
    settings: &Settings,
) -> Result<Local<'a>, Error> {
    let (Some(name), Some(place)) = (options.share_as, &settings.store.place) else {
        return Ok(Box::new(loader));
    };
    let Transport { ca_file, timeout, .. } = transport(options, settings);
    let fleet = Fleet::of_loader(place, &settings.store, ca_file.as_deref(), name, timeout)?;
    let (file, clock) = (path.to_owned(), Arc::new(SystemClock));
    Ok(Box::new(SharedSource { inner: loader, fleet: Arc::new(fleet), file, clock }))
}

fn transport(options: &CallOptions<'_>, settings: &Settings) -> Transport {
    let timeout = options.overrides.timeout.unwrap_or(settings.transport.timeout);
    Transport { timeout, ..settings.transport.clone() }
}
