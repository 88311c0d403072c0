//! A way to a Redis that a test spoils while machines use it: late, cut, one way only, or not at all.
//!
//! It tells the scripts of the store apart, and can hold one before it runs or before its answer arrives: a test
//! then acts at exactly that step.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;

use crate::until;

/// A script of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Script {
    Take,
    Put,
    Fail,
    Sync,
}

/// The script and how its first comment begins.
const COMMENTS: [(Script, &str); 4] = [
    (Script::Take, "-- Asks for a token"),
    (Script::Put, "-- Stores a token"),
    (Script::Fail, "-- Ends my turn"),
    (Script::Sync, "-- Compares my token"),
];

impl Script {
    fn of(request: &[u8]) -> Option<Self> {
        let has = |text: &str| request.windows(text.len()).any(|part| part == text.as_bytes());
        COMMENTS.into_iter().find(|(_, comment)| has(comment)).map(|(script, _)| script)
    }
}

/// What happens to what passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Open,
    /// Each part of an answer comes so much later.
    Delay(Duration),
    /// The connection ends after so many bytes of the answer.
    Cut(usize),
    /// Requests do not arrive, and nobody says so.
    Swallow,
    /// Requests arrive, their answers do not.
    OneWay,
    /// Who sends a request gets an RST.
    Reset,
}

/// Where one script is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Point {
    /// It has been sent, and has not arrived.
    Before(Script),
    /// It has run, and its answer has not arrived.
    After(Script),
}

#[derive(Default)]
enum Gate {
    #[default]
    Open,
    Armed(Point),
    Held,
    /// The held connection goes on in this way.
    Released(Way),
}

struct State {
    way: Way,
    /// Whom it concerns; without one, all.
    only: Option<Script>,
    gate: Gate,
    seen: Vec<Script>,
    connections: u64,
    is_closed: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    redis: SocketAddr,
}

/// One connection, for one exchange.
#[derive(Default)]
struct Exchange {
    script: OnceLock<Script>,
    /// Of this one alone.
    way: OnceLock<Way>,
}

/// A proxy on loopback; it ends when dropped.
pub struct Proxy {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Proxy {
    /// A proxy for the server at this port of loopback.
    pub fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let state = State {
            way: Way::Open,
            only: None,
            gate: Gate::Open,
            seen: Vec::new(),
            connections: 0,
            is_closed: false,
        };
        let redis = SocketAddr::from(([127, 0, 0, 1], port));
        let (state, changed) = (Mutex::new(state), Condvar::new());
        let shared = Arc::new(Shared { state, changed, redis });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || of_thread.serve(&listener));
        Self { shared, address }
    }

    pub fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    /// From now on, for all.
    pub fn set(&self, way: Way) {
        let mut state = self.shared.state();
        (state.way, state.only) = (way, None);
    }

    /// From now on, for this script; all others pass.
    pub fn set_for(&self, script: Script, way: Way) {
        let mut state = self.shared.state();
        (state.way, state.only) = (way, Some(script));
    }

    /// The next one that comes there waits. Those after it pass.
    pub fn hold(&self, point: Point) {
        self.shared.state().gate = Gate::Armed(point);
    }

    pub fn until_held(&self) {
        until("a script is held", || matches!(self.shared.state().gate, Gate::Held));
    }

    /// The one that waits goes on, in this way.
    pub fn release(&self, way: Way) {
        self.shared.state().gate = Gate::Released(way);
        self.shared.changed.notify_all();
    }

    /// How many connections there were.
    pub fn connections(&self) -> u64 {
        self.shared.state().connections
    }

    /// How often this script was sent.
    pub fn count(&self, script: Script) -> usize {
        self.shared.state().seen.iter().filter(|seen| **seen == script).count()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.state().is_closed = true;
        self.release(Way::Reset);
        // The thread waits for a connection.
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread of the proxy panicked")
    }

    fn serve(self: &Arc<Self>, listener: &TcpListener) {
        for client in listener.incoming().flatten() {
            let mut state = self.state();
            if state.is_closed {
                return;
            }
            state.connections += 1;
            drop(state);
            // A server that is dead ends its client's connection.
            let Ok(server) = TcpStream::connect(self.redis) else { continue };
            let exchange = Arc::new(Exchange::default());
            let ends = || Some((client.try_clone().ok()?, server.try_clone().ok()?));
            let (Some(there), Some(back)) = (ends(), ends()) else { continue };
            let (shared, of_thread) = (Arc::clone(self), Arc::clone(&exchange));
            thread::spawn(move || shared.carry_requests(&of_thread, there.0, there.1));
            let shared = Arc::clone(self);
            thread::spawn(move || shared.carry_answers(&exchange, back.0, back.1));
        }
    }

    fn carry_requests(&self, exchange: &Exchange, mut client: TcpStream, mut server: TcpStream) {
        let mut chunk = [0; 16384];
        let mut received = Vec::new();
        while let Ok(length @ 1..) = client.read(&mut chunk) {
            received.extend_from_slice(&chunk[..length]);
            if let Some(script) = Script::of(&received)
                && exchange.script.set(script).is_ok()
            {
                self.state().seen.push(script);
                self.meet(exchange, Point::Before(script));
            }
            match self.way(exchange) {
                Way::Swallow => {}
                Way::Reset => {
                    let _ = set_socket_linger(&client, Some(Duration::ZERO));
                    let _ = server.shutdown(Shutdown::Both);
                    return;
                }
                _ if server.write_all(&chunk[..length]).is_err() => break,
                _ => {}
            }
        }
        let _ = server.shutdown(Shutdown::Write);
    }

    fn carry_answers(&self, exchange: &Exchange, mut client: TcpStream, mut server: TcpStream) {
        let mut chunk = [0; 16384];
        let mut sent = 0;
        while let Ok(length @ 1..) = server.read(&mut chunk) {
            if let Some(script) = exchange.script.get() {
                self.meet(exchange, Point::After(*script));
            }
            let passing = match self.way(exchange) {
                Way::Swallow | Way::OneWay => continue,
                Way::Reset => break,
                Way::Cut(bytes) => length.min(bytes.saturating_sub(sent)),
                Way::Delay(delay) => {
                    thread::sleep(delay);
                    length
                }
                Way::Open => length,
            };
            sent += passing;
            if client.write_all(&chunk[..passing]).is_err() || passing < length {
                break;
            }
        }
        let _ = client.shutdown(Shutdown::Both);
    }

    fn way(&self, exchange: &Exchange) -> Way {
        let state = self.state();
        let is_concerned = state.only.is_none() || state.only.as_ref() == exchange.script.get();
        let of_all = if is_concerned { state.way } else { Way::Open };
        exchange.way.get().copied().unwrap_or(of_all)
    }

    /// Waits here, if a test holds what comes to this point.
    fn meet(&self, exchange: &Exchange, point: Point) {
        let mut state = self.state();
        if !matches!(state.gate, Gate::Armed(armed) if armed == point) {
            return;
        }
        state.gate = Gate::Held;
        loop {
            state = self.changed.wait(state).expect("no thread of the proxy panicked");
            if let Gate::Released(way) = state.gate {
                state.gate = Gate::Open;
                let _ = exchange.way.set(way);
                return;
            }
        }
    }
}
