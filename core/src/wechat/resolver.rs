//! Name lookup as ureq asks for it.

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::http::uri::Scheme;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use super::connector::{ConnectError, deadline};
use crate::names;

/// Looks names up on this thread, without the C library.
#[derive(Debug)]
pub struct StubResolver;

impl Resolver for StubResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let default = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default);
        let found = names::look_up(host, deadline(timeout)).map_err(ConnectError::Lookup)?;
        let mut addresses = self.empty();
        for address in found {
            addresses.push((address, port).into());
        }
        Ok(addresses)
    }
}
