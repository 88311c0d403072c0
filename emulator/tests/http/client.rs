//! HTTP clients of the emulator.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use wechat_emulator::{Emulator, Options};

/// Times out after 5 s, follows no redirect, and accepts any status.
pub fn agent() -> Agent {
    build(TlsConfig::default())
}

/// An agent that trusts the CA in `pem` and no other.
pub fn agent_trusting(pem: &[u8]) -> Agent {
    let ca = Certificate::from_pem(pem).unwrap();
    build(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[ca])).build())
}

fn build(tls: TlsConfig) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_global(Some(Duration::from_secs(5)))
        .tls_config(tls)
        .build()
        .into()
}

/// Sends a request. Returns status and body, or why there is no complete answer.
pub fn try_send(method: &str, url: &str, body: &str) -> Result<(u16, String), ureq::Error> {
    let request =
        ureq::http::Request::builder().method(method).uri(url).body(body.to_owned()).unwrap();
    let mut response = agent().run(request)?;
    let text = response.body_mut().read_to_string()?;
    Ok((response.status().as_u16(), text))
}

/// Sends a request. Returns status and JSON.
pub fn send(method: &str, url: &str, body: &str) -> (u16, Value) {
    let (status, text) = try_send(method, url, body).unwrap();
    (status, serde_json::from_str(&text).unwrap())
}

/// Calls WeChat, which always answers with JSON and HTTP status 200.
pub fn get(emulator: &Emulator, path_and_query: &str) -> Value {
    let url = format!("{}{path_and_query}", emulator.base_url());
    let (status, answer) = send("GET", &url, "");
    assert_eq!(status, 200, "{answer}");
    answer
}

pub fn post(emulator: &Emulator, path: &str, body: &Value) -> Value {
    let url = format!("{}{path}", emulator.base_url());
    let (status, answer) = send("POST", &url, &body.to_string());
    assert_eq!(status, 200, "{answer}");
    answer
}

pub fn classic_path(options: &Options) -> String {
    format!(
        "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
        options.appid, options.secret
    )
}

pub fn wecom_path(options: &Options) -> String {
    format!("/cgi-bin/gettoken?corpid={}&corpsecret={}", options.corpid, options.corpsecret)
}

pub fn classic(emulator: &Emulator) -> Value {
    get(emulator, &classic_path(&emulator.options()))
}

pub fn wecom(emulator: &Emulator) -> Value {
    get(emulator, &wecom_path(&emulator.options()))
}

pub fn stable(emulator: &Emulator, force: bool) -> Value {
    let options = emulator.options();
    let body = json!({
        "grant_type": "client_credential",
        "appid": options.appid,
        "secret": options.secret,
        "force_refresh": force,
    });
    post(emulator, "/cgi-bin/stable_token", &body)
}

/// A classic fetch whose connection may fail.
pub fn try_classic(emulator: &Emulator) -> Result<(u16, String), ureq::Error> {
    let url = format!("{}{}", emulator.base_url(), classic_path(&emulator.options()));
    try_send("GET", &url, "")
}

/// A classic fetch on a socket: sent, but not read. A read times out after 5 s.
pub fn classic_socket(emulator: &Emulator) -> TcpStream {
    let mut socket = TcpStream::connect(emulator.address()).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let path = classic_path(&emulator.options());
    write!(socket, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    socket
}

/// All bytes until the emulator closes the connection.
pub fn read_to_end(mut socket: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    bytes
}

pub fn text<'a>(answer: &'a Value, key: &str) -> &'a str {
    answer[key].as_str().unwrap_or_else(|| panic!("no {key} in {answer}"))
}

pub fn token(answer: &Value) -> &str {
    text(answer, "access_token")
}

pub fn start(options: Options) -> Emulator {
    Emulator::start(options).unwrap()
}

/// Waits for another thread, 5 s at most.
pub fn eventually(what: &str, condition: impl Fn() -> bool) {
    for _ in 0..500 {
        if condition() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("never came true: {what}");
}
