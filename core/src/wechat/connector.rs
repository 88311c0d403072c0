//! Connections for ureq, over sockets that the child of a fork does not keep.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use ureq::unversioned::transport::{
    Buffers, ConnectProxyConnector, ConnectionDetails, Connector, Either, LazyBuffers, NextTimeout,
    Transport, TransportAdapter,
};
use ureq::{Error, Timeout};

use crate::names::LookupError;
use crate::socket::Socket;

/// Why there is no connection: no request was sent.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{0}")]
    Lookup(LookupError),
    #[error("{}", if .0.kind() == ErrorKind::TimedOut {
        "no connection in time, see wx_token.connect_timeout".to_owned()
    } else {
        .0.to_string()
    })]
    Connect(io::Error),
    /// The proxy did not connect: what it or the system says.
    #[error("{0}")]
    Proxy(String),
    #[error("{0}")]
    Tls(io::Error),
}

impl From<ConnectError> for Error {
    fn from(error: ConnectError) -> Self {
        Self::Other(error.into())
    }
}

/// Connects directly or through a proxy, and speaks TLS where the URL says so. Failures of the proxy and of
/// the handshake are told from those of an answer.
pub fn connector(tls: Option<Arc<ClientConfig>>) -> impl Connector {
    let tunnel = Told(ConnectProxyConnector::default(), |error| match error {
        Error::ConnectProxyFailed(reason) => ConnectError::Proxy(reason).into(),
        Error::Io(error) => ConnectError::Proxy(error.to_string()).into(),
        other => other,
    });
    let tls = Told(TlsConnector(tls), |error| match error {
        Error::Io(error) => ConnectError::Tls(error).into(),
        other => other,
    });
    // A connection to a proxy is made by the same chain.
    ().chain(tunnel).chain(TcpConnector).chain(tls)
}

#[derive(Debug)]
struct Told<C>(C, fn(Error) -> Error);

impl<In: Transport, C: Connector<In>> Connector<In> for Told<C> {
    type Out = C::Out;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        self.0.connect(details, chained).map_err(self.1)
    }
}

#[derive(Debug)]
struct TcpConnector;

impl<In: Transport> Connector<In> for TcpConnector {
    type Out = Either<In, TcpTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        if let Some(tunnel) = chained {
            return Ok(Some(Either::A(tunnel)));
        }
        let deadline = deadline(details.timeout);
        let mut first_error = None;
        let mut addresses = details.addrs.iter().peekable();
        while let Some(&address) = addresses.next() {
            let now = Instant::now();
            let remaining = deadline.saturating_duration_since(now);
            // An address that does not answer leaves time for the next.
            let limit = if addresses.peek().is_some() { now + remaining / 2 } else { deadline };
            match Socket::stream(address, limit) {
                Ok(socket) => {
                    let buffers = buffers(details);
                    return Ok(Some(Either::B(TcpTransport { socket, buffers })));
                }
                // Of several the first says most: it is the one for IPv4.
                Err(error) => drop(first_error.get_or_insert(error)),
            }
        }
        let error = first_error.unwrap_or_else(|| ErrorKind::AddrNotAvailable.into());
        Err(ConnectError::Connect(error).into())
    }
}

#[derive(Debug)]
struct TcpTransport {
    socket: Socket,
    buffers: LazyBuffers,
}

impl Transport for TcpTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        self.socket.send(output, deadline(timeout)).map_err(|error| broken(error, timeout.reason))
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        let received = self.socket.receive(self.buffers.input_append_buf(), deadline(timeout));
        let amount = received.map_err(|error| broken(error, timeout.reason))?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    /// Asked before a connection is used again, which none is.
    fn is_open(&mut self) -> bool {
        false
    }
}

/// Speaks TLS where the URL says so, over whatever connection there is.
#[derive(Debug)]
struct TlsConnector(Option<Arc<ClientConfig>>);

impl<In: Transport> Connector<In> for TlsConnector {
    type Out = Either<In, TlsTransport>;

    fn connect(
        &self,
        details: &ConnectionDetails<'_>,
        chained: Option<In>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(below) = chained else { return Ok(None) };
        let config = match &self.0 {
            Some(config) if details.needs_tls() && !below.is_tls() => Arc::clone(config),
            // ureq lets no request for https through here.
            _ => return Ok(Some(Either::A(below))),
        };
        let host = details.uri.host().ok_or(Error::HostNotFound)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let mut tls = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut below = TransportAdapter::new(below.boxed(), details.current_time.clone());
        below.set_timeout(details.timeout);
        tls.complete_io(&mut below)?;
        let stream = StreamOwned::new(tls, below);
        Ok(Some(Either::B(TlsTransport { stream, buffers: buffers(details) })))
    }
}

struct TlsTransport {
    stream: StreamOwned<ClientConnection, TransportAdapter>,
    buffers: LazyBuffers,
}

impl fmt::Debug for TlsTransport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TlsTransport")
    }
}

impl Transport for TlsTransport {
    fn buffers(&mut self) -> &mut dyn Buffers {
        &mut self.buffers
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.stream.get_mut().set_timeout(timeout);
        let output = self.buffers.output().get(..amount).unwrap_or_default();
        Ok(self.stream.write_all(output)?)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.stream.get_mut().set_timeout(timeout);
        let amount = self.stream.read(self.buffers.input_append_buf())?;
        self.buffers.input_appended(amount);
        Ok(amount > 0)
    }

    fn is_open(&mut self) -> bool {
        false
    }

    fn is_tls(&self) -> bool {
        true
    }
}

fn buffers(details: &ConnectionDetails<'_>) -> LazyBuffers {
    let config = details.config;
    LazyBuffers::new(config.input_buffer_size(), config.output_buffer_size())
}

fn broken(error: io::Error, reason: Timeout) -> Error {
    if error.kind() == ErrorKind::TimedOut { Error::Timeout(reason) } else { error.into() }
}

/// The moment at which `timeout` ends. Each request has a limit; a day stands for none.
pub fn deadline(timeout: NextTimeout) -> Instant {
    const DAY: Duration = Duration::from_secs(24 * 3600);
    Instant::now() + (*timeout.after).min(DAY)
}
