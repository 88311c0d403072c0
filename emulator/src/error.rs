//! The errors with which an emulator does not start.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tokio_rustls::rustls;

/// Why an emulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// [`crate::Options::listen`] can be reached from other machines.
    #[error("{0} is not a loopback address: the emulator serves this machine only")]
    NotLoopback(SocketAddr),
    /// [`crate::Options::token_length`] is out of range.
    #[error("--token-length must be 19 to 512, not {0}")]
    TokenLength(usize),
    /// The address is in use, or not on this machine.
    #[error("cannot listen on {address}: {source}; choose another --listen")]
    Listen {
        /// The address in [`crate::Options::listen`].
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The CA file could not be written.
    #[error("cannot write the CA file {}: {source}", path.display())]
    CaFile {
        /// The file, or the folder for a temporary file.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A certificate could not be created, for example because a name is not valid in one.
    #[error("cannot create a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// TLS could not be set up with the certificate.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
    /// The server's thread or its event loop could not be started.
    #[error("cannot start the server thread: {0}")]
    Thread(io::Error),
}
