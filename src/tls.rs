//! TLS as the server offers it: from PEM files to what a connection's handshake needs.
//!
//! All that can be wrong with the files is found out before the server listens. The provider is named
//! here because a process that has several, as one with other libraries may, has no default.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

/// HTTP/2, the only protocol that is spoken (RFC 9113, section 3.1).
const ALPN: &[u8] = b"h2";

/// The library's own words blame a peer.
const NO_CERTIFICATE: &str = "there is PEM but no X.509 certificate in it";

/// The PEM files that a server is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The server's certificate, then those between it and a root.
    pub certificate: PathBuf,
    /// The private key of the server's certificate.
    pub key: PathBuf,
    /// The certificates of which one has to have signed a client's; without, clients need none.
    pub client_ca: Option<PathBuf>,
}

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read at all.
    #[error("cannot read {path}, the {content}: {source}: give a PEM file that is there")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        content: Content,
        /// What the operating system said.
        source: io::Error,
    },
    /// It is not in a PEM file.
    #[error("there is no {content} in {path}: give a PEM file with {}", content.advice())]
    Missing {
        /// Which file.
        path: PathBuf,
        /// What should be in it.
        content: Content,
    },
    /// It is in the PEM file, and broken.
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
        key.display(), certificate.display()
    )]
    Mismatch {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// The library wants something else.
    #[error("cannot set TLS up: {0}")]
    Library(#[from] rustls::Error),
}

/// What a PEM file is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// See [`Files::certificate`].
    Certificate,
    /// See [`Files::key`].
    Key,
    /// See [`Files::client_ca`].
    ClientCa,
}

impl Content {
    const fn advice(self) -> &'static str {
        match self {
            Self::Certificate | Self::ClientCa => "BEGIN CERTIFICATE in it",
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
        })
    }
}

/// What a server's handshakes need; clones are the same.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Reads the files: TLS 1.2 and 1.3, HTTP/2 alone.
    pub fn load(files: &Files) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(&files.certificate, Content::Certificate)?;
        let key = key(&files.key)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let broken = |reason: String| {
                    let (path, content) = (path.clone(), Content::ClientCa);
                    TlsError::Broken { path, content, reason }
                };
                let mut roots = RootCertStore::empty();
                for certificate in certificates(path, Content::ClientCa)? {
                    roots.add(certificate).map_err(|_| broken(NO_CERTIFICATE.to_owned()))?;
                }
                let roots = Arc::new(roots);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider).build();
                builder
                    .with_client_cert_verifier(verifier.map_err(|error| broken(error.to_string()))?)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
            rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            },
            rustls::Error::InvalidCertificate(_) => TlsError::Broken {
                path: files.certificate.clone(),
                content: Content::Certificate,
                reason: NO_CERTIFICATE.to_owned(),
            },
            error => TlsError::Broken {
                path: files.key.clone(),
                content: Content::Key,
                reason: error.to_string(),
            },
        })?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// The server's side of a handshake, for which the caller sets the time.
    pub(crate) async fn accept<IO>(&self, io: IO) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.0.accept(io).await
    }
}

fn read(path: &Path, content: Content) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|source| TlsError::Read { path: path.to_owned(), content, source })
}

/// All certificates of a file, at least one.
fn certificates(path: &Path, content: Content) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path, content)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let all = all.map_err(|error| unusable(path, content, &error))?;
    if all.is_empty() {
        return Err(TlsError::Missing { path: path.to_owned(), content });
    }
    Ok(all)
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path, Content::Key)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|error| unusable(path, Content::Key, &error))
}

fn unusable(path: &Path, content: Content, error: &pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::NoItemsFound => TlsError::Missing { path, content },
        error => TlsError::Broken { path, content, reason: error.to_string() },
    }
}
