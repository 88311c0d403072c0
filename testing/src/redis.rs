//! A Redis or Valkey server of a test's own: `REDIS_SERVER` and `REDIS_CLI` name its programs.

use std::fs;
use std::process::{Child, Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::process::tell;
use crate::server::free_port;
use crate::{program, until};

/// A server on loopback, without a disk; killed when dropped.
pub struct Redis {
    pub dir: TempDir,
    pub port: u16,
    arguments: Vec<String>,
    server: Child,
}

impl Redis {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// A server that is started with further `arguments`.
    pub fn with(arguments: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the server");
        let port = free_port();
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let server = serve(&dir, port, &arguments);
        let redis = Self { dir, port, arguments, server };
        redis.until_ready();
        redis
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Runs a command, and returns what it prints.
    pub fn run(&self, command: &[&str]) -> String {
        let output = self.client(command).output().expect("redis-cli runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What would run a command.
    pub fn client(&self, command: &[&str]) -> Command {
        let mut client = client();
        client.args(["-p", &self.port.to_string()]).args(command);
        client
    }

    /// It answers nobody, until [`Self::go_on`].
    pub fn hang(&self) {
        tell(self.server.id(), Signal::STOP);
    }

    pub fn go_on(&self) {
        tell(self.server.id(), Signal::CONT);
    }

    pub fn kill(&mut self) {
        self.server.kill().expect("the server was running");
        self.server.wait().expect("the server is gone");
    }

    /// Starts it again, empty, at the same port.
    pub fn restart(&mut self) {
        self.server = serve(&self.dir, self.port, &self.arguments);
        self.until_ready();
    }

    fn until_ready(&self) {
        until("Redis answers", || self.run(&["ping"]) == "PONG");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

pub fn client() -> Command {
    Command::new(program("REDIS_CLI", "redis-cli"))
}

/// The configuration is a file, which a sentinel wants to write.
fn serve(dir: &TempDir, port: u16, arguments: &[String]) -> Child {
    let file = dir.path().join("redis.conf");
    let place = dir.path().display();
    fs::write(&file, format!("port {port}\nbind 127.0.0.1\nsave \"\"\ndir {place}\n"))
        .expect("a configuration");
    let mut command = Command::new(program("REDIS_SERVER", "redis-server"));
    command.arg(&file).args(arguments);
    command.stdout(Stdio::null()).spawn().expect("redis-server runs: make test installs it")
}
