//! What a refresh asks for a token, whoever that is.

use std::fmt;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::failure::{Failure, Requester};
use crate::token::is_token;

/// A token as an upstream hands it out.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuedToken {
    token: String,
    expires_in: Duration,
    expires_at: Option<Timestamp>,
}

/// The longest token that is believed, in bytes; WeChat asks for room for 512.
const MAX_TOKEN_BYTES: usize = 4096;

/// The longest life that is believed.
const MAX_LIFE: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

impl IssuedToken {
    /// A `token` with a life of `expires_in`, counted from the moment at which it was asked for.
    ///
    /// # Errors
    /// What makes one of them unusable.
    pub fn new(token: String, expires_in: Duration) -> Result<Self, &'static str> {
        if !is_token(&token) {
            return Err("the token is empty or holds characters that no token has");
        }
        if token.len() > MAX_TOKEN_BYTES {
            return Err("the token is longer than any token");
        }
        if expires_in.is_zero() || expires_in > MAX_LIFE {
            return Err("the lifetime is no positive number of seconds");
        }
        Ok(Self { token, expires_in, expires_at: None })
    }

    /// The same token with the moment of its expiry, whenever it was asked for.
    #[must_use]
    pub fn until(self, expires_at: Timestamp) -> Self {
        Self { expires_at: Some(expires_at), ..self }
    }

    /// Whether it is the token `other`.
    #[must_use]
    pub fn is(&self, other: &str) -> bool {
        self.token == other
    }

    /// The token and its expiry, if it was asked for at `asked_at`.
    #[must_use]
    pub fn into_parts(self, asked_at: Timestamp) -> (String, Timestamp) {
        let expiry = self.expires_at.unwrap_or(asked_at + self.expires_in);
        (self.token, expiry)
    }
}

impl fmt::Debug for IssuedToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Grant")
            .field("expires_in", &self.expires_in)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why an upstream has no token to give.
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

/// Something that answers with a token and a lifetime, or with a failure and a pace.
pub trait TokenSource {
    /// Asks for a token, and for another one than `rejected` if that can be had.
    ///
    /// # Errors
    /// [`FetchError`] if there is none to be had.
    fn fetch(&self, rejected: Option<&str>) -> Result<IssuedToken, FetchError>;

    /// Whose token this upstream gives, and by which way.
    fn requester(&self) -> Requester;

    /// The longest that [`Self::fetch`] takes.
    fn time_limit(&self) -> Duration;

    /// For how long a token can be relied on once a newer one was asked for; `None` if that makes no difference.
    fn overlap(&self) -> Option<Duration> {
        None
    }
}
