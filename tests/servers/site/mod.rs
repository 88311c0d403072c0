//! A web site of our own on a free port of loopback: its servers, and requests to it.

mod apache;
mod builtin;
mod fpm;
mod nginx;

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::{self, tell};
use crate::support::{WWW_DATA, World, until};

/// No call may take that long.
const HANG: Duration = Duration::from_secs(60);

const SCRIPT: &str = include_str!("../php/request.php");

/// A running site; stopped when dropped.
pub struct Site {
    /// In the order in which they are stopped.
    servers: Vec<Server>,
    port: u16,
    dir: TempDir,
}

/// One server of a site, with the signals that it takes for a graceful reload and a graceful stop.
pub struct Server {
    master: Child,
    reload: Option<Signal>,
    stop: Signal,
}

impl Server {
    fn tell_to_stop(&self) {
        let master = self.master.id();
        // Ctrl-C goes to all that run in a terminal.
        let all = if self.stop == Signal::INT { process::children(master) } else { Vec::new() };
        for pid in [master].into_iter().chain(all) {
            tell(pid, self.stop);
        }
    }
}

impl Site {
    /// nginx in front of a php-fpm whose pool is as `pool` says. Like any that is not told otherwise, it kills
    /// its workers at a reload and a stop.
    pub fn nginx_and_fpm(world: &World, pool: &str) -> Self {
        Self::nginx_and_fpm_with("", world, pool)
    }

    /// The same where php-fpm gives its workers the time to finish their requests, and their refreshes.
    pub fn nginx_and_patient_fpm(world: &World, pool: &str) -> Self {
        Self::nginx_and_fpm_with("process_control_timeout = 20s", world, pool)
    }

    fn nginx_and_fpm_with(global: &str, world: &World, pool: &str) -> Self {
        Self::start(world, |dir, port| {
            let fpm = fpm::start(world, dir, global, pool);
            vec![nginx::start(dir, port), fpm]
        })
    }

    /// Apache with PHP as its module, in one of `children` processes each request.
    pub fn apache(world: &World, children: u32) -> Self {
        Self::apache_with(world, children, "")
    }

    /// The same with `directives` in its configuration.
    pub fn apache_with(world: &World, children: u32, directives: &str) -> Self {
        Self::start(world, |dir, port| vec![apache::start(world, dir, port, children, directives)])
    }

    /// `php -S` with `workers` processes.
    pub fn builtin(world: &World, workers: u32) -> Self {
        Self::start(world, |dir, port| vec![builtin::start(world, dir, port, workers)])
    }

    fn start(world: &World, servers: impl FnOnce(&Path, u16) -> Vec<Server>) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the site");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("chmod");
        chown(world.dir.path(), Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
        fs::write(dir.path().join("request.php"), SCRIPT).expect("a script");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let port = free.expect("a free port").port();
        let site = Self { servers: servers(dir.path(), port), port, dir };
        until("the site is up", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        site
    }

    /// To ask the site, even while it stops.
    pub fn requests(&self) -> Requests {
        Requests { port: self.port }
    }

    /// A reload of every server. Returns when php-fpm, if there is one, is up again.
    pub fn reload(&self) {
        let log = self.dir.path().join("fpm.log");
        let starts = || {
            let log = fs::read_to_string(&log).ok()?;
            Some(log.matches("ready to handle connections").count())
        };
        let before = starts();
        for server in &self.servers {
            if let Some(signal) = server.reload {
                tell(server.master.id(), signal);
            }
        }
        until("php-fpm is up again", || before.is_none() || starts() > before);
    }

    /// The processes that answer requests or start those that do.
    pub fn processes(&self) -> Vec<u32> {
        let masters = self.servers.iter().map(|server| server.master.id());
        masters.flat_map(|master| [vec![master], process::children(master)].concat()).collect()
    }

    /// A graceful stop, with all processes gone at the end.
    pub fn stop(mut self) {
        let processes = self.processes();
        for server in &mut self.servers {
            server.tell_to_stop();
            until("the server has stopped", || matches!(server.master.try_wait(), Ok(Some(_))));
        }
        until("its processes are gone", || !processes.iter().any(|pid| process::is_running(*pid)));
    }

    /// What the servers have to say, for the message of a test that fails.
    pub fn log(&self) -> String {
        let logs = ["nginx.log", "fpm.log", "apache.log"].map(|name| self.dir.path().join(name));
        logs.iter().filter_map(|log| fs::read_to_string(log).ok()).collect()
    }
}

/// Requests to a site.
#[derive(Clone, Copy)]
pub struct Requests {
    port: u16,
}

impl Requests {
    /// Returns the body of the answer, if that is a success and whole.
    pub fn get(self, query: &str) -> io::Result<String> {
        self.get_with(query, "")
    }

    /// The same with `headers`, each with its line end.
    pub fn get_with(self, query: &str, headers: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(HANG))?;
        write!(stream, "GET /request.php?{query} HTTP/1.0\r\nHost: 127.0.0.1\r\n{headers}\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.contains(" 200 ") && body.ends_with('}') => {
                Ok(body.to_owned())
            }
            _ => Err(io::Error::other(format!("{answer:?}"))),
        }
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

/// Starts `command` as a master that is told to reload and to stop by these signals.
fn serve(command: &mut Command, reload: Option<Signal>, stop: Signal) -> Server {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Server { master: command.spawn().expect("the server starts"), reload, stop }
}
