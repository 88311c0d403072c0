//! One request on its way: each address in turn, and what a failure means.

use std::io;
use std::time::{Duration, Instant};

use ureq::http::Response;
use ureq::{Agent, Body, Proxy, RequestBuilder, Timeout};

use super::answer::{self, AnswerError};
use super::connector::ConnectError;
use super::errcode::SYSTEM_BUSY;
use super::request::{Payload, Request};
use super::transport::Transport;
use crate::endpoint::ApiBase;
use crate::failure::{Cause, Failure};
use crate::token_source::IssuedToken;
use crate::trust::{Server, explain};

const MAX_BODY: u64 = 64 * 1024;

const WECHAT: Server =
    Server { name: "WeChat", setting: "wx_token.api_base", own_ca: "a proxy or gateway" };

pub struct Attempt<'a> {
    pub transport: &'a Transport,
    pub agent: Agent,
    pub request: &'a Request,
    pub deadline: Instant,
}

impl Attempt<'_> {
    /// Asks each base in turn until one can be connected to.
    pub fn run(&self) -> Result<IssuedToken, AttemptError> {
        let mut last = AttemptError::after_sending("there is no address to ask");
        for base in &self.transport.bases {
            match self.ask_at(base) {
                Err(error) if error.unconnected => last = error,
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
        let mut response = self.send(base, remaining).map_err(|error| self.error(base, &error))?;
        let status = response.status();
        if status != 200 {
            return Err(AttemptError::after_sending(format!(
                "{base} answered with HTTP status {status}. Check wx_token.api_base and wx_token.proxy"
            )));
        }
        let body = response.body_mut().with_config().limit(MAX_BODY).read_to_vec();
        let body =
            body.map_err(|error| AttemptError { unconnected: false, ..self.error(base, &error) })?;
        let answer = answer::read(&body, self.request.granted, &self.request.secret);
        answer.map_err(|error| match error {
            AnswerError::Failure(failure) => AttemptError { failure, unconnected: false },
            AnswerError::Unusable(why) => AttemptError::after_sending(format!(
                "the answer of {base} is unusable: {why}. Check wx_token.api_base and wx_token.proxy"
            )),
        })
    }

    fn send(&self, base: &ApiBase, limit: Duration) -> Result<Response<Body>, ureq::Error> {
        let url = format!("{base}{}", self.request.path);
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
        let connect = Some(self.transport.connect_timeout.min(limit));
        request
            .config()
            .proxy(self.transport.proxy(base).cloned())
            .timeout_global(Some(limit))
            .timeout_resolve(connect)
            .timeout_connect(connect)
            .build()
    }

    fn out_of_time(&self, base: &ApiBase) -> AttemptError {
        AttemptError::after_sending(format!(
            "{base} did not answer within {} s. Check the network; the limit is timeout (option or wx_token.timeout)",
            self.transport.timeout.as_secs_f64()
        ))
    }

    fn error(&self, base: &ApiBase, error: &ureq::Error) -> AttemptError {
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
        use ConnectError as C;
        let proxy = self.transport.proxy(base).map(address);
        let reason = match (why, &proxy) {
            (C::Tls(error), None) => format!("TLS to {base} failed: {}", explain(error, WECHAT)),
            (C::Tls(error), Some(proxy)) => {
                format!(
                    "TLS to {base} through the proxy {proxy} failed: {}",
                    explain(error, WECHAT)
                )
            }
            (C::Proxy(_), proxy) => format!(
                "the proxy {} did not connect to {base}: {why}. Check wx_token.proxy",
                proxy.as_deref().unwrap_or_default()
            ),
            (_, Some(proxy)) => format!(
                "cannot connect to the proxy {proxy} on the way to {base}: {why}. Check wx_token.proxy"
            ),
            (C::Lookup(_), None) => format!(
                "cannot connect to {base}: {why}. Check DNS (/etc/resolv.conf) and wx_token.api_base"
            ),
            (C::Connect(error), None) if error.kind() == io::ErrorKind::PermissionDenied => {
                format!(
                    "cannot connect to {base}: {why}. A firewall rule, a sandbox (seccomp) or a security module of this machine may forbid it"
                )
            }
            (C::Connect(_), None) => {
                format!("cannot connect to {base}: {why}. Check the firewall and wx_token.api_base")
            }
        };
        let unconnected = matches!(why, C::Lookup(_) | C::Connect(_));
        AttemptError { unconnected, ..AttemptError::after_sending(reason) }
    }
}

/// The address of a proxy, without user and password.
fn address(proxy: &Proxy) -> String {
    format!("http://{}:{}", proxy.host(), proxy.port())
}

pub struct AttemptError {
    pub failure: Failure,
    /// Nothing was sent: neither WeChat nor a proxy was connected to.
    pub unconnected: bool,
}

impl AttemptError {
    fn after_sending(reason: impl Into<String>) -> Self {
        Self { failure: Failure::network(reason), unconnected: false }
    }

    pub const fn is_worth_another_try(&self) -> bool {
        self.unconnected || matches!(self.failure.cause, Cause::Api { errcode: SYSTEM_BUSY, .. })
    }
}
