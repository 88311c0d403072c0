//! A stub resolver's part of DNS (RFC 1034, 5.3.1): it asks recursive name servers and believes them.
//!
//! Both kinds of address are asked for at once, each from a socket and port of its own. Servers are asked
//! in turn. A server that is late is still listened to while the next one is asked, so that a wait can
//! be short, and every server is asked before the time is up.

mod message;
#[cfg(test)]
mod tests;

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use rustix::rand::GetRandomFlags;
use simple_dns::Name;

use self::message::{Kind, Reply};
use super::address::{LookupError, in_order};
use super::config::Config;
use crate::socket::{Socket, wait_for_any};

/// How long an answer for IPv6 is waited for once there are addresses of IPv4. RFC 8305, 3, has a like
/// delay of 50 ms.
const SECOND_FAMILY: Duration = Duration::from_millis(200);

/// The longest answer by UDP that is read, in bytes: without EDNS it has 512 at most.
const MAX_DATAGRAM: usize = 4096;

/// The addresses that the name servers of `config` have for `host`, asked until `deadline`.
pub fn look_up(host: &str, config: &Config, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
    for candidate in config.candidates(host) {
        // What is no name in DNS is not known to it.
        let Ok(name) = Name::new(&candidate) else { continue };
        let mut lookup = Lookup::new(name, config, deadline);
        match lookup.run() {
            Some(addresses) if addresses.is_empty() => {}
            Some(addresses) => return Ok(addresses),
            None => {
                let servers = lookup.outcomes();
                return Err(LookupError::NoAnswer { host: host.to_owned(), servers });
            }
        }
    }
    Err(LookupError::Unknown { host: host.to_owned() })
}

struct Query {
    server: usize,
    kind: Kind,
    id: u16,
    socket: Socket,
}

struct Lookup<'a> {
    name: Name<'a>,
    config: &'a Config,
    deadline: Instant,
    /// Asked, and neither answered nor given up.
    open: Vec<Query>,
    ipv4: Option<Vec<IpAddr>>,
    ipv6: Option<Vec<IpAddr>>,
    ipv4_came: Option<Instant>,
    /// What last came of asking each server, if that was no answer.
    outcomes: Vec<Option<String>>,
}

impl<'a> Lookup<'a> {
    fn new(name: Name<'a>, config: &'a Config, deadline: Instant) -> Self {
        Self {
            name,
            config,
            deadline,
            open: Vec::new(),
            ipv4: None,
            ipv6: (!config.ipv6).then(Vec::new),
            ipv4_came: None,
            outcomes: vec![None; config.servers.len()],
        }
    }

    /// The addresses of the name, of which there may be none; `None` if no server says.
    fn run(&mut self) -> Option<Vec<IpAddr>> {
        let asks = self.asks();
        for (number, &server) in asks.iter().enumerate() {
            let now = Instant::now();
            let remaining = self.deadline.saturating_duration_since(now);
            if remaining.is_zero() {
                break;
            }
            // Evenly spread, so that each server is asked.
            let left = u32::try_from(asks.len() - number).unwrap_or(u32::MAX);
            let until = now + self.config.timeout.min(remaining / left);
            self.ask(server, until);
            let is_last = left == 1;
            self.listen(until, |query| is_last || query.server == server);
            if self.is_complete() {
                break;
            }
        }
        match (self.ipv4.take(), self.ipv6.take()) {
            (Some(ipv4), Some(ipv6)) => Some(in_order(ipv4, ipv6)),
            (Some(some), None) | (None, Some(some)) if !some.is_empty() => {
                Some(in_order(some, Vec::new()))
            }
            _ => None,
        }
    }

    /// The servers in the order in which they are asked, all of them several times.
    fn asks(&self) -> Vec<usize> {
        let count = self.config.servers.len();
        let first = if self.config.rotate { random().map_or(0, usize::from) } else { 0 };
        let round = (0..count).map(|number| (first + number) % count);
        let rounds = (0..self.config.attempts).map(|_| round.clone());
        rounds.flatten().collect()
    }

    fn is_complete(&self) -> bool {
        self.ipv4.is_some() && self.ipv6.is_some()
    }

    /// Asks `server` for what is not known yet.
    fn ask(&mut self, server: usize, until: Instant) {
        let Some(&address) = self.config.servers.get(server) else { return };
        for kind in [Kind::Ipv4, Kind::Ipv6] {
            if self.known(kind).is_some() {
                continue;
            }
            let asked = if self.config.tcp {
                self.ask_by_tcp(address, kind, until).map(|reply| self.take(server, kind, reply))
            } else {
                self.ask_by_udp(server, address, kind).map(|query| self.open.push(query))
            };
            if let Err(error) = asked {
                self.failed(server, error.to_string());
            }
        }
    }

    fn ask_by_udp(&self, server: usize, address: SocketAddr, kind: Kind) -> io::Result<Query> {
        let id = random()?;
        let question = message::question(id, &self.name, kind)?;
        let socket = Socket::datagram(address)?;
        socket.send(&question, self.deadline)?;
        Ok(Query { server, kind, id, socket })
    }

    /// For an answer that is too long for UDP.
    fn ask_by_tcp(&self, address: SocketAddr, kind: Kind, until: Instant) -> io::Result<Reply> {
        let id = random()?;
        let question = message::question(id, &self.name, kind)?;
        let length = u16::try_from(question.len()).map_err(io::Error::other)?;
        let socket = Socket::stream(address, until)?;
        socket.send(&[&length.to_be_bytes(), &question[..]].concat(), until)?;
        let mut length = [0; 2];
        receive_all(&socket, &mut length, until)?;
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        receive_all(&socket, &mut answer, until)?;
        match message::read(&answer, id, &self.name, kind) {
            Reply::Unrelated | Reply::Truncated => {
                Err(io::Error::new(ErrorKind::InvalidData, "an answer that is none"))
            }
            reply => Ok(reply),
        }
    }

    /// Takes what comes until `until`, or until no query is left that is `awaited`.
    fn listen(&mut self, until: Instant, awaited: impl Fn(&Query) -> bool) {
        while !self.is_complete() && self.open.iter().any(&awaited) {
            let ipv6_limit = self.ipv4_came.map(|came| came + SECOND_FAMILY);
            let limit = ipv6_limit.map_or(until, |limit| limit.min(until));
            let Ok(ready) = wait_for_any(self.open.iter().map(|query| &query.socket), limit) else {
                if ipv6_limit.is_some_and(|limit| limit <= Instant::now()) {
                    self.ipv6.get_or_insert_default();
                }
                return;
            };
            let mut open = Vec::new();
            for (query, is_ready) in std::mem::take(&mut self.open).into_iter().zip(ready) {
                if !is_ready || !self.receive(&query) {
                    open.push(query);
                }
            }
            self.open = open;
        }
    }

    fn receive(&mut self, query: &Query) -> bool {
        let mut buffer = [0; MAX_DATAGRAM];
        // Something is there already, and nothing else is waited for.
        let received = query.socket.receive(&mut buffer, Instant::now());
        let reply = received.map(|length| {
            let answer = buffer.get(..length).unwrap_or_default();
            message::read(answer, query.id, &self.name, query.kind)
        });
        let reply = match (reply, self.config.servers.get(query.server)) {
            (Ok(Reply::Unrelated), _) => return false,
            (Err(error), _) if error.kind() == ErrorKind::TimedOut => return false,
            (Ok(Reply::Truncated), Some(&address)) => {
                let half = self.deadline.saturating_duration_since(Instant::now()) / 2;
                self.ask_by_tcp(address, query.kind, Instant::now() + half)
            }
            (reply, _) => reply,
        };
        match reply {
            Ok(reply) => self.take(query.server, query.kind, reply),
            Err(error) => self.failed(query.server, error.to_string()),
        }
        true
    }

    fn take(&mut self, server: usize, kind: Kind, reply: Reply) {
        match reply {
            Reply::Addresses(addresses) => {
                if kind == Kind::Ipv4 && !addresses.is_empty() {
                    self.ipv4_came.get_or_insert_with(Instant::now);
                }
                self.known(kind).get_or_insert(addresses);
            }
            // That holds for both kinds.
            Reply::NoSuchName => {
                self.ipv4.get_or_insert_default();
                self.ipv6.get_or_insert_default();
            }
            Reply::Refused(code) => self.failed(server, code),
            Reply::Truncated | Reply::Unrelated => {}
        }
    }

    const fn known(&mut self, kind: Kind) -> &mut Option<Vec<IpAddr>> {
        match kind {
            Kind::Ipv4 => &mut self.ipv4,
            Kind::Ipv6 => &mut self.ipv6,
        }
    }

    fn failed(&mut self, server: usize, outcome: String) {
        if let Some(place) = self.outcomes.get_mut(server) {
            *place = Some(outcome);
        }
    }

    fn outcomes(&self) -> Vec<(IpAddr, String)> {
        let silence = || "no answer in time".to_owned();
        let outcomes = self.outcomes.iter().map(|outcome| outcome.clone().unwrap_or_else(silence));
        self.config.servers.iter().map(SocketAddr::ip).zip(outcomes).collect()
    }
}

/// A number that nobody can guess.
fn random() -> io::Result<u16> {
    let mut bytes = [0; 2];
    rustix::rand::getrandom(&mut bytes, GetRandomFlags::empty())?;
    Ok(u16::from_ne_bytes(bytes))
}

fn receive_all(socket: &Socket, mut buffer: &mut [u8], deadline: Instant) -> io::Result<()> {
    while !buffer.is_empty() {
        match socket.receive(buffer, deadline)? {
            0 => return Err(ErrorKind::UnexpectedEof.into()),
            received => buffer = buffer.get_mut(received..).unwrap_or_default(),
        }
    }
    Ok(())
}
