//! https, and certificates that a client must reject.

use std::fs;

use wechat_emulator::{Options, Tls};

use crate::client::*;

fn secure(tls: Tls) -> Options {
    Options { tls: Some(tls), ..Options::default() }
}

/// Fetches a token over https as a client that trusts the emulator's CA.
fn fetch(options: Options, host: &str) -> Result<u16, ureq::Error> {
    let emulator = start(options);
    assert!(emulator.base_url().starts_with("https://127.0.0.1:"));
    let ca = fs::read(emulator.ca_file().unwrap()).unwrap();
    let port = emulator.address().port();
    let path = classic_path(&emulator.options());
    let url = format!("https://{host}:{port}{path}");
    Ok(agent_trusting(&ca).get(url).call()?.status().as_u16())
}

#[test]
fn a_client_that_trusts_the_ca_is_served() {
    assert_eq!(fetch(secure(Tls::default()), "127.0.0.1").unwrap(), 200);
    assert_eq!(fetch(secure(Tls::default()), "localhost").unwrap(), 200);
}

#[test]
fn a_client_that_does_not_trust_the_ca_rejects_it() {
    let emulator = start(secure(Tls::default()));
    let error = try_classic(&emulator).unwrap_err().to_string();
    assert!(error.contains("UnknownIssuer"), "{error}");
    assert_eq!(emulator.stats().fetches.total(), 0);
    assert_eq!(emulator.stats().connections, 1);
}

#[test]
fn a_certificate_for_another_name_is_rejected() {
    let tls = Tls { cert_names: vec!["api.weixin.qq.com".to_owned()], ..Tls::default() };
    let error = fetch(secure(tls), "127.0.0.1").unwrap_err().to_string();
    assert!(error.contains("not valid for name"), "{error}");
}

#[test]
fn an_expired_certificate_is_rejected() {
    let tls = Tls { expired: true, ..Tls::default() };
    let error = fetch(secure(tls), "127.0.0.1").unwrap_err().to_string();
    assert!(error.contains("certificate expired"), "{error}");
}

#[test]
fn the_ca_file_has_the_given_name_or_is_removed_with_the_emulator() {
    let emulator = start(secure(Tls::default()));
    let temporary = emulator.ca_file().unwrap().to_owned();
    assert!(temporary.exists());
    drop(emulator);
    assert!(!temporary.exists());

    let folder = tempfile::tempdir().unwrap();
    let named = folder.path().join("ca.pem");
    let tls = Tls { ca_out: Some(named.clone()), ..Tls::default() };
    drop(start(secure(tls)));
    let pem = fs::read_to_string(named).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");

    let plain = start(Options::default());
    assert_eq!(plain.ca_file(), None);
}
