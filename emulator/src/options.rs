//! The emulator's options, each listed once: field, flag, default and JSON key.
//!
//! The doc comments are also the text of `--help`. Fields that serde skips are read at the start only.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How the emulator behaves. The defaults are WeChat's published numbers.
#[derive(Clone, Debug, PartialEq, Parser, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    /// Loopback address and port; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    #[serde(skip)]
    pub listen: SocketAddr,

    /// AppID of the official account
    #[arg(long, default_value = "wx0123456789abcdef", help_heading = "Account")]
    #[serde(skip)]
    pub appid: String,

    /// AppSecret of the official account
    #[arg(long, default_value = "0123456789abcdef0123456789abcdef", help_heading = "Account")]
    pub secret: String,

    /// Corpid of the WeCom corporation
    #[arg(long, default_value = "ww0123456789abcdef", help_heading = "Account")]
    #[serde(skip)]
    pub corpid: String,

    /// Corpsecret of the WeCom app
    #[arg(
        long,
        default_value = "fedcba9876543210fedcba9876543210fedcba98765",
        help_heading = "Account"
    )]
    pub corpsecret: String,

    /// IP address that may fetch tokens (repeatable; default: every address)
    ///
    /// Other addresses get 40164, or 60020 from WeCom.
    #[arg(long, value_name = "IP", help_heading = "Account")]
    pub allow_ip: Vec<IpAddr>,

    /// Delay of each answer to a token or ticket fetch, in milliseconds
    ///
    /// The token is created before the delay.
    #[arg(long, value_name = "MS", default_value = "0", value_parser = milliseconds::parse, help_heading = "Tokens")]
    #[serde(rename = "latency_ms", with = "milliseconds")]
    pub latency: Duration,

    /// Lifetime of a new token or ticket, in seconds; fractions allowed
    ///
    /// Answers give it in whole seconds, rounded down.
    #[arg(long, value_name = "S", default_value = "7200", value_parser = seconds::parse, help_heading = "Tokens")]
    #[serde(with = "seconds")]
    pub lifetime: Duration,

    /// Seconds for which a replaced token stays valid, at most
    #[arg(long, value_name = "S", default_value = "300", value_parser = seconds::parse, help_heading = "Tokens")]
    #[serde(with = "seconds")]
    pub overlap: Duration,

    /// Seconds before its expiry at which the stable endpoint replaces a token
    ///
    /// With a shorter --lifetime, every stable fetch creates a new token.
    #[arg(long, value_name = "S", default_value = "300", value_parser = seconds::parse, help_heading = "Tokens")]
    #[serde(with = "seconds")]
    pub renewal: Duration,

    /// Characters in a token, 19 to 512
    #[arg(long, value_name = "N", default_value = "157", help_heading = "Tokens")]
    #[serde(skip)]
    pub token_length: usize,

    /// Classic fetches a day; further ones get 45009
    #[arg(long, value_name = "N", default_value = "2000", help_heading = "Quotas")]
    pub daily_quota: u64,

    /// Classic fetches a minute; further ones get 45011 (default: no limit)
    ///
    /// WeChat publishes no number.
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    pub minute_quota: Option<u64>,

    /// Stable fetches a day; further ones get 45009
    #[arg(long, value_name = "N", default_value = "500000", help_heading = "Quotas")]
    pub stable_daily_quota: u64,

    /// Stable fetches a minute; further ones get 45011
    #[arg(long, value_name = "N", default_value = "10000", help_heading = "Quotas")]
    pub stable_minute_quota: u64,

    /// Errcode above a quota per minute
    ///
    /// WeChat documents 45011. In practice it also sends 45009, the errcode of the daily quota.
    #[arg(long, value_name = "N", default_value = "45011", help_heading = "Quotas")]
    pub minute_errcode: i64,

    /// Forced refreshes a day; a further one returns the current token
    #[arg(long, value_name = "N", default_value = "20", help_heading = "Quotas")]
    pub force_daily: u64,

    /// Seconds between two forced refreshes, at least; an earlier one returns the current token
    #[arg(long, value_name = "S", default_value = "30", value_parser = seconds::parse, help_heading = "Quotas")]
    #[serde(with = "seconds")]
    pub force_interval: Duration,

    /// Serve https instead of http
    #[arg(skip)]
    #[serde(skip)]
    pub tls: Option<Tls>,
}

/// The certificate that the emulator creates at its start.
///
/// Without `ca_out`, the CA certificate is a temporary file, removed with the emulator.
#[derive(Args, Clone, Debug, Default, PartialEq, Eq)]
#[group(requires = "tls")]
pub struct Tls {
    /// File for the CA certificate, as PEM; clients must trust it
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub ca_out: Option<PathBuf>,

    /// Name or address in the certificate (repeatable; default: localhost, 127.0.0.1 and ::1)
    ///
    /// With another name, clients must reject the certificate.
    #[arg(long = "cert-name", value_name = "NAME", help_heading = "TLS")]
    pub cert_names: Vec<String>,

    /// Create an expired certificate
    #[arg(long = "expired-cert", help_heading = "TLS")]
    pub expired: bool,
}

impl Default for Options {
    /// The options of an empty command line.
    fn default() -> Self {
        Self::parse_from(["wechat-emulator"])
    }
}

impl Options {
    /// Applies a JSON object of options that may change while the emulator runs. Nothing changes
    /// when a key is unknown or a value does not fit.
    pub(crate) fn patch(&mut self, patch: Value) -> Result<(), String> {
        let (Value::Object(patch), Ok(Value::Object(mut all))) =
            (patch, serde_json::to_value(&*self))
        else {
            return Err("expected a JSON object of options".to_owned());
        };
        all.extend(patch);
        let changed: Self =
            serde_json::from_value(all.into()).map_err(|error| error.to_string())?;
        *self = Self {
            listen: self.listen,
            appid: std::mem::take(&mut self.appid),
            corpid: std::mem::take(&mut self.corpid),
            token_length: self.token_length,
            tls: self.tls.take(),
            ..changed
        };
        Ok(())
    }
}

/// A duration as a number of seconds, fractions allowed.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn parse(text: &str) -> Result<Duration, String> {
        let seconds = text.parse().map_err(|_| "not a number of seconds")?;
        Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
    }

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

/// A duration as a whole number of milliseconds.
mod milliseconds {
    use std::num::ParseIntError;
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn parse(text: &str) -> Result<Duration, ParseIntError> {
        text.parse().map(Duration::from_millis)
    }

    pub(super) fn serialize<S: Serializer>(
        duration: &Duration,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Duration, D::Error> {
        u64::deserialize(deserializer).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names_and_nothing_else() {
        let mut options = Options::default();
        options.patch(json!({"latency_ms": 5, "lifetime": 2.5, "minute_quota": 3})).unwrap();
        assert_eq!(options.latency, Duration::from_millis(5));
        assert_eq!(options.lifetime, Duration::from_millis(2500));
        assert_eq!(options.minute_quota, Some(3));
        assert_eq!(options.overlap, Duration::from_secs(300));
        options.patch(json!({"minute_quota": null})).unwrap();
        assert_eq!(options.minute_quota, None);
    }

    #[test]
    fn a_patch_changes_nothing_that_is_read_at_the_start_only() {
        let mut options = Options {
            listen: "127.0.0.2:1".parse().unwrap(),
            appid: "a".to_owned(),
            corpid: "b".to_owned(),
            token_length: 20,
            tls: Some(Tls::default()),
            ..Options::default()
        };
        let before = options.clone();
        options.patch(json!({})).unwrap();
        assert_eq!(options, before);
        for key in ["listen", "appid", "corpid", "token_length", "tls"] {
            let unknown = options.patch(json!({key: "127.0.0.1:0"})).unwrap_err();
            assert!(unknown.contains(&format!("unknown field `{key}`")), "{unknown}");
        }
    }

    #[test]
    fn the_readme_lists_every_key() {
        let readme = include_str!("../README.md");
        let keys = readme.lines().find(|line| line.starts_with("`PATCH /options`")).unwrap();
        for key in serde_json::to_value(Options::default()).unwrap().as_object().unwrap().keys() {
            assert!(keys.contains(&format!("`{key}`")), "{key} is missing");
        }
    }

    #[test]
    fn a_patch_with_an_unknown_key_or_a_bad_value_changes_nothing() {
        let mut options = Options::default();
        let unknown = options.patch(json!({"lifetime": 1, "lifetimes": 1})).unwrap_err();
        assert!(unknown.contains("`lifetimes`"), "{unknown}");
        assert!(options.patch(json!({"overlap": -1})).is_err());
        assert!(options.patch(json!([])).is_err());
        assert_eq!(options.lifetime, Duration::from_secs(7200));
    }
}
