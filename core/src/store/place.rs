//! Where the store is, as the setting `wx_token.store` says it.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::PathBuf;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::names;
use crate::printable::{printable, printable_path};
use crate::secret::Secret;

const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// The longest path of a Unix socket, in bytes (`sun_path` in unix(7), without its NUL byte).
const MAX_SOCKET_PATH: usize = 107;

/// The store and the way to it. No output contains the user or the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    pub route: Route,
    pub login: Login,
    /// The number of the database. A cluster has only 0.
    pub db: u32,
    pub tls: bool,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Route {
    Server(Node),
    /// Some nodes of a cluster. Each one knows which node serves a key.
    Cluster(Addresses),
    /// Sentinels, which know the server that is `master` now.
    Sentinel {
        sentinels: Addresses,
        master: String,
    },
}

/// One address or more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    first: Address,
    others: Vec<Address>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Tcp(Address),
    Unix(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// A name or an IP address. IPv6 has no brackets.
    pub host: String,
    pub port: u16,
}

#[derive(Clone, Default, PartialEq, Eq)]
pub struct Login {
    user: Option<String>,
    password: Secret,
}

impl Place {
    /// The same with `password`. An empty one leaves the password of the URL.
    pub fn with_password(mut self, password: Secret) -> Self {
        if !password.reveal().is_empty() {
            self.login.password = password;
        }
        self
    }

    /// Whether passwords and tokens leave this machine without TLS.
    pub fn is_plain_beyond_loopback(&self) -> bool {
        let is_beyond = |address: &Address| !names::is_loopback(&address.host);
        let is_any_beyond = match &self.route {
            Route::Server(Node::Unix(_)) => false,
            Route::Server(Node::Tcp(address)) => is_beyond(address),
            Route::Cluster(addresses) | Route::Sentinel { sentinels: addresses, .. } => {
                addresses.iter().any(is_beyond)
            }
        };
        is_any_beyond && !self.tls
    }

    /// The first server that is asked.
    pub fn first_node(&self) -> Node {
        match &self.route {
            Route::Server(node) => node.clone(),
            Route::Cluster(addresses) | Route::Sentinel { sentinels: addresses, .. } => {
                Node::Tcp(addresses.first.clone())
            }
        }
    }

    const fn scheme(&self) -> &'static str {
        match (&self.route, self.tls) {
            (Route::Server(Node::Unix(_)), _) => "unix",
            (Route::Sentinel { .. }, false) => "redis+sentinel",
            (Route::Sentinel { .. }, true) => "rediss+sentinel",
            (_, false) => "redis",
            (_, true) => "rediss",
        }
    }
}

impl Login {
    /// The command AUTH, if the store wants one. A user without a password has an empty one: the ACL may say
    /// `nopass`, which takes any (redis.io/docs/latest/operate/oss_and_stack/management/security/acl).
    pub fn command(&self) -> Option<Vec<&[u8]>> {
        let password = self.password.reveal().as_bytes();
        match &self.user {
            Some(user) => Some(vec![b"AUTH", user.as_bytes(), password]),
            None if password.is_empty() => None,
            None => Some(vec![b"AUTH", password]),
        }
    }

    pub const fn password(&self) -> &Secret {
        &self.password
    }
}

impl Addresses {
    fn parse(hosts: &str, default_port: u16) -> Result<Self, &'static str> {
        let mut all = hosts.split(',').map(|host| Address::parse(host, default_port));
        let first = all.next().flatten().ok_or(NO_HOST)?;
        let others = all.collect::<Option<_>>().ok_or(NO_HOST)?;
        Ok(Self { first, others })
    }

    fn iter(&self) -> impl Iterator<Item = &Address> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub const fn count(&self) -> usize {
        1 + self.others.len()
    }

    /// The address with this number, from 0 on. After the last one comes the first again.
    pub fn get(&self, number: usize) -> &Address {
        let other = (number % self.count()).checked_sub(1);
        other.and_then(|index| self.others.get(index)).unwrap_or(&self.first)
    }
}

impl Address {
    /// An address that a server tells: a name or an IP address, and a port.
    pub fn told(host: &str, port: &str) -> Option<Self> {
        Some(Self { host: host_of(host)?, port: port_of(port)? })
    }

    fn parse(text: &str, default_port: u16) -> Option<Self> {
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => {
                let (host, rest) = rest.split_once(']')?;
                host.parse::<Ipv6Addr>().ok()?;
                let port = if rest.is_empty() { None } else { Some(rest.strip_prefix(':')?) };
                (host, port)
            }
            None => match text.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (text, None),
            },
        };
        let port = port.map_or(Some(default_port), port_of)?;
        Some(Self { host: host_of(host)?, port })
    }
}

fn host_of(text: &str) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let is_host = !text.is_empty() && text.bytes().all(is_name);
    (is_host || text.parse::<Ipv6Addr>().is_ok()).then(|| text.to_owned())
}

fn port_of(text: &str) -> Option<u16> {
    number(text).filter(|&port| port > 0)
}

fn number<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

const NO_SCHEME: &str =
    "must begin with redis://, rediss://, unix://, redis+sentinel:// or rediss+sentinel://";
const NO_HOST: &str =
    "must have a host, and perhaps a port, in each part (in a user or password write / as %2F)";
const NO_DB: &str = "must end with the host or the number of a database";

/// What the text must be, if it is no place. It contains nothing of the text.
impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once("://").ok_or(NO_SCHEME)?;
        match scheme {
            "redis" => servers(rest, false),
            "rediss" => servers(rest, true),
            "redis+sentinel" => sentinels(rest, false),
            "rediss+sentinel" => sentinels(rest, true),
            "unix" => unix(rest),
            _ => Err(NO_SCHEME),
        }
    }
}

fn servers(rest: &str, tls: bool) -> Result<Place, &'static str> {
    let (authority, db) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = split_login(authority)?;
    let db = parse_db(db)?;
    let addresses = Addresses::parse(hosts, PORT)?;
    let route = match addresses.count() {
        1 => Route::Server(Node::Tcp(addresses.first)),
        _ if db == 0 => Route::Cluster(addresses),
        _ => return Err("must not have a database with several hosts: a cluster has only 0"),
    };
    Ok(Place { route, login, db, tls })
}

fn sentinels(rest: &str, tls: bool) -> Result<Place, &'static str> {
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, hosts) = split_login(authority)?;
    let sentinels = Addresses::parse(hosts, SENTINEL_PORT)?;
    let (master, db) = path.split_once('/').unwrap_or((path, ""));
    if master.is_empty() {
        return Err("must have the name of the master after the sentinels, as in /mymaster");
    }
    let db = parse_db(db)?;
    Ok(Place { route: Route::Sentinel { sentinels, master: master.to_owned() }, login, db, tls })
}

fn unix(rest: &str) -> Result<Place, &'static str> {
    let (authority, _) =
        rest.split_once('/').ok_or("must have an absolute path, as in unix:///")?;
    let (login, host) = split_login(authority)?;
    if !host.is_empty() {
        return Err("must have an absolute path, and no host, after unix://");
    }
    let path = rest.strip_prefix(authority).unwrap_or(rest);
    let (path, db) = match path.split_once('?') {
        Some((path, query)) => {
            (path, query.strip_prefix("db=").ok_or("must not have an option other than ?db=")?)
        }
        None => (path, ""),
    };
    if path.len() > MAX_SOCKET_PATH || path.contains('\0') {
        return Err("must have a path of 107 bytes at most");
    }
    let route = Route::Server(Node::Unix(path.into()));
    Ok(Place { route, login, db: parse_db(db)?, tls: false })
}

/// User and password, and what follows them.
fn split_login(authority: &str) -> Result<(Login, &str), &'static str> {
    let Some((login, rest)) = authority.rsplit_once('@') else {
        return Ok((Login::default(), authority));
    };
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let user = decoded(user)?;
    let password = Secret::new(decoded(password)?);
    Ok((Login { user: (!user.is_empty()).then_some(user), password }, rest))
}

fn decoded(text: &str) -> Result<String, &'static str> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| "must have user and password in UTF-8")
}

fn parse_db(text: &str) -> Result<u32, &'static str> {
    if text.is_empty() { Ok(0) } else { number(text).ok_or(NO_DB) }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}://", self.scheme())?;
        match &self.route {
            Route::Server(node) => write!(formatter, "{node}")?,
            Route::Cluster(seeds) => write!(formatter, "{seeds}")?,
            Route::Sentinel { sentinels, master } => {
                write!(formatter, "{sentinels}/{}", printable(master))?;
            }
        }
        match (&self.route, self.db) {
            (_, 0) => Ok(()),
            (Route::Server(Node::Unix(_)), db) => write!(formatter, "?db={db}"),
            (_, db) => write!(formatter, "/{db}"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(formatter)?;
        self.others.iter().try_for_each(|address| write!(formatter, ",{address}"))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => printable_path(path).fmt(formatter),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(formatter, "[{host}]:{port}")
        } else {
            write!(formatter, "{host}:{port}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse().unwrap_or_else(|why| panic!("{text} {why}"))
    }

    #[test]
    fn a_place_is_shown_as_it_is_spelled_but_for_the_login() {
        for (text, shown) in [
            ("redis://redis.example", "redis://redis.example:6379"),
            ("redis://redis.example/", "redis://redis.example:6379"),
            ("redis://cache_1:7000/3", "redis://cache_1:7000/3"),
            ("rediss://10.0.0.5/0", "rediss://10.0.0.5:6379"),
            ("redis://[::1]", "redis://[::1]:6379"),
            ("redis://[2001:db8::1]:7000/12", "redis://[2001:db8::1]:7000/12"),
            ("redis://u:p@h", "redis://h:6379"),
            ("redis://a,b:7000,[::1]", "redis://a:6379,b:7000,[::1]:6379"),
            ("rediss://:p@a,b/0", "rediss://a:6379,b:6379"),
            ("unix:///run/redis.sock", "unix:///run/redis.sock"),
            ("unix://u:p@/run/redis.sock?db=2", "unix:///run/redis.sock?db=2"),
            ("redis+sentinel://a,b:7,c/mymaster", "redis+sentinel://a:26379,b:7,c:26379/mymaster"),
            ("rediss+sentinel://u:p@[::1]/m/4", "rediss+sentinel://[::1]:26379/m/4"),
        ] {
            assert_eq!(place(text).to_string(), shown);
            assert_eq!(format!("{:?}", place(text)), shown);
            assert_eq!(place(shown).to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_place_is_told_what_it_must_be_and_not_quoted() {
        for text in [
            "",
            "redis",
            "redis:/h",
            "http://h",
            "REDIS://h",
            "redis+unix:///s",
            "redis://",
            "redis:///1",
            "redis://hunter2@",
            "redis://:hunter2@h:0",
            "redis://:hunter2@h:65536",
            "redis://:hunter2@h:+1",
            "redis://:hunter2@h:",
            "redis://:hunter/2@h",
            "redis://:hunter2@h/x",
            "redis://:hunter2@h/-1",
            "redis://:hunter2@h/+1",
            "redis://:hunter2@h/4294967296",
            "redis://:hunter2@h/0?db=1",
            "redis://:hunter2@h#1",
            "redis://:hunter2@h h",
            "redis://:hunter2@主机",
            "redis://::1",
            "redis://[::1",
            "redis://[::1]7000",
            "redis://[h]",
            "redis://a,,b",
            "redis://a,b/1",
            "redis://:%ffhunter2@h",
            "unix://run/redis.sock",
            "unix://hunter2",
            "unix:///s?db=x",
            "unix:///s?password=hunter2",
            "redis+sentinel://a,b",
            "redis+sentinel://a,b/",
            "redis+sentinel://a,b//1",
            "redis+sentinel://a,b/m/x",
            "redis+sentinel:///m",
        ] {
            let why = text.parse::<Place>().expect_err(text);
            assert!(why.starts_with("must ") && !why.contains("hunter"), "{text} {why}");
        }
        let path = format!("unix:///{}", "x".repeat(MAX_SOCKET_PATH - 1));
        assert!(path.parse::<Place>().is_ok());
        assert!(format!("{path}x").parse::<Place>().is_err());
    }

    fn login(text: &str) -> Vec<String> {
        let place = place(text);
        let command = place.login.command().unwrap_or_default();
        command.iter().map(|word| str::from_utf8(word).unwrap().to_owned()).collect()
    }

    #[test]
    fn a_login_has_a_password_and_perhaps_a_user() {
        assert!(login("redis://h").is_empty());
        assert!(login("redis://@h").is_empty());
        assert!(login("redis://:@h").is_empty());
        assert_eq!(login("redis://:p@h"), ["AUTH", "p"]);
        assert_eq!(login("redis://u:p@h"), ["AUTH", "u", "p"]);
        assert_eq!(login("redis://u@h"), ["AUTH", "u", ""]);
        assert_eq!(login("redis://u:a:b@c@h"), ["AUTH", "u", "a:b@c"]);
        assert_eq!(login("redis://%75:%2F%40%3a%e5%af%86@h"), ["AUTH", "u", "/@:密"]);
        assert_eq!(login("redis://:100%@h"), ["AUTH", "100%"]);
        assert_eq!(login("unix://u:p@/s"), ["AUTH", "u", "p"]);
    }

    #[test]
    fn a_password_of_its_own_setting_counts_before_that_of_the_url() {
        let auth = |text, password| {
            let place = place(text).with_password(Secret::new(password));
            place.login.command().map(|words| words.concat())
        };
        assert_eq!(auth("redis://h", "x/y").as_deref(), Some(&b"AUTHx/y"[..]));
        assert_eq!(auth("redis://u:p@h", "q").as_deref(), Some(&b"AUTHuq"[..]));
        assert_eq!(auth("redis://u:p@h", "").as_deref(), Some(&b"AUTHup"[..]));
        assert_eq!(auth("redis://h", ""), None);
    }

    #[test]
    fn plain_tcp_to_another_machine_is_told() {
        for text in [
            "redis://10.0.0.5",
            "redis://redis.example",
            "redis://localhost,10.0.0.5",
            "redis+sentinel://10.0.0.5/m",
        ] {
            assert!(place(text).is_plain_beyond_loopback(), "{text}");
        }
        for text in [
            "redis://localhost",
            "redis://127.0.0.1,[::1]",
            "rediss://10.0.0.5",
            "rediss+sentinel://10.0.0.5/m",
            "unix:///run/redis.sock",
        ] {
            assert!(!place(text).is_plain_beyond_loopback(), "{text}");
        }
    }
}
