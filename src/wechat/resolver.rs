//! Name lookup within a time limit.

use std::sync::mpsc;
use std::thread;

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

/// Looks names up on a thread of its own. So does ureq's resolver, but it panics where no thread can be
/// started.
#[derive(Debug)]
pub struct ThreadResolver;

impl Resolver for ThreadResolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let (uri, config) = (uri.clone(), config.clone());
        let unlimited = NextTimeout { after: Duration::NotHappening, ..timeout };
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::Builder::new()
            .spawn(move || {
                // Nobody listens if the time was up.
                let found = DefaultResolver::default().resolve(&uri, &config, unlimited);
                drop(sender.send(found));
            })
            .map_err(|error| Error::Other(format!("no thread can be started: {error}").into()))?;
        let found = receiver.recv_timeout(*timeout.after);
        found.unwrap_or(Err(Error::Timeout(timeout.reason)))
    }
}
