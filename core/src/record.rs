//! What is known of a token beside its file: whose it is, when it was asked for, when it expires.
//!
//! Code that knows nothing of this extension writes tokens into the same file, and leaves what stands
//! beside it as it was. So a record has the tag of its token, and is believed of that token alone.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::clock::Timestamp;
use crate::endpoint::Endpoint;
use crate::fingerprint::Fingerprint;
use crate::token::Token;

/// The version of the records that are written. A newer one is neither believed nor changed until its token is
/// replaced.
const VERSION: u64 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenOwner {
    pub account: String,
    /// Which of a corpid's apps: told by its corpsecret alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application: Option<Fingerprint>,
}

impl TokenOwner {
    pub fn is_not(&self, other: &Self) -> bool {
        let applications = self.application.as_ref().zip(other.application.as_ref());
        self.account != other.account || applications.is_some_and(|(one, other)| one != other)
    }
}

/// Whose token a call asks for, as far as it says.
#[derive(Debug, Clone, Copy)]
pub struct AccountClaim<'a> {
    account: &'a str,
    corpsecret: Option<&'a str>,
}

impl<'a> AccountClaim<'a> {
    /// The claim of `account` at `endpoint`. Only WeCom has a token for each secret.
    pub(crate) fn new(account: &'a str, secret: Option<&'a str>, endpoint: Endpoint) -> Self {
        let is_told = |secret: &&str| endpoint == Endpoint::Wecom && !secret.is_empty();
        Self { account, corpsecret: secret.filter(is_told) }
    }

    /// Whether this is known to be another's token than `owner`'s. With the same appid, another secret or
    /// endpoint makes no other owner. A call on a fresh file comes here: a hash only where it must be.
    pub fn is_not(&self, owner: &TokenOwner) -> bool {
        let is_other = |application: &Fingerprint| {
            self.corpsecret.is_some_and(|secret| fingerprint(secret) != *application)
        };
        self.account != owner.account || owner.application.as_ref().is_some_and(is_other)
    }

    pub fn owner(&self) -> TokenOwner {
        let application = self.corpsecret.map(fingerprint);
        TokenOwner { account: self.account.to_owned(), application }
    }
}

fn fingerprint(text: &str) -> Fingerprint {
    Fingerprint::from_parts([text])
}

/// Where a token stands among those that a fleet of machines fetches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Order {
    /// When it was fetched, by the clock of the shared store, in milliseconds.
    Confirmed { stamp_ms: i64 },
    /// The store has not confirmed it. When it was fetched, by the monotonic clock of this run of the machine.
    Unconfirmed { boot: Fingerprint, asked_uptime_ms: u64 },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    version: u64,
    /// Tells the token without telling what it is.
    #[serde(rename = "token")]
    tag: Fingerprint,
    /// Whose it is, if that is known: a loader does not say.
    #[serde(flatten)]
    pub owner: Option<TokenOwner>,
    #[serde(rename = "asked_at_ms")]
    pub asked_at: Timestamp,
    /// When it expires. Its file may say so in whole seconds.
    #[serde(rename = "expires_at_ms")]
    pub expiry: Timestamp,
    /// `None` without a shared store.
    #[serde(flatten)]
    pub order: Option<Order>,
}

impl Record {
    /// The record of `token`, which was asked for at `asked_at` in the name of `owner`.
    pub fn new(token: &Token, owner: Option<TokenOwner>, asked_at: Timestamp) -> Self {
        let (tag, expiry) = (fingerprint(&token.value), token.expiry);
        Self { version: VERSION, tag, owner, asked_at, expiry, order: None }
    }

    pub fn with_order(self, order: Option<Order>) -> Self {
        Self { order, ..self }
    }

    /// The record of the same token, which expires at `expiry` by now.
    pub(crate) fn until(self, expiry: Timestamp) -> Self {
        Self { expiry, ..self }
    }

    pub fn is_of(&self, token: &str) -> bool {
        self.tag == Self::tag_of(token)
    }

    /// Tells `token` without telling what it is.
    pub(crate) fn tag_of(token: &str) -> Fingerprint {
        fingerprint(token)
    }

    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Reads what [`Self::to_json`] wrote; `None` for anything else, and for another version.
    pub fn from_json(json: &Value) -> Option<Self> {
        Self::deserialize(json).ok().filter(|record| record.version == VERSION)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(value: &str) -> Token {
        let expiry = Timestamp::from_millis(1_700_000_000_123);
        Token::own(value, expiry)
    }

    fn record(claim: Option<AccountClaim<'_>>) -> Record {
        Record::new(
            &token("t"),
            claim.map(|claim| claim.owner()),
            Timestamp::from_secs(1_699_992_800),
        )
    }

    fn claim<'a>(account: &'a str, corpsecret: Option<&'a str>) -> AccountClaim<'a> {
        AccountClaim { account, corpsecret }
    }

    #[test]
    fn a_record_reads_back_as_it_was_written_and_tells_neither_token_nor_secret() {
        for claim in [None, Some(claim("wx1", None)), Some(claim("ww1", Some("corp secret")))] {
            let record = record(claim);
            let json = record.to_json();
            assert_eq!(Record::from_json(&json), Some(record));
            assert!(!json.to_string().contains("corp secret"));
        }
    }

    #[test]
    fn the_order_of_a_token_reads_back() {
        let boot = Fingerprint::from_parts(["boot"]);
        for order in [
            Order::Confirmed { stamp_ms: 1_700_000_000_001 },
            Order::Unconfirmed { boot, asked_uptime_ms: 5 },
        ] {
            for claim in [None, Some(claim("wx1", None))] {
                let record = record(claim).with_order(Some(order.clone()));
                assert_eq!(Record::from_json(&record.to_json()), Some(record));
            }
        }
    }

    #[test]
    fn a_record_is_of_its_token_alone_and_a_newer_version_is_not_believed() {
        let record = record(None);
        assert!(record.is_of("t"));
        assert!(!record.is_of("u"));
        let mut newer = record.to_json();
        newer["version"] = json!(2);
        assert_eq!(Record::from_json(&newer), None);
    }

    #[test]
    fn another_appid_is_another_owner_and_another_secret_is_not() {
        let owner = claim("wx1", None).owner();
        assert!(!claim("wx1", None).is_not(&owner));
        assert!(claim("wx2", None).is_not(&owner));
        assert!(claim("WX1", None).is_not(&owner), "upper and lower case count");
    }

    #[test]
    fn the_applications_of_a_corpid_are_told_by_their_secrets() {
        let owner = claim("ww1", Some("one")).owner();
        assert!(!claim("ww1", Some("one")).is_not(&owner));
        assert!(claim("ww1", Some("two")).is_not(&owner));
        assert!(!claim("ww1", None).is_not(&owner), "it does not say which");
        assert!(!owner.is_not(&claim("ww1", None).owner()));
        assert!(owner.is_not(&claim("ww1", Some("two")).owner()));
        assert!(owner.is_not(&claim("ww2", Some("one")).owner()));
    }
}
