//! Where a refresh gets its token from: WeChat or a loader.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::failure::{Failure, Requester};
use crate::record::Order;
use crate::secret::Secret;
use crate::token::is_token;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    token: Secret,
    expires_in: Duration,
    expires_at: Option<Timestamp>,
    order: Option<Order>,
    is_adopted: bool,
}

/// The longest token that is accepted, in bytes; WeChat asks for room for 512.
const MAX_TOKEN_BYTES: usize = 4096;

/// The longest lifetime that is accepted: ten years.
const MAX_LIFETIME: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

impl IssuedToken {
    /// A `token` that is valid for `expires_in` from the request for it on. Else what makes it unusable.
    pub fn new(token: String, expires_in: Duration) -> Result<Self, &'static str> {
        if !is_token(&token) {
            return Err("its token is empty or has invalid characters");
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err("its token is longer than 4096 bytes");
        }
        if expires_in.is_zero() || expires_in > MAX_LIFETIME {
            return Err("its lifetime is not from 1 second to 10 years");
        }
        Ok(Self {
            token: Secret::new(token),
            expires_in,
            expires_at: None,
            order: None,
            is_adopted: false,
        })
    }

    /// The same token with its expiry, whenever it was asked for.
    pub fn until(self, expires_at: Timestamp) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// The same token with its place among those of a fleet.
    pub(crate) fn with_order(self, order: Order) -> Self {
        Self { order: Some(order), ..self }
    }

    /// The same token, which another machine has fetched.
    pub(crate) fn adopted(self) -> Self {
        Self { is_adopted: true, ..self }
    }

    pub(crate) const fn is_adopted(&self) -> bool {
        self.is_adopted
    }

    pub(crate) fn take_order(&mut self) -> Option<Order> {
        self.order.take()
    }

    /// The same token, with this expiry unless it has one.
    pub(crate) fn or_until(self, expires_at: Timestamp) -> Self {
        Self { expires_at: self.expires_at.or(Some(expires_at)), ..self }
    }

    /// From the request for it on.
    pub(crate) const fn expires_in(&self) -> Duration {
        self.expires_in
    }

    pub(crate) fn value(&self) -> &str {
        self.token.reveal()
    }

    /// The token and its expiry, if it was asked for at `asked_at`.
    pub fn into_parts(self, asked_at: Timestamp) -> (String, Timestamp) {
        let expiry = self.expires_at.unwrap_or(asked_at + self.expires_in);
        (self.token.reveal().to_owned(), expiry)
    }
}

#[derive(Debug)]
pub enum FetchError {
    /// It failed: recorded, and shared by all who wait.
    Failed(Failure),
    /// It could not be asked. The error goes to this caller alone.
    NotAttempted(Error),
}

impl From<Failure> for FetchError {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What a fetch is for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The token that the file has, be it due, expired or rejected.
    pub known: Option<KnownToken>,
    /// The token must be another than this one, if possible.
    pub rejected: Option<Secret>,
}

impl Wanted {
    pub fn rejected(&self) -> Option<&str> {
        self.rejected.as_ref().map(Secret::reveal)
    }
}

/// A token that a file has.
#[derive(Debug, Clone)]
pub struct KnownToken {
    pub value: Secret,
    /// The rest of its life.
    pub life: Duration,
    pub order: Option<Order>,
}

pub trait TokenSource {
    fn fetch(&self, wanted: &Wanted) -> Result<IssuedToken, FetchError>;

    /// Compares a valid token with what other machines have. A newer one, if there is one.
    fn confirm(&self, _own: &KnownToken) -> Option<IssuedToken> {
        None
    }

    fn requester(&self) -> Requester;

    /// The longest that [`Self::fetch`] takes.
    fn time_limit(&self) -> Duration;

    /// How many requests it has sent to WeChat; `None` if that is unknown.
    fn requests(&self) -> Option<u32> {
        None
    }

    /// How long a token stays valid once a newer one was asked for; `None` if a newer one does not invalidate it.
    fn overlap(&self) -> Option<Duration> {
        None
    }

    /// What compares tokens as [`Self::confirm`] does, but on any thread: for a source that is asked on one alone.
    fn comparer(&self) -> Option<Remote> {
        None
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T: TokenSource + ?Sized> TokenSource for $pointer {
            fn fetch(&self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
                (**self).fetch(wanted)
            }

            fn confirm(&self, own: &KnownToken) -> Option<IssuedToken> {
                (**self).confirm(own)
            }

            fn requester(&self) -> Requester {
                (**self).requester()
            }

            fn time_limit(&self) -> Duration {
                (**self).time_limit()
            }

            fn requests(&self) -> Option<u32> {
                (**self).requests()
            }

            fn overlap(&self) -> Option<Duration> {
                (**self).overlap()
            }

            fn comparer(&self) -> Option<Remote> {
                (**self).comparer()
            }
        }
    )*};
}

forward!(&T, Arc<T>);

/// A source that any thread may ask.
pub type Remote = Arc<dyn TokenSource + Send + Sync>;
