//! How WeChat is reached, as settings and options say.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use ureq::Proxy;

use crate::endpoint::{ApiBase, Endpoint};
use crate::error::ConfigError;
use crate::fingerprint::Fingerprint;
use crate::secret::Secret;
use crate::trust;

#[derive(Debug, Clone, Default)]
pub struct Transport {
    /// Where to ask, in order of preference; empty for the endpoint's own address.
    pub bases: Vec<ApiBase>,
    /// Time limit of name lookup and of connection with its TLS handshake, each.
    pub connect_timeout: Duration,
    /// Time limit of a whole fetch, its retries included.
    pub timeout: Duration,
    /// Certificates to trust beside the built-in ones, as PEM.
    pub ca_file: Option<PathBuf>,
    /// The proxy to go through. None is taken from the environment: under CGI a request header can
    /// set `HTTP_PROXY`.
    pub proxy: Option<Proxy>,
}

impl Transport {
    /// The same with the addresses at which `endpoint` may be asked.
    pub(super) fn to(mut self, endpoint: Endpoint) -> Self {
        if self.bases.is_empty() {
            self.bases.push(endpoint.default_base());
        }
        // A token must not be created twice: only the stable endpoint returns the same one to a second request.
        if endpoint != Endpoint::Stable {
            self.bases.truncate(1);
        }
        self
    }

    /// The proxy to `base`. What is on this machine does not leave it.
    pub(super) fn proxy(&self, base: &ApiBase) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|_| !base.is_loopback())
    }

    /// What TLS trusts, if it is spoken on any way.
    pub(super) fn tls(&self) -> Result<Option<Arc<ClientConfig>>, ConfigError> {
        let is_spoken = self.bases.iter().any(ApiBase::is_https);
        is_spoken.then(|| trust::client_config(self.ca_file.as_deref())).transpose()
    }

    /// Tells routes to WeChat apart: by addresses, proxy and trusted certificates. Without `key`, a reader of
    /// the fingerprint cannot try the passwords of a proxy on it.
    pub(super) fn route(&self, key: &Secret) -> Fingerprint {
        let mut parts: Vec<_> = self.bases.iter().map(ApiBase::to_string).collect();
        if let Some(proxy) = &self.proxy {
            let key = proxy.password().map(|_| key.reveal()).unwrap_or_default();
            parts.extend(["proxy".to_owned(), proxy.uri().to_string(), key.to_owned()]);
        }
        if let Some(path) = &self.ca_file {
            parts.extend(["ca_file".to_owned(), path.display().to_string()]);
        }
        Fingerprint::from_parts(parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(base: &str, proxy: &str, ca_file: Option<&str>, key: &str) -> Fingerprint {
        let transport = Transport {
            bases: vec![base.parse().expect("a base")],
            connect_timeout: Duration::from_secs(1),
            timeout: Duration::from_secs(1),
            ca_file: ca_file.map(PathBuf::from),
            proxy: (!proxy.is_empty()).then(|| Proxy::new(proxy).expect("a proxy")),
        };
        transport.to(Endpoint::Stable).route(&Secret::new(key))
    }

    #[test]
    fn routes_differ_by_what_leads_elsewhere() {
        let direct = route("https://a.example", "", None, "key");
        assert_eq!(direct, route("https://a.example", "", None, "another key"));
        let proxy = "http://user:password@proxy.example:3128";
        let routes = [
            direct,
            route("https://b.example", "", None, "key"),
            route("https://a.example", "http://proxy.example", None, "key"),
            route("https://a.example", proxy, None, "key"),
            route("https://a.example", &proxy.replace("word", "age"), None, "key"),
            // Nobody without the key can try passwords.
            route("https://a.example", proxy, None, "another key"),
            route("https://a.example", "", Some("/etc/ca.pem"), "key"),
            route("https://a.example", "", Some("/etc/other.pem"), "key"),
        ];
        for (number, route) in routes.iter().enumerate() {
            assert!(!routes[..number].contains(route), "{number}");
        }
    }
}
