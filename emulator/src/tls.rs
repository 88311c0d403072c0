//! A certificate authority and a server certificate, created at each start.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use tempfile::{NamedTempFile, TempPath};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::error::Error;
use crate::options::Tls;

/// The file with the CA certificate. A temporary file is removed when this is dropped.
#[derive(Debug)]
pub(crate) enum CaFile {
    Named(PathBuf),
    Temporary(TempPath),
}

impl CaFile {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Named(path) => path,
            Self::Temporary(path) => path,
        }
    }

    fn write(pem: &str, named: Option<&Path>) -> Result<Self, Error> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::CaFile { path, source }
        };
        match named {
            Some(path) => {
                std::fs::write(path, pem).map_err(failed(path))?;
                Ok(Self::Named(path.to_owned()))
            }
            None => {
                let folder = std::env::temp_dir();
                let mut file = NamedTempFile::with_prefix_in("wechat-emulator-ca-", &folder)
                    .map_err(failed(&folder))?;
                file.write_all(pem.as_bytes()).map_err(failed(file.path()))?;
                Ok(Self::Temporary(file.into_temp_path()))
            }
        }
    }
}

/// Creates both certificates, and writes that of the CA to a file, as PEM.
pub(crate) fn prepare(tls: &Tls) -> Result<(TlsAcceptor, CaFile), Error> {
    let ca = authority()?;
    let ca_file = CaFile::write(&ca.pem(), tls.ca_out.as_deref())?;

    let names = match tls.cert_names.as_slice() {
        [] => ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec(),
        names => names.to_vec(),
    };
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "wechat-emulator");
    if tls.expired {
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(2020, 2, 1);
    }
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &ca)?;

    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )?;
    Ok((TlsAcceptor::from(Arc::new(config)), ca_file))
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "wechat-emulator CA");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(params, KeyPair::generate()?)?)
}
