//! The handle on a running emulator: start, watch, script, stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use serde_json::Value;
use tokio::sync::oneshot;

use crate::account::{Kind, Verdict};
use crate::error::Error;
use crate::mint;
use crate::options::Options;
use crate::script::{self, ScriptError, Step};
use crate::server;
use crate::stats::Stats;
use crate::tls::{self, CaFile};
use crate::world::Shared;

/// WeChat's documents ask for room for 512 characters; the lower bound leaves 16 random ones.
const TOKEN_LENGTHS: std::ops::RangeInclusive<usize> = mint::PREFIX.len() + 16..=512;

/// A running emulator, on a thread of its own; it stops, with all its connections, when dropped.
#[derive(Debug)]
pub struct Emulator {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_file: Option<CaFile>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Emulator {
    /// Listens and serves. When it returns, connections are accepted.
    ///
    /// # Errors
    ///
    /// Options out of range, an address that is not loopback or not free, a CA file that cannot be
    /// written: see [`Error`].
    pub fn start(options: Options) -> Result<Self, Error> {
        let asked = options.listen;
        if !asked.ip().is_loopback() {
            return Err(Error::NotLoopback(asked));
        }
        if !TOKEN_LENGTHS.contains(&options.token_length) {
            return Err(Error::TokenLength(options.token_length));
        }
        let (acceptor, ca_file) = match &options.tls {
            Some(tls) => {
                let (acceptor, ca_file) = tls::prepare(tls)?;
                (Some(acceptor), Some(ca_file))
            }
            None => (None, None),
        };
        let (listener, address) =
            listen(asked).map_err(|source| Error::Listen { address: asked, source })?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::Thread)?;
        let listener = {
            let _context = runtime.enter();
            tokio::net::TcpListener::from_std(listener).map_err(Error::Thread)?
        };
        let shared = Arc::new(Shared::new(options));
        let (stop, stopped) = oneshot::channel();
        let world = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("wechat-emulator".to_owned())
            .spawn(move || runtime.block_on(server::serve(listener, acceptor, world, stopped)))
            .map_err(Error::Thread)?;
        Ok(Self { shared, address, ca_file, stop: Some(stop), thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`, or `https://…`, without a slash at the end.
    pub fn base_url(&self) -> String {
        let scheme = if self.ca_file.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The address it listens on, with the port it was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CA that clients must trust, as a PEM file; `None` without TLS.
    pub fn ca_file(&self) -> Option<&Path> {
        self.ca_file.as_ref().map(CaFile::path)
    }

    /// The options as they are now.
    pub fn options(&self) -> Options {
        self.shared.with(|world, _| world.options.clone())
    }

    /// What callers have done since the start or the last reset.
    pub fn stats(&self) -> Stats {
        self.shared.with(|world, now| world.stats(now))
    }

    /// Zeroes the statistics; tokens live on.
    pub fn reset(&self) {
        self.shared.with(|world, _| world.reset());
    }

    /// Forgets tokens, quotas and statistics. Options and script stay.
    pub fn forget(&self) {
        self.shared.with(|world, _| world.forget());
    }

    /// Queues a fault behind those already queued.
    pub fn script(&self, step: impl Into<Step>) {
        let step = step.into();
        self.shared.with(|world, _| world.script.push(step));
    }

    /// Queues faults spelt as the control API spells them: a JSON array of steps.
    ///
    /// # Errors
    ///
    /// Anything that is no step, with its number and the key at fault; nothing is queued then.
    pub fn script_json(&self, steps: Value) -> Result<(), ScriptError> {
        let steps = script::parse(steps)?;
        self.shared.with(|world, _| steps.into_iter().for_each(|step| world.script.push(step)));
        Ok(())
    }

    /// Drops every queued fault.
    pub fn clear_script(&self) {
        self.shared.with(|world, _| world.script.clear());
    }

    /// Changes options at once. `listen` and `tls` are read at the start only.
    ///
    /// `change` must not call this emulator, which waits for it.
    pub fn change(&self, change: impl FnOnce(&mut Options)) {
        self.shared.with(|world, _| change(&mut world.options));
    }

    /// The truth about a token.
    pub fn check(&self, token: &str) -> Verdict {
        self.shared.with(|world, now| world.account.verdict(token, now))
    }

    /// Every live token expires now: APIs answer 42001.
    pub fn expire_all(&self) {
        self.shared.with(|world, now| world.account.expire(None, now));
    }

    /// Every live token of one kind expires now.
    pub fn expire(&self, kind: Kind) {
        self.shared.with(|world, now| world.account.expire(Some(kind), now));
    }

    /// Every live token is refused from now on, though its time has not run out: APIs answer 40001.
    /// The stable endpoint goes on handing out its dead token until forced.
    pub fn invalidate_all(&self) {
        self.shared.with(|world, now| world.account.invalidate(None, now));
    }

    /// Every live token of one kind is refused from now on.
    pub fn invalidate(&self, kind: Kind) {
        self.shared.with(|world, now| world.account.invalidate(Some(kind), now));
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A server thread that panicked has nothing left to say.
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
