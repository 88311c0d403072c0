//! Servers that lie, stall, flood and break off.

use std::os::unix::net::UnixListener;
use std::time::Duration;

use super::*;
use crate::store::fake_server::{FakeServer, closed_port};
use crate::store::reply::{LIMITS, Reply};

/// Long enough for a busy machine.
const PLENTY: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(150);

fn node(port: u16) -> Node {
    Node::Tcp(Address { host: "127.0.0.1".into(), port })
}

/// The answer of `at` to PING.
fn ping(at: &Node, limit: Duration) -> Result<Answer, StoreError> {
    let mut connection = Connection::open(at, None, Instant::now() + limit)?;
    connection.send(&[&[b"PING"]])?;
    connection.answer(LIMITS)
}

fn answer_of(bytes: &[u8]) -> Result<Answer, StoreError> {
    ping(&node(FakeServer::raw(vec![bytes.to_vec()], Duration::ZERO).port), PLENTY)
}

/// What is wrong after `SHORT`, but not much later.
fn late(at: &Node) -> StoreError {
    let began = Instant::now();
    let error = ping(at, SHORT).expect_err("no answer");
    assert!(began.elapsed() >= SHORT, "{error}");
    assert!(began.elapsed() < SHORT * 10, "{error} after {:?}", began.elapsed());
    error
}

#[test]
fn an_answer_comes_in_pieces_of_any_size() {
    let pong = Answer::Reply(Reply::Bytes(b"PONG".to_vec()));
    assert_eq!(answer_of(b"+PONG\r\n").unwrap(), pong);
    let pieces = b"+PONG\r\n".iter().map(|&byte| vec![byte]).collect();
    let server = FakeServer::raw(pieces, Duration::from_millis(2));
    assert_eq!(ping(&node(server.port), PLENTY).unwrap(), pong);
    let long = "x".repeat(60_000);
    let answer = answer_of(format!("$60000\r\n{long}\r\n").as_bytes()).unwrap();
    assert_eq!(answer, Answer::Reply(Reply::Bytes(long.into())));
}

#[test]
fn what_is_no_reply_or_too_large_is_malformed() {
    for bytes in [
        "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(),
        "\u{15}\u{3}\u{3}".to_owned(),
        "$1073741824\r\n".to_owned(),
        "*1073741824\r\n".to_owned(),
        "*1\r\n".repeat(10_000),
        format!("+{}", "x".repeat(1_000_000)),
    ] {
        let error = answer_of(bytes.as_bytes()).expect_err(&bytes);
        assert!(matches!(error, StoreError::Malformed { .. }), "{error}");
    }
}

#[test]
fn a_server_that_closes_is_told_and_its_last_words_are_heard() {
    for bytes in ["", "+PON", "$5\r\nab"] {
        let error = answer_of(bytes.as_bytes()).expect_err(bytes);
        assert!(matches!(error, StoreError::Broken { .. }), "{error}");
    }
    let full = "ERR max number of clients reached";
    let answer = answer_of(format!("-{full}\r\n").as_bytes()).unwrap();
    assert_eq!(answer, Answer::Error(full.to_owned()));
}

#[test]
fn a_server_that_stalls_or_drips_costs_no_more_than_the_time_limit() {
    let silent = late(&node(FakeServer::silent().port));
    assert!(matches!(silent, StoreError::Timeout { stage: Stage::Answer, .. }), "{silent}");
    // A string that never ends, a byte at a time.
    let drip = FakeServer::raw(vec![b"+".to_vec(); 10_000], Duration::from_millis(5));
    let dripping = late(&node(drip.port));
    assert!(matches!(dripping, StoreError::Timeout { stage: Stage::Answer, .. }), "{dripping}");
}

#[test]
fn where_nobody_listens_that_is_told_at_once() {
    for at in [node(closed_port()), Node::Unix("/nonexistent/redis.sock".into())] {
        let error = ping(&at, PLENTY).expect_err("no server");
        assert!(matches!(error, StoreError::Connect { .. }), "{error}");
        assert!(error.to_string().contains(&at.to_string()), "{error}");
    }
}

#[test]
fn a_host_without_an_address_is_told() {
    let at = Node::Tcp(Address { host: "-".into(), port: 1 });
    let error = ping(&at, Duration::ZERO).expect_err("no address");
    assert!(matches!(error, StoreError::Lookup { .. }), "{error}");
}

#[test]
fn a_unix_socket_is_connected_to_and_one_with_a_full_queue_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    FakeServer::start_unix(&path, |_| "+PONG\r\n".to_owned());
    assert!(ping(&Node::Unix(path), PLENTY).is_ok());

    let path = folder.path().join("full");
    let listener = UnixListener::bind(&path).unwrap();
    // A queue for one.
    rustix::net::listen(&listener, 0).unwrap();
    let first = Socket::unix_stream(&path, Instant::now() + PLENTY).unwrap();
    let full = late(&Node::Unix(path.clone()));
    assert!(matches!(full, StoreError::Timeout { stage: Stage::Connect, .. }), "{full}");
    drop(first);
}

#[test]
fn the_time_is_shared_evenly() {
    let now = Instant::now();
    let deadline = now + Duration::from_secs(100);
    let until = share(deadline, 4) - now;
    assert!((24..=26).contains(&until.as_secs()), "{until:?}");
    assert!(share(deadline, 0) >= deadline - Duration::from_secs(1));
    assert!(share(now, 3) >= now);
}
