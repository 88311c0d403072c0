//! Malicious token sources, and machines in the middle.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

use serde_json::json;
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, GET};
use wx_token_testing::{World, until};

/// A server that talks HTTP as badly as it likes to its first client.
struct Rogue {
    address: SocketAddr,
    sent: JoinHandle<usize>,
}

impl Rogue {
    /// Answers the first request with `head`, and then with `rest` over and over: until the client has
    /// gone, or `most` bytes are sent.
    fn start(head: &str, rest: &str, most: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
        let address = listener.local_addr().expect("an address");
        let (head, rest) = (head.to_owned(), rest.repeat(1 + 16 * 1024 / rest.len().max(1)));
        let sent = thread::spawn(move || {
            let (mut client, _) = listener.accept().expect("a client");
            read_request(&mut client);
            let mut sent = 0;
            let mut next = head.as_bytes();
            while sent < most && !next.is_empty() {
                match client.write(next) {
                    Ok(length) => sent += length,
                    Err(_) => break,
                }
                next = rest.as_bytes();
            }
            sent
        });
        Self { address, sent }
    }

    /// A call that asks this server, with all the time it wants.
    fn ask(&self, world: &mut World) -> Answer {
        world.set("api_base", &format!("http://{}", self.address));
        world.set("timeout", "20");
        world.write_expired();
        world.call()
    }
}

fn read_request(client: &mut TcpStream) {
    let mut request = Vec::new();
    let mut buffer = [0; 1024];
    while !request.ends_with(b"}") {
        let length = client.read(&mut buffer).expect("a request");
        assert_ne!(length, 0, "the request breaks off");
        request.extend_from_slice(&buffer[..length]);
    }
}

const TEN_GB: usize = 10_000_000_000;

/// What a client that reads no more may still take from a server: the buffers of the kernel.
const BUFFERS: usize = 32 << 20;

#[test]
fn of_ten_gigabytes_only_the_largest_answer_is_read() {
    let name = "x".repeat(1000);
    let interim = "HTTP/1.1 100 Continue\r\n\r\n";
    for (what, head, rest) in [
        ("body", format!("HTTP/1.1 200 OK\r\nContent-Length: {TEN_GB}\r\n\r\n"), "x".to_owned()),
        (
            "chunked body",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
            format!("3e8\r\n{name}\r\n"),
        ),
        ("token", "HTTP/1.1 200 OK\r\n\r\n{\"access_token\":\"".to_owned(), "t".to_owned()),
        ("headers", "HTTP/1.1 200 OK\r\n".to_owned(), format!("{name}: 1\r\n")),
        ("one header", "HTTP/1.1 200 OK\r\nx: ".to_owned(), "x".to_owned()),
        ("status line", "HTTP/1.1 200 ".to_owned(), "x".to_owned()),
        ("interim answers", interim.to_owned(), interim.to_owned()),
        ("redirect", format!("HTTP/1.1 302 Found\r\nContent-Length: {TEN_GB}\r\n\r\n"), "x".into()),
    ] {
        let mut world = World::new(Options::default());
        let rogue = Rogue::start(&head, &rest, TEN_GB);
        let answer = rogue.ask(&mut world);
        assert_eq!(answer.class(), "WxToken\\NetworkException", "{what}: {}", answer.message());
        let sent = rogue.sent.join().expect("the server ends");
        assert!(sent < BUFFERS, "{what}: {sent} bytes of it were taken");
    }
}

#[test]
fn a_handshake_that_never_comes_ends_at_the_time_limit_and_sends_no_secret() {
    let mut world = World::new(Options::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = listener.local_addr().expect("an address");
    world.set("api_base", &format!("https://{address}"));
    world.set("connect_timeout", "0.3");
    world.set("timeout", "1");
    let heard = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut heard = Vec::new();
        let _ = client.read_to_end(&mut heard);
        heard
    });
    let answer = world.call();
    assert_eq!(answer.class(), "WxToken\\NetworkException", "{}", answer.message());
    let heard = heard.join().expect("the client has hung up");
    let secret = Options::default().secret;
    assert!(!heard.is_empty(), "it began with TLS");
    assert!(!heard.windows(secret.len()).any(|part| part == secret.as_bytes()));
}

#[test]
fn a_redirect_sends_no_secret_to_another_host() {
    let trap = World::new(Options::default());
    let elsewhere = format!("{}/cgi-bin/stable_token", trap.emulator.base_url());
    for status in [301, 302, 303, 307, 308] {
        let mut world = World::new(Options::default());
        let head = format!(
            "HTTP/1.1 {status} Elsewhere\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = Rogue::start(&head, "", TEN_GB).ask(&mut world);
        let reason = format!("HTTP status {status}");
        assert!(answer.message().contains(&reason), "{}", answer.message());
    }
    assert_eq!(trap.emulator.stats().connections, 0);
}

#[test]
fn an_invalid_token_is_neither_returned_nor_stored() {
    for token in [
        json!("line\nbreak"),
        json!("nul\0byte"),
        json!("\u{1b}[2J"),
        json!("with space"),
        json!("令牌"),
        json!(""),
        json!("x".repeat(5000)),
        json!("x".repeat(10_000_000)),
        json!(12345),
        json!(null),
        json!(["a"]),
    ] {
        let world = World::new(Options::default());
        world.write_expired();
        let shown: String = token.to_string().chars().take(40).collect();
        world.emulator.script_json(json!([{"access_token": token}])).expect("a script");
        let answer = world.call();
        assert_eq!(answer.class(), "WxToken\\NetworkException", "{shown}: {}", answer.message());
        assert_eq!(world.stored()["access_token"], "an-old-token", "{shown}");
    }
}

/// A file that a web server would run, should it be asked for it.
#[test]
fn no_answer_of_a_source_is_run_as_php() {
    let code = "<?=print(6*7)?>";
    for answer in [
        json!({"errcode": 40013, "errmsg": code}),
        json!({"access_token": code}),
        json!({"status": 500, "body": code}),
        json!({"body": code}),
    ] {
        let world = World::new(Options::default());
        world.emulator.script_json(json!([answer])).expect("a script");
        let file = world.dir.path().join("token.php");
        fs::write(&file, r#"{"access_token":"old","expire":5}"#).expect("a file");
        world.php().call(&file, GET);
        let written = fs::read(&file).expect("a file");
        let run = world.php().command().arg(&file).output().expect("php runs");
        assert_ne!(written, br#"{"access_token":"old","expire":5}"#, "{answer} left a trace");
        let (run, written) = (run.stdout, written);
        assert_eq!(String::from_utf8_lossy(&run), String::from_utf8_lossy(&written), "{answer}");
    }
}

#[test]
fn slow_headers_end_at_the_time_limit() {
    let mut world = World::new(Options::default());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a socket");
    world.set("api_base", &format!("http://{}", listener.local_addr().expect("an address")));
    world.set("timeout", "1");
    let dripping = thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let mut drops = "HTTP/1.1 200 OK\r\n".bytes().chain(std::iter::repeat(b'x'));
        // Ends when the client has gone. The pause is the drip.
        while client.write_all(&[drops.next().unwrap_or_default()]).is_ok() {
            thread::sleep(std::time::Duration::from_millis(20));
        }
    });
    let answer = world.call();
    assert!(answer.message().contains("did not answer within 1 s"), "{}", answer.message());
    until("the client has hung up", || dripping.is_finished());
}
