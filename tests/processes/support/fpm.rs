//! A real php-fpm on a socket of its own.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::{WWW_DATA, World, extension, fastcgi, program, until};

/// The pool that comes with Debian's php-fpm.
pub const DEBIAN: &str = "pm = dynamic\npm.max_children = 5\npm.start_servers = 2\n\
                      pm.min_spare_servers = 1\npm.max_spare_servers = 3";

/// A running php-fpm; stopped when dropped.
pub struct Fpm {
    master: Child,
    dir: TempDir,
}

impl Fpm {
    /// Starts Debian's php-fpm with the settings of `world`, to answer each request with `script`. The
    /// directory of the token file is given to the user of its workers.
    pub fn start(world: &World, script: &str) -> Self {
        Self::with("", DEBIAN, world, script)
    }

    /// The same with so many workers, all the time.
    pub fn with_workers(count: usize, world: &World, script: &str) -> Self {
        Self::with("", &format!("pm = static\npm.max_children = {count}"), world, script)
    }

    /// The same with more settings of php-fpm's: `global` ones, and those of its `pool`.
    pub fn with(global: &str, pool: &str, world: &World, script: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory for php-fpm");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("chmod");
        chown(world.dir.path(), Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
        fs::write(dir.path().join("call.php"), script).expect("a script");
        let path = |name: &str| dir.path().join(name).display().to_string();
        let config = format!(
            "[global]\nerror_log = {}\ndaemonize = no\n{global}\n\
             [pool]\nlisten = {}\nuser = www-data\ngroup = www-data\n\
             catch_workers_output = yes\n{pool}\n",
            path("error.log"),
            path("socket"),
        );
        fs::write(dir.path().join("fpm.conf"), config).expect("a configuration");
        let mut command = Command::new(program("PHP_FPM", "php-fpm8.2"));
        command.args(["-n", "-y", &path("fpm.conf"), "-d"]);
        command.arg(format!("extension={}", extension().display()));
        for (name, value) in world.settings() {
            command.args(["-d", &format!("wx_token.{name}=\"{value}\"")]);
        }
        let master =
            command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().expect("php-fpm starts");
        let fpm = Self { master, dir };
        until("php-fpm listens", || UnixStream::connect(fpm.socket()).is_ok());
        fpm
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("socket")
    }

    /// One request; returns the body of its answer.
    pub fn get(&self, query: &str) -> String {
        self.get_with(query, &[])
    }

    /// The same with the `variables` that a web server sets, as nginx does with `fastcgi_param`.
    pub fn get_with(&self, query: &str, variables: &[(&str, &str)]) -> String {
        self.try_get(query, variables).expect("an answer of php-fpm")
    }

    /// The same, unless php-fpm kills the worker that is at it.
    pub fn try_get(&self, query: &str, variables: &[(&str, &str)]) -> io::Result<String> {
        let script = self.dir.path().join("call.php");
        let answer = fastcgi::get(&self.socket(), &script, query, variables)?;
        String::from_utf8(answer).map_err(io::Error::other)
    }

    /// A reload: SIGUSR2 to the master, which ends its workers and starts itself anew. Returns when it has.
    pub fn reload(&self) {
        let starts = || {
            let log = fs::read_to_string(self.dir.path().join("error.log")).expect("a log");
            log.matches("ready to handle connections").count()
        };
        let before = starts();
        let pid = self.master.id().to_string();
        let told = Command::new("kill").args(["-USR2", &pid]).status();
        assert!(told.is_ok_and(|status| status.success()));
        until("php-fpm is up again", || starts() > before);
    }

    /// The workers that live.
    pub fn workers(&self) -> Vec<u32> {
        let pid = self.master.id();
        let list = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let list = list.expect("php-fpm runs");
        list.split_whitespace().map(|pid| pid.parse().expect("a process id")).collect()
    }

    /// Gives the token file at `path` the `content`, as the user of the workers, or removes it.
    pub fn put(&self, path: &Path, content: Option<&str>) {
        let _ = fs::remove_file(path);
        if let Some(content) = content {
            fs::write(path, content).expect("a token file");
            chown(path, Some(WWW_DATA), Some(WWW_DATA)).expect("the tests run as root");
        }
    }
}

impl Drop for Fpm {
    fn drop(&mut self) {
        // SIGTERM, not SIGKILL: the master ends its workers first.
        let pid = self.master.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.master.wait();
    }
}
