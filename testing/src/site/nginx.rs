//! nginx in front of the php-fpm that has its files in the same directory.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::fpm;
use crate::server::Server;

/// Debian keeps it where only root looks.
const NGINX: &str = "/usr/sbin/nginx";

/// Starts nginx, which passes each request to `script`. Its workers are those of `user`.
pub fn serve(directory: &Path, port: u16, script: &Path, user: &str) -> Server {
    let config = directory.join("nginx.conf");
    // A php-fpm worker that is told to end drops a connection that it has just accepted: nginx may try a
    // second time.
    let text = format!(
        "user {user};\nworker_processes 2;\ndaemon off;\npid {dir}/nginx.pid;\n\
         error_log {dir}/nginx.log;\nevents {{ worker_connections 256; }}\n\
         http {{\n\
         access_log off;\n\
         client_body_temp_path {dir}/body;\nproxy_temp_path {dir}/proxy;\n\
         fastcgi_temp_path {dir}/fastcgi;\nuwsgi_temp_path {dir}/uwsgi;\nscgi_temp_path {dir}/scgi;\n\
         upstream fpm {{ server unix:{socket} max_fails=0; server unix:{socket} max_fails=0; }}\n\
         server {{ listen 127.0.0.1:{port};\n\
         location / {{\n\
         fastcgi_pass fpm;\n\
         fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param QUERY_STRING $query_string;\n\
         fastcgi_param SCRIPT_FILENAME {script};\n\
         }} }} }}\n",
        dir = directory.display(),
        socket = fpm::socket(directory).display(),
        script = script.display(),
    );
    fs::write(&config, text).expect("a configuration");
    let mut command = Command::new(NGINX);
    command.arg("-c").arg(&config).arg("-e").arg(directory.join("nginx.log"));
    Server::start(&mut command, Some(Signal::HUP), Signal::QUIT)
}
