//! A php-fpm of our own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::php;
use crate::world::{World, until};

/// A running php-fpm; stopped when dropped.
pub struct Fpm {
    master: Child,
    socket: PathBuf,
}

impl Fpm {
    /// Starts `children` processes, with OPcache as on a live site, `settings` as options of PHP, and
    /// `environment` beside that of `world`.
    pub fn start(
        world: &World,
        children: usize,
        settings: &[String],
        environment: &[(&str, PathBuf)],
    ) -> Result<Self> {
        let socket = world.path().join("fpm.socket");
        let config = world.path().join("fpm.conf");
        fs::write(
            &config,
            format!(
                "[global]\nerror_log = {directory}/fpm.log\ndaemonize = no\n\
                 [pool]\nlisten = {socket}\nlisten.backlog = 1024\n\
                 user = root\nclear_env = no\n\
                 pm = static\npm.max_children = {children}\n",
                directory = world.path().display(),
                socket = socket.display(),
            ),
        )?;
        let mut command = php::fpm();
        // As whoever runs this, who can read the programs wherever they are; not root: `user` is ignored.
        command.args(["-R", "-d", "zend_extension=opcache"]);
        for setting in settings {
            command.args(["-d", setting]);
        }
        let master = command
            .arg("-y")
            .arg(&config)
            .envs(world.environment())
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .spawn()
            .context("cannot start php-fpm")?;
        let fpm = Self { master, socket };
        until("php-fpm listens", || UnixStream::connect(&fpm.socket).is_ok())?;
        Ok(fpm)
    }

    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Fpm {
    fn drop(&mut self) {
        terminate(&mut self.master);
    }
}

/// Ends a master process, which ends its workers first, as it could not at SIGKILL.
pub fn terminate(master: &mut Child) {
    let _ = kill_process(Pid::from_child(master), Signal::TERM);
    let _ = master.wait();
}
