//! Certificates and keys out of PEM files, for servers and clients.
//!
//! Every error names its file and what the file is for: a program has up to three of them, and which
//! one is wrong is the first thing that a person wants to know.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, InconsistentKeys, RootCertStore};

/// The library's own words blame a peer.
const NO_CERTIFICATE: &str = "there is PEM but no X.509 certificate in it";

/// Who a server or a client is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// A PEM file with its certificate, and behind it those between it and a root.
    pub certificate: PathBuf,
    /// A PEM file with the certificate's private key: PKCS #8, PKCS #1 or SEC1, and not encrypted.
    pub key: PathBuf,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It cannot be read at all.
    #[error("cannot read {path}, the {content}: {source}: give a PEM file that is there")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        content: Content,
        /// What the operating system said.
        source: io::Error,
    },
    /// What should be in it is not.
    #[error("there is no {content} in {path}: give a PEM file with {}", content.advice())]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        content: Content,
    },
    /// It is in the file, and broken.
    #[error("cannot use {path}, the {content}: {reason}: give a PEM file with {}", content.advice())]
    Broken {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        content: Content,
        /// What is wrong.
        reason: String,
    },
    /// The key is that of another certificate.
    #[error(
        "the key in {} is not that of the first certificate in {}: give the two that belong together",
        .0.key.display(), .0.certificate.display()
    )]
    Mismatch(Identity),
}

/// What a PEM file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// See [`Identity::certificate`].
    Certificate,
    /// See [`Identity::key`].
    Key,
    /// The certificates of which one has to have signed a client's.
    ClientCa,
    /// The certificates of which one has to have signed a server's.
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
    /// The certificates and the key.
    pub(crate) fn read(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), PemError> {
        let chain = certificates(&self.certificate, Content::Certificate)?;
        let key = PrivateKeyDer::from_pem_slice(&read(&self.key, Content::Key)?)
            .map_err(|error| unusable(&self.key, Content::Key, &error))?;
        Ok((chain, key))
    }

    /// Which of the files it is that the library refuses.
    pub(crate) fn refused(&self, error: &rustls::Error) -> PemError {
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

/// All certificates of a file, at least one.
pub(crate) fn certificates(
    path: &Path,
    content: Content,
) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let pem = read(path, content)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| unusable(path, content, &error))?;
    if all.is_empty() {
        return Err(PemError::Missing { path: path.to_owned(), content });
    }
    Ok(all)
}

/// The `certificates` of a file as those that are trusted.
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

/// What is in the file cannot be used.
pub(crate) fn broken(path: &Path, content: Content, reason: impl fmt::Display) -> PemError {
    PemError::Broken { path: path.to_owned(), content, reason: reason.to_string() }
}

fn read(path: &Path, content: Content) -> Result<Vec<u8>, PemError> {
    fs::read(path).map_err(|source| PemError::Read { path: path.to_owned(), content, source })
}

fn unusable(path: &Path, content: Content, error: &pem::Error) -> PemError {
    match error {
        pem::Error::NoItemsFound => PemError::Missing { path: path.to_owned(), content },
        error => broken(path, content, error),
    }
}
