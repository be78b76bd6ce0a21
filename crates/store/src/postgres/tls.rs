//! Encrypted connections to servers whose certificates have been checked.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::error::OpenError;
use crate::files;

/// Encryption with servers whose certificates come from the roots in the file `roots`, or from
/// those that the machine trusts.
pub(super) fn verified(roots: Option<&Path>) -> Result<MakeRustlsConnect, OpenError> {
    let mut trusted = RootCertStore::empty();
    match roots {
        Some(path) => {
            let text = std::fs::read(path).map_err(files::io(path))?;
            for certificate in CertificateDer::pem_slice_iter(&text) {
                let damaged = |reason: String| OpenError::Damaged { path: path.into(), reason };
                let certificate = certificate.map_err(|error| damaged(error.to_string()))?;
                trusted.add(certificate).map_err(|error| damaged(error.to_string()))?;
            }
        }
        None => {
            trusted.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if trusted.is_empty() {
        return Err(OpenError::BadUrl(
            "there is no certificate that servers could be known by; name a file with one by \
             sslrootcert"
                .to_owned(),
        ));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has them")
        .with_root_certificates(trusted)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
