//! WeChat as a source of access tokens.

use std::time::{Duration, Instant};

use super::errcode::{Asked, describe};
use super::http::Http;
use super::request::Request;
use crate::endpoint::Endpoint;
use crate::failure::Requester;
use crate::fingerprint::Fingerprint;
use crate::record::AccountClaim;
use crate::secret::Credentials;
use crate::token_source::{FetchError, IssuedToken, TokenSource, Wanted};

/// How long a classic token works once there is a newer one
/// (developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html).
const OVERLAP: Duration = Duration::from_secs(5 * 60);

/// A token is no longer returned so long before its end: its caller uses it for a while, and the clock of the
/// file system may be another machine's.
const MARGIN: Duration = Duration::from_secs(60);

pub struct Client {
    credentials: Credentials,
    endpoint: Endpoint,
    http: Http,
}

impl Client {
    pub const fn new(credentials: Credentials, endpoint: Endpoint, http: Http) -> Self {
        Self { credentials, endpoint, http }
    }

    fn ask(&self, force: bool, deadline: Instant) -> Result<IssuedToken, FetchError> {
        self.http.ask(&Request::token(&self.credentials, self.endpoint, force), deadline)
    }
}

impl TokenSource for Client {
    fn fetch(&self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        let deadline = Instant::now() + self.http.transport.timeout;
        let issued = self.ask(false, deadline)?;
        // Forcing invalidates the token that others have: only if WeChat itself still returns the rejected one.
        let is_rejected = wanted.rejected() == Some(issued.value());
        if is_rejected && self.endpoint == Endpoint::Stable {
            return self.ask(true, deadline);
        }
        Ok(issued)
    }

    fn requester(&self) -> Requester {
        let Credentials { id, secret } = &self.credentials;
        let parts = [id, secret.reveal(), self.endpoint.name()];
        Requester {
            account: Fingerprint::from_parts(parts),
            route: self.http.transport.route(secret),
            owner: Some(AccountClaim::new(id, Some(secret.reveal()), self.endpoint).owner()),
            endpoint: self.endpoint.name(),
            ticket: None,
            describe: match self.endpoint {
                Endpoint::Stable | Endpoint::Classic => |cause| describe(cause, Asked::Token),
                Endpoint::Wecom => |cause| describe(cause, Asked::WecomToken),
            },
        }
    }

    fn time_limit(&self) -> Duration {
        self.http.transport.timeout
    }

    fn requests(&self) -> Option<u32> {
        Some(self.http.requests())
    }

    fn overlap(&self) -> Option<Duration> {
        (self.endpoint == Endpoint::Classic).then_some(OVERLAP - MARGIN)
    }
}
