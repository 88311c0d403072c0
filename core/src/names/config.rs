//! /etc/resolv.conf: which name servers, and how they are asked. Limits are those of resolv.conf(5).

use std::ffi::CString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;

use resolv_conf::ScopedIp;

const PORT: u16 = 53;

const MAX_SERVERS: usize = 3;
const MAX_NDOTS: u32 = 15;
const MAX_ATTEMPTS: u32 = 5;
const MAX_TIMEOUT: u32 = 30;

/// Domains of the search list; Kubernetes allows as many.
const MAX_SEARCH: usize = 32;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Name servers, in order of preference; at least one.
    pub servers: Vec<SocketAddr>,
    pub search: Vec<String>,
    /// A name with as many dots is looked up as it is first.
    pub ndots: usize,
    pub attempts: u32,
    /// The longest wait for a server before the next one is asked too.
    pub timeout: Duration,
    pub rotate: bool,
    pub tcp: bool,
    pub ipv6: bool,
}

impl Config {
    /// What `content` says. Lines and options that it does not know are left out.
    pub fn parse(content: &[u8]) -> Self {
        let (config, _) = resolv_conf::Config::parse_with_errors(content);
        let mut servers: Vec<_> =
            config.nameservers.iter().filter_map(address).take(MAX_SERVERS).collect();
        if servers.is_empty() {
            servers.push((Ipv4Addr::LOCALHOST, PORT).into());
        }
        Self {
            servers,
            search: config.get_last_search_or_domain().take(MAX_SEARCH).cloned().collect(),
            ndots: config.ndots.min(MAX_NDOTS) as usize,
            attempts: config.attempts.clamp(1, MAX_ATTEMPTS),
            timeout: Duration::from_secs(config.timeout.clamp(1, MAX_TIMEOUT).into()),
            rotate: config.rotate,
            tcp: config.use_vc,
            ipv6: !config.no_aaaa,
        }
    }

    /// The names under which `host` is looked up, in this order.
    pub fn candidates(&self, host: &str) -> Vec<String> {
        if let Some(absolute) = host.strip_suffix('.') {
            return vec![absolute.to_owned()];
        }
        let within = |domain: &String| format!("{host}.{}", domain.trim_matches('.'));
        let mut names: Vec<_> = self.search.iter().map(within).collect();
        let dots = host.bytes().filter(|&byte| byte == b'.').count();
        let place = if dots >= self.ndots { 0 } else { names.len() };
        names.insert(place, host.to_owned());
        names
    }
}

fn address(server: &ScopedIp) -> Option<SocketAddr> {
    match server {
        ScopedIp::V4(address) => Some((*address, PORT).into()),
        ScopedIp::V6(address, None) => Some((IpAddr::from(*address), PORT).into()),
        ScopedIp::V6(address, Some(scope)) => {
            let scope = scope.parse().ok().or_else(|| index(scope))?;
            Some(SocketAddrV6::new(*address, PORT, 0, scope).into())
        }
    }
}

fn index(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` ends with a NUL byte.
    let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
    (index != 0).then_some(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_is_left_out() {
        let text = b"# made by hand\n\xff\xfe\nnameserver 192.0.2.1\nnameserver none\nlabel x\n\
            nameserver 2001:db8::1\nnameserver fe80::1%1\nnameserver 192.0.2.4\n\
            options timeout:2 attempts:3 rotate single-request-reopen\n\
            options edns0 trust-ad no-aaaa brand-new:7 ndots:x\nsearch a.example b.example.\n";
        let config = Config::parse(text);
        let link_local = SocketAddrV6::new([0xfe80, 0, 0, 0, 0, 0, 0, 1].into(), 53, 0, 1);
        assert_eq!(config.servers[0], "192.0.2.1:53".parse().expect("an address"));
        assert_eq!(config.servers[1], "[2001:db8::1]:53".parse().expect("an address"));
        assert_eq!(config.servers[2], link_local.into());
        assert_eq!(config.servers.len(), 3);
        assert_eq!((config.attempts, config.timeout), (3, Duration::from_secs(2)));
        assert!(config.rotate && !config.ipv6 && !config.tcp);
        assert_eq!(config.search, ["a.example", "b.example."]);
        assert_eq!(config.ndots, 1);
    }

    #[test]
    fn an_empty_file_means_a_server_on_this_machine() {
        let config = Config::parse(b"");
        assert_eq!(config.servers, ["127.0.0.1:53".parse().expect("an address")]);
        assert_eq!((config.attempts, config.timeout), (2, Duration::from_secs(5)));
        assert!(config.ipv6 && config.search.is_empty());
    }

    #[test]
    fn values_without_measure_are_cut() {
        let config = Config::parse(b"options timeout:0 attempts:4000000000 ndots:99\n");
        assert_eq!((config.attempts, config.timeout), (5, Duration::from_secs(1)));
        assert_eq!(config.ndots, 15);
    }

    #[test]
    fn the_search_list_comes_first_for_names_with_few_dots() {
        let config = Config::parse(b"search a.example b.example\noptions ndots:2\n");
        let (few, enough) = (config.candidates("host.x"), config.candidates("host.x.y"));
        assert_eq!(few, ["host.x.a.example", "host.x.b.example", "host.x"]);
        assert_eq!(enough, ["host.x.y", "host.x.y.a.example", "host.x.y.b.example"]);
        assert_eq!(config.candidates("host."), ["host"]);
    }
}
