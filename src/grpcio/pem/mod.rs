//! Reads certificates and private keys from PEM files, for servers and clients.
//!
//! Every error names the file and its purpose: a program has up to three such files, and the user
//! first needs to know which one is wrong.
//!
//! A program may present any certificate, as with grpcio: version 1, without names, or for other
//! purposes. Whether it is good enough is the decision of the peer. Only its key has to match.

mod content;
mod finding;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, SubjectPublicKeyInfoDer};
use tokio_rustls::rustls::sign::CertifiedKey;

pub use content::Content;
pub use finding::Finding;
pub(crate) use finding::word;

const NO_CERTIFICATE: &str = "there is PEM but no X.509 certificate in it";

/// What ring can sign with.
const UNKNOWN_KEY: &str =
    "it is neither an RSA key of 2048 to 4096 bits, nor a key of P-256, P-384 or Ed25519";

const NEW_KEY: &str = "another key, made with `openssl genpkey -algorithm EC -pkeyopt \
    ec_paramgen_curve:P-256 -out new.key`, and a certificate for it";

/// The certificate and private key of a server or a client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// A PEM file with the certificate, followed by the intermediate certificates up to a root.
    pub certificate: PathBuf,
    /// A PEM file with the private key: PKCS #8, PKCS #1 or SEC1, not encrypted.
    pub key: PathBuf,
}

/// Why a PEM file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// The file cannot be read.
    #[error("cannot read {path}, the {content}: {source}: give a PEM file that is there")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the file should contain.
        content: Content,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file does not contain what it should.
    #[error("there is no {content} in {path}{finding}")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the file should contain.
        content: Content,
        /// What the file contains.
        finding: Finding,
    },
    /// The content of the file is invalid.
    #[error("cannot use {path}, the {content}: {reason}: give a PEM file with {}", content.advice())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What the file should contain.
        content: Content,
        /// Why the content is invalid.
        reason: String,
    },
    /// The key is of a kind that the crypto provider does not support.
    #[error("cannot use {path}, the TLS key: {UNKNOWN_KEY}: give {NEW_KEY}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
    },
    /// The key belongs to another certificate.
    #[error(
        "the key in {} is not that of the first certificate in {}: give the two that belong \
         together, for which `openssl pkey -pubout -in {}` and `openssl x509 -noout -pubkey -in {}` \
         print the same",
        .0.key.display(), .0.certificate.display(), word(&.0.key), word(&.0.certificate)
    )]
    Mismatch(Identity),
    /// The key belongs to a certificate that is not the first one.
    #[error(
        "the key in {} is that of certificate {position} in {}, not of the first one: give a file \
         in which this certificate comes first",
        identity.key.display(), identity.certificate.display()
    )]
    Order {
        /// The files.
        identity: Identity,
        /// The position of the certificate with this key. The first one has position 1.
        position: usize,
    },
}

impl Identity {
    /// Reads the certificate chain and the key.
    ///
    /// `CertifiedKey::from_der` is not used because it rejects certificates that only a verifier
    /// has to understand.
    pub(crate) fn read(&self, provider: &CryptoProvider) -> Result<CertifiedKey, PemError> {
        let chain = certificates(&self.certificate, Content::Certificate)?;
        let public: Option<Vec<_>> = chain.iter().map(public_key).collect();
        let public = public
            .ok_or_else(|| broken(&self.certificate, Content::Certificate, NO_CERTIFICATE))?;
        let key = key_in(&read(&self.key, Content::Key)?, &self.key)?;
        let key = provider
            .key_provider
            .load_private_key(key)
            .map_err(|_| PemError::UnknownKey { path: self.key.clone() })?;
        let own = key.public_key();
        match own.and_then(|own| public.iter().position(|one| *one == own)) {
            Some(0) => Ok(CertifiedKey::new(chain, key)),
            Some(index) => Err(PemError::Order { identity: self.clone(), position: index + 1 }),
            None => Err(PemError::Mismatch(self.clone())),
        }
    }
}

/// The public key in a certificate of any version.
fn public_key(certificate: &CertificateDer<'_>) -> Option<SubjectPublicKeyInfoDer<'static>> {
    webpki::anchor_from_trusted_cert(certificate).ok().map(|one| webpki::spki_for_anchor(&one))
}

/// Reads all certificates of a file, which has at least one.
pub(crate) fn certificates(
    path: &Path,
    content: Content,
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    certificates_in(&read(path, content)?, path, content)
}

/// All certificates in `pem`, which is the text of the file.
pub(crate) fn certificates_in(
    pem: &[u8],
    path: &Path,
    content: Content,
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    // A parser would skip the first certificate and read the rest.
    if finding::has_byte_order_mark(pem) {
        return Err(missing(pem, path, content));
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| broken(path, content, error))?;
    if all.is_empty() {
        return Err(missing(pem, path, content));
    }
    Ok(all)
}

/// The private key in `pem`, which is the text of the file.
pub(crate) fn key_in(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound => missing(pem, path, Content::Key),
        // The lines that say how a key of PKCS #1 or SEC1 is encrypted are not base64.
        pem::Error::Base64Decode(_) if finding::is_encrypted(pem) => {
            missing(pem, path, Content::Key)
        }
        error => broken(path, Content::Key, error),
    })
}

/// Makes the `certificates` of a file trusted roots.
pub(crate) fn roots(
    path: &Path,
    content: Content,
    certificates: &[CertificateDer<'static>],
) -> Result<RootCertStore, PemError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate.clone()).map_err(|_| broken(path, content, NO_CERTIFICATE))?;
    }
    Ok(roots)
}

/// The error for invalid content.
pub(crate) fn broken(path: &Path, content: Content, reason: impl fmt::Display) -> PemError {
    PemError::Broken { path: path.to_owned(), content, reason: reason.to_string() }
}

fn read(path: &Path, content: Content) -> Result<Vec<u8>, PemError> {
    fs::read(path).map_err(|source| PemError::Read { path: path.to_owned(), content, source })
}

fn missing(text: &[u8], path: &Path, content: Content) -> PemError {
    let finding = finding::inspect(text, path, content);
    PemError::Missing { path: path.to_owned(), content, finding }
}
