//! A PHP callable as an upstream: it is called under the lock, on the thread of PHP.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use ext_php_rs::boxed::ZBox;
use ext_php_rs::exception::PhpException;
use ext_php_rs::types::{ZendHashTable, ZendObject, Zval};
use ext_php_rs::zend::{ExecutorGlobals, ce};
use serde_json::{Map, Value};

use crate::callback::{self, Bailout};
use crate::exceptions;
use wx_token_core::clock::{Clock, SystemClock, Timestamp};
use wx_token_core::error::Error;
use wx_token_core::failure::{Failure, Requester};
use wx_token_core::fingerprint::Fingerprint;
use wx_token_core::secret::Secret;
use wx_token_core::token_source::{FetchError, IssuedToken, TokenSource};
use wx_token_core::wechat::answer::{self, AnswerError};
use wx_token_core::wechat::errcode::{self, Asked};

/// A loader, and how its last call ended.
pub struct Loader<'a> {
    callable: &'a Zval,
    thrown: RefCell<Option<ZBox<ZendObject>>>,
    interruption: Cell<Option<Bailout>>,
}

impl<'a> Loader<'a> {
    /// The loader that `callable` is.
    pub const fn new(callable: &'a Zval) -> Self {
        Self { callable, thrown: RefCell::new(None), interruption: Cell::new(None) }
    }

    /// The exception that the loader threw, as it was.
    pub fn take_thrown(&self) -> Option<PhpException> {
        let mut exception = self.thrown.borrow_mut().take()?;
        let mut zval = Zval::new();
        zval.set_object(&mut exception);
        Some(PhpException::new("the loader threw".to_owned(), 0, ce::exception()).with_object(zval))
    }

    /// How the loader, or the destruction of what it left, has ended the script, if it has.
    pub fn end(self) -> Option<Bailout> {
        let Self { thrown, interruption, .. } = self;
        let thrown = thrown.into_inner();
        interruption.get().or_else(|| thrown.and_then(callback::destroy))
    }

    /// What the end of the loader means for the refresh, if it did not return.
    fn failed(&self) -> FetchError {
        if self.interruption.get() != Some(Bailout::Thrown) {
            return FetchError::NotAttempted(Error::Aborted);
        }
        self.interruption.set(None);
        // Others learn what was thrown, not what it said: that may hold anything.
        let class = exceptions::pending_class();
        *self.thrown.borrow_mut() = ExecutorGlobals::take_exception();
        Failure::network(format!("the loader threw {class}")).into()
    }
}

const KEYS: [&str; 5] = ["errcode", "errmsg", "access_token", "expires_in", "expire"];

impl TokenSource for Loader<'_> {
    fn fetch(&self, _rejected: Option<&str>) -> Result<IssuedToken, FetchError> {
        let called = callback::call(self.callable, understand);
        self.interruption.set(called.interruption);
        // A token is stored even if the destruction of the answer around it has ended the script.
        let Some(answer) = called.result else { return Err(self.failed()) };
        answer.map_err(|trouble| match trouble {
            AnswerError::Failure(failure) => failure.into(),
            AnswerError::Unusable(why) => {
                Failure::network(format!("the loader's answer is unusable: {why}")).into()
            }
        })
    }

    fn requester(&self) -> Requester {
        Requester {
            account: Fingerprint::from_hex("loader"),
            route: Fingerprint::from_hex("loader"),
            owner: None,
            describe: |cause| errcode::describe(cause, Asked::Loader),
        }
    }

    /// PHP's own limits count.
    fn time_limit(&self) -> Duration {
        Duration::ZERO
    }
}

fn understand(answer: &Zval) -> Result<IssuedToken, AnswerError> {
    let unusable = |why: &str| AnswerError::Unusable(why.to_owned());
    let mut answer = match (answer.array(), answer.zend_str()) {
        (Some(array), _) => members(array),
        (None, Some(text)) => serde_json::from_slice(text.as_bytes())
            .map_err(|_| unusable("it is a string, but not a JSON object"))?,
        _ => return Err(unusable("it is neither an array nor WeChat's JSON as a string")),
    };
    let mut expires_at = None;
    if let (None, Some(expiry)) = (answer.get("expires_in"), answer.get("expire")) {
        let expiry =
            answer::number(expiry).ok_or_else(|| unusable("its \"expire\" is no number"))?;
        expires_at = Some(Timestamp::from_secs(expiry));
        let life = expiry.saturating_sub(SystemClock.now().secs());
        answer.insert("expires_in".to_owned(), life.into());
    }
    if !answer.contains_key("expires_in") && !answer.contains_key("errcode") {
        return Err(unusable("it has neither \"expires_in\" (seconds) nor \"expire\" (Unix time)"));
    }
    let grant = answer::interpret(&answer, "access_token", &Secret::default())?;
    Ok(match expires_at {
        Some(expires_at) => grant.until(expires_at),
        None => grant,
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
