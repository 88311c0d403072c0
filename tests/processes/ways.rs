//! Ways to WeChat: what goes through a proxy and what does not, and whom a failed way concerns.

use std::net::TcpListener;

use tempfile::TempDir;
use wechat_emulator::{Options, Tls};
use wx_token_testing::World;
use wx_token_testing::name_server::{NameServer, WECHAT};
use wx_token_testing::php::{Answer, GET, Php};

/// An emulator that is found by its name, which is no loopback name, over TLS.
struct Named {
    world: World,
    server: NameServer,
    dir: TempDir,
}

impl Named {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        Self { world: World::named(WECHAT), server: NameServer::start(), dir }
    }

    fn php(&self) -> Php {
        self.server.serve(self.world.php(), self.dir.path())
    }

    fn call_with(&self, setting: &str) -> Answer {
        self.php().with(setting).call(&self.world.file(), GET)
    }
}

/// A proxy that refuses connections, by a URL with a password.
fn dead_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    format!("wx_token.proxy=http://user:not-in-the-file@{address}")
}

#[test]
fn requests_to_this_machine_do_not_use_a_proxy() {
    let trap = World::new(Options::default());
    let mut world = World::new(Options::default());
    let port = world.emulator.address().port();
    world.set("proxy", &trap.emulator.base_url());
    for host in ["127.0.0.1", "localhost", "LOCALHOST.", "api.localhost", "[::ffff:127.0.0.1]"] {
        world.write("");
        world.set("api_base", &format!("http://{host}:{port}"));
        let answer = world.call();
        assert!(world.is_live(answer.token()), "{host}");
    }
    assert_eq!(trap.emulator.stats().connections, 0, "the proxy was asked");
}

#[test]
fn tls_requests_to_this_machine_do_not_use_a_proxy() {
    let trap = World::new(Options::default());
    let tls = Tls::default();
    let mut world = World::new(Options { tls: Some(tls), ..Options::default() });
    let ca_file = world.emulator.ca_file().expect("a CA file").display().to_string();
    world.set("ca_file", &ca_file);
    world.set("proxy", &trap.emulator.base_url());
    let answer = world.call();
    assert!(world.is_live(answer.token()));
    assert_eq!(trap.emulator.stats().connections, 0, "the proxy was asked");
}

#[test]
fn requests_to_other_machines_use_the_proxy() {
    let named = Named::new();
    let trap = World::new(Options::default());
    let answer = named.call_with(&format!("wx_token.proxy={}", trap.emulator.base_url()));
    assert_eq!(answer.class(), "WxToken\\NetworkException", "{}", answer.message());
    assert!(trap.emulator.stats().connections > 0, "the proxy was passed by");
    let blamed = format!("the proxy {} did not connect to https://", trap.emulator.base_url());
    assert!(answer.message().contains(&blamed), "{}", answer.message());
    assert_eq!(named.world.fetches(), 0);
    assert_eq!(named.server.asked(), 0, "the name is the proxy's to look up");
}

#[test]
fn a_dead_proxy_of_one_process_stops_no_process_without_that_proxy() {
    let named = Named::new();
    let world = &named.world;
    world.write_expired();
    let dead = dead_proxy();
    let first = named.call_with(&dead);
    assert_eq!(first.class(), "WxToken\\NetworkException", "{}", first.message());
    let address = dead.rsplit('@').next().expect("an address");
    let blamed = format!("cannot connect to the proxy http://{address} on the way to https://");
    assert!(first.message().contains(&blamed), "{}", first.message());
    assert!(!first.message().contains("not-in-the-file"), "{}", first.message());
    assert!(!first.message().contains("user"), "{}", first.message());
    world.prolong_pause();
    let record = world.stored()["wx_token"].clone();
    assert_eq!(record["failures"], 1);
    assert!(record["way"].is_string(), "{record}");
    assert!(!record.to_string().contains("not-in-the-file"), "{record}");

    // A process with the same proxy gets the same failure without an attempt.
    let second = named.call_with(&dead);
    let retry_at = record["retry_at_ms"].as_u64().expect("a time") / 1000;
    assert_eq!(*second.property("retryAt"), retry_at);
    assert_eq!(world.stored()["wx_token"], record, "nobody tried again");

    let answer = named.call_with("wx_token.proxy=");
    assert!(world.is_live(answer.token()));
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_rejected_ip_address_stops_no_other_route() {
    let named = Named::new();
    let world = &named.world;
    world.write_expired();
    // The emulator rejects every request, as WeChat does from an IP address that is not on the whitelist.
    let blocked = "192.0.2.1".parse().expect("an address");
    world.emulator.change(|options| options.allow_ip = vec![blocked]);
    let first = named.call_with("wx_token.proxy=");
    assert_eq!(first.property("code"), 40164, "{}", first.message());
    let again = named.call_with("wx_token.proxy=");
    assert_eq!(again.property("code"), 40164);
    assert_eq!(world.fetches(), 1, "the same way is not tried again");
    let other = named.call_with(&dead_proxy());
    assert_eq!(other.class(), "WxToken\\NetworkException", "it tried: {}", other.message());
}
