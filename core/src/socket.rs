//! Sockets of a worker: every wait ends at a deadline, and the child of a fork keeps none of them.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags, SocketType, sockopt,
};

use crate::descriptor::Unshared;

/// A way to whoever receives datagrams at `path`. It waits for nothing: what has no room is an error.
pub fn unix_datagram(path: &str) -> io::Result<Unshared<UnixDatagram>> {
    let socket = Unshared::open(UnixDatagram::unbound)?;
    socket.set_nonblocking(true)?;
    socket.connect(path)?;
    Ok(socket)
}

#[derive(Debug)]
pub struct Socket(Unshared<OwnedFd>);

/// A peer that has gone must not raise SIGPIPE.
const SEND: SendFlags = SendFlags::NOSIGNAL;

/// How often a Unix socket is tried again whose queue is full: poll(2) does not wait for room there.
const PAUSE: Duration = Duration::from_millis(1);

impl Socket {
    /// A TCP connection to `address`, made until `deadline`; else [`ErrorKind::TimedOut`].
    pub fn stream(address: SocketAddr, deadline: Instant) -> io::Result<Self> {
        let socket = Self::new(family(address), SocketType::STREAM)?;
        loop {
            match rustix::net::connect(&*socket.0, &address) {
                Ok(()) | Err(Errno::ISCONN) => break,
                Err(Errno::INTR) => {}
                Err(Errno::INPROGRESS | Errno::ALREADY) => {
                    socket.wait(PollFlags::OUT, deadline)?;
                    sockopt::socket_error(&*socket.0)??;
                    break;
                }
                Err(error) => return Err(error.into()),
            }
        }
        // Only faster: small messages are sent at once.
        let _ = sockopt::set_tcp_nodelay(&*socket.0, true);
        Ok(socket)
    }

    /// A connection to the Unix socket at `path`, made until `deadline`; else [`ErrorKind::TimedOut`].
    pub fn unix_stream(path: &Path, deadline: Instant) -> io::Result<Self> {
        let address = SocketAddrUnix::new(path)?;
        let socket = Self::new(AddressFamily::UNIX, SocketType::STREAM)?;
        loop {
            match rustix::net::connect(&*socket.0, &address) {
                Ok(()) | Err(Errno::ISCONN) => return Ok(socket),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let remaining = deadline.saturating_duration_since(Instant::now());
                    if remaining.is_zero() {
                        return Err(ErrorKind::TimedOut.into());
                    }
                    thread::sleep(PAUSE.min(remaining));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// A UDP socket that sends to `address`, from a port that the kernel picks at random, and receives
    /// from there alone.
    pub fn datagram(address: SocketAddr) -> io::Result<Self> {
        let socket = Self::new(family(address), SocketType::DGRAM)?;
        rustix::io::retry_on_intr(|| rustix::net::connect(&*socket.0, &address))?;
        Ok(socket)
    }

    fn new(family: AddressFamily, kind: SocketType) -> io::Result<Self> {
        Unshared::open(|| open(family, kind)).map(Self)
    }

    pub fn send(&self, bytes: &[u8], deadline: Instant) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::net::send(&*self.0, rest, SEND) {
                Ok(sent) => rest = rest.get(sent..).unwrap_or_default(),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::OUT, deadline)?,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Receives what is there, or comes until `deadline`. Nothing is the end of a stream.
    pub fn receive(&self, buffer: &mut [u8], deadline: Instant) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&*self.0, &mut *buffer, RecvFlags::empty()) {
                Ok((received, _)) => return Ok(received),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => self.wait(PollFlags::IN, deadline)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn wait(&self, what: PollFlags, deadline: Instant) -> io::Result<()> {
        wait(&mut [PollFd::new(&*self.0, what)], deadline)
    }
}

/// Waits until one of `sockets` has something to receive, an error perhaps; tells which have.
pub fn wait_for_any<'a>(
    sockets: impl Iterator<Item = &'a Socket>,
    deadline: Instant,
) -> io::Result<Vec<bool>> {
    let mut polled: Vec<_> = sockets.map(|socket| PollFd::new(&*socket.0, PollFlags::IN)).collect();
    wait(&mut polled, deadline)?;
    Ok(polled.iter().map(|socket| !socket.revents().is_empty()).collect())
}

fn wait(polled: &mut [PollFd<'_>], deadline: Instant) -> io::Result<()> {
    loop {
        let remaining = deadline.saturating_duration_since(Instant::now());
        // Even of a socket that poll(2) says is ready: it may have nothing all the same, time and again (BUGS in select(2)).
        if remaining.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        let limit = Timespec::try_from(remaining).map_err(io::Error::other)?;
        match poll(polled, Some(&limit)) {
            Ok(0) | Err(Errno::INTR) => {}
            Ok(_) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

const fn family(address: SocketAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 }
}

/// Nothing is waited for in a call on it.
#[allow(clippy::disallowed_methods, reason = "called by `Unshared::open` alone")]
fn open(family: AddressFamily, kind: SocketType) -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(family, kind, flags, None)?)
}
