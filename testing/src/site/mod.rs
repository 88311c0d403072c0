//! A web site on a free port of loopback: its servers, and requests to it.

mod apache;
mod builtin;
pub mod nginx;

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use crate::fpm::{self, AS_WWW_DATA};
use crate::server::{Server, free_port, until_gone};
use crate::{WWW_DATA, World, until};

/// No call takes that long.
const HANG: Duration = Duration::from_secs(60);

const SCRIPT: &str = include_str!("../../php/request.php");

/// A running site; stopped when dropped.
pub struct Site {
    /// In the order in which they are stopped.
    servers: Vec<Server>,
    port: u16,
    directory: TempDir,
}

impl Site {
    /// nginx in front of a php-fpm with this `pool`. By default, php-fpm kills its workers at a reload and a
    /// stop.
    pub fn nginx_and_fpm(world: &World, pool: &str) -> Self {
        Self::nginx_and_fpm_with("", world, pool)
    }

    /// The same where php-fpm gives its workers the time to finish their requests, and their refreshes.
    pub fn nginx_and_patient_fpm(world: &World, pool: &str) -> Self {
        Self::nginx_and_fpm_with("process_control_timeout = 20s", world, pool)
    }

    fn nginx_and_fpm_with(global: &str, world: &World, pool: &str) -> Self {
        let pool = format!("{AS_WWW_DATA}{pool}");
        Self::start(world, |dir, port| {
            let fpm = fpm::serve(dir, global, &pool, &world.php());
            vec![nginx::serve(dir, port, &dir.join("request.php"), "www-data"), fpm]
        })
    }

    /// Apache with PHP as its module, and so many `children`.
    pub fn apache(world: &World, children: u32) -> Self {
        Self::apache_with(world, children, "")
    }

    /// The same with `directives` in its configuration.
    pub fn apache_with(world: &World, children: u32, directives: &str) -> Self {
        Self::start(world, |dir, port| vec![apache::serve(world, dir, port, children, directives)])
    }

    /// `php -S` with `workers` processes.
    pub fn builtin(world: &World, workers: u32) -> Self {
        Self::start(world, |dir, port| vec![builtin::serve(world, dir, port, workers)])
    }

    fn start(world: &World, servers: impl FnOnce(&Path, u16) -> Vec<Server>) -> Self {
        let directory = tempfile::tempdir().expect("a directory for the site");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("chmod");
        world.give_directory_to(WWW_DATA);
        fs::write(directory.path().join("request.php"), SCRIPT).expect("a script");
        let port = free_port();
        let site = Self { servers: servers(directory.path(), port), port, directory };
        until("the site is up", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        site
    }

    /// To ask the site, even while it stops.
    pub fn requests(&self) -> Requests {
        Requests { port: self.port }
    }

    /// A reload of every server. Returns when php-fpm, if there is one, is up again.
    pub fn reload(&self) {
        let starts = || fpm::starts(self.directory.path());
        let before = starts();
        self.servers.iter().for_each(Server::reload);
        until("php-fpm is up again", || before.is_none() || starts() > before);
    }

    /// The processes that answer requests or start those that do.
    pub fn processes(&self) -> Vec<u32> {
        self.servers.iter().flat_map(Server::processes).collect()
    }

    /// A graceful stop, with all processes gone at the end.
    pub fn stop(mut self) {
        let processes = self.processes();
        self.servers.iter_mut().for_each(Server::stop);
        until_gone(&processes);
    }

    /// What the servers have logged, for the message of a test that fails.
    pub fn log(&self) -> String {
        let logs = ["nginx.log", "fpm.log", "apache.log"];
        let logs = logs.map(|name| self.directory.path().join(name));
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
