//! PHP's own server, which has no reload and knows no end but Ctrl-C.

use std::path::Path;

use rustix::process::Signal;

use super::{Server, serve};
use crate::support::{WWW_DATA, World};

pub fn start(world: &World, dir: &Path, port: u16, workers: u32) -> Server {
    let mut command = world.php().run_as(WWW_DATA).command();
    command.env("PHP_CLI_SERVER_WORKERS", workers.to_string());
    command.args(["-S", &format!("127.0.0.1:{port}"), "-t"]).arg(dir);
    serve(&mut command, None, Signal::INT)
}
