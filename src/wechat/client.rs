//! WeChat as an upstream of access tokens.

use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::endpoint::Endpoint;
use super::http::Http;
use super::request::Request;
use crate::account::Account;
use crate::failure::Fingerprint;
use crate::upstream::{Grant, Setback, Upstream};

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

impl Upstream for Client {
    fn fetch(&self, rejected: Option<&str>) -> Result<Grant, Setback> {
        let deadline = Instant::now() + self.http.time_limit();
        let grant = self.http.ask(&Request::token(&self.account, false), deadline)?;
        // Forcing kills the token that others hold: only if WeChat itself still gives the dead one.
        let is_rejected = rejected.is_some_and(|rejected| grant.is(rejected));
        if is_rejected && self.account.endpoint == Endpoint::Stable {
            return self.http.ask(&Request::token(&self.account, true), deadline);
        }
        Ok(grant)
    }

    fn account(&self) -> Fingerprint {
        let Account { appid, secret, endpoint } = &self.account;
        let hash = Sha256::digest([appid, secret.reveal(), endpoint.name()].join("\0"));
        Fingerprint::new(hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn time_limit(&self) -> Duration {
        self.http.time_limit()
    }
}
