//! A store that refuses, from the middle of a fetch on: every caller gets its token, the status says why and what to do,
//! and the store is used again when the cause is gone (F5).

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;
use wechat_emulator::{Options, Step};
use wx_token_testing::php::GET;
use wx_token_testing::process::Process;
use wx_token_testing::redis::Redis;
use wx_token_testing::server::free_port;
use wx_token_testing::{World, until};

use crate::fleet::{EXPIRED, Fleet};

fn fleet(arguments: &[&str]) -> Fleet {
    let redis = Redis::with(arguments);
    let url = redis.url();
    Fleet::at(2, World::new(Options::default()), redis, &url)
}

/// `begin` makes the store refuse, and `end` ends that. Meanwhile the status contains each of `told`.
fn endure<T>(
    mut fleet: Fleet,
    told: [&str; 2],
    begin: impl FnOnce(&Fleet) -> T,
    end: impl FnOnce(&mut Fleet, T),
) {
    let assert_told = |fleet: &Fleet| {
        for machine in 0..2 {
            let error = fleet.store_error(machine);
            let all = told.iter().all(|told| error.contains(told));
            assert!(all, "machine {machine}, fetches {}: {error}", fleet.world.fetches());
            assert!(!error.contains('\n') && !error.contains(".."), "{error}");
        }
    };
    fleet.write(EXPIRED);
    let delay = Duration::from_millis(1500);
    fleet.world.emulator.script(Step { delay, ..Step::default() });
    let (answers, cause) = fleet.storm_during(2, GET, |fleet| {
        until("WeChat is asked", || fleet.world.emulator.stats().in_flight == 1);
        begin(fleet)
    });
    fleet.assert_one_live_token(&answers);
    assert!(fleet.world.fetches() <= 2, "a machine has fetched twice");
    assert_told(&fleet);
    // Processes that know nothing of the store meet it as it is.
    fleet.write(EXPIRED);
    fleet.forget();
    fleet.assert_one_live_token(&fleet.storm(2, GET));
    assert_told(&fleet);

    end(&mut fleet, cause);
    assert_eq!(fleet.redis.run(&["flushall"]), "OK");
    fleet.world.emulator.reset();
    fleet.write(EXPIRED);
    fleet.forget();
    fleet.assert_one_live_token(&fleet.storm(2, GET));
    assert_eq!(fleet.world.fetches(), 1, "the store is used again");
    assert_eq!([0, 1].map(|machine| fleet.store_error(machine)), ["", ""]);
}

fn set(fleet: &Fleet, name: &str, value: &str) {
    assert_eq!(fleet.redis.run(&["config", "set", name, value]), "OK", "{name}");
}

#[test]
fn its_memory_is_full() {
    endure(
        fleet(&[]),
        ["cannot run commands now: OOM ", ". Raise its maxmemory, or "],
        |fleet| {
            set(fleet, "maxmemory", "1");
            // What is there can be changed all the same.
            assert_eq!(fleet.redis.run(&["flushall"]), "OK");
        },
        |fleet, ()| set(fleet, "maxmemory", "0"),
    );
}

#[test]
fn it_has_too_few_replicas_to_write() {
    endure(
        fleet(&[]),
        ["cannot run commands now: NOREPLICAS ", ". Check its replicas, "],
        |fleet| set(fleet, "min-replicas-to-write", "1"),
        |fleet, ()| set(fleet, "min-replicas-to-write", "0"),
    );
}

#[test]
fn it_cannot_save_and_takes_no_writes() {
    endure(
        fleet(&[]),
        ["cannot run commands now: MISCONF ", ". See the log of the store"],
        |fleet| {
            fs::remove_dir_all(fleet.redis.dir.path()).expect("its directory");
            set(fleet, "save", "3600 1");
            fleet.redis.run(&["bgsave"]);
            until("it has not saved", || {
                fleet.redis.run(&["info", "persistence"]).contains("rdb_last_bgsave_status:err")
            });
        },
        |fleet, ()| set(fleet, "save", ""),
    );
}

#[test]
fn it_becomes_a_replica() {
    endure(
        fleet(&[]),
        ["does not serve the key: READONLY ", "check the replication of the store"],
        become_replica,
        |fleet, ()| drop(fleet.redis.run(&["replicaof", "no", "one"])),
    );
}

#[test]
fn it_becomes_a_replica_that_has_lost_its_master() {
    endure(
        fleet(&["--replica-serve-stale-data", "no"]),
        ["does not serve the key: MASTERDOWN ", "check the replication of the store"],
        become_replica,
        |fleet, ()| drop(fleet.redis.run(&["replicaof", "no", "one"])),
    );
}

/// Of a server that is not there.
fn become_replica(fleet: &Fleet) {
    let nobody = free_port().to_string();
    assert_eq!(fleet.redis.run(&["replicaof", "127.0.0.1", &nobody]), "OK");
}

#[test]
fn it_wants_a_password() {
    endure(
        fleet(&[]),
        [
            "denied access: ERR Protocol error: unauthenticated multibulk length",
            ". Check user and password in wx_token.store",
        ],
        |fleet| set(fleet, "requirepass", "hunter2"),
        |fleet, ()| {
            let client = ["-a", "hunter2", "config", "set", "requirepass", ""];
            assert_eq!(fleet.redis.run(&client), "OK");
        },
    );
}

#[test]
fn the_password_is_changed() {
    let redis = Redis::start();
    let user = ["acl", "setuser", "wx_token", "on", ">hunter2", "+@all", "~*"];
    assert_eq!(redis.run(&user), "OK");
    let url = format!("redis://wx_token:hunter2@127.0.0.1:{}", redis.port);
    let change = |fleet: &Fleet, from: &str, to: &str| {
        let (from, to) = (format!("<{from}"), format!(">{to}"));
        assert_eq!(fleet.redis.run(&["acl", "setuser", "wx_token", &from, &to]), "OK");
    };
    endure(
        Fleet::at(2, World::new(Options::default()), redis, &url),
        ["denied access: WRONGPASS ", ". Check user and password in wx_token.store"],
        |fleet| change(fleet, "hunter2", "hunter3"),
        |fleet, ()| change(fleet, "hunter3", "hunter2"),
    );
}

#[test]
fn it_admits_no_other_machine() {
    let redis = Redis::with(&["--bind", "0.0.0.0", "--protected-mode", "no"]);
    // Nothing is sent: a route is chosen, and with it one of this machine's own addresses.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("203.0.113.1:9").expect("this machine has a network");
    let own = socket.local_addr().expect("an address").ip();
    let url = format!("redis://{own}:{}", redis.port);
    endure(
        Fleet::at(2, World::new(Options::default()), redis, &url),
        ["denied access: DENIED ", ". Check user and password in wx_token.store"],
        |fleet| set(fleet, "protected-mode", "yes"),
        |fleet, ()| set(fleet, "protected-mode", "no"),
    );
}

#[test]
fn it_has_as_many_clients_as_it_may() {
    endure(
        fleet(&[]),
        [
            "cannot run commands now: ERR max number of clients reached. ",
            "Raise its maxclients, or ",
        ],
        |fleet| {
            let mut administrator = connect(fleet);
            assert_eq!(ask(&mut administrator, "config set maxclients 1"), Some("+OK".into()));
            administrator
        },
        |_, mut administrator| {
            assert_eq!(ask(&mut administrator, "config set maxclients 100"), Some("+OK".into()));
        },
    );
}

fn connect(fleet: &Fleet) -> TcpStream {
    TcpStream::connect(("127.0.0.1", fleet.redis.port)).expect("a connection")
}

/// The answer to an inline command; `None` if there is none for a while.
fn ask(connection: &mut TcpStream, command: &str) -> Option<String> {
    let patience = Duration::from_millis(300);
    connection.set_read_timeout(Some(patience)).expect("a time limit");
    write!(connection, "{command}\r\n").expect("a command is sent");
    let mut answer = [0; 256];
    let length = connection.read(&mut answer).ok()?;
    Some(String::from_utf8_lossy(&answer[..length]).trim().to_owned())
}

/// A client that waits for the end of a long command.
fn long_command(fleet: &Fleet, command: &[&str]) -> Process {
    Process::start(fleet.redis.client(command).stderr(Stdio::null()))
}

#[test]
fn it_sleeps() {
    let mut fleet = fleet(&["--enable-debug-command", "yes"]);
    fleet.world.set("store_timeout", "0.3");
    endure(
        fleet,
        ["did not answer in time. ", "Check its load and the network"],
        |fleet| {
            let client = long_command(fleet, &["debug", "sleep", "600"]);
            until("it sleeps", || ask(&mut connect(fleet), "ping").is_none());
            client
        },
        |fleet, _| {
            fleet.redis.kill();
            fleet.redis.restart();
            fleet.world.set("store_timeout", "2");
        },
    );
}

#[test]
fn it_runs_a_script_without_end() {
    endure(
        fleet(&["--lua-time-limit", "1"]),
        ["cannot run commands now: BUSY ", ". See the log of the store"],
        |fleet| {
            let client = long_command(fleet, &["eval", "while true do end", "0"]);
            until("it is busy", || fleet.redis.run(&["ping"]).starts_with("BUSY"));
            client
        },
        |fleet, _| assert_eq!(fleet.redis.run(&["script", "kill"]), "OK"),
    );
}

#[test]
fn it_loads_what_it_has_saved() {
    // Between two keys it answers, and a key takes it a millisecond.
    let often = ["--loading-process-events-interval-bytes", "1024"];
    endure(
        fleet(&[&["--enable-debug-command", "yes"], &often[..]].concat()),
        ["cannot run commands now: LOADING ", ". See the log of the store"],
        |fleet| {
            fleet.redis.run(&["debug", "populate", "60000", "filler", "200"]);
            set(fleet, "key-load-delay", "1000");
            let client = long_command(fleet, &["debug", "reload"]);
            until("it loads", || fleet.redis.run(&["ping"]).starts_with("LOADING"));
            client
        },
        |fleet, _| {
            set(fleet, "key-load-delay", "0");
            until("it has loaded", || fleet.redis.run(&["ping"]) == "PONG");
        },
    );
}

#[test]
fn the_key_is_somebody_elses() {
    endure(
        fleet(&[]),
        ["is not of wx_token: WRONGTYPE ", ". Remove the key, or change wx_token.store_prefix"],
        |fleet| {
            let key = fleet.redis.run(&["keys", "wx_token:*"]);
            assert_eq!(fleet.redis.run(&["set", &key, "a text"]), "OK");
            key
        },
        |fleet, key| assert_eq!(fleet.redis.run(&["del", &key]), "1"),
    );
}

#[test]
fn it_is_no_redis_at_all() {
    let mut fleet = fleet(&[]);
    let web = fleet.world.emulator.address();
    fleet.world.set("store", &format!("redis://{web}"));
    fleet.write(EXPIRED);
    let answers = fleet.storm(2, GET);
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 2);
    let error = fleet.store_error(0);
    let told = "is not Redis's: it does not begin like one. Check wx_token.store";
    assert!(error.contains(told), "{error}");
}

#[test]
fn it_has_no_eval() {
    let fleet = fleet(&["--rename-command", "eval", ""]);
    fleet.write(EXPIRED);
    let answers = fleet.storm(2, GET);
    fleet.assert_one_live_token(&answers);
    let error = fleet.store_error(0);
    let told = ["rejected a command: ERR unknown command 'EVAL'. ", "permits EVAL"];
    assert!(told.iter().all(|told| error.contains(told)), "{error}");
}

/// What docs/fleet.md says for users of the store, from `resetkeys` on.
fn documented_rights() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fleet.md");
    let page = fs::read_to_string(page).expect("a page");
    let line = page.lines().find(|line| line.starts_with("ACL SETUSER ")).expect("the rights");
    line.split_whitespace().skip_while(|word| *word != "resetkeys").map(str::to_owned).collect()
}

/// A user of `server` with `rights`.
fn let_in(server: &Redis, rights: &[&str]) {
    let user = ["acl", "setuser", "wx_token", "reset", "on", ">hunter2"];
    assert_eq!(server.run(&[&user, rights].concat()), "OK", "{rights:?}");
}

/// Every use of the store: a failure of the account, a token, and a confirmation. Returns what the status says after each.
fn every_use(fleet: &Fleet) -> [String; 3] {
    let begin = || {
        fleet.redis.run(&["flushall"]);
        fleet.world.emulator.reset();
        fleet.write(EXPIRED);
        fleet.forget();
    };
    begin();
    let failure = json!([{"errcode": 40125, "errmsg": "invalid appsecret"}]);
    fleet.world.emulator.script_json(failure).expect("a script");
    assert_eq!(fleet.call(0).class(), "WxToken\\ApiException");
    let after_failure = fleet.store_error(0);
    begin();
    let token = fleet.call(0).token().to_owned();
    assert!(fleet.world.is_live(&token));
    let after_token = fleet.store_error(0);
    fleet.forget();
    assert_eq!(fleet.call(0).token(), token);
    [after_failure, after_token, fleet.store_error(0)]
}

#[test]
fn each_of_the_documented_rights_is_needed_and_no_other() {
    let (master, sentinel) = (Redis::start(), Redis::with(&["--sentinel"]));
    let port = master.port.to_string();
    let monitor = ["sentinel", "monitor", "site", "127.0.0.1", &port, "1"];
    assert_eq!(sentinel.run(&monitor), "OK");
    let url = format!("redis+sentinel://wx_token:hunter2@127.0.0.1:{}/site", sentinel.port);
    let fleet = Fleet::at(1, World::new(Options::default()), master, &url);
    let rights = documented_rights();
    let rights: Vec<_> = rights.iter().map(String::as_str).collect();
    let of_sentinel = ["-@all", "+sentinel|get-master-addr-by-name"];

    let_in(&fleet.redis, &rights);
    let_in(&sentinel, &of_sentinel);
    assert_eq!(every_use(&fleet), ["", "", ""]);
    let is_right = |right: &&str| right.starts_with('+') || right.starts_with('~');
    let mut withdrawn = 0;
    for right in rights.iter().copied().filter(is_right) {
        let others: Vec<_> = rights.iter().copied().filter(|other| *other != right).collect();
        let_in(&fleet.redis, &others);
        let errors = every_use(&fleet).concat();
        assert!(errors.contains("denied access: "), "{right}: {errors}");
        assert!(errors.contains("and the ACL of the user"), "{right}: {errors}");
        withdrawn += 1;
    }
    assert_eq!(withdrawn, 10);
    let_in(&fleet.redis, &rights);
    let_in(&sentinel, &["-@all"]);
    let errors = every_use(&fleet);
    for error in errors {
        assert!(error.contains("denied access: "), "{error}");
    }
}
