//! A PHP callable as a token source. It is called under the lock, on the thread of PHP.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::exception::PhpException;
use ext_php_rs::types::{ZendHashTable, ZendObject, Zval};
use ext_php_rs::zend::{ExecutorGlobals, ce};
use serde_json::{Map, Value};

use crate::argument_errors::type_name;
use crate::callback::{self, Bailout};
use crate::exceptions;
use wx_token_core::clock::{Clock, SystemClock, Timestamp};
use wx_token_core::error::Error;
use wx_token_core::failure::{Failure, Requester};
use wx_token_core::fingerprint::Fingerprint;
use wx_token_core::secret::Secret;
use wx_token_core::token_source::{FetchError, IssuedToken, TokenSource, Wanted};
use wx_token_core::wechat::answer::{self, AnswerError};
use wx_token_core::wechat::errcode::{self, Asked};

pub struct Loader<'a> {
    callable: &'a Zval,
    thrown: RefCell<Option<ZBox<ZendObject>>>,
    bailout: Cell<Option<Bailout>>,
}

impl<'a> Loader<'a> {
    pub const fn new(callable: &'a Zval) -> Self {
        Self { callable, thrown: RefCell::new(None), bailout: Cell::new(None) }
    }

    /// The exception that the loader threw, as it was.
    pub fn take_thrown(&self) -> Option<PhpException> {
        let mut exception = self.thrown.borrow_mut().take()?;
        let mut zval = Zval::new();
        zval.set_object(&mut exception);
        Some(PhpException::new("the loader threw".to_owned(), 0, ce::exception()).with_object(zval))
    }

    /// How the loader, or the destruction of its exception, ended the script, if it did.
    pub fn end(self) -> Option<Bailout> {
        let thrown = self.thrown.into_inner();
        self.bailout.get().or_else(|| thrown.and_then(callback::destroy))
    }

    /// Why there is no token, if the loader did not return.
    fn failed(&self) -> FetchError {
        if self.bailout.get() != Some(Bailout::Thrown) {
            return FetchError::NotAttempted(Error::Aborted);
        }
        self.bailout.set(None);
        // Others learn the class, not the message, which may hold anything.
        let class = exceptions::pending_class();
        *self.thrown.borrow_mut() = ExecutorGlobals::take_exception();
        let reason = "in another call. See the error log of that process";
        Failure::network(format!("the loader threw {class} {reason}")).into()
    }
}

const KEYS: [&str; 5] = ["errcode", "errmsg", "access_token", "expires_in", "expire"];

impl TokenSource for Loader<'_> {
    fn fetch(&self, _wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        let called = callback::call(self.callable, read);
        self.bailout.set(called.bailout);
        // A token is stored even if the destruction of the result around it has ended the script.
        let Some(result) = called.result else { return Err(self.failed()) };
        result.map_err(FetchError::Failed)
    }

    fn requester(&self) -> Requester {
        Requester {
            account: Fingerprint::from_hex("loader"),
            route: Fingerprint::from_hex("loader"),
            owner: None,
            endpoint: "loader",
            ticket: None,
            describe: |cause| errcode::describe(cause, Asked::Loader),
        }
    }

    /// PHP's own limits apply.
    fn time_limit(&self) -> Duration {
        Duration::ZERO
    }
}

fn read(result: &Zval) -> Result<IssuedToken, Failure> {
    let problem = |problem: &str| Failure::network(format!("the loader {problem}"));
    let mut answer = match (result.array(), result.zend_str()) {
        (Some(array), _) => members(array),
        (None, text) => {
            let answer = text.and_then(|text| serde_json::from_slice(text.as_bytes()).ok());
            answer.ok_or_else(|| {
                let returned = match text {
                    Some(_) => "a string that is not a JSON object".into(),
                    None => type_name(result).to_string_lossy(),
                };
                problem(&format!(
                    "returned {returned}. It must return an array or a JSON string with \"access_token\" and \"expires_in\""
                ))
            })?
        }
    };
    let mut expires_at = None;
    if let (None, Some(expiry)) = (answer.get("expires_in"), answer.get("expire")) {
        let expiry = answer::number(expiry).ok_or_else(|| {
            problem("returned an \"expire\" that is not a number. It must be a Unix time")
        })?;
        let life = expiry.saturating_sub(SystemClock.now().secs());
        if life <= 0 && !answer.contains_key("errcode") {
            return Err(problem("returned an expired token. \"expire\" must be in the future"));
        }
        expires_at = Some(Timestamp::from_secs(expiry));
        answer.insert("expires_in".to_owned(), life.into());
    }
    if !answer.contains_key("expires_in") && !answer.contains_key("errcode") {
        return Err(problem(
            "returned neither \"expires_in\" nor \"expire\". Add \"expires_in\" (seconds) or \"expire\" (Unix time)",
        ));
    }
    let token = answer::interpret(&answer, "access_token", &Secret::default());
    let token = token.map_err(|error| match error {
        AnswerError::Failure(failure) => failure,
        AnswerError::Unusable(why) => {
            Failure::network(format!("the loader's answer is unusable: {why}"))
        }
    })?;
    Ok(match expires_at {
        Some(expires_at) => token.until(expires_at),
        None => token,
    })
}

fn members(array: &ZendHashTable) -> Map<String, Value> {
    let value = |key: &str| array.get(key).map(|value| (key.to_owned(), json(value.dereference())));
    KEYS.iter().filter_map(|key| value(key)).collect()
}

fn json(value: &Zval) -> Value {
    if let Some(number) = value.long() {
        return number.into();
    }
    if let Some(number) = value.double() {
        return number.into();
    }
    value.str().map_or(Value::Null, Value::from)
}
