//! Host names: what addresses they have, found without the C library.
//!
//! glibc looks names up under locks that a fork leaves locked for ever in the child, if another thread
//! was looking a name up. This stub resolver holds no lock, starts no thread and reads no environment
//! variable. It knows /etc/hosts and the name servers of /etc/resolv.conf, and no other source of
//! nsswitch.conf(5): no mDNS, NIS, LDAP or systemd-resolved without its stub server. It neither sorts
//! addresses after RFC 6724 nor validates DNSSEC, and has no cache.

mod address;
mod config;
mod dns;
mod hosts;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Instant;

pub use self::address::LookupError;
use self::config::Config;
use crate::descriptor::Unshared;

const HOSTS: &str = "/etc/hosts";
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// How much of either file is read, in bytes: lists that block advertisers run to megabytes.
const MAX_FILE: u64 = 8 * 1024 * 1024;

/// The addresses of `host`, those of IPv4 first. Name servers are asked until `deadline`.
pub fn look_up(host: &str, deadline: Instant) -> Result<Vec<IpAddr>, LookupError> {
    let known = own_address(host).unwrap_or_else(|| hosts::find(&read(HOSTS), host));
    if !known.is_empty() {
        return Ok(known);
    }
    dns::look_up(host, &Config::parse(&read(RESOLV_CONF)), deadline)
}

/// Whether `host` is this very machine: a loopback address, or a name that is one by RFC 6761, 6.3.
pub fn is_loopback(host: &str) -> bool {
    let is_own = |address: &IpAddr| address.to_canonical().is_loopback();
    own_address(host).is_some_and(|addresses| addresses.iter().all(is_own))
}

/// The addresses of a host that is one, in brackets perhaps, or of `localhost`.
fn own_address(host: &str) -> Option<Vec<IpAddr>> {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse() {
        return Some(vec![address]);
    }
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    (name == "localhost" || name.ends_with(".localhost"))
        .then(|| vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()])
}

/// A file that cannot be read is an empty one, as for glibc.
fn read(path: impl AsRef<Path>) -> Vec<u8> {
    Unshared::read(path.as_ref(), MAX_FILE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_and_addresses_need_no_name_server() {
        let long_ago = Instant::now();
        let both = vec![IpAddr::from([127, 0, 0, 1]), Ipv6Addr::LOCALHOST.into()];
        for name in ["localhost", "LocalHost.", "a.b.localhost"] {
            assert_eq!(look_up(name, long_ago), Ok(both.clone()), "{name}");
        }
        assert_eq!(look_up("192.0.2.7", long_ago), Ok(vec![IpAddr::from([192, 0, 2, 7])]));
        let ipv6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        assert_eq!(look_up("[2001:db8::1]", long_ago), Ok(vec![ipv6.into()]));
    }

    #[test]
    fn loopback_is_told_by_name_and_address() {
        for host in
            ["localhost", "API.localhost.", "127.0.0.1", "127.9.9.9", "[::1]", "[::ffff:127.0.0.1]"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["localhost.example.com", "notlocalhost", "128.0.0.1", "[::2]", "127.0.0.1.example", ""]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
