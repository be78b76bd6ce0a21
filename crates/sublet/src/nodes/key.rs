//! Keys by which a shop and its gateways on other hosts know each other.
//!
//! Both sides prove their keys in a handshake of TLS 1.3 and send them as they are (RFC 7250): there
//! are no certificates, and so no names, dates or authorities that could be mistaken. A shop is
//! known by the hash of its key, which is a part of the token that a gateway enrols with; a gateway,
//! by the hash that the books keep from then on.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context as _, Result, anyhow};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::Ed25519KeyPair;
use rustls::client::AlwaysResolvesClientRawPublicKeys;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, SubjectPublicKeyInfoDer,
    UnixTime,
};
use rustls::server::AlwaysResolvesServerRawPublicKeys;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme, version,
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// What tells a key from all others.
pub(crate) type KeyHash = [u8; 32];

/// A private key.
#[derive(Clone)]
pub(crate) struct Key {
    certified: Arc<CertifiedKey>,
    hash: KeyHash,
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

impl Key {
    /// A new key, as text that [`Key::read`] understands.
    pub(crate) fn draw() -> Result<Zeroizing<String>> {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new());
        let document = document.map_err(|_| anyhow!("the system has no randomness"))?;
        Ok(Zeroizing::new(BASE64_STANDARD.encode(document.as_ref())))
    }

    /// The key that was written as `text`.
    pub(crate) fn read(text: &str) -> Result<Key> {
        let bytes = BASE64_STANDARD.decode(text.trim()).ok().context("it is not a key")?;
        let document = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(bytes));
        let signing = rustls::crypto::ring::sign::any_eddsa_type(match &document {
            PrivateKeyDer::Pkcs8(document) => document,
            _ => unreachable!("it was made above"),
        });
        let signing = signing.ok().context("it is not a key")?;
        let public = signing.public_key().context("it has no public key")?;
        let hash = key_hash(&public);
        let public = vec![CertificateDer::from(public.to_vec())];
        Ok(Key { certified: Arc::new(CertifiedKey::new(public, signing)), hash })
    }

    /// What tells it from all others.
    pub(crate) fn hash(&self) -> KeyHash {
        self.hash
    }

    /// How a shop with this key talks to gateways: they have to prove a key, and which one is looked
    /// at by who serves them.
    pub(crate) fn serving(&self) -> Arc<ServerConfig> {
        let provider = provider();
        let any = Arc::new(AnyKey { proofs: proofs(&provider) });
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .expect("the provider has it")
            .with_client_cert_verifier(any)
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(Arc::clone(
                &self.certified,
            ))));
        Arc::new(config)
    }

    /// How a gateway with this key talks to the shop whose key has the hash `shop`, and to no other.
    pub(crate) fn asking(&self, shop: KeyHash) -> Arc<ClientConfig> {
        let provider = provider();
        let only = Arc::new(OnlyKey { shop, proofs: proofs(&provider) });
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])
            .expect("the provider has it")
            .dangerous()
            .with_custom_certificate_verifier(only)
            .with_client_cert_resolver(Arc::new(AlwaysResolvesClientRawPublicKeys::new(
                Arc::clone(&self.certified),
            )));
        config.enable_sni = false;
        Arc::new(config)
    }
}

/// What tells a public key from all others.
pub(crate) fn key_hash(public: &[u8]) -> KeyHash {
    Sha256::digest(public).into()
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn proofs(provider: &CryptoProvider) -> Proofs {
    Proofs(provider.signature_verification_algorithms)
}

/// How a proof of a key is looked at: what both sides have in common.
#[derive(Debug)]
struct Proofs(WebPkiSupportedAlgorithms);

impl Proofs {
    fn look(
        &self,
        message: &[u8],
        key: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let key = SubjectPublicKeyInfoDer::from(key.as_ref());
        verify_tls13_signature_with_raw_key(message, &key, signed, &self.0)
    }
}

/// What verifiers of either side answer alike: only keys as they are, proven in TLS 1.3, by the
/// `Proofs` in their member `proofs`.
macro_rules! by_raw_keys {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("only TLS 1.3 is spoken".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            key: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.proofs.look(message, key, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.proofs.0.supported_schemes()
        }

        fn requires_raw_public_keys(&self) -> bool {
            true
        }
    };
}

/// A shop believes that a gateway has whatever key it proves.
#[derive(Debug)]
struct AnyKey {
    proofs: Proofs,
}

impl ClientCertVerifier for AnyKey {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    by_raw_keys!();
}

/// A gateway talks to the shop that it belongs to, and to no other.
#[derive(Debug)]
struct OnlyKey {
    shop: KeyHash,
    proofs: Proofs,
}

impl ServerCertVerifier for OnlyKey {
    fn verify_server_cert(
        &self,
        key: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match key_hash(key) == self.shop {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::ApplicationVerificationFailure.into()),
        }
    }

    by_raw_keys!();
}
