//! Why an emulator does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_rustls::rustls;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// [`crate::Options::listen`] is reachable from other machines.
    #[error("{0} is not a loopback address: the emulator serves this machine only")]
    NotLoopback(SocketAddr),
    /// [`crate::Options::token_length`] is out of range.
    #[error("token length {0} is not within 19 to 512")]
    TokenLength(usize),
    /// The address is taken, or not to be had.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The CA file could not be written.
    #[error("cannot write the CA file {}: {source}", path.display())]
    CaFile {
        /// The file, or the folder it was to be made in.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// No certificate could be made, for one because of a name that cannot stand in one.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up with the certificate.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The thread or its event loop could not be made.
    #[error("cannot start the server thread: {0}")]
    Thread(io::Error),
}
