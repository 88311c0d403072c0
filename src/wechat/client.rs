//! The HTTP client: one refresh's requests to WeChat, all within one time limit.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body, Proxy, Timeout};

use super::answer;
use super::endpoint::{ApiBase, Endpoint};
use super::errcode::SYSTEM_BUSY;
use crate::account::Account;
use crate::error::ConfigError;
use crate::failure::{Cause, Failure, Fingerprint};
use crate::upstream::{Grant, Upstream};

/// How WeChat is reached.
#[derive(Debug, Clone)]
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

/// Asks WeChat for one account's token.
pub struct Client {
    account: Account,
    bases: Vec<ApiBase>,
    connect_timeout: Duration,
    timeout: Duration,
    agent: Agent,
}

/// Requests within one fetch, if WeChat is busy or cannot be connected to.
const MAX_TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// The largest answer that is read, in bytes.
const MAX_BODY: u64 = 64 * 1024;

impl Client {
    /// A client for `account`.
    ///
    /// # Errors
    /// [`ConfigError`] if the CA file cannot be used.
    pub fn new(account: Account, transport: &Transport) -> Result<Self, ConfigError> {
        let mut bases = transport.bases.clone();
        if bases.is_empty() {
            bases.push(account.endpoint.default_base());
        }
        if !account.endpoint.may_try_other_hosts() {
            bases.truncate(1);
        }
        let roots = match &transport.ca_file {
            Some(path) => RootCerts::new_with_certs(&trusted(path)?),
            None => RootCerts::WebPki,
        };
        let agent = Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .proxy(transport.proxy.clone())
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .max_idle_connections(0)
            .user_agent(concat!("wx_token/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        let (connect_timeout, timeout) = (transport.connect_timeout, transport.timeout);
        Ok(Self { account, bases, connect_timeout, timeout, agent })
    }

    /// Asks each base in turn until one can be connected to.
    fn ask(&self, deadline: Instant) -> Result<Grant, Rebuff> {
        let mut last = Rebuff::final_(Failure::network("there is no address to ask"));
        for base in &self.bases {
            match self.ask_at(base, deadline) {
                Err(rebuff) if rebuff.unconnected => last = rebuff,
                answer => return answer,
            }
        }
        Err(last)
    }

    fn ask_at(&self, base: &ApiBase, deadline: Instant) -> Result<Grant, Rebuff> {
        let remaining = deadline.saturating_duration_since(Instant::now());
        if remaining.is_zero() {
            return Err(Rebuff::final_(self.out_of_time(base)));
        }
        let mut response = self.send(base, remaining).map_err(|error| self.rebuff(base, &error))?;
        let status = response.status();
        if status != 200 {
            let reason = format!("{base} answered with HTTP status {status}");
            return Err(Rebuff::final_(Failure::network(reason)));
        }
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let body = body.map_err(|error| self.rebuff(base, &error).after_connecting())?;
        answer::read(&body, &self.account.secret).map_err(Rebuff::of_answer)
    }

    fn send(&self, base: &ApiBase, limit: Duration) -> Result<Response<Body>, ureq::Error> {
        let Account { appid, secret, endpoint } = &self.account;
        let connect = self.connect_timeout.min(limit);
        match endpoint {
            Endpoint::Stable => {
                let body = json!({
                    "grant_type": "client_credential",
                    "appid": appid,
                    "secret": secret.reveal(),
                });
                self.agent
                    .post(base.url("/cgi-bin/stable_token"))
                    .config()
                    .timeout_global(Some(limit))
                    .timeout_resolve(Some(connect))
                    .timeout_connect(Some(connect))
                    .build()
                    .content_type("application/json")
                    .send(body.to_string())
            }
            Endpoint::Classic => self
                .agent
                .get(base.url("/cgi-bin/token"))
                .query("grant_type", "client_credential")
                .query("appid", appid)
                .query("secret", secret.reveal())
                .config()
                .timeout_global(Some(limit))
                .timeout_resolve(Some(connect))
                .timeout_connect(Some(connect))
                .build()
                .call(),
        }
    }

    fn out_of_time(&self, base: &ApiBase) -> Failure {
        Failure::network(format!(
            "{base} gave no answer within {} s; wx_token.timeout sets the limit",
            self.timeout.as_secs_f64()
        ))
    }

    fn rebuff(&self, base: &ApiBase, error: &ureq::Error) -> Rebuff {
        use ureq::Error as E;
        let unconnected = |reason: &str| Rebuff {
            failure: Failure::network(format!(
                "cannot connect to {base}: {reason}; check this server's way to it"
            )),
            unconnected: true,
        };
        let final_ = |reason: String| Rebuff::final_(Failure::network(reason));
        match error {
            E::HostNotFound => unconnected("the host name is unknown"),
            E::ConnectionFailed => unconnected("no address of the host answers"),
            E::Timeout(Timeout::Resolve) => unconnected("the name lookup took too long"),
            E::Timeout(Timeout::Connect) => unconnected("it took too long"),
            E::Io(error) if never_connected(error) => unconnected(&error.to_string()),
            E::Timeout(_) => Rebuff::final_(self.out_of_time(base)),
            E::BodyExceedsLimit(limit) => {
                final_(format!("{base} answered with more than {} KiB", limit / 1024))
            }
            E::Io(error) => final_(
                self.account.secret.scrub(&format!("the answer of {base} broke off: {error}")),
            ),
            other => final_(self.account.secret.scrub(&format!("cannot ask {base}: {other}"))),
        }
    }
}

impl Upstream for Client {
    fn fetch(&self) -> Result<Grant, Failure> {
        let deadline = Instant::now() + self.timeout;
        let mut pause = FIRST_PAUSE;
        for _ in 1..MAX_TRIES {
            match self.ask(deadline) {
                Err(rebuff) if rebuff.is_worth_another_try() => {
                    if Instant::now() + pause >= deadline {
                        return Err(rebuff.failure);
                    }
                    thread::sleep(pause);
                    pause *= 2;
                }
                answer => return answer.map_err(|rebuff| rebuff.failure),
            }
        }
        self.ask(deadline).map_err(|rebuff| rebuff.failure)
    }

    fn account(&self) -> Fingerprint {
        let Account { appid, secret, endpoint } = &self.account;
        let hash = Sha256::digest([appid, secret.reveal(), endpoint.name()].join("\0"));
        Fingerprint::new(hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect::<String>())
    }

    fn time_limit(&self) -> Duration {
        self.timeout
    }
}

/// A request that brought no token.
struct Rebuff {
    failure: Failure,
    /// Nothing was sent: there was no connection.
    unconnected: bool,
}

impl Rebuff {
    const fn final_(failure: Failure) -> Self {
        Self { failure, unconnected: false }
    }

    const fn of_answer(failure: Failure) -> Self {
        Self::final_(failure)
    }

    fn after_connecting(self) -> Self {
        Self::final_(self.failure)
    }

    const fn is_worth_another_try(&self) -> bool {
        self.unconnected || matches!(self.failure.cause, Cause::Api { errcode: SYSTEM_BUSY, .. })
    }
}

fn never_connected(error: &io::Error) -> bool {
    let kind_is_plain = matches!(
        error.kind(),
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
    );
    // std gives a failed name lookup no kind of its own, only these words.
    kind_is_plain || error.to_string().starts_with("failed to lookup address")
}

/// The built-in roots and those of the CA file.
fn trusted(path: &Path) -> Result<Vec<Certificate<'static>>, ConfigError> {
    let refuse = |why: &str| {
        ConfigError(format!(
            "wx_token.ca_file: cannot use {}: {why}; name a PEM file",
            path.display()
        ))
    };
    let pem = fs::read(path).map_err(|error| refuse(&error.to_string()))?;
    let mut roots: Vec<Certificate<'static>> = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    let built_in = roots.len();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| refuse(&error.to_string()))?
        {
            roots.push(certificate);
        }
    }
    if roots.len() == built_in {
        return Err(refuse("it holds no certificate"));
    }
    Ok(roots)
}
