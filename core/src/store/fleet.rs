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

/// How long a new token of WeChat's lives
/// (developers.weixin.qq.com/doc/offiaccount/Basic_Information/Get_access_token.html).
const LIFETIME: Duration = Duration::from_secs(7200);

/// What any other lease lasts beyond a fetch and the two uses of the store.
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
    /// How long a new token lives; `None` for a loader's.
    pub(super) lifetime: Option<Duration>,
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
        let Credentials { id, secret } = shared.credentials;
        let key_secret = if settings.has_key() { &settings.key } else { secret };
        let name = shared.endpoint.name();
        // Others' secrets and addresses make another key, of which these machines know nothing.
        let owner = Fingerprint::from_parts([id, key_secret.reveal(), name, shared.bases]);
        let kind =
            if shared.ticket.is_empty() { String::new() } else { format!(":{}", shared.ticket) };
        let key = format!("{}{{{id}:{name}:{}{kind}}}", settings.prefix, owner.hex()).into_bytes();
        Ok(Self {
            seal: Seal::new(key_secret, &key),
            store: store(place, settings, ca_file)?,
            key,
            lease: match shared.endpoint {
                Endpoint::Stable | Endpoint::Wecom => SOFT_LEASE,
                Endpoint::Classic => hard_lease(settings, shared.fetch_limit),
            },
            timeout: settings.timeout,
            lifetime: Some(LIFETIME),
            may_fetch: !secret.reveal().is_empty(),
        })
    }

    /// The same for what a loader gives, which is shared under `name`. A loader has no AppSecret to seal its tokens with.
    /// The longest that it takes, as far as other machines wait for it, is `fetch_limit`.
    ///
    /// # Errors
    /// No `store_key` is set, or the CA file cannot be used.
    pub fn of_loader(
        place: &Place,
        settings: &StoreSettings,
        ca_file: Option<&Path>,
        name: &str,
        fetch_limit: Duration,
    ) -> Result<Self, ConfigError> {
        if !settings.has_key() {
            return Err(ConfigError(
                "the option \"share_as\" needs a key to seal the loader's tokens with. Set wx_token.store_key to the same text on all servers".to_owned(),
            ));
        }
        let owner = Fingerprint::from_parts([name, settings.key.reveal(), "loader"]);
        let key = format!("{}{{{name}:loader:{}}}", settings.prefix, owner.hex()).into_bytes();
        Ok(Self {
            seal: Seal::new(&settings.key, &key),
            store: store(place, settings, ca_file)?,
            key,
            lease: hard_lease(settings, fetch_limit),
            timeout: settings.timeout,
            lifetime: None,
            may_fetch: true,
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

fn store(
    place: &Place,
    settings: &StoreSettings,
    ca_file: Option<&Path>,
) -> Result<Store, ConfigError> {
    Store::new(place.clone().with_password(settings.password.clone()), ca_file, settings.timeout)
}

/// A lease where a second fetch ends the token of the first.
fn hard_lease(settings: &StoreSettings, fetch_limit: Duration) -> Duration {
    fetch_limit + 2 * settings.timeout + LEASE_MARGIN
}
