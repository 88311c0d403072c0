//! WeChat as an upstream of access tokens.

use std::time::{Duration, Instant};

use super::endpoint::Endpoint;
use super::http::Http;
use super::request::Request;
use crate::account::Account;
use crate::failure::{Fingerprint, Requester};
use crate::token_source::{FetchError, IssuedToken, TokenSource};

/// How long a classic token works once there is a newer one
/// (developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html).
const OVERLAP: Duration = Duration::from_secs(5 * 60);

/// A token is given up so long before it dies: whoever gets it uses it for a while, and the clock of the
/// file system may be another machine's.
const MARGIN: Duration = Duration::from_secs(60);

/// Asks WeChat for one account's token.
pub struct Client {
    account: Account,
    http: Http,
}

impl Client {
    /// A client for `account`.
    #[must_use]
    pub const fn new(account: Account, http: Http) -> Self {
        Self { account, http }
    }
}

impl TokenSource for Client {
    fn fetch(&self, rejected: Option<&str>) -> Result<IssuedToken, FetchError> {
        let deadline = Instant::now() + self.http.time_limit();
        let grant = self.http.ask(&Request::token(&self.account, false), deadline)?;
        // Forcing kills the token that others hold: only if WeChat itself still gives the dead one.
        let is_rejected = rejected.is_some_and(|rejected| grant.is(rejected));
        if is_rejected && self.account.endpoint == Endpoint::Stable {
            return self.http.ask(&Request::token(&self.account, true), deadline);
        }
        Ok(grant)
    }

    fn requester(&self) -> Requester {
        let Account { appid, secret, endpoint } = &self.account;
        let parts = [appid, secret.reveal(), endpoint.name()];
        Requester {
            account: Fingerprint::from_parts(parts.map(str::to_owned)),
            route: self.http.route(secret),
            owner: Some(self.account.claim().owner()),
        }
    }

    fn time_limit(&self) -> Duration {
        self.http.time_limit()
    }

    fn overlap(&self) -> Option<Duration> {
        (self.account.endpoint == Endpoint::Classic).then_some(OVERLAP - MARGIN)
    }
}
