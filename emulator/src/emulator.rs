//! A running emulator, to start, watch, script and stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::account::{Kind, Verdict};
use crate::error::Error;
use crate::options::Options;
use crate::random;
use crate::script::{self, ScriptError, Step};
use crate::server;
use crate::state::SharedState;
use crate::stats::Stats;
use crate::tls::{self, CaFile};

/// WeChat's documents ask callers for room for 512 characters. The lower bound leaves 16 random ones.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = random::PREFIX.len() + 16..=512;

/// A running emulator, on its own thread. When dropped, it stops and closes its connections.
#[derive(Debug)]
pub struct Emulator {
    shared: Arc<SharedState>,
    address: SocketAddr,
    ca_file: Option<CaFile>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Listens and serves. When it returns, the emulator accepts connections.
    ///
    /// # Errors
    ///
    /// Options out of range, an address that is not loopback or is in use, a CA file that cannot be
    /// written: see [`Error`].
    pub fn start(options: Options) -> Result<Self, Error> {
        let address = options.listen;
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback(address));
        }
        if !TOKEN_LENGTHS.contains(&options.token_length) {
            return Err(Error::TokenLength(options.token_length));
        }
        let (acceptor, ca_file) = options.tls.as_ref().map(tls::prepare).transpose()?.unzip();
        let (listener, address) =
            listen(address).map_err(|source| Error::Listen { address, source })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Thread)?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(Error::Thread)?
        };
        let shared = Arc::new(SharedState::new(options));
        let (stop, stopped) = oneshot::channel();
        let server = server::serve(listener, acceptor, Arc::clone(&shared), stopped);
        let thread = std::thread::Builder::new()
            .name("wechat-emulator".to_owned())
            .spawn(move || runtime.block_on(server))
            .map_err(Error::Thread)?;
        Ok(Self { shared, address, ca_file, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, or `https://…`, without a slash at the end.
    pub fn base_url(&self) -> String {
        let scheme = if self.ca_file.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address on which it listens, with the real port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the CA that clients must trust, a PEM file; `None` without TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_ref().map(CaFile::path)
    }

    /// The present options.
    pub fn options(&self) -> Options {
        self.shared.with(|state, _| state.options.clone())
    }

    /// What callers have done since the start or the last reset.
    pub fn stats(&self) -> Stats {
        self.shared.with(|state, now| state.stats(now))
    }

    /// Sets the counters to zero. Tokens stay.
    pub fn reset(&self) {
        self.shared.with(|state, _| state.reset());
    }

    /// Forgets tokens, quotas and counters. Options and script stay.
    pub fn forget(&self) {
        self.shared.with(|state, _| state.forget());
    }

    /// Adds a fault to the end of the queue.
    pub fn script(&self, step: impl Into<Step>) {
        let step = step.into();
        self.shared.with(|state, _| state.script.extend([step]));
    }

    /// Adds faults to the end of the queue, as a JSON array of steps like that of the control API.
    ///
    /// # Errors
    ///
    /// A step that is wrong: its number, and the key. No step is queued then.
    pub fn script_json(&self, steps: Value) -> Result<(), ScriptError> {
        let steps = script::parse(steps)?;
        self.shared.with(|state, _| state.script.extend(steps));
        Ok(())
    }

    /// Drops every queued fault.
    pub fn clear_script(&self) {
        self.shared.with(|state, _| state.script.clear());
    }

    /// Changes options at once. The emulator reads `listen` and `tls` at its start only.
    ///
    /// `change` must not call this emulator, which would wait for itself.
    pub fn change(&self, change: impl FnOnce(&mut Options)) {
        self.shared.with(|state, _| change(&mut state.options));
    }

    /// How long ago a token was created; `None` if it was not.
    pub fn age(&self, token: &str) -> Option<Duration> {
        self.shared.with(|state, now| state.account.age(token, now))
    }

    /// What WeChat's APIs would say about a token.
    pub fn check(&self, token: &str) -> Verdict {
        self.shared.with(|state, now| state.account.verdict(token, now))
    }

    /// Lets every valid token expire now: APIs answer 42001.
    pub fn expire_all(&self) {
        self.shared.with(|state, now| state.account.expire(None, now));
    }

    /// Lets every valid token of one kind expire now.
    pub fn expire(&self, kind: Kind) {
        self.shared.with(|state, now| state.account.expire(Some(kind), now));
    }

    /// Invalidates every valid token before its expiry: APIs answer 40001. The stable endpoint still
    /// returns its invalidated token, until a forced refresh.
    pub fn invalidate_all(&self) {
        self.shared.with(|state, now| state.account.invalidate(None, now));
    }

    /// Invalidates every valid token of one kind.
    pub fn invalidate(&self, kind: Kind) {
        self.shared.with(|state, now| state.account.invalidate(Some(kind), now));
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread has shown its message already.
            let _ = thread.join();
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}
