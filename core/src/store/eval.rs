//! Finds the server that serves a key, and runs a script there.
//!
//! A script may run twice: where a server did not answer in time, and another one is asked.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis_protocol::redis_keyslot;
use redis_protocol::types::REDIS_CLUSTER_SLOTS;
use rustls::ClientConfig;

use super::connection::{Connection, share};
use super::error::StoreError;
use super::place::{Address, Addresses, Node, Place, Route};
use super::reply::{Answer, LIMITS, ROLE_LIMITS, Reply};
use crate::error::ConfigError;
use crate::trust;

/// How often a cluster may send a client on.
const MAX_REDIRECTS: usize = 2;

/// A store, and how it is reached. Each call makes a connection of its own.
#[derive(Debug, Clone)]
pub struct Store {
    place: Place,
    /// `None` for plain connections.
    tls: Option<Arc<ClientConfig>>,
    timeout: Duration,
}

impl Store {
    /// The store at `place`, where a call takes `timeout` at most. With TLS, the certificates in `ca_file` are
    /// trusted beside the built-in ones.
    ///
    /// # Errors
    /// The CA file cannot be used.
    pub fn new(
        place: Place,
        ca_file: Option<&Path>,
        timeout: Duration,
    ) -> Result<Self, ConfigError> {
        let tls = if place.tls { Some(trust::client_config(ca_file)?) } else { None };
        Ok(Self { place, tls, timeout })
    }

    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// An answer of a script that is none of its own.
    pub fn malformed(&self, why: &'static str) -> StoreError {
        StoreError::Malformed { at: self.place.first_node(), why }
    }

    /// Runs the Lua `script` with one key and `arguments`, until `deadline` or the end of the store's own timeout,
    /// whichever comes first. Should the store not take writes, as in a failover, the server is looked for once
    /// more.
    ///
    /// # Errors
    /// Where it is an error of the connection, the script may have run.
    pub fn eval(
        &self,
        script: &str,
        key: &[u8],
        arguments: &[&[u8]],
        deadline: Instant,
    ) -> Result<Reply, StoreError> {
        let deadline = deadline.min(Instant::now() + self.timeout);
        let head: [&[u8]; 4] = [b"EVAL", script.as_bytes(), b"1", key];
        let command = [&head[..], arguments].concat();
        let call = Call { store: self, key, command: &command };
        match call.run(deadline) {
            Err(StoreError::NotServing { .. }) if Instant::now() < deadline => call.run(deadline),
            result => result,
        }
    }
}

/// One script on one key.
struct Call<'a> {
    store: &'a Store,
    key: &'a [u8],
    /// EVAL with its arguments.
    command: &'a [&'a [u8]],
}

impl Call<'_> {
    fn run(&self, deadline: Instant) -> Result<Reply, StoreError> {
        match &self.store.place.route {
            Route::Server(node) => self.run_at(node.clone(), deadline),
            Route::Cluster(seeds) => {
                let search = Search { first: self.likely_seed(seeds), others: 0, deadline };
                search.ask(seeds, |seed, until| self.run_at(seed, until))
            }
            Route::Sentinel { sentinels, master } => {
                // One share is the master's.
                let search = Search { first: 0, others: 1, deadline };
                let node = search.ask(sentinels, |sentinel, until| {
                    self.ask_for_master(&sentinel, master, until)
                })?;
                self.run_at_master(&node, deadline)
            }
        }
    }

    /// The number of the seed that serves the key if the seeds are all masters, in the order of their slots: so
    /// a new cluster has them.
    fn likely_seed(&self, seeds: &Addresses) -> usize {
        let slot = usize::from(redis_keyslot(self.key));
        slot * seeds.count() / usize::from(REDIS_CLUSTER_SLOTS)
    }

    /// Runs the script at `node`, or at the node of the same cluster to which it redirects.
    fn run_at(&self, mut node: Node, deadline: Instant) -> Result<Reply, StoreError> {
        let mut asking = false;
        for _ in 0..=MAX_REDIRECTS {
            let asked: &[&[u8]] = if asking { &[b"ASKING"] } else { &[] };
            let mut connection = self.connect(&node, deadline)?;
            self.send(&mut connection, &[asked, self.command])?;
            self.pass_prologue(&mut connection, &node)?;
            if asking {
                self.reply(connection.answer(LIMITS)?, &node)?;
            }
            let answer = connection.answer(LIMITS)?;
            match Redirect::read(&answer, &node) {
                Some(redirect) => {
                    asking = redirect.is_ask;
                    node = Node::Tcp(redirect.to);
                }
                None => return self.reply(answer, &node),
            }
        }
        let reply = format!("the cluster redirects more than {MAX_REDIRECTS} times");
        Err(StoreError::NotServing { at: node, reply })
    }

    /// The server that `sentinel` says is the master. A sentinel may have no password: whether it lets us in,
    /// its answer to the question tells.
    fn ask_for_master(
        &self,
        sentinel: &Node,
        master: &str,
        deadline: Instant,
    ) -> Result<Node, StoreError> {
        let login = self.store.place.login.command();
        let question: [&[u8]; 3] = [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", master.as_bytes()];
        let mut connection = self.connect(sentinel, deadline)?;
        match &login {
            Some(login) => {
                connection.send(&[login, &question])?;
                connection.answer(LIMITS)?;
            }
            None => connection.send(&[&question])?,
        }
        let reply = self.reply(connection.answer(LIMITS)?, sentinel)?;
        if reply == Reply::Nil {
            let master = master.to_owned();
            return Err(StoreError::UnknownMaster { at: sentinel.clone(), master });
        }
        let address = address(&reply).ok_or_else(|| {
            let why = "it is not the address of a master";
            StoreError::Malformed { at: sentinel.clone(), why }
        })?;
        Ok(Node::Tcp(address))
    }

    /// Runs the script at `node`, which must be a master: a sentinel may not know yet that it no longer is.
    fn run_at_master(&self, node: &Node, deadline: Instant) -> Result<Reply, StoreError> {
        let mut connection = self.connect(node, deadline)?;
        self.send(&mut connection, &[&[b"ROLE"], self.command])?;
        self.pass_prologue(&mut connection, node)?;
        let role = self.reply(connection.answer(ROLE_LIMITS)?, node)?;
        let reply = self.reply(connection.answer(LIMITS)?, node);
        match role {
            Reply::Array(parts) if parts.first() == Some(&Reply::Bytes(b"master".to_vec())) => {
                reply
            }
            _ => {
                let reply = "the sentinels say that it is the master, and it says that it is not";
                Err(StoreError::NotServing { at: node.clone(), reply: reply.to_owned() })
            }
        }
    }

    fn connect<'n>(&self, node: &'n Node, deadline: Instant) -> Result<Connection<'n>, StoreError> {
        Connection::open(node, self.store.tls.as_ref(), deadline)
    }

    /// Sends `commands`, without those that are empty, and before them what a connection begins with, all at
    /// once: an exchange is one round trip. A server that rejects the beginning rejects the rest too, or runs it
    /// for another user or in another database, which is then an error all the same.
    fn send(
        &self,
        connection: &mut Connection<'_>,
        commands: &[&[&[u8]]],
    ) -> Result<(), StoreError> {
        let place = &self.store.place;
        let login = place.login.command().unwrap_or_default();
        let db = place.db.to_string();
        let select: &[&[u8]] = if place.db == 0 { &[] } else { &[b"SELECT", db.as_bytes()] };
        let prologue: [&[&[u8]]; 2] = [&login, select];
        let all = prologue.iter().chain(commands).copied();
        connection.send(&all.filter(|command| !command.is_empty()).collect::<Vec<_>>())
    }

    /// Receives the answers to AUTH and SELECT.
    fn pass_prologue(
        &self,
        connection: &mut Connection<'_>,
        node: &Node,
    ) -> Result<(), StoreError> {
        let place = &self.store.place;
        let count = usize::from(place.login.command().is_some()) + usize::from(place.db != 0);
        for _ in 0..count {
            self.reply(connection.answer(LIMITS)?, node)?;
        }
        Ok(())
    }

    fn reply(&self, answer: Answer, node: &Node) -> Result<Reply, StoreError> {
        match answer {
            Answer::Reply(reply) => Ok(reply),
            Answer::Error(text) => {
                let password = self.store.place.login.password();
                Err(StoreError::from_reply(node.clone(), &text, password))
            }
        }
    }
}

/// Several servers that are asked in turn, until one answers or rejects the question for good.
struct Search {
    /// The number of the server that is asked first.
    first: usize,
    /// How many others must have their share of the time.
    others: usize,
    deadline: Instant,
}

impl Search {
    fn ask<T>(
        &self,
        addresses: &Addresses,
        ask: impl Fn(Node, Instant) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let ask = |number: usize| {
            let until = share(self.deadline, addresses.count() - number + self.others);
            ask(Node::Tcp(addresses.get(self.first + number).clone()), until)
        };
        let last = addresses.count() - 1;
        for number in 0..last {
            match ask(number) {
                Err(error) if error.concerns_this_server() => {}
                result => return result,
            }
        }
        ask(last)
    }
}

/// "MOVED 3999 10.0.0.7:6379", or ASK: where a cluster has the key
/// (redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec).
struct Redirect {
    /// The node expects ASKING.
    is_ask: bool,
    to: Address,
}

impl Redirect {
    fn read(answer: &Answer, from: &Node) -> Option<Self> {
        let (Answer::Error(text), Node::Tcp(from)) = (answer, from) else { return None };
        let mut words = text.split(' ');
        let is_ask = match words.next()? {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let (_slot, to) = (words.next()?, words.next()?);
        let (host, port) = to.rsplit_once(':')?;
        // An empty host is the one that was asked.
        let host = if host.is_empty() { from.host.as_str() } else { host };
        Some(Self { is_ask, to: Address::told(host, port)? })
    }
}

/// The address that a sentinel answers with.
fn address(reply: &Reply) -> Option<Address> {
    match reply {
        Reply::Array(parts) => match parts.as_slice() {
            [Reply::Bytes(host), Reply::Bytes(port)] => {
                Address::told(str::from_utf8(host).ok()?, str::from_utf8(port).ok()?)
            }
            _ => None,
        },
        _ => None,
    }
}
