//! TLS 1.2 and 1.3 of the server: loads the PEM files and performs handshakes.
//!
//! Everything that can be wrong with the files is detected before the server listens. The crypto
//! provider is explicit because a process with several providers has no default.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::grpcio::pem::{self, Content};
pub use crate::grpcio::pem::{Identity, PemError};
use crate::grpcio::wire::http2::ALPN;

/// The PEM files of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// The certificate and key of the server.
    pub identity: Identity,
    /// The CA certificates that sign the certificates of clients. Without them, clients need no
    /// certificate.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// rustls rejects the configuration.
    #[error("cannot set TLS up: {0}")]
    Library(#[from] rustls::Error),
}

/// A TLS configuration for any number of connections. Clones share it.
#[derive(Clone)]
pub struct Tls(TlsAcceptor);

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tls")
    }
}

impl Tls {
    /// Loads the files. HTTP/2 is the only protocol that ALPN offers.
    pub fn load(files: &Files) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let key = files.identity.read(&provider)?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])?;
        let builder = match &files.client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let certificates = pem::certificates(path, Content::ClientCa)?;
                let roots = pem::roots(path, Content::ClientCa, &certificates)?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                        .build()
                        .map_err(|error| pem::broken(path, Content::ClientCa, error))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self(TlsAcceptor::from(Arc::new(config))))
    }

    /// Performs the handshake of the server, without a timeout.
    pub(crate) async fn accept<IO>(&self, io: IO) -> io::Result<TlsStream<IO>>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        self.0.accept(io).await
    }
}
