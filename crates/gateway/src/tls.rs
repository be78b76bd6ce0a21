//! The certificate that clients see who connect inside TLS.

use std::fmt;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// What is spoken inside. A client that asks for HTTP/2 is told so before it sends a request.
const INSIDE: &[u8] = b"http/1.1";

/// A certificate with its key. `Debug` shows neither.
#[derive(Clone)]
pub struct Certificate {
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certificate")
    }
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The text of the certificates is not PEM.
    #[error("the certificates cannot be read: {0}")]
    Chain(#[source] rustls::pki_types::pem::Error),
    /// There is no certificate in the text.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// The text of the key is not PEM, or there is no key in it.
    #[error("the private key cannot be read: {0}")]
    Key(#[source] rustls::pki_types::pem::Error),
    /// Certificate and key cannot be used, or not together.
    #[error("the certificate cannot be used with this key: {0}")]
    Unusable(#[from] rustls::Error),
}

impl Certificate {
    /// Reads a certificate, with those that lead from it to one that clients trust, and its private
    /// key; both are texts in PEM.
    pub fn read(chain: &[u8], key: &[u8]) -> Result<Certificate, CertificateError> {
        let chain = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<Vec<_>, _>>()
            .map_err(CertificateError::Chain)?;
        if chain.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let key = PrivateKeyDer::from_pem_slice(key).map_err(CertificateError::Key)?;
        let provider = Arc::new(ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![INSIDE.to_vec()];
        // Clients that come again skip most of the handshake, and nothing is kept of them here.
        config.ticketer = ring::Ticketer::new()?;
        Ok(Certificate { config: Arc::new(config) })
    }

    pub(crate) fn config(self) -> Arc<ServerConfig> {
        self.config
    }
}
