//! One connection to a server, for one exchange: name lookup, connection, TLS handshake, commands and answers
//! end at one deadline.
//!
//! None is kept for later: there is nothing to share over a fork, and no idle socket for each process.

#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind, Read, Write};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::error::{Stage, StoreError};
use super::place::{Address, Node};
use super::reply::{self, Answer, Limits, MAX_REPLY};
use crate::names;
use crate::socket::Socket;
use crate::trust::{self, Server};

pub const STORE: Server =
    Server { name: "the store", setting: "wx_token.store", own_ca: "the store" };

/// How much is received at once, in bytes.
const CHUNK: usize = 4096;

pub struct Connection<'a> {
    at: &'a Node,
    tls: Option<Box<ClientConnection>>,
    wire: Wire,
    received: Vec<u8>,
}

impl<'a> Connection<'a> {
    /// Connects to `at` until `deadline`, which holds for all that is done with the connection.
    pub fn open(
        at: &'a Node,
        tls: Option<&Arc<ClientConfig>>,
        deadline: Instant,
    ) -> Result<Self, StoreError> {
        let mut wire = Wire { socket: connect(at, deadline)?, deadline };
        let tls = match (at, tls) {
            (Node::Tcp(address), Some(config)) => {
                let tls = shake_hands(address, config, &mut wire);
                Some(Box::new(tls.map_err(|error| handshake_error(at, &error))?))
            }
            _ => None,
        };
        Ok(Self { at, tls, wire, received: Vec::new() })
    }

    /// Sends `commands` at once.
    pub fn send(&mut self, commands: &[&[&[u8]]]) -> Result<(), StoreError> {
        let bytes = commands.iter().map(|command| reply::encode(command));
        let sent = bytes.collect::<io::Result<Vec<_>>>().and_then(|bytes| {
            let bytes = bytes.concat();
            match &mut self.tls {
                Some(tls) => {
                    let mut stream = rustls::Stream::new(&mut **tls, &mut self.wire);
                    stream.write_all(&bytes)?;
                    stream.flush()
                }
                None => self.wire.write_all(&bytes),
            }
        });
        match sent {
            // A server that has too many clients says so and closes: its answer is still to be received.
            Err(error)
                if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) =>
            {
                Ok(())
            }
            sent => sent.map_err(|error| self.error(error)),
        }
    }

    /// The next answer.
    pub fn answer(&mut self, limits: Limits) -> Result<Answer, StoreError> {
        loop {
            let answer = reply::decode(&self.received, limits);
            let answer =
                answer.map_err(|why| StoreError::Malformed { at: self.at.clone(), why })?;
            if let Some((answer, length)) = answer {
                self.received.drain(..length);
                return Ok(answer);
            }
            self.receive().map_err(|error| self.error(error))?;
        }
    }

    fn receive(&mut self) -> io::Result<()> {
        let mut chunk = [0; CHUNK];
        let room = MAX_REPLY.saturating_sub(self.received.len()).min(CHUNK);
        let room = chunk.get_mut(..room).unwrap_or_default();
        let length = match &mut self.tls {
            Some(tls) => rustls::Stream::new(&mut **tls, &mut self.wire).read(room)?,
            None => self.wire.read(room)?,
        };
        if length == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.received.extend_from_slice(chunk.get(..length).unwrap_or_default());
        Ok(())
    }

    fn error(&self, error: io::Error) -> StoreError {
        let at = self.at.clone();
        if error.kind() == ErrorKind::TimedOut {
            StoreError::Timeout { at, stage: Stage::Answer }
        } else if error.get_ref().is_some_and(|error| error.is::<rustls::Error>()) {
            // With TLS 1.3 a server rejects its client only after the handshake.
            StoreError::Tls { at, why: trust::explain(&error, STORE) }
        } else {
            StoreError::Broken { at, error }
        }
    }
}

/// The moment until which one of `count` things may be waited for, so that each of them has its time.
pub fn share(deadline: Instant, count: usize) -> Instant {
    let now = Instant::now();
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    now + deadline.saturating_duration_since(now) / count
}

fn connect(at: &Node, deadline: Instant) -> Result<Socket, StoreError> {
    let socket = match at {
        Node::Unix(path) => Socket::unix_stream(path, deadline),
        Node::Tcp(Address { host, port }) => {
            let addresses = names::look_up(host, deadline)
                .map_err(|error| StoreError::Lookup { at: at.clone(), error })?;
            connect_to_any(&addresses, *port, deadline)
        }
    };
    socket.map_err(|error| match error.kind() {
        ErrorKind::TimedOut => StoreError::Timeout { at: at.clone(), stage: Stage::Connect },
        _ => StoreError::Connect { at: at.clone(), error },
    })
}

fn connect_to_any(addresses: &[IpAddr], port: u16, deadline: Instant) -> io::Result<Socket> {
    let mut first_error = None;
    for (number, &address) in addresses.iter().enumerate() {
        let until = share(deadline, addresses.len() - number);
        match Socket::stream((address, port).into(), until) {
            Ok(socket) => return Ok(socket),
            // Of several the first says most: it is the one for IPv4.
            Err(error) => drop(first_error.get_or_insert(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| ErrorKind::AddrNotAvailable.into()))
}

fn shake_hands(
    address: &Address,
    config: &Arc<ClientConfig>,
    wire: &mut Wire,
) -> io::Result<ClientConnection> {
    let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
    let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(io::Error::other)?;
    tls.complete_io(wire)?;
    Ok(tls)
}

fn handshake_error(at: &Node, error: &io::Error) -> StoreError {
    let at = at.clone();
    match error.kind() {
        ErrorKind::TimedOut => StoreError::Timeout { at, stage: Stage::Handshake },
        _ => StoreError::Tls { at, why: trust::explain(error, STORE) },
    }
}

/// The bytes below TLS, until the deadline.
struct Wire {
    socket: Socket,
    deadline: Instant,
}

impl Read for Wire {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // A peer that never stops sending makes no call wait.
        if Instant::now() >= self.deadline {
            return Err(ErrorKind::TimedOut.into());
        }
        self.socket.receive(buffer, self.deadline)
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.send(bytes, self.deadline)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
