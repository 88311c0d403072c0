//! A site under load while its token expires again and again: wrk, nginx, php-fpm.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use wechat_emulator::Options;

use crate::fpm::{self, Fpm};
use crate::php;
use crate::world::{World, until};

/// Debian keeps it where only root looks.
const NGINX: &str = "/usr/sbin/nginx";
const CHILDREN: usize = 16;
const CONNECTIONS: &str = "16";
const LATENCY: Duration = Duration::from_millis(200);
/// Life of a token in seconds. The articles' code takes a new one at its end, and so three seconds after
/// the last; so does the extension, which finds it due after two, and leaves it alone for one more.
const LIFE_LEGACY: u64 = 3;
const LIFE_EXTENSION: u64 = 6;
const REFRESH_AHEAD: &str = "wx_token.refresh_ahead=4";
/// Ten expiries.
const SECONDS: &str = "31";

#[derive(Serialize, Deserialize)]
pub struct Web {
    pub sites: Vec<Site>,
}

/// What wrk and the upstream saw of a site.
#[derive(Serialize, Deserialize)]
pub struct Site {
    pub name: String,
    pub requests_per_second: f64,
    pub p99_ms: f64,
    pub slowest_ms: f64,
    pub failed: u64,
    pub fetches: u64,
}

/// The line of `benches/php/web/report.lua`.
#[derive(Deserialize)]
struct Report {
    requests: f64,
    seconds: f64,
    p99_ms: f64,
    slowest_ms: f64,
    failed: u64,
}

pub fn measure() -> Result<Web> {
    let sites = vec![
        site("articles' getToken", LIFE_LEGACY, php::program("web/legacy.php"))?,
        site("articles' getToken with flock", LIFE_LEGACY, php::program("web/legacy_flock.php"))?,
        site("wx_get_token", LIFE_EXTENSION, php::demo("wx_token.php"))?,
    ];
    Ok(Web { sites })
}

/// A site whose requests call the `getToken()` of `program`, and whose tokens live `life` seconds.
fn site(name: &str, life: u64, program: PathBuf) -> Result<Site> {
    let world = World::new(Options {
        latency: LATENCY,
        // Answers tell it in whole seconds, rounded down.
        lifetime: Duration::from_secs(life) + Duration::from_millis(500),
        ..Options::default()
    })?;
    let mut settings = world.settings()?;
    settings.push(REFRESH_AHEAD.to_owned());
    let environment = [("GETTOKEN", program), ("TOKEN_FILE", world.file())];
    let fpm = Fpm::start(&world, CHILDREN, &settings, &environment)?;
    let nginx = Nginx::start(world.path(), fpm.socket())?;
    world.write(i64::try_from(life)?)?;
    let output = php::succeeded(
        Command::new("wrk")
            .args(["-t1", "-c", CONNECTIONS, "-d", SECONDS, "--timeout", "10s", "-s"])
            .arg(php::program("web/report.lua"))
            .arg(nginx.url()),
    )?;
    let said = String::from_utf8(output.stdout)?;
    let report: Report = php::parse(said.lines().last().context("wrk says nothing")?.as_bytes())?;
    Ok(Site {
        name: name.to_owned(),
        requests_per_second: report.requests / report.seconds,
        p99_ms: report.p99_ms,
        slowest_ms: report.slowest_ms,
        failed: report.failed,
        fetches: world.emulator.stats().fetches.total(),
    })
}

/// An nginx of our own in front of php-fpm; stopped when dropped.
struct Nginx {
    master: Child,
    port: u16,
}

impl Nginx {
    fn start(directory: &Path, fpm: &Path) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let config = directory.join("nginx.conf");
        let own = directory.display();
        fs::write(
            &config,
            format!(
                "user root;\ndaemon off;\npid {own}/nginx.pid;\nerror_log {own}/nginx.log;\n\
                 events {{ worker_connections 256; }}\n\
                 http {{\n\
                 access_log off;\n\
                 client_body_temp_path {own}/body;\nproxy_temp_path {own}/proxy;\n\
                 fastcgi_temp_path {own}/fastcgi;\nuwsgi_temp_path {own}/uwsgi;\n\
                 scgi_temp_path {own}/scgi;\n\
                 server {{ listen 127.0.0.1:{port};\n\
                 location / {{\n\
                 fastcgi_pass unix:{fpm};\n\
                 fastcgi_param REQUEST_METHOD $request_method;\n\
                 fastcgi_param SCRIPT_FILENAME {script};\n\
                 }} }} }}\n",
                fpm = fpm.display(),
                script = php::program("web/request.php").display(),
            ),
        )?;
        let master = Command::new(NGINX)
            .arg("-c")
            .arg(&config)
            .arg("-e")
            .arg(directory.join("nginx.log"))
            .stdin(Stdio::null())
            .spawn()
            .context("cannot start nginx")?;
        let nginx = Self { master, port };
        until("nginx listens", || TcpStream::connect(("127.0.0.1", port)).is_ok())?;
        Ok(nginx)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        fpm::terminate(&mut self.master);
    }
}
