//! The ways to a store: a socket, users with few rights, sentinels, a cluster.

use std::fs;
use std::time::Duration;

use wechat_emulator::{Options, Step};
use wx_token_testing::php::GET;
use wx_token_testing::redis::{self, Redis};
use wx_token_testing::{World, until};

use crate::fleet::{EXPIRED, Fleet};

/// Time to change something while WeChat is asked.
const SLOW: Duration = Duration::from_millis(1500);

/// The rights that docs/fleet.md asks for.
fn rights() -> Vec<String> {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fleet.md");
    let page = fs::read_to_string(page).expect("a page");
    let line = page.lines().find(|line| line.starts_with("ACL SETUSER ")).expect("the rights");
    let words = line.split_whitespace().map(str::to_owned);
    words.map(|word| if word == ">PASSWORD" { ">p@ss word".to_owned() } else { word }).collect()
}

#[test]
fn a_socket_and_a_user_with_the_documented_rights_are_enough() {
    let dir = tempfile::tempdir().expect("a directory");
    let socket = dir.path().join("redis.sock");
    let redis = Redis::with(&["--unixsocket", socket.to_str().expect("a printable path")]);
    let rights = rights();
    let rights: Vec<_> = rights.iter().map(String::as_str).collect();
    assert_eq!(redis.run(&rights), "OK");
    assert_eq!(redis.run(&["acl", "setuser", "default", "off"]), "OK");
    let url = format!("unix://wx_token:p%40ss%20word@{}", socket.display());
    let mut fleet = Fleet::at(3, World::slow(), redis, &url);
    fleet.write(EXPIRED);
    let answers = fleet.storm(2, GET);
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 1);
    // A wrong password costs nobody a token.
    fleet.world.set("store_password", "wrong");
    fleet.write(EXPIRED);
    fleet.assert_one_live_token(&fleet.storm(2, GET));
    let knowledge = fs::read_to_string(fleet.knowledge_file(0)).expect("the machine's knowledge");
    assert!(knowledge.contains("denied access"), "{knowledge}");
    assert!(!knowledge.contains("p@ss word") && !knowledge.contains("p%40"), "{knowledge}");
}

#[test]
fn a_sentinel_says_where_the_master_is() {
    let master = Redis::start();
    let sentinel = Redis::with(&["--sentinel"]);
    let port = master.port.to_string();
    let monitor = ["sentinel", "monitor", "site", "127.0.0.1", &port, "1"];
    assert_eq!(sentinel.run(&monitor), "OK");
    let url = format!("redis+sentinel://127.0.0.1:{}/site", sentinel.port);
    let fleet = Fleet::at(3, World::slow(), master, &url);
    fleet.write(EXPIRED);
    let answers = fleet.storm(2, GET);
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 1);
    assert_eq!(fleet.redis.run(&["dbsize"]), "1", "it is in the master");
}

/// A master with a replica, and a sentinel that makes the replica the master when the master is gone.
struct Failover {
    master: Redis,
    replica: Redis,
    sentinel: Redis,
}

impl Failover {
    fn new() -> Self {
        let master = Redis::start();
        let port = master.port.to_string();
        let replica = Redis::with(&["--replicaof", "127.0.0.1", &port]);
        until("the replica is in step", || {
            replica.run(&["info", "replication"]).contains("master_link_status:up")
        });
        let sentinel = Redis::with(&["--sentinel"]);
        let down_after = ["sentinel", "set", "site", "down-after-milliseconds", "1000"];
        assert_eq!(sentinel.run(&["sentinel", "monitor", "site", "127.0.0.1", &port, "1"]), "OK");
        assert_eq!(sentinel.run(&down_after), "OK");
        Self { master, replica, sentinel }
    }

    /// Machines that find the store by the sentinel.
    fn fleet(&self, machines: usize, world: World) -> Fleet {
        let url = format!("redis+sentinel://127.0.0.1:{}/site", self.sentinel.port);
        // The other server is not the store.
        Fleet::at(machines, world, Redis::start(), &url)
    }

    fn until_replicated(&self) {
        until("the replica has it, and the sentinel knows the replica", || {
            self.replica.run(&["dbsize"]) == "1"
                && self.sentinel.run(&["sentinel", "replicas", "site"]).contains("flags\nslave\n")
        });
    }

    fn until_over(&self) {
        let address = self.replica.port.to_string();
        until("the replica is the master", || {
            self.sentinel.run(&["sentinel", "get-master-addr-by-name", "site"]).ends_with(&address)
                && self.replica.run(&["role"]).starts_with("master")
        });
    }
}

#[test]
fn a_token_that_a_failover_has_lost_is_given_back_and_reaches_the_others() {
    let mut failover = Failover::new();
    let mut fleet = failover.fleet(2, World::new(Options::default()));
    fleet.world.set("endpoint", "classic");
    let old = fleet.call(0).token().to_owned();
    assert_eq!(fleet.call(1).token(), old);
    failover.until_replicated();
    // What a stopped replica has in its socket it would read later.
    failover.replica.hang();
    assert_eq!(failover.master.run(&["client", "kill", "type", "replica"]), "1");
    let new = fleet.call_of(0, &format!("wx_refresh_token($file, '{old}')")).token().to_owned();
    assert_ne!(new, old);
    failover.master.kill();
    failover.replica.go_on();
    failover.until_over();
    let call = |machine| {
        fleet.forget();
        fleet.call(machine).token().to_owned()
    };
    assert_eq!(call(1), old, "of the new one nobody has told it");
    assert_eq!(call(0), new);
    assert_eq!(call(1), new);
    assert_eq!(fleet.world.fetches(), 2);
    assert_eq!([0, 1].map(|machine| fleet.store_error(machine)), ["", ""]);
}

#[test]
fn after_a_failover_the_new_master_is_asked() {
    let mut failover = Failover::new();
    let mut fleet = failover.fleet(2, World::slow());
    let token = fleet.call(0).token().to_owned();
    failover.until_replicated();
    failover.master.kill();
    // While nobody serves, a machine gets its token all the same.
    assert_eq!(fleet.call(0).token(), token);
    failover.until_over();
    fleet.world.set("store_timeout", "1");
    assert_eq!(fleet.call(1).token(), token);
    assert_eq!(fleet.world.fetches(), 1, "the second machine took what the new master has");
}

/// A cluster of three nodes, and its URL. The first node has the first third of the slots, and so on.
fn cluster() -> (Vec<Redis>, String) {
    let nodes: Vec<_> = (0..3).map(|_| Redis::with(&["--cluster-enabled", "yes"])).collect();
    let addresses: Vec<_> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
    let mut create = redis::client();
    create.args(["--cluster", "create"]).args(&addresses).arg("--cluster-yes");
    let created = create.output().expect("redis-cli runs");
    assert!(created.status.success(), "{created:?}");
    until("each node knows the others", || {
        nodes.iter().all(|node| node.run(&["cluster", "info"]).contains("cluster_state:ok"))
    });
    (nodes, format!("redis://{}", addresses.join(",")))
}

#[test]
fn a_cluster_says_which_node_has_the_key() {
    let (nodes, url) = cluster();
    // Keys of other endpoints are in other slots.
    for endpoint in ["stable", "classic"] {
        let mut fleet = Fleet::at(3, World::slow(), Redis::start(), &url);
        fleet.world.set("endpoint", endpoint);
        fleet.write(EXPIRED);
        let answers = fleet.storm(2, GET);
        fleet.assert_one_live_token(&answers);
        assert_eq!(fleet.world.fetches(), 1, "{endpoint}");
        assert_eq!(fleet.redis.run(&["dbsize"]), "0");
    }
    let keys = nodes.iter().map(|node| node.run(&["dbsize"]).parse::<u32>().expect("a number"));
    assert_eq!(keys.sum::<u32>(), 2);
}

#[test]
fn a_slot_that_moves_to_another_node_costs_no_fetch() {
    let (nodes, url) = cluster();
    let mut fleet = Fleet::at(3, World::new(Options::default()), Redis::start(), &url);
    fleet.world.set("endpoint", "classic");
    let first = fleet.call(0).token().to_owned();
    let has_key = |node: &&Redis| node.run(&["dbsize"]) == "1";
    let old = nodes.iter().find(has_key).expect("a node has the key");
    let new = nodes.iter().find(|node| !has_key(node)).expect("another has not");
    let key = old.run(&["keys", "*"]);
    let slot = old.run(&["cluster", "keyslot", &key]);
    let [old_id, new_id] = [old, new].map(|node| node.run(&["cluster", "myid"]));
    let slot_is = |node: &Redis, state: &str, other: &str| {
        assert_eq!(node.run(&["cluster", "setslot", &slot, state, other]), "OK");
    };
    let count =
        |node: &Redis, section: &str, name: &str| node.run(&["info", section]).contains(name);

    let replace = |token: &str| {
        fleet.world.emulator.invalidate_all();
        fleet.world.emulator.script(Step { delay: SLOW, ..Step::default() });
        format!("wx_refresh_token($file, '{token}')")
    };
    let (answers, ()) = fleet.storm_during(2, &replace(&first), |fleet| {
        until("WeChat is asked", || fleet.world.emulator.stats().in_flight == 1);
        slot_is(new, "importing", &old_id);
        slot_is(old, "migrating", &new_id);
        let port = new.port.to_string();
        assert_eq!(old.run(&["migrate", "127.0.0.1", &port, &key, "0", "5000"]), "OK");
        until("a machine has been sent on", || count(new, "commandstats", "cmdstat_asking:"));
    });
    fleet.assert_one_live_token(&answers);
    let second = answers[0].token();
    assert_eq!(fleet.world.fetches(), 2);
    assert!(count(old, "errorstats", "errorstat_ASK:"));
    assert!(!count(old, "errorstats", "errorstat_MOVED:"));

    let (answers, ()) = fleet.storm_during(2, &replace(second), |fleet| {
        until("WeChat is asked", || fleet.world.emulator.stats().in_flight == 1);
        // As redis-cli does it: the node that gets the slot is the first to know.
        slot_is(new, "node", &new_id);
        slot_is(old, "node", &new_id);
        until("a machine has been sent on", || count(old, "errorstats", "errorstat_MOVED:"));
    });
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 3);
    assert_eq!([0, 1, 2].map(|machine| fleet.store_error(machine)), ["", "", ""]);
    assert_eq!([old, new].map(|node| node.run(&["dbsize"])), ["0", "1"]);
}
