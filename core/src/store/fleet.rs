//! What the machines of a fleet share, and the settings that say so.

use std::path::Path;
use std::time::Duration;

use super::error::StoreError;
use super::eval::Store;
use super::place::Place;
use super::seal::Seal;
use crate::endpoint::Endpoint;
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::secret::{Credentials, Secret};

/// A lease where a second fetch does no harm: WeChat gives the same token.
const SOFT_LEASE: Duration = Duration::from_secs(2);

/// What a lease of the classic endpoint lasts beyond a fetch and the two uses of the store.
const LEASE_MARGIN: Duration = Duration::from_secs(1);

/// The store, as settings say it.
#[derive(Debug, Clone, Default)]
pub struct StoreSettings {
    pub place: Option<Place>,
    /// In place of the one in the URL.
    pub password: Secret,
    /// The beginning of every key.
    pub prefix: String,
    /// Time limit of one use of the store.
    pub timeout: Duration,
    /// How long ago the store has confirmed a token that is compared with it once more.
    pub revalidate: Duration,
    /// How long ago it has confirmed one that a call does not return before; zero for never.
    pub max_age: Duration,
    /// What tokens are sealed with, in place of the AppSecret.
    pub key: Secret,
}

impl StoreSettings {
    /// Whether tokens of the store can be opened without an AppSecret.
    pub fn has_key(&self) -> bool {
        self.place.is_some() && !self.key.reveal().is_empty()
    }
}

/// What the machines of a fleet share: one token or ticket of one account.
pub struct Fleet {
    pub(super) store: Store,
    pub(super) key: Vec<u8>,
    pub(super) seal: Seal,
    /// How long one machine may fetch before another does.
    pub(super) lease: Duration,
    pub(super) timeout: Duration,
    /// Without an AppSecret, a machine only reads.
    pub(super) may_fetch: bool,
}

/// What is shared.
pub struct Shared<'a> {
    pub credentials: &'a Credentials,
    pub endpoint: Endpoint,
    /// Where WeChat is asked, if that is not its own address: what an emulator gives must reach no other.
    pub bases: &'a str,
    /// The type of a ticket, or nothing for the access token.
    pub ticket: &'a str,
    /// The longest that a fetch takes.
    pub fetch_limit: Duration,
}

impl Fleet {
    /// The fleet whose store is at `place`, as `settings` say more of it.
    ///
    /// # Errors
    /// The CA file cannot be used.
    pub fn new(
        place: &Place,
        settings: &StoreSettings,
        ca_file: Option<&Path>,
        shared: &Shared<'_>,
    ) -> Result<Self, ConfigError> {
        let place = place.clone().with_password(settings.password.clone());
        let Credentials { id, secret } = shared.credentials;
        let key_secret = if settings.has_key() { &settings.key } else { secret };
        let name = shared.endpoint.name();
        // Others' secrets and addresses make another key, of which these machines know nothing.
        let owner = Fingerprint::from_parts([id, key_secret.reveal(), name, shared.bases]);
        let kind =
            if shared.ticket.is_empty() { String::new() } else { format!(":{}", shared.ticket) };
        let key = format!("{}{{{id}:{name}:{}{kind}}}", settings.prefix, owner.hex()).into_bytes();
        let lease = match shared.endpoint {
            Endpoint::Stable | Endpoint::Wecom => SOFT_LEASE,
            Endpoint::Classic => shared.fetch_limit + 2 * settings.timeout + LEASE_MARGIN,
        };
        Ok(Self {
            seal: Seal::new(key_secret, &key),
            store: Store::new(place, ca_file, settings.timeout)?,
            key,
            lease,
            timeout: settings.timeout,
            may_fetch: !secret.reveal().is_empty(),
        })
    }

    /// How long a machine waits while others fetch: the lease of one that has died, and then a while for the next one.
    /// Without that, all that have waited would fetch at once.
    pub(super) fn patience(&self) -> Duration {
        self.lease + SOFT_LEASE
    }

    pub(super) fn sealed_otherwise(&self) -> StoreError {
        StoreError::Sealed { at: self.store.place().first_node() }
    }
}
