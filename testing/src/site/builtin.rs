//! PHP's own server. It has no reload, and no other end than Ctrl-C.

use std::path::Path;

use rustix::process::Signal;

use crate::server::Server;
use crate::{WWW_DATA, World};

pub fn serve(world: &World, directory: &Path, port: u16, workers: u32) -> Server {
    let mut command = world.php().run_as(WWW_DATA).command();
    command.env("PHP_CLI_SERVER_WORKERS", workers.to_string());
    command.args(["-S", &format!("127.0.0.1:{port}"), "-t"]).arg(directory);
    Server::start(&mut command, None, Signal::INT)
}
