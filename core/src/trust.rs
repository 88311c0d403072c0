//! TLS: which certificates are trusted, and why a handshake failed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use webpki_roots::TLS_SERVER_ROOTS;

use crate::descriptor::Unshared;
use crate::error::ConfigError;

/// How much of a CA file is read, in bytes; Debian's, with all of its roots, has a quarter of a megabyte.
const MAX_CA_FILE: u64 = 8 * 1024 * 1024;

/// TLS for clients that trust the built-in roots, which are parsed already, and those of `ca_file`.
///
/// # Errors
/// Why `ca_file` cannot be used.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, ConfigError> {
    let mut roots = RootCertStore { roots: TLS_SERVER_ROOTS.to_vec() };
    if let Some(path) = ca_file {
        add_file(&mut roots, path).map_err(|why| {
            let path = path.display();
            ConfigError(format!(
                "wx_token.ca_file: cannot use {path}: {why}. Set it to a readable PEM file with the certificate of the CA"
            ))
        })?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions();
    // The provider has cipher suites for these versions.
    let builder = builder.map_err(|error| ConfigError(error.to_string()))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    // Sessions would be kept behind a mutex, which a fork may leave locked for ever in the child.
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}

fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let pem = Unshared::read(path, MAX_CA_FILE).map_err(|error| error.to_string())?;
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before { Err("it contains no certificate".to_owned()) } else { Ok(()) }
}

/// A server that is reached by TLS, in the words of its user.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    pub name: &'static str,
    /// The setting that has its address.
    pub setting: &'static str,
    /// Who may have a CA of its own.
    pub own_ca: &'static str,
}

/// Why a TLS handshake with `server` failed, and what to do about it.
pub fn explain(error: &io::Error, server: Server) -> String {
    use rustls::AlertDescription as A;
    use rustls::CertificateError as C;
    use rustls::Error as E;
    let Server { name, setting, own_ca } = server;
    match error.get_ref().and_then(|error| error.downcast_ref::<E>()) {
        Some(E::InvalidCertificate(C::UnknownIssuer)) => {
            format!("the certificate is from an unknown CA. Set wx_token.ca_file if {own_ca} has its own CA")
        }
        Some(E::InvalidCertificate(C::Expired | C::ExpiredContext { .. })) => {
            "the certificate has expired. Check the clock of this server, and have the certificate renewed".to_owned()
        }
        Some(E::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. })) => {
            "the certificate is not valid yet. Check the clock of this server".to_owned()
        }
        Some(E::InvalidCertificate(C::NotValidForNameContext { presented, .. })) => format!(
            "the certificate is for another host ({}). Check {setting} and DNS",
            presented.join(", ")
        ),
        Some(E::InvalidCertificate(C::NotValidForName)) => {
            format!("the certificate is for another host. Check {setting} and DNS")
        }
        Some(E::InvalidCertificate(other)) => {
            format!("the certificate cannot be accepted: {other}. Check {setting}")
        }
        Some(E::InvalidMessage(_)) => format!("the server does not speak TLS. Check {setting}"),
        Some(E::AlertReceived(A::CertificateRequired)) => {
            "the server wants a certificate of its client, and wx_token has none. Let it accept clients without one (Redis: tls-auth-clients no)".to_owned()
        }
        _ => format!(
            "the handshake broke off: {error}. Check proxies between this server and {name}"
        ),
    }
}
