//! TLS: which certificates are trusted, and why a handshake failed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use webpki_root_certs::TLS_SERVER_ROOT_CERTS;

use crate::descriptor::Unshared;
use crate::error::ConfigError;

/// How much of a CA file is read, in bytes; Debian's, with all of its roots, has a quarter of a megabyte.
const MAX_CA_FILE: u64 = 8 * 1024 * 1024;

/// Trusts the built-in roots, which are parsed already, and those of `ca_file`.
pub fn config(ca_file: Option<&Path>) -> Result<TlsConfig, ConfigError> {
    let roots = ca_file.map_or(Ok(RootCerts::WebPki), with_built_in)?;
    let tls = TlsConfig::builder()
        .root_certs(roots)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
    Ok(tls.build())
}

fn with_built_in(ca_file: &Path) -> Result<RootCerts, ConfigError> {
    let mut roots = read_certificates(ca_file).map_err(|why| {
        let path = ca_file.display();
        ConfigError(format!(
            "wx_token.ca_file: cannot use {path}: {why}. Set it to a readable PEM file with the certificate of the CA"
        ))
    })?;
    roots.extend(TLS_SERVER_ROOT_CERTS.iter().map(|der| Certificate::from_der(der)));
    Ok(RootCerts::new_with_certs(&roots))
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate<'static>>, String> {
    let pem = Unshared::read(path, MAX_CA_FILE).map_err(|error| error.to_string())?;
    let mut certificates = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|error| error.to_string())? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        Err("it contains no certificate".to_owned())
    } else {
        Ok(certificates)
    }
}

/// Why a TLS handshake failed, and what to do about it.
pub fn explain(error: &io::Error) -> String {
    use rustls::CertificateError as C;
    use rustls::Error as E;
    match error.get_ref().and_then(|error| error.downcast_ref::<E>()) {
        Some(E::InvalidCertificate(C::UnknownIssuer)) => {
            "the certificate is from an unknown CA. Set wx_token.ca_file if a proxy or gateway has its own CA".to_owned()
        }
        Some(E::InvalidCertificate(C::Expired | C::ExpiredContext { .. })) => {
            "the certificate has expired. Check the clock of this server, and have the certificate renewed".to_owned()
        }
        Some(E::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. })) => {
            "the certificate is not valid yet. Check the clock of this server".to_owned()
        }
        Some(E::InvalidCertificate(C::NotValidForNameContext { presented, .. })) => format!(
            "the certificate is for another host ({}). Check wx_token.api_base and DNS",
            presented.join(", ")
        ),
        Some(E::InvalidCertificate(C::NotValidForName)) => {
            "the certificate is for another host. Check wx_token.api_base and DNS".to_owned()
        }
        Some(E::InvalidCertificate(other)) => {
            format!("the certificate cannot be accepted: {other}. Check wx_token.api_base")
        }
        Some(E::InvalidMessage(_)) => {
            "the server does not speak TLS. Check wx_token.api_base".to_owned()
        }
        _ => format!(
            "the handshake broke off: {error}. Check proxies between this server and WeChat"
        ),
    }
}
