//! Certificates and keys out of PEM files.
//!
//! Every error names its file: a program has up to three of them, and which one is wrong is the first
//! thing that a person wants to know.

use std::io;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why a file is not what it should be.
#[derive(Debug, thiserror::Error)]
pub enum PemError {
    /// It cannot be read at all.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is damaged: a section without an end, or what is no base64.
    #[error("{path} is no PEM file: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// It has no section of the kind that is looked for.
    #[error("{path} has no {what}: give a PEM file with a section '-----BEGIN {label}-----'")]
    Missing {
        /// The file.
        path: PathBuf,
        /// What is looked for.
        what: &'static str,
        /// How its section begins.
        label: &'static str,
    },
}

/// All certificates in the file, one at least.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, PemError> {
    let text = read(path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|source| damaged(path, source))?;
    if certificates.is_empty() {
        return Err(missing(path, "certificate", "CERTIFICATE"));
    }
    Ok(certificates)
}

/// The first private key in the file: PKCS #8, PKCS #1 or SEC1, and not encrypted.
pub(super) fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, PemError> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|source| match source {
        pem::Error::NoItemsFound => {
            missing(path, "private key that is not encrypted", "PRIVATE KEY")
        }
        source => damaged(path, source),
    })
}

fn read(path: &Path) -> Result<Vec<u8>, PemError> {
    std::fs::read(path).map_err(|source| PemError::Read { path: path.to_owned(), source })
}

fn damaged(path: &Path, source: pem::Error) -> PemError {
    PemError::Damaged { path: path.to_owned(), source }
}

fn missing(path: &Path, what: &'static str, label: &'static str) -> PemError {
    PemError::Missing { path: path.to_owned(), what, label }
}
