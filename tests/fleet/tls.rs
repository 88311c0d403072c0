//! TLS to a store: whom a machine trusts, and what it says where it does not.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use tempfile::TempDir;
use wx_token_testing::World;
use wx_token_testing::php::GET;
use wx_token_testing::redis::Redis;
use wx_token_testing::server::free_port;

use crate::fleet::{EXPIRED, Fleet};

/// A CA, and what a server needs that has these names.
struct Certificates {
    dir: TempDir,
}

impl Certificates {
    fn of(names: &[&str]) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the certificates");
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key"));
        let ca = ca.expect("a CA");
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(names).expect("names");
        let server = server.signed_by(&key, &ca).expect("a certificate");
        let files = [("ca", ca.pem()), ("certificate", server.pem()), ("key", key.serialize_pem())];
        for (name, pem) in files {
            fs::write(dir.path().join(name), pem).expect("a file for a certificate");
        }
        Self { dir }
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    /// A server with further `arguments`, and its port for TLS.
    fn serve(&self, arguments: &[&str]) -> (Redis, u16) {
        let port = free_port();
        let [ca, certificate, key] = ["ca", "certificate", "key"].map(|name| self.path(name));
        let tls = [
            ["--tls-port", &port.to_string()],
            ["--tls-ca-cert-file", &ca],
            ["--tls-cert-file", &certificate],
            ["--tls-key-file", &key],
            ["--tls-auth-clients", "no"],
        ];
        (Redis::with(&[tls.as_flattened(), arguments].concat()), port)
    }
}

/// Two machines that find the store by `url`, and trust the CA at `ca_file`.
fn fleet(redis: Redis, url: &str, ca_file: &str) -> Fleet {
    let mut fleet = Fleet::at(2, World::slow(), redis, url);
    fleet.world.set("ca_file", ca_file);
    fleet.write(EXPIRED);
    fleet
}

fn assert_one_fetch_for_all(fleet: &Fleet) {
    let answers = fleet.storm(2, GET);
    fleet.assert_one_live_token(&answers);
    assert_eq!(fleet.world.fetches(), 1);
    assert_eq!(fleet.redis.run(&["dbsize"]), "1");
    for machine in 0..2 {
        assert_eq!(fleet.store_error(machine), "");
    }
}

#[test]
fn a_ca_of_the_sites_own_is_trusted() {
    let certificates = Certificates::of(&["localhost"]);
    let (redis, port) = certificates.serve(&[]);
    let url = format!("rediss://localhost:{port}");
    let fleet = fleet(redis, &url, &certificates.path("ca"));
    assert_one_fetch_for_all(&fleet);
    assert_eq!(fleet.status(0)["place"], url.as_str());
}

#[test]
fn sentinels_and_the_master_that_they_name_are_reached_by_tls() {
    let certificates = Certificates::of(&["localhost", "127.0.0.1"]);
    let (master, master_port) = certificates.serve(&[]);
    let (sentinel, port) = certificates.serve(&["--sentinel", "--tls-replication", "yes"]);
    let monitor = ["sentinel", "monitor", "site", "127.0.0.1", &master_port.to_string(), "1"];
    assert_eq!(sentinel.run(&monitor), "OK");
    let url = format!("rediss+sentinel://localhost:{port}/site");
    let fleet = fleet(master, &url, &certificates.path("ca"));
    assert_one_fetch_for_all(&fleet);
}

#[test]
fn without_trust_each_machine_fetches_by_itself_and_says_what_to_do() {
    let certificates = Certificates::of(&["localhost"]);
    let other_names = Certificates::of(&["redis.example"]);
    let ca = certificates.path("ca");
    for (what, certificates, arguments, scheme, ca_file, advice) in [
        (
            "an unknown CA",
            &certificates,
            &[][..],
            "rediss",
            "",
            "the certificate is from an unknown CA. Set wx_token.ca_file",
        ),
        (
            "the name of another host",
            &other_names,
            &[],
            "rediss",
            &other_names.path("ca"),
            "the certificate is for another host (DnsName(\"redis.example\")). Check wx_token.store",
        ),
        (
            "no certificate of the client",
            &certificates,
            &["--tls-auth-clients", "yes"],
            "rediss",
            &ca,
            "wx_token has none. Let it accept clients without one (Redis: tls-auth-clients no)",
        ),
        (
            "no TLS where the server wants it",
            &certificates,
            &[],
            "redis",
            &ca,
            "a port for TLS needs rediss://",
        ),
    ] {
        let (redis, port) = certificates.serve(arguments);
        let fleet = fleet(redis, &format!("{scheme}://localhost:{port}"), ca_file);
        let answers = fleet.storm(2, GET);
        fleet.assert_one_live_token(&answers);
        assert_eq!(fleet.world.fetches(), 2, "{what}");
        for machine in 0..2 {
            let error = fleet.store_error(machine);
            assert!(error.contains(advice), "{what}: {error}");
        }
    }
}

#[test]
fn a_store_is_used_as_soon_as_it_is_trusted() {
    let certificates = Certificates::of(&["localhost"]);
    let (redis, port) = certificates.serve(&[]);
    let mut fleet = fleet(redis, &format!("rediss://localhost:{port}"), "");
    let token = fleet.call(0).token().to_owned();
    assert_ne!(fleet.store_error(0), "");
    fleet.world.set("ca_file", &certificates.path("ca"));
    fleet.forget();
    // The first gives the store its token, of which the second has heard nothing.
    assert_eq!(fleet.call(0).token(), token);
    assert_eq!(fleet.store_error(0), "");
    assert_eq!(fleet.call(1).token(), token);
    assert_eq!(fleet.world.fetches(), 1);
}

#[test]
fn a_server_without_tls_is_told_from_one_with_it() {
    let redis = Redis::start();
    let url = format!("rediss://127.0.0.1:{}", redis.port);
    let fleet = fleet(redis, &url, "");
    let token = fleet.call(0).token().to_owned();
    assert!(fleet.world.is_live(&token));
    let error = fleet.store_error(0);
    // It waits for the end of what it takes for a command.
    let told = "did not complete the TLS handshake in time. Check that this is its port for TLS";
    assert!(error.contains(told), "{error}");
}
