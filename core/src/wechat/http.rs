//! HTTP to WeChat: the requests of one fetch, all within one time limit.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use rustls::crypto::ring;
use ureq::config::Config;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, RequestBuilder, Timeout};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use super::answer;
use super::connector::{ConnectError, connector};
use super::endpoint::{ApiBase, Endpoint};
use super::errcode::SYSTEM_BUSY;
use super::request::{Payload, Request};
use super::resolver::{NoNames, StubResolver};
use crate::descriptor::Unshared;
use crate::error::{ConfigError, Error};
use crate::failure::{Cause, Failure, Fingerprint};
use crate::process;
use crate::secret::Secret;
use crate::token_source::{FetchError, IssuedToken};

/// How WeChat is reached.
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

/// The way to one endpoint. It costs nothing until something is asked.
#[derive(Debug, Clone)]
pub struct Http {
    transport: Transport,
}

/// Requests within one fetch, if WeChat is busy or cannot be connected to.
const MAX_TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The largest answer that is read, in bytes.
const MAX_BODY: u64 = 64 * 1024;

/// How much of a CA file is read, in bytes; Debian's, with all of its roots, has a quarter of a megabyte.
const MAX_CA_FILE: u64 = 8 * 1024 * 1024;

/// What holds for every request. ureq looks into the environment whenever it makes a configuration,
/// which no worker may do: PHP code may be in putenv(3).
static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    Agent::config_builder()
        .proxy(None)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .max_idle_connections(0)
        .user_agent(concat!("wx_token/", env!("CARGO_PKG_VERSION")))
        .build()
});

impl Http {
    /// Makes ready what cannot be made on a worker; for module start-up alone.
    pub fn prepare() {
        LazyLock::force(&CONFIG);
    }

    /// The way to `endpoint`.
    #[must_use]
    pub fn new(endpoint: Endpoint, mut transport: Transport) -> Self {
        rehearse();
        if transport.bases.is_empty() {
            transport.bases.push(endpoint.default_base());
        }
        if !endpoint.may_try_other_hosts() {
            transport.bases.truncate(1);
        }
        Self { transport }
    }

    /// The longest that a fetch takes.
    #[must_use]
    pub const fn time_limit(&self) -> Duration {
        self.transport.timeout
    }

    /// Tells ways to WeChat apart: by addresses, proxy and trusted certificates. `key` keeps whoever reads
    /// the fingerprint from trying the passwords of a proxy on it.
    #[must_use]
    pub fn route(&self, key: &Secret) -> Fingerprint {
        let Transport { bases, ca_file, proxy, .. } = &self.transport;
        let mut parts: Vec<_> = bases.iter().map(ApiBase::to_string).collect();
        if let Some(proxy) = proxy {
            let key = proxy.password().map(|_| key.reveal()).unwrap_or_default();
            parts.extend(["proxy".to_owned(), proxy.uri().to_string(), key.to_owned()]);
        }
        if let Some(path) = ca_file {
            parts.extend(["ca_file".to_owned(), path.display().to_string()]);
        }
        Fingerprint::from_parts(parts)
    }

    /// Sends `request`, up to three times if WeChat is busy or cannot be connected to, until
    /// `deadline`.
    ///
    /// # Errors
    /// [`FetchError::Failed`] with WeChat's answer or the lack of one; [`Error::Config`] if the CA file
    /// cannot be used.
    pub fn ask(&self, request: &Request, deadline: Instant) -> Result<IssuedToken, FetchError> {
        let tls = self.tls().map_err(|error| FetchError::NotAttempted(Error::Config(error)))?;
        let agent = Agent::with_parts(CONFIG.clone(), connector(), StubResolver);
        let attempt = Attempt { http: self, agent, tls, request, deadline };
        let mut pause = FIRST_PAUSE;
        for _ in 1..MAX_TRIES {
            match attempt.ask() {
                Err(rebuff)
                    if rebuff.is_worth_another_try() && Instant::now() + pause < deadline =>
                {
                    thread::sleep(pause);
                    pause *= 2;
                }
                answer => return answer.map_err(|rebuff| rebuff.failure.into()),
            }
        }
        attempt.ask().map_err(|rebuff| rebuff.failure.into())
    }

    fn tls(&self) -> Result<TlsConfig, ConfigError> {
        let roots = roots(self.transport.ca_file.as_deref())?;
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::new_with_certs(&roots))
            .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
        Ok(tls.build())
    }
}

/// Makes what ureq makes at its first request, behind a lock: a child that is forked while a worker is at
/// it would wait for that lock for ever. Nothing is looked up or connected to.
fn rehearse() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.load(Ordering::Acquire) {
        let _no_fork = process::process_state();
        let agent = Agent::with_parts(CONFIG.clone(), connector(), NoNames);
        drop(agent.get("http://localhost/").call());
        DONE.store(true, Ordering::Release);
    }
}

/// One request on its way.
struct Attempt<'a> {
    http: &'a Http,
    agent: Agent,
    tls: TlsConfig,
    request: &'a Request,
    deadline: Instant,
}

impl Attempt<'_> {
    /// Asks each base in turn until one can be connected to.
    fn ask(&self) -> Result<IssuedToken, AttemptError> {
        let mut last = AttemptError::after_sending("there is no address to ask");
        for base in &self.http.transport.bases {
            match self.ask_at(base) {
                Err(rebuff) if rebuff.unconnected => last = rebuff,
                answer => return answer,
            }
        }
        Err(last)
    }

    fn ask_at(&self, base: &ApiBase) -> Result<IssuedToken, AttemptError> {
        let remaining = self.deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(self.out_of_time(base));
        }
        let mut response = self.send(base, remaining).map_err(|error| self.rebuff(base, &error))?;
        let status = response.status();
        if status != 200 {
            return Err(AttemptError::after_sending(format!(
                "{base} answered with HTTP status {status}. Check wx_token.api_base and proxies"
            )));
        }
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let body =
            body.map_err(|error| AttemptError { unconnected: false, ..self.rebuff(base, &error) })?;
        answer::read(&body, self.request.granted, &self.request.secret)
            .map_err(|failure| AttemptError { failure, unconnected: false })
    }

    fn send(&self, base: &ApiBase, limit: Duration) -> Result<Response<Body>, ureq::Error> {
        let url = base.url(self.request.path);
        match &self.request.payload {
            Payload::Get(query) => {
                let query = query.iter().map(|(name, value)| (*name, value.as_str()));
                self.configure(self.agent.get(url).query_pairs(query), base, limit).call()
            }
            Payload::Post(json) => {
                let request = self.agent.post(url).content_type("application/json");
                self.configure(request, base, limit).send(json.to_string())
            }
        }
    }

    fn configure<Any>(
        &self,
        request: RequestBuilder<Any>,
        base: &ApiBase,
        limit: Duration,
    ) -> RequestBuilder<Any> {
        let connect = Some(self.http.transport.connect_timeout.min(limit));
        request
            .config()
            .tls_config(self.tls.clone())
            .proxy(self.proxy(base).cloned())
            .timeout_global(Some(limit))
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .build()
    }

    /// The proxy to `base`. What is on this machine does not leave it.
    fn proxy(&self, base: &ApiBase) -> Option<&Proxy> {
        self.http.transport.proxy.as_ref().filter(|_| !base.is_loopback())
    }

    fn out_of_time(&self, base: &ApiBase) -> AttemptError {
        AttemptError::after_sending(format!(
            "{base} did not answer within {} s. Check the network; the limit is the option timeout, or wx_token.timeout",
            self.http.transport.timeout.as_secs_f64()
        ))
    }

    fn rebuff(&self, base: &ApiBase, error: &ureq::Error) -> AttemptError {
        use ureq::Error as E;
        let scrubbed =
            |reason: String| AttemptError::after_sending(self.request.secret.scrub(&reason));
        match error {
            E::Other(error) if let Some(why) = error.downcast_ref::<ConnectError>() => {
                self.unconnected(base, why)
            }
            E::Timeout(Timeout::Connect) => {
                self.unconnected(base, &ConnectError::Connect(io::ErrorKind::TimedOut.into()))
            }
            E::Timeout(_) => self.out_of_time(base),
            E::BodyExceedsLimit(limit) => scrubbed(format!(
                "the answer of {base} is larger than {} KiB. Check wx_token.api_base",
                limit / 1024
            )),
            E::Io(error) => scrubbed(format!(
                "the connection to {base} broke off before the end of the answer: {error}. Check proxies between this server and WeChat"
            )),
            other => scrubbed(format!("the request to {base} failed: {other}")),
        }
    }

    fn unconnected(&self, base: &ApiBase, why: &ConnectError) -> AttemptError {
        let proxy = self.proxy(base).map(address);
        match (why, proxy) {
            (ConnectError::Connect(error), None)
                if error.kind() == io::ErrorKind::PermissionDenied =>
            {
                AttemptError::before_sending(format!(
                    "cannot connect to {base}: {why}. A firewall rule, a sandbox (seccomp) or a security module of this machine may forbid it"
                ))
            }
            (ConnectError::Lookup(_) | ConnectError::Connect(_), None) => {
                AttemptError::before_sending(format!(
                    "cannot connect to {base}: {why}. Check the firewall and wx_token.api_base"
                ))
            }
            (ConnectError::Lookup(_) | ConnectError::Connect(_), Some(proxy)) => {
                AttemptError::before_sending(format!(
                    "cannot connect to the proxy {proxy} on the way to {base}: {why}. Check wx_token.proxy"
                ))
            }
            (ConnectError::Proxy(_), proxy) => AttemptError::after_sending(format!(
                "the proxy {} did not connect to {base}: {why}. Check wx_token.proxy",
                proxy.unwrap_or_default()
            )),
            (ConnectError::Tls(error), proxy) => {
                let route = proxy.map(|proxy| format!(" through the proxy {proxy}"));
                AttemptError::after_sending(format!(
                    "TLS to {base}{} failed: {}",
                    route.unwrap_or_default(),
                    explain(error)
                ))
            }
        }
    }
}

/// The address of a proxy, without user and password.
fn address(proxy: &Proxy) -> String {
    format!("http://{}:{}", proxy.host(), proxy.port())
}

/// Why a TLS handshake failed, and what to do about it.
fn explain(error: &io::Error) -> String {
    use rustls::CertificateError as C;
    use rustls::Error as E;
    match error.get_ref().and_then(|error| error.downcast_ref::<E>()) {
        Some(E::InvalidCertificate(C::UnknownIssuer)) => {
            "the certificate is from an unknown CA. Set wx_token.ca_file if a proxy or gateway has its own CA".to_owned()
        }
        Some(E::InvalidCertificate(C::Expired | C::ExpiredContext { .. })) => {
            "the certificate has expired. Check the clock of this server, and have the certificate renewed".to_owned()
        }
        Some(E::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. })) => {
            "the certificate is not valid yet. Check the clock of this server".to_owned()
        }
        Some(E::InvalidCertificate(C::NotValidForNameContext { presented, .. })) => format!(
            "the certificate is for another host ({}). Check wx_token.api_base and DNS",
            presented.join(", ")
        ),
        Some(E::InvalidCertificate(C::NotValidForName)) => {
            "the certificate is for another host. Check wx_token.api_base and DNS".to_owned()
        }
        Some(E::InvalidCertificate(other)) => {
            format!("the certificate is not acceptable: {other}. Check wx_token.api_base")
        }
        Some(E::InvalidMessage(_)) => {
            "the server does not speak TLS. Check wx_token.api_base".to_owned()
        }
        _ => format!(
            "the handshake broke off: {error}. Check proxies between this server and WeChat"
        ),
    }
}

/// A request that brought no token.
struct AttemptError {
    failure: Failure,
    /// Nothing was sent: neither WeChat nor a proxy was connected to.
    unconnected: bool,
}

impl AttemptError {
    fn before_sending(reason: impl Into<String>) -> Self {
        Self { failure: Failure::network(reason), unconnected: true }
    }

    fn after_sending(reason: impl Into<String>) -> Self {
        Self { failure: Failure::network(reason), unconnected: false }
    }

    const fn is_worth_another_try(&self) -> bool {
        self.unconnected || matches!(self.failure.cause, Cause::Api { errcode: SYSTEM_BUSY, .. })
    }
}

/// The built-in roots and those of the CA file.
fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, ConfigError> {
    let mut roots: Vec<_> =
        TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der)).collect();
    if let Some(path) = ca_file {
        roots.extend(read_certificates(path)?);
    }
    Ok(roots)
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate<'static>>, ConfigError> {
    let refuse = |why: &str| {
        ConfigError(format!(
            "wx_token.ca_file: cannot use {}: {why}; name a PEM file",
            path.display()
        ))
    };
    let pem = Unshared::read(path, MAX_CA_FILE).map_err(|error| refuse(&error.to_string()))?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| refuse(&error.to_string()))?
        {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        return Err(refuse("it holds no certificate"));
    }
    Ok(certificates)
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
        Http::new(Endpoint::Stable, transport).route(&Secret::new(key))
    }

    #[test]
    fn ways_differ_by_what_leads_elsewhere() {
        let direct = route("https://a.example", "", None, "key");
        assert_eq!(direct, route("https://a.example", "", None, "another key"));
        let proxy = "http://user:password@proxy.example:3128";
        let ways = [
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
        for (number, route) in ways.iter().enumerate() {
            assert!(!ways[..number].contains(route), "{number}");
        }
    }
}
