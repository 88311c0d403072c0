//! A server, a cluster and a group of sentinels, each as it should be and as it should not.

use std::fs;
use std::sync::Mutex;

use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tempfile::TempDir;

use super::*;
use crate::store::error::Stage;
use crate::store::fake_server::{FakeServer, closed_port};

/// Long enough for a busy machine.
const PLENTY: Duration = Duration::from_secs(20);

const SERVED: &str = "$2\r\nok\r\n";
const OK: &str = "+OK\r\n";

fn store(place: &str) -> Store {
    Store::new(place.parse().unwrap(), None, PLENTY).unwrap()
}

fn eval(store: &Store, limit: Duration) -> Result<Reply, StoreError> {
    store.eval("return 1", b"{a}k", &[b"x", b""], Instant::now() + limit)
}

fn is_served(place: &str) -> bool {
    eval(&store(place), PLENTY).unwrap() == Reply::Bytes(b"ok".to_vec())
}

fn failure(place: &str) -> StoreError {
    eval(&store(place), PLENTY).expect_err(place)
}

const EVAL: &str = "EVAL return 1 1 {a}k x ";

#[test]
fn login_database_and_script_are_one_round_trip() {
    // Nothing is answered before all of it has come.
    let answer = |command: &str| {
        let is_last = command.starts_with("EVAL");
        if is_last { format!("{OK}{OK}{SERVED}") } else { String::new() }
    };
    let server = FakeServer::start(answer);
    assert!(is_served(&format!("redis://u:p@127.0.0.1:{}/3", server.port)));
    assert_eq!(server.heard(), ["AUTH u p", "SELECT 3", EVAL]);

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("redis.sock");
    let heard = FakeServer::start_unix(&path, answer);
    assert!(is_served(&format!("unix://:p@{}?db=1", path.display())));
    assert_eq!(heard.all(), ["AUTH p", "SELECT 1", EVAL]);
}

#[test]
fn without_login_and_database_only_the_script_is_sent() {
    let server = FakeServer::start(|_| SERVED.to_owned());
    assert!(is_served(&format!("redis://127.0.0.1:{}", server.port)));
    assert_eq!(server.heard(), [EVAL]);
}

#[test]
fn every_kind_of_reply_is_returned() {
    let server = FakeServer::start(|_| "*3\r\n$1\r\nT\r\n:5\r\n$-1\r\n".to_owned());
    let reply = eval(&store(&format!("redis://127.0.0.1:{}", server.port)), PLENTY).unwrap();
    let parts = vec![Reply::Bytes(b"T".to_vec()), Reply::Integer(5), Reply::Nil];
    assert_eq!(reply, Reply::Array(parts));
}

#[test]
fn a_rejected_login_is_told_without_the_password() {
    let server = FakeServer::start(|command| {
        let is_login = command.starts_with("AUTH");
        if is_login { "-WRONGPASS hunter2 is wrong\r\n" } else { "-NOAUTH\r\n" }.to_owned()
    });
    let error = failure(&format!("redis://u:hunter2@127.0.0.1:{}", server.port));
    assert!(matches!(&error, StoreError::AccessDenied { reply, .. } if reply.contains("***")));
    assert!(!error.to_string().contains("hunter2") && !format!("{error:?}").contains("hunter2"));
}

#[test]
fn a_database_that_does_not_exist_is_an_error_although_the_script_has_run() {
    let server = FakeServer::start(|command| {
        let is_select = command.starts_with("SELECT");
        if is_select { "-ERR DB index is out of range\r\n" } else { SERVED }.to_owned()
    });
    let error = failure(&format!("redis://127.0.0.1:{}/99", server.port));
    assert!(matches!(error, StoreError::Rejected { .. }), "{error}");
}

#[test]
fn the_timeout_of_the_store_holds_before_a_later_deadline() {
    let server = FakeServer::silent();
    let place = format!("redis://127.0.0.1:{}", server.port).parse().unwrap();
    let store = Store::new(place, None, Duration::from_millis(100)).unwrap();
    let began = Instant::now();
    let error = eval(&store, PLENTY).expect_err("silence");
    assert!(matches!(error, StoreError::Timeout { stage: Stage::Answer, .. }), "{error}");
    assert!(began.elapsed() < PLENTY / 2);
}

/// Says `first` once, then `then`.
fn once(first: &'static str, then: &'static str) -> impl Fn(&str) -> String + Send + Sync {
    let first = Mutex::new(Some(first));
    move |_| first.lock().unwrap().take().unwrap_or(then).to_owned()
}

#[test]
fn a_server_in_a_failover_is_looked_for_once_more() {
    for code in ["READONLY", "MASTERDOWN", "CLUSTERDOWN"] {
        let error = format!("-{code} x\r\n");
        let server = FakeServer::start(once(error.clone().leak(), SERVED));
        assert!(is_served(&format!("redis://127.0.0.1:{}", server.port)), "{code}");
        let server = FakeServer::start(move |_| error.clone());
        let error = failure(&format!("redis://127.0.0.1:{}", server.port));
        assert!(matches!(error, StoreError::NotServing { .. }), "{error}");
        assert_eq!(server.heard().len(), 2);
    }
    let server = FakeServer::start(once("-OOM x\r\n", SERVED));
    let error = failure(&format!("redis://127.0.0.1:{}", server.port));
    assert!(matches!(error, StoreError::NotReady { .. }), "{error}");
    assert_eq!(server.heard().len(), 1);
}

fn moved(word: &'static str, port: u16) -> impl Fn(&str) -> String + Send + Sync {
    move |command| match command {
        EVAL => format!("-{word} 7 127.0.0.1:{port}\r\n"),
        _ => OK.to_owned(),
    }
}

#[test]
fn a_cluster_sends_us_on() {
    let owner = FakeServer::start(|_| SERVED.to_owned());
    let other = FakeServer::start(moved("MOVED", owner.port));
    let third = FakeServer::start(moved("MOVED", other.port));
    assert!(is_served(&format!("redis://127.0.0.1:{}", other.port)));
    assert!(is_served(&format!("redis://127.0.0.1:{}", third.port)));
    let fourth = FakeServer::start(moved("MOVED", third.port));
    let error = failure(&format!("redis://127.0.0.1:{}", fourth.port));
    assert!(matches!(error, StoreError::NotServing { .. }), "{error}");
}

#[test]
fn a_slot_under_way_is_asked_for() {
    let importing = FakeServer::start(|command| match command {
        "ASKING" => OK.to_owned(),
        _ => SERVED.to_owned(),
    });
    let migrating = FakeServer::start(moved("ASK", importing.port));
    assert!(is_served(&format!("redis://127.0.0.1:{}", migrating.port)));
    assert_eq!(importing.heard(), ["ASKING", EVAL]);
    assert_eq!(migrating.heard(), [EVAL]);
}

#[test]
fn each_node_gets_the_login() {
    let owner = FakeServer::start(|command| match command {
        EVAL => SERVED.to_owned(),
        _ => OK.to_owned(),
    });
    let other = FakeServer::start(moved("MOVED", owner.port));
    assert!(is_served(&format!("redis://:p@127.0.0.1:{}", other.port)));
    assert_eq!(owner.heard(), ["AUTH p", EVAL]);
}

#[test]
fn a_redirect_without_host_is_to_the_same_host_and_one_without_sense_is_an_error() {
    let owner = FakeServer::start(|_| SERVED.to_owned());
    let port = owner.port;
    let other = FakeServer::start(move |_| format!("-MOVED 7 :{port}\r\n"));
    assert!(is_served(&format!("redis://127.0.0.1:{}", other.port)));
    for text in ["MOVED", "MOVED 7", "MOVED 7 x", "MOVED 7 a b:", "ASK 7 ?:1", "ASK 7 h:0"] {
        let server = FakeServer::start(move |_| format!("-{text}\r\n"));
        let error = failure(&format!("redis://127.0.0.1:{}", server.port));
        assert!(matches!(error, StoreError::Rejected { .. }), "{error}");
    }
}

#[test]
fn nodes_that_are_down_hung_or_cut_off_are_passed_over() {
    let alive = FakeServer::start(|_| SERVED.to_owned());
    let cut_off = FakeServer::start(|_| "-CLUSTERDOWN The cluster is down\r\n".to_owned());
    let (down, hung) = (closed_port(), FakeServer::silent());
    let seeds = [down, cut_off.port, alive.port];
    // Whichever is asked first.
    for first in 0..seeds.len() {
        let seed = |number| format!("127.0.0.1:{}", seeds[(first + number) % seeds.len()]);
        let place = format!("redis://{},{},{}", seed(0), seed(1), seed(2));
        assert!(is_served(&place), "{place}");
    }
    let store = store(&format!("redis://127.0.0.1:{},127.0.0.1:{}", alive.port, hung.port));
    assert!(eval(&store, Duration::from_secs(2)).is_ok());
    assert_eq!(hung.heard(), [EVAL], "it is the likely one, and was asked first");
}

#[test]
fn a_cluster_that_denies_access_is_not_asked_node_by_node() {
    let servers = [0, 1, 2].map(|_| FakeServer::start(|_| "-NOAUTH x\r\n".to_owned()));
    let [a, b, c] = servers.each_ref().map(|server| server.port);
    let error = failure(&format!("redis://127.0.0.1:{a},127.0.0.1:{b},127.0.0.1:{c}"));
    assert!(matches!(error, StoreError::AccessDenied { .. }), "{error}");
    assert_eq!(servers.iter().map(|server| server.heard().len()).sum::<usize>(), 1);
}

#[test]
fn in_a_new_cluster_the_first_node_is_the_right_one() {
    let place = "redis://a,b,c".parse().unwrap();
    let store = Store::new(place, None, PLENTY).unwrap();
    let Route::Cluster(seeds) = &store.place().route else { panic!("no cluster") };
    // CLUSTER KEYSLOT says 15495, 3300 and 7365, and three masters have 0-5460, 5461-10922 and 10923-16383.
    for (key, owner) in [("a", 2), ("b", 0), ("c", 1)] {
        let call = Call { store: &store, key: key.as_bytes(), command: &[] };
        assert_eq!(call.likely_seed(seeds), owner, "{key}");
    }
}

const ROLE: &str = "*3\r\n$6\r\nmaster\r\n:7\r\n*2\r\n*3\r\n$1\r\nh\r\n$1\r\n1\r\n$1\r\n7\r\n\
    *3\r\n$1\r\nh\r\n$1\r\n2\r\n$1\r\n7\r\n";
const REPLICA: &str = "*5\r\n$5\r\nslave\r\n$1\r\nh\r\n:6379\r\n$9\r\nconnected\r\n:7\r\n";

fn server_as(role: &'static str) -> FakeServer {
    FakeServer::start(move |command| match command {
        "ROLE" => role.to_owned(),
        EVAL => SERVED.to_owned(),
        _ => OK.to_owned(),
    })
}

fn told(port: u16) -> String {
    let port = port.to_string();
    format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len())
}

fn sentinel(master: u16) -> FakeServer {
    FakeServer::start(move |command| match command {
        "SENTINEL GET-MASTER-ADDR-BY-NAME m" => told(master),
        // It has no password.
        _ => "-ERR AUTH called without any password configured\r\n".to_owned(),
    })
}

#[test]
fn a_sentinel_says_who_the_master_is() {
    let master = server_as(ROLE);
    let sentinel = sentinel(master.port);
    let place = |login| format!("redis+sentinel://{login}127.0.0.1:{}/m/2", sentinel.port);
    assert!(is_served(&place("")));
    assert_eq!(master.heard(), ["SELECT 2", "ROLE", EVAL]);
    assert!(is_served(&place("u:p@")));
    assert_eq!(master.heard()[3..], ["AUTH u p", "SELECT 2", "ROLE", EVAL]);
    assert_eq!(sentinel.heard()[1..], ["AUTH u p", "SENTINEL GET-MASTER-ADDR-BY-NAME m"]);
}

#[test]
fn sentinels_that_are_down_hung_or_ignorant_are_passed_over() {
    let master = server_as(ROLE);
    let (down, hung, knowing) = (closed_port(), FakeServer::silent(), sentinel(master.port));
    let ignorant = FakeServer::start(|_| "*-1\r\n".to_owned());
    let place = format!(
        "redis+sentinel://127.0.0.1:{down},127.0.0.1:{},127.0.0.1:{},127.0.0.1:{}/m",
        ignorant.port, hung.port, knowing.port
    );
    assert!(eval(&store(&place), Duration::from_secs(4)).is_ok());
    let error = failure(&format!("redis+sentinel://127.0.0.1:{}/m", ignorant.port));
    assert!(matches!(error, StoreError::UnknownMaster { .. }), "{error}");
    let liar = FakeServer::start(|_| "*2\r\n$1\r\na\r\n$1\r\nb\r\n".to_owned());
    let error = failure(&format!("redis+sentinel://127.0.0.1:{}/m", liar.port));
    assert!(matches!(error, StoreError::Malformed { .. }), "{error}");
}

#[test]
fn a_master_that_is_none_any_more_is_not_believed() {
    let (old, new) = (server_as(REPLICA), server_as(ROLE));
    let (first, then) = (told(old.port), told(new.port));
    let sentinel = FakeServer::start(once(first.clone().leak(), then.leak()));
    assert!(is_served(&format!("redis+sentinel://127.0.0.1:{}/m", sentinel.port)));
    assert_eq!(sentinel.heard().len(), 2);

    let stale = FakeServer::start(move |_| first.clone());
    let error = failure(&format!("redis+sentinel://127.0.0.1:{}/m", stale.port));
    assert!(matches!(error, StoreError::NotServing { .. }), "{error}");
}

/// A server certificate for localhost, and a file with what vouches for it.
fn certificate() -> (Arc<ServerConfig>, TempDir) {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("ca.pem"), own.cert.pem()).unwrap();
    let key = PrivateKeyDer::Pkcs8(own.signing_key.serialize_der().into());
    let config =
        ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
    (Arc::new(config), folder)
}

#[test]
fn tls_trusts_the_ca_file_and_checks_the_name() {
    let (config, folder) = certificate();
    let ca_file = folder.path().join("ca.pem");
    let server = FakeServer::start_tls(config, |_| SERVED.to_owned());
    let ask = |host, ca_file| {
        let place = format!("rediss://{host}:{}", server.port).parse().unwrap();
        eval(&Store::new(place, ca_file, PLENTY).unwrap(), PLENTY)
    };
    assert_eq!(ask("localhost", Some(&*ca_file)).unwrap(), Reply::Bytes(b"ok".to_vec()));
    assert_eq!(server.heard(), [EVAL]);
    for (host, ca_file, says) in [
        ("localhost", None, "from an unknown CA. Set wx_token.ca_file if the store has its own CA"),
        ("127.0.0.1", Some(&*ca_file), "for another host"),
    ] {
        let error = ask(host, ca_file).expect_err("no trust");
        let is_tls = matches!(error, StoreError::Tls { .. });
        assert!(is_tls && error.to_string().contains(says), "{error}");
    }
    let place = "rediss://localhost".parse().unwrap();
    let missing = Store::new(place, Some(&folder.path().join("none.pem")), PLENTY);
    assert!(missing.is_err_and(|error| error.to_string().starts_with("wx_token.ca_file: ")));
}

#[test]
fn tls_with_a_server_that_speaks_none_fails_and_with_a_silent_one_ends_in_time() {
    let server = FakeServer::raw(vec![b"-ERR Protocol error\r\n".to_vec()], Duration::ZERO);
    let error = failure(&format!("rediss://127.0.0.1:{}", server.port));
    assert!(matches!(error, StoreError::Tls { .. }), "{error}");
    assert!(error.to_string().contains("does not speak TLS. Check wx_token.store"), "{error}");

    let server = FakeServer::raw(Vec::new(), Duration::ZERO);
    let error = failure(&format!("rediss://127.0.0.1:{}", server.port));
    assert!(matches!(error, StoreError::Tls { .. }), "{error}");

    let hung = FakeServer::raw(vec![Vec::new()], PLENTY);
    let store = store(&format!("rediss://127.0.0.1:{}", hung.port));
    let error = eval(&store, Duration::from_millis(100)).expect_err("silence");
    assert!(matches!(error, StoreError::Timeout { stage: Stage::Handshake, .. }), "{error}");
}
