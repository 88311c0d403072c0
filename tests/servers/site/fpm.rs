//! php-fpm on a socket of its own.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::{Server, serve};
use crate::support::{World, extension, program, until};

pub fn start(world: &World, dir: &Path, global: &str, pool: &str) -> Server {
    let socket = dir.join("fpm.socket");
    let config = dir.join("fpm.conf");
    let text = format!(
        "[global]\nerror_log = {dir}/fpm.log\ndaemonize = no\n{global}\n\
         [pool]\nlisten = {socket}\nlisten.owner = www-data\nuser = www-data\ngroup = www-data\n\
         {pool}\n",
        dir = dir.display(),
        socket = socket.display(),
    );
    fs::write(&config, text).expect("a configuration");
    let mut command = Command::new(program("PHP_FPM", "php-fpm8.2"));
    command.arg("-n").arg("-y").arg(&config);
    command.args(["-d", &format!("extension={}", extension().display())]);
    for (name, value) in world.settings() {
        command.args(["-d", &format!("wx_token.{name}=\"{value}\"")]);
    }
    let fpm = serve(&mut command, Some(Signal::USR2), Signal::QUIT);
    until("php-fpm listens", || UnixStream::connect(&socket).is_ok());
    fpm
}
