//! php-fpm on a socket of its own.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::php::Php;
use crate::server::Server;
use crate::{WWW_DATA, World, fastcgi, until};

/// The pool that comes with Debian's php-fpm.
pub const DEBIAN: &str = "pm = dynamic\npm.max_children = 5\npm.start_servers = 2\n\
                          pm.min_spare_servers = 1\npm.max_spare_servers = 3";

/// Workers of the user of Debian's servers, for a start as root.
pub const AS_WWW_DATA: &str = "listen.owner = www-data\nuser = www-data\ngroup = www-data\n";

/// Starts php-fpm with the settings of `php`, the lines of its configuration that are `global`, and those of
/// its `pool`. Its files are in `directory`.
pub fn serve(directory: &Path, global: &str, pool: &str, php: &Php) -> Server {
    let config = directory.join("fpm.conf");
    let socket = socket(directory);
    let text = format!(
        "[global]\nerror_log = {log}\ndaemonize = no\n{global}\n[pool]\nlisten = {socket}\n{pool}\n",
        log = log(directory).display(),
        socket = socket.display(),
    );
    fs::write(&config, text).expect("a configuration");
    let mut command = php.fpm();
    let fpm = Server::start(command.arg("-y").arg(config), Some(Signal::USR2), Signal::QUIT);
    until("php-fpm listens", || UnixStream::connect(&socket).is_ok());
    fpm
}

/// Where the php-fpm listens whose files are in `directory`.
pub fn socket(directory: &Path) -> PathBuf {
    directory.join("fpm.socket")
}

/// What the php-fpm writes whose files are in `directory`.
pub fn log(directory: &Path) -> PathBuf {
    directory.join("fpm.log")
}

/// How often the php-fpm in `directory` has started, reloads included; `None` if there is none.
pub fn starts(directory: &Path) -> Option<usize> {
    let log = fs::read_to_string(log(directory)).ok()?;
    Some(log.matches("ready to handle connections").count())
}

/// A php-fpm that answers each request with one script; stopped when dropped.
pub struct Fpm {
    server: Server,
    directory: TempDir,
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
        Self::of(&world.php(), global, pool, world, script)
    }

    /// The same with another PHP than that of `world`.
    pub fn of(php: &Php, global: &str, pool: &str, world: &World, script: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory for php-fpm");
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).expect("chmod");
        world.give_directory_to(WWW_DATA);
        fs::write(directory.path().join("call.php"), script).expect("a script");
        let pool = format!("{AS_WWW_DATA}catch_workers_output = yes\n{pool}");
        Self { server: serve(directory.path(), global, &pool, php), directory }
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
        let directory = self.directory.path();
        let script = directory.join("call.php");
        let answer = fastcgi::get(&socket(directory), &script, query, variables)?;
        String::from_utf8(answer).map_err(io::Error::other)
    }

    /// A reload: the master ends its workers and starts itself anew. Returns when it has.
    pub fn reload(&self) {
        let before = starts(self.directory.path());
        self.server.reload();
        until("php-fpm is up again", || starts(self.directory.path()) > before);
    }

    /// The live workers.
    pub fn workers(&self) -> Vec<u32> {
        self.server.workers()
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
