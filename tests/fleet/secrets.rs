//! No AppSecret, no token and no password can be read where they do not belong: not in the store and not on the way there,
//! not in PHP's output and log, not at the process (F7).

use std::fs::{self, File};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::process::{Process, children};
use wx_token_testing::redis::Redis;
use wx_token_testing::{World, now_ms, program, until};

use crate::fleet::{EXPIRED, Fleet};

const SECRET: &str = "5ecre7000000000000000000deadbeef";
const WRONG_SECRET: &str = "wr0ng5ecre7000000000000000abcdef";
const PASSWORD: &str = "st0re-passw0rd";
const WRONG_PASSWORD: &str = "wr0ng-passw0rd";
const STORE_KEY: &str = "k3y-of-the-site";

/// Makes a call, and shows all that there is to show afterwards.
const SHOW_ALL: &str = r#"
    [, $file, $call] = $argv;
    echo "ready\n";
    fgets(STDIN);
    $call = eval("return function (\$file) { $call };");
    try {
        $call($file);
        echo "no failure\n";
    } catch (Throwable $e) {
        echo $e, "\n", print_r($e, true), print_r($e->getTrace(), true);
    }
    var_dump(wx_token_status($file));
    phpinfo();
    error_log('what is logged');
    try {
        wx_get_token("$file/nowhere");
    } finally {
        $call($file);
    }
"#;

const GET: &str = "wx_get_token($file);";

/// PHP whose settings are in a file, as a site has them: on its command line everybody could read them.
struct Site<'a> {
    fleet: &'a Fleet,
    ini: PathBuf,
    shown: String,
}

impl Site<'_> {
    fn configure(&self, changes: &[(&str, &str)]) {
        let log = self.log();
        let mut ini = format!(
            "log_errors=1\nerror_log=\"{}\"\ndisplay_errors=1\nzend.exception_ignore_args=0\n",
            log.display()
        );
        ini += &self.fleet.world.php_ini();
        for (name, value) in changes {
            ini += &format!("wx_token.{name}=\"{value}\"\n");
        }
        fs::write(&self.ini, ini).expect("a php.ini");
    }

    fn log(&self) -> PathBuf {
        self.ini.with_file_name("php.log")
    }

    fn start(&self, machine: usize, call: &str) -> Process {
        let mut php = Command::new(program("PHP", "php"));
        php.env("PHP_INI_SCAN_DIR", "").env_remove("WX_APPID").env_remove("WX_SECRET");
        php.arg("-c").arg(&self.ini).args(["-r", SHOW_ALL, "--"]);
        php.arg(&self.fleet.machines[machine]).arg(call).stderr(Stdio::null());
        let mut php = Process::start(&mut php);
        php.await_ready();
        php
    }

    /// Returns what is shown.
    fn show(&mut self, machine: usize, call: &str) -> String {
        let mut php = self.start(machine, call);
        php.release();
        let shown = php.rest();
        assert!(shown.contains("PHP Variables"), "phpinfo() is missing: {shown}");
        self.shown += &shown;
        shown
    }
}

fn text(file: &Path) -> String {
    let bytes = fs::read(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    String::from_utf8_lossy(&bytes).into_owned()
}

#[test]
fn nothing_shows_a_secret_a_token_or_a_password() {
    cycle(&format!("wx_token:{PASSWORD}"), "", "");
    cycle("wx_token", PASSWORD, STORE_KEY);
}

fn cycle(login: &str, store_password: &str, store_key: &str) {
    let redis = Redis::with(&["--rdbcompression", "no"]);
    let user = ["acl", "setuser", "wx_token", "on", &format!(">{PASSWORD}"), "+@all", "~*"];
    assert_eq!(redis.run(&user), "OK");
    let record = redis.dir.path().join("monitor");
    let mut monitor = redis.client(&["monitor"]);
    let monitor = monitor.stdout(File::create(&record).expect("a file"));
    let mut monitor = monitor.spawn().expect("redis-cli runs");
    until("the monitor listens", || text(&record).starts_with("OK"));

    let url = format!("redis://{login}@127.0.0.1:{}", redis.port);
    let secret = SECRET.to_owned();
    let mut fleet = Fleet::at(2, World::new(Options { secret, ..Options::default() }), redis, &url);
    fleet.world.set("store_password", store_password);
    fleet.world.set("store_key", store_key);
    fleet.write(EXPIRED);
    let ini = fleet.world.dir.path().join("php.ini");
    let mut site = Site { fleet: &fleet, ini, shown: String::new() };

    site.configure(&[("secret", WRONG_SECRET)]);
    let refused = site.show(0, GET);
    assert!(refused.contains("errcode 40125"), "{refused}");
    fleet.redis.run(&["flushall"]);
    fleet.write(EXPIRED);

    // A fetch, and what others see of its process.
    site.configure(&[]);
    fleet.world.emulator.script_json(json!([{"delay_ms": 1000}])).expect("a script");
    let mut php = site.start(0, GET);
    php.release();
    until("WeChat is asked", || fleet.world.emulator.stats().in_flight == 1);
    let process = ["environ", "cmdline", "comm", "status"].map(|entry| {
        let entry = format!("/proc/{}/{entry}", php.pid());
        text(Path::new(&entry))
    });
    assert!(process[1].contains("wx_get_token"), "{process:?}");
    assert!(children(php.pid()).is_empty());
    site.shown += &php.rest();
    let first = fleet.stored(0);
    assert!(fleet.world.is_live(&first));

    // It is adopted, confirmed, given to a store that has lost it, and replaced.
    site.show(1, GET);
    assert_eq!(fleet.stored(1), first);
    fleet.forget();
    site.show(0, GET);
    fleet.redis.run(&["flushall"]);
    fleet.forget();
    site.show(0, GET);
    fleet.world.emulator.invalidate_all();
    site.show(1, "wx_refresh_token($file, json_decode(file_get_contents($file))->access_token);");
    let second = fleet.stored(1);
    assert_ne!(second, first);
    assert_eq!(fleet.redis.run(&["save"]), "OK");

    // A store that says no, and one that somebody has written to.
    let confirm = |site: &mut Site<'_>| {
        fleet.forget();
        site.show(1, GET);
        site.show(1, GET)
    };
    site.configure(&[("store_password", WRONG_PASSWORD)]);
    let denied = confirm(&mut site);
    assert!(denied.contains("denied access"), "{denied}");
    monitor.kill().expect("redis-cli was running");
    monitor.wait().expect("redis-cli is gone");
    site.configure(&[]);
    let key = fleet.redis.run(&["keys", "*"]);
    let stamp = now_ms().to_string();
    let planted = ["tok", &first, "tag", "0123456789abcdef", "stamp", &stamp];
    fleet.redis.run(&[&["hset", &key], &planted[..]].concat());
    let planted = confirm(&mut site);
    assert!(planted.contains("sealed with another key"), "{planted}");

    let monitored = text(&record);
    assert!(monitored.to_lowercase().contains("\"eval\""), "{monitored}");
    let saved = text(&fleet.redis.dir.path().join("dump.rdb"));
    assert!(saved.contains("stamp") && saved.contains(&key), "{saved}");
    let log = text(&site.log());
    assert!(log.contains("what is logged") && log.contains("PHP Fatal error"), "{log}");
    let [environ, cmdline, comm, status] = process;
    let shown = [
        ("MONITOR", monitored),
        ("RDB", saved),
        ("log", log),
        ("output", site.shown),
        ("process", [environ, cmdline, comm, status].concat()),
        ("knowledge", text(&fleet.knowledge_file(1))),
    ];
    for (place, shown) in shown {
        for hidden in [SECRET, WRONG_SECRET, PASSWORD, WRONG_PASSWORD, STORE_KEY, &first, &second] {
            assert!(!shown.contains(hidden), "{place} shows {hidden}: {shown}");
        }
    }
    for machine in 0..2 {
        assert!(!text(&fleet.machines[machine]).contains(SECRET));
    }
}

#[test]
fn a_connection_sends_the_password_once_and_no_token_and_no_secret() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a server");
    let address = listener.local_addr().expect("an address");
    let mut fleet = Fleet::with_options(1, Options::default());
    fleet.world.set("store", &format!("redis://wx_token@{address}"));
    fleet.world.set("store_password", PASSWORD);
    let token = fleet.write_live(100);
    let secret = fleet.world.emulator.options().secret.clone();
    fleet.world.set("background", "0");
    let server = thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let patience = Duration::from_millis(500);
        connection.set_read_timeout(Some(patience)).expect("a time limit");
        let mut sent = Vec::new();
        // It ends with the time limit: the client waits for an answer.
        let _ = connection.read_to_end(&mut sent);
        String::from_utf8_lossy(&sent).into_owned()
    });
    let answer = fleet.call(0);
    assert!(fleet.world.is_live(answer.token()));
    let sent = server.join().expect("the server ends");
    assert!(sent.contains("EVAL"), "{sent}");
    assert_eq!(sent.matches(PASSWORD).count(), 1, "{sent}");
    assert!(!sent.contains(&token) && !sent.contains(&secret), "{sent}");
}
