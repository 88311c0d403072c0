//! nginx in front of the php-fpm beside it.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use super::{Server, serve};

/// Debian keeps it where only root looks.
const NGINX: &str = "/usr/sbin/nginx";

pub fn start(dir: &Path, port: u16) -> Server {
    let config = dir.join("nginx.conf");
    // A php-fpm worker that is told to go drops a connection that it has just accepted: nginx may try a
    // second time.
    let text = format!(
        "user www-data;\nworker_processes 2;\ndaemon off;\npid {dir}/nginx.pid;\n\
         error_log {dir}/nginx.log;\nevents {{ worker_connections 256; }}\n\
         http {{\n\
         access_log off;\n\
         client_body_temp_path {dir}/body;\nproxy_temp_path {dir}/proxy;\n\
         fastcgi_temp_path {dir}/fastcgi;\nuwsgi_temp_path {dir}/uwsgi;\nscgi_temp_path {dir}/scgi;\n\
         upstream fpm {{ server unix:{dir}/fpm.socket max_fails=0; \
         server unix:{dir}/fpm.socket max_fails=0; }}\n\
         server {{ listen 127.0.0.1:{port};\n\
         location / {{\n\
         fastcgi_pass fpm;\n\
         fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param QUERY_STRING $query_string;\n\
         fastcgi_param SCRIPT_FILENAME {dir}/request.php;\n\
         }} }} }}\n",
        dir = dir.display(),
    );
    fs::write(&config, text).expect("a configuration");
    let mut command = Command::new(NGINX);
    command.arg("-c").arg(&config).arg("-e").arg(dir.join("nginx.log"));
    serve(&mut command, Some(Signal::HUP), Signal::QUIT)
}
