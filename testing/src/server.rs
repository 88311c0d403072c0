//! The master process of a server.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;

use crate::process::{children, is_running, tell};
use crate::until;

/// A running server, with the signals by which it reloads and stops gracefully; stopped when dropped.
pub struct Server {
    master: Child,
    reload: Option<Signal>,
    stop: Signal,
}

impl Server {
    pub fn start(command: &mut Command, reload: Option<Signal>, stop: Signal) -> Self {
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let master = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { master, reload, stop }
    }

    /// Tells it to reload, if it can.
    pub fn reload(&self) {
        if let Some(signal) = self.reload {
            tell(self.master.id(), signal);
        }
    }

    /// The processes that answer requests.
    pub fn workers(&self) -> Vec<u32> {
        children(self.master.id())
    }

    /// The processes that answer requests or start those that do.
    pub fn processes(&self) -> Vec<u32> {
        [vec![self.master.id()], self.workers()].concat()
    }

    /// A graceful stop. Returns when the master is gone.
    pub fn stop(&mut self) {
        // Ctrl-C goes to all processes of a terminal.
        let is_ctrl_c = self.stop == Signal::INT;
        let told = if is_ctrl_c { self.processes() } else { vec![self.master.id()] };
        told.into_iter().for_each(|pid| tell(pid, self.stop));
        until("the server has stopped", || matches!(self.master.try_wait(), Ok(Some(_))));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Not SIGKILL: a master ends its workers first.
        if matches!(self.master.try_wait(), Ok(None)) {
            tell(self.master.id(), Signal::TERM);
            let _ = self.master.wait();
        }
    }
}

/// Waits until none of these processes runs.
pub fn until_gone(processes: &[u32]) {
    until("its processes are gone", || !processes.iter().any(|pid| is_running(*pid)));
}

/// A port of loopback that is free. Nobody else takes it in the next moment, or the server does not start.
pub fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.expect("a free port").port()
}
