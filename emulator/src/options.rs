//! WeChat's rules and the listener, as a caller sets them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::errcode::Errcode;

/// How the emulator behaves. The defaults are WeChat's published numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Loopback address to listen on; port 0 takes any free port. Read at the start only.
    pub listen: SocketAddr,
    /// The official account's appid.
    pub appid: String,
    /// The official account's AppSecret.
    pub secret: String,
    /// The WeCom corporation's id.
    pub corpid: String,
    /// The WeCom app's secret.
    pub corpsecret: String,
    /// Added to every answer to a token or ticket fetch. The token is minted when the request
    /// arrives, not when the answer leaves.
    pub latency: Duration,
    /// Life of a new token or ticket. Answers give it in whole seconds, rounded down.
    pub lifetime: Duration,
    /// How much longer a replaced token works, at most.
    pub overlap: Duration,
    /// The stable endpoint replaces a token that has less than this to live. With a `lifetime`
    /// below it, every stable fetch mints.
    pub renewal: Duration,
    /// Classic fetches a day, then 45009.
    pub daily_quota: u64,
    /// Classic fetches a minute, then 45011. WeChat publishes no number; `None` is no limit.
    pub minute_quota: Option<u64>,
    /// Stable fetches a day, then 45009.
    pub stable_daily_quota: u64,
    /// Stable fetches a minute, then 45011.
    pub stable_minute_quota: u64,
    /// The errcode of a minute's quota: 45011 by WeChat's documents, and 45009 in practice, which is then
    /// the same as the day's.
    pub minute_errcode: i64,
    /// Forced stable refreshes a day; a further one does not refresh.
    pub force_daily: u64,
    /// Least time between two forced stable refreshes; one sooner does not refresh.
    pub force_interval: Duration,
    /// Who may fetch tokens; empty is everybody. Others get 40164, or 60020 at WeCom.
    pub allow_ip: Vec<IpAddr>,
    /// Characters in a token, 19 to 512.
    pub token_length: usize,
    /// Serve https instead of http. Read at the start only.
    pub tls: Option<Tls>,
}

/// The certificate that the emulator makes itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// Where to write the CA as PEM; `None` is a temporary file that goes with the emulator.
    pub ca_out: Option<PathBuf>,
    /// Names and addresses the certificate is for; empty is `localhost`, 127.0.0.1 and ::1.
    pub cert_names: Vec<String>,
    /// Whether the certificate's time is long over.
    pub expired: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            appid: "wx0123456789abcdef".to_owned(),
            secret: "0123456789abcdef0123456789abcdef".to_owned(),
            corpid: "ww0123456789abcdef".to_owned(),
            corpsecret: "fedcba9876543210fedcba9876543210fedcba98765".to_owned(),
            latency: Duration::ZERO,
            lifetime: Duration::from_secs(7200),
            overlap: Duration::from_secs(300),
            renewal: Duration::from_secs(300),
            daily_quota: 2000,
            minute_quota: None,
            stable_daily_quota: 500_000,
            stable_minute_quota: 10_000,
            minute_errcode: Errcode::MINUTE_QUOTA_REACHED.0,
            force_daily: 20,
            force_interval: Duration::from_secs(30),
            allow_ip: Vec::new(),
            token_length: 157,
            tls: None,
        }
    }
}

impl Options {
    /// Applies a JSON object of options that may change while the emulator runs. Nothing changes
    /// when a key is unknown or a value does not fit; the message names it.
    pub(crate) fn patch(&mut self, patch: &Value) -> Result<(), String> {
        let Value::Object(patch) = patch else {
            return Err("expected a JSON object of options".to_owned());
        };
        let mut merged =
            serde_json::to_value(Changeable::of(self)).map_err(|error| error.to_string())?;
        if let Value::Object(merged) = &mut merged {
            merged.extend(patch.clone());
        }
        let changed: Changeable =
            serde_json::from_value(merged).map_err(|error| error.to_string())?;
        changed.apply(self);
        Ok(())
    }
}

/// The options that may change while the emulator runs, as JSON spells them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Changeable {
    latency_ms: u64,
    #[serde(with = "seconds")]
    lifetime: Duration,
    #[serde(with = "seconds")]
    overlap: Duration,
    #[serde(with = "seconds")]
    renewal: Duration,
    secret: String,
    corpsecret: String,
    daily_quota: u64,
    minute_quota: Option<u64>,
    stable_daily_quota: u64,
    stable_minute_quota: u64,
    minute_errcode: i64,
    force_daily: u64,
    #[serde(with = "seconds")]
    force_interval: Duration,
    allow_ip: Vec<IpAddr>,
}

impl Changeable {
    fn of(options: &Options) -> Self {
        Self {
            latency_ms: u64::try_from(options.latency.as_millis()).unwrap_or(u64::MAX),
            lifetime: options.lifetime,
            overlap: options.overlap,
            renewal: options.renewal,
            secret: options.secret.clone(),
            corpsecret: options.corpsecret.clone(),
            daily_quota: options.daily_quota,
            minute_quota: options.minute_quota,
            stable_daily_quota: options.stable_daily_quota,
            stable_minute_quota: options.stable_minute_quota,
            minute_errcode: options.minute_errcode,
            force_daily: options.force_daily,
            force_interval: options.force_interval,
            allow_ip: options.allow_ip.clone(),
        }
    }

    fn apply(self, options: &mut Options) {
        options.latency = Duration::from_millis(self.latency_ms);
        options.lifetime = self.lifetime;
        options.overlap = self.overlap;
        options.renewal = self.renewal;
        options.secret = self.secret;
        options.corpsecret = self.corpsecret;
        options.daily_quota = self.daily_quota;
        options.minute_quota = self.minute_quota;
        options.stable_daily_quota = self.stable_daily_quota;
        options.stable_minute_quota = self.stable_minute_quota;
        options.minute_errcode = self.minute_errcode;
        options.force_daily = self.force_daily;
        options.force_interval = self.force_interval;
        options.allow_ip = self.allow_ip;
    }
}

/// A duration as a number of seconds, fractions allowed.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds)
            .map_err(|error| D::Error::custom(format!("{seconds} seconds: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let mut options = Options::default();
        options.patch(&json!({"latency_ms": 5, "lifetime": 2.5, "minute_quota": 3})).unwrap();
        assert_eq!(options.latency, Duration::from_millis(5));
        assert_eq!(options.lifetime, Duration::from_millis(2500));
        assert_eq!(options.minute_quota, Some(3));
        assert_eq!(options.overlap, Duration::from_secs(300));
        options.patch(&json!({"minute_quota": null})).unwrap();
        assert_eq!(options.minute_quota, None);
    }

    #[test]
    fn a_patch_with_an_unknown_key_or_a_bad_value_changes_nothing() {
        let mut options = Options::default();
        let unknown = options.patch(&json!({"lifetime": 1, "lifetimes": 1})).unwrap_err();
        assert!(unknown.contains("`lifetimes`"), "{unknown}");
        assert!(options.patch(&json!({"overlap": -1})).is_err());
        assert!(options.patch(&json!([])).is_err());
        assert_eq!(options.lifetime, Duration::from_secs(7200));
    }
}
