//! HTTP to WeChat: the requests of one fetch, all within one time limit.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::config::Config;

use super::attempt::Attempt;
use super::connector::connector;
use super::request::Request;
use super::resolver::StubResolver;
use super::transport::Transport;
use crate::endpoint::Endpoint;
use crate::error::Error;
use crate::process;
use crate::token_source::{FetchError, IssuedToken};

/// The way to one endpoint. It costs nothing until something is asked.
#[derive(Debug, Clone)]
pub struct Http {
    pub(crate) transport: Transport,
    requests: Arc<AtomicU32>,
}

/// Requests within one fetch, if WeChat is busy or cannot be connected to.
const MAX_TRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

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
    /// Prepares what cannot be made on a worker; for module start-up alone.
    pub fn prepare() {
        LazyLock::force(&CONFIG);
    }

    pub fn new(endpoint: Endpoint, transport: Transport) -> Self {
        rehearse();
        Self { transport: transport.to(endpoint), requests: Arc::default() }
    }

    /// How many requests have been sent.
    pub(crate) fn requests(&self) -> u32 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Sends `request`, up to three times if WeChat is busy or cannot be connected to, until
    /// `deadline`.
    pub(crate) fn ask(
        &self,
        request: &Request,
        deadline: Instant,
    ) -> Result<IssuedToken, FetchError> {
        let transport = &self.transport;
        let tls =
            transport.tls().map_err(|error| FetchError::NotAttempted(Error::Config(error)))?;
        let agent = Agent::with_parts(CONFIG.clone(), connector(tls), StubResolver);
        let attempt = Attempt { transport, agent, request, deadline };
        let mut pause = FIRST_PAUSE;
        let run = || {
            let answer = attempt.run();
            let is_sent = !answer.as_ref().is_err_and(|error| error.unconnected);
            self.requests.fetch_add(is_sent.into(), Ordering::Relaxed);
            answer
        };
        for _ in 1..MAX_TRIES {
            match run() {
                Err(error) if error.is_worth_another_try() && Instant::now() + pause < deadline => {
                    thread::sleep(pause);
                    pause *= 2;
                }
                answer => return answer.map_err(|error| error.failure.into()),
            }
        }
        run().map_err(|error| error.failure.into())
    }
}

/// Makes what ureq makes at its first request, behind a lock: a child that is forked while a worker makes
/// it would wait for that lock for ever. Nothing is connected to, and localhost needs no lookup.
fn rehearse() {
    static DONE: AtomicBool = AtomicBool::new(false);
    if !DONE.load(Ordering::Acquire) {
        let _no_fork = process::process_state();
        let agent = Agent::with_parts(CONFIG.clone(), (), StubResolver);
        drop(agent.get("http://localhost/").call());
        DONE.store(true, Ordering::Release);
    }
}
