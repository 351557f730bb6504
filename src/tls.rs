//! TLS as the server offers it: from PEM files to what a connection's handshake needs.
//!
//! All that can be wrong with the files is found out before the server listens. The provider is named
//! here because a process that has several, as one with other libraries may, has no default.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::pem::{self, Content};
pub use crate::pem::{Identity, PemError};

/// HTTP/2, the only protocol that is spoken (RFC 9113, section 3.1).
pub(crate) const ALPN: &[u8] = b"h2";

/// The PEM files that a server is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Files {
    /// Who the server is.
    pub identity: Identity,
    /// The certificates of which one has to have signed a client's; without, clients need none.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The library wants something else.
    #[error("cannot set TLS up: {0}")]
    Library(#[from] rustls::Error),
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
        let (chain, key) = files.identity.read()?;
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
        let mut config =
            builder.with_single_cert(chain, key).map_err(|error| files.identity.refused(&error))?;
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
