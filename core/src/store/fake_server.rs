//! A server that says what a test wants. It stops with the test process.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::reply::{Answer, Limits, Reply, decode};

pub struct FakeServer {
    pub port: u16,
    heard: Heard,
}

/// The commands that came, each with its words in one text.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn push(&self, command: String) {
        self.0.lock().unwrap().push(command);
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

impl FakeServer {
    /// Calls `serve` for each connection.
    fn serve(serve: impl Fn(TcpStream, &Heard) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, serve) = (Heard::default(), Arc::new(serve));
        let server = Self { port, heard: heard.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (serve, heard) = (Arc::clone(&serve), heard.clone());
                thread::spawn(move || serve(stream.unwrap(), &heard));
            }
        });
        server
    }

    /// Answers each command as `answer` says.
    pub fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self::serve(move |stream, heard| converse(stream, heard, &answer))
    }

    pub fn start_tls(
        config: Arc<ServerConfig>,
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::serve(move |stream, heard| {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            converse(StreamOwned::new(tls, stream), heard, &answer);
        })
    }

    /// Answers each command as `answer` says, at the socket `path`.
    pub fn start_unix(path: &Path, answer: impl Fn(&str) -> String + Send + 'static) -> Heard {
        let listener = UnixListener::bind(path).unwrap();
        let heard = Heard::default();
        let server = heard.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                converse(stream.unwrap(), &server, &answer);
            }
        });
        heard
    }

    /// Sends `pieces`, with a pause after each, whatever comes, and closes.
    pub fn raw(pieces: Vec<Vec<u8>>, pause: Duration) -> Self {
        Self::serve(move |mut stream, _| {
            // Bytes that nobody has read would reset the connection when it is closed.
            let mut reader = stream.try_clone().unwrap();
            thread::spawn(
                move || while reader.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {},
            );
            for piece in &pieces {
                if stream.write_all(piece).is_err() {
                    return;
                }
                thread::sleep(pause);
            }
            // The clone keeps the connection open.
            let _ = stream.shutdown(Shutdown::Write);
        })
    }

    /// Accepts connections, and neither answers nor closes.
    pub fn silent() -> Self {
        Self::start(|_| String::new())
    }

    pub fn heard(&self) -> Vec<String> {
        self.heard.all()
    }
}

fn converse(mut stream: impl Read + Write, heard: &Heard, answer: impl Fn(&str) -> String) {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(length) = stream.read(&mut chunk) {
        if length == 0 {
            return;
        }
        received.extend_from_slice(&chunk[..length]);
        let limits = Limits { depth: 1, elements: 64 };
        let mut answers = String::new();
        while let Some((command, length)) = decode(&received, limits).unwrap() {
            received.drain(..length);
            let command = text(command);
            answers += &answer(&command);
            heard.push(command);
        }
        if stream.write_all(answers.as_bytes()).is_err() || stream.flush().is_err() {
            return;
        }
    }
}

fn text(command: Answer) -> String {
    let Answer::Reply(Reply::Array(words)) = command else { panic!("{command:?}") };
    let word = |word| match word {
        Reply::Bytes(bytes) => String::from_utf8(bytes).unwrap(),
        other => panic!("{other:?}"),
    };
    words.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A port where nothing listens.
pub fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
