//! Reads certificates and private keys from PEM files, for servers and clients.
//!
//! Every error names the file and its purpose: a program has up to three such files, and the user
//! first needs to know which one is wrong.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, InconsistentKeys, RootCertStore};

/// Replaces the message of rustls, which blames a peer.
const NO_CERTIFICATE: &str = "there is PEM but no X.509 certificate in it";

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
    #[error("there is no {content} in {path}: give a PEM file with {}", content.advice())]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the file should contain.
        content: Content,
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
    /// The key belongs to another certificate.
    #[error(
        "the key in {} is not that of the first certificate in {}: give the two that belong together",
        .0.key.display(), .0.certificate.display()
    )]
    Mismatch(Identity),
}

/// The purpose of a PEM file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The certificate chain of a server or a client.
    Certificate,
    /// The private key of a server or a client.
    Key,
    /// The CA certificates that sign the certificates of clients.
    ClientCa,
    /// The CA certificates that sign the certificates of servers.
    ServerCa,
}

impl Content {
    const fn advice(self) -> &'static str {
        match self {
            Self::Certificate | Self::ClientCa | Self::ServerCa => "BEGIN CERTIFICATE in it",
            Self::Key => "BEGIN PRIVATE KEY in it, not encrypted",
        }
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Certificate => "TLS certificate",
            Self::Key => "TLS key",
            Self::ClientCa => "CA certificate for clients",
            Self::ServerCa => "CA certificate for servers",
        })
    }
}

impl Identity {
    /// Reads the certificate chain and the key.
    pub(crate) fn read(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PemError> {
        let chain = certificates(&self.certificate, Content::Certificate)?;
        let key = key_in(&read(&self.key, Content::Key)?, &self.key)?;
        Ok((chain, key))
    }

    /// The error for the file that rustls rejects.
    pub(crate) fn rejected(&self, error: &rustls::Error) -> PemError {
        match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
                PemError::Mismatch(self.clone())
            }
            rustls::Error::InvalidCertificate(_) => {
                broken(&self.certificate, Content::Certificate, NO_CERTIFICATE)
            }
            error => broken(&self.key, Content::Key, error),
        }
    }
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
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let all = all.map_err(|error| pem_error(path, content, &error))?;
    if all.is_empty() {
        return Err(PemError::Missing { path: path.to_owned(), content });
    }
    Ok(all)
}

/// The private key in `pem`, which is the text of the file.
pub(crate) fn key_in(pem: &[u8], path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| pem_error(path, Content::Key, &error))
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

fn pem_error(path: &Path, content: Content, error: &pem::Error) -> PemError {
    match error {
        pem::Error::NoItemsFound => PemError::Missing { path: path.to_owned(), content },
        error => broken(path, content, error),
    }
}
