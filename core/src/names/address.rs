//! The addresses that a lookup finds, or why it finds none.

use std::net::IpAddr;

const MAX_ADDRESSES: usize = 8;

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// A name server says that it has none.
    #[error("the host name {host} does not resolve")]
    Unknown { host: String },
    /// No name server can say: each one, and what came of asking it.
    #[error("no name server answered for {host}: {}", list(servers))]
    NoAnswer { host: String, servers: Vec<(IpAddr, String)> },
}

fn list(servers: &[(IpAddr, String)]) -> String {
    let shown = servers.iter().map(|(server, outcome)| format!("{server} ({outcome})"));
    shown.collect::<Vec<_>>().join(", ")
}

/// Addresses as they are tried: those of IPv4 first, and not too many.
pub fn in_order(ipv4: Vec<IpAddr>, ipv6: Vec<IpAddr>) -> Vec<IpAddr> {
    [ipv4, ipv6].into_iter().flat_map(|family| family.into_iter().take(MAX_ADDRESSES)).collect()
}
