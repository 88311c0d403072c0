//! /etc/hosts, as hosts(5) has it.

use std::net::IpAddr;

use super::address::in_order;

/// The addresses that `content` gives `host`, whose case does not count.
pub fn find(content: &[u8], host: &str) -> Vec<IpAddr> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let all = content.split(|&byte| byte == b'\n').filter_map(|line| address_for(line, host));
    let (ipv4, ipv6) = all.partition(IpAddr::is_ipv4);
    in_order(ipv4, ipv6)
}

fn address_for(line: &[u8], host: &str) -> Option<IpAddr> {
    let entry = line.split(|&byte| byte == b'#').next()?;
    let mut words = str::from_utf8(entry).ok()?.split_ascii_whitespace();
    let address = words.next()?;
    words.any(|name| name.eq_ignore_ascii_case(host)).then(|| address.parse().ok())?
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn a_host_has_all_its_addresses_and_ipv4_first() {
        let content = b"# 192.0.2.9 api.example\n\n::1 Api.Example other\n\xff\xfe\n\
            192.0.2.1\tother api.EXAMPLE # api\n  192.0.2.2 api.example\nnonsense api.example\n";
        let spec: Vec<IpAddr> =
            vec![[192, 0, 2, 1].into(), [192, 0, 2, 2].into(), Ipv6Addr::LOCALHOST.into()];
        assert_eq!(find(content, "aPI.example."), spec);
        assert!(find(content, "example").is_empty());
        assert!(find(b"", "api.example").is_empty());
    }
}
