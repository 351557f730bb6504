//! TLS as grpcio's client speaks it: whom to trust, whom to expect, and who the client is.
//!
//! Not tonic's, which would wrap the connection behind the [`Connector`](super::connect::Connector):
//! a server is there when it has spoken HTTP/2, and with TLS 1.3 it refuses a client's certificate
//! only after the client believes that all is well.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use http::uri::Authority;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::own_root::OwnRoot;
pub use super::peer_name::{PeerName, PeerNameError};
use crate::pem::{self, Content};
pub use crate::pem::{Identity, PemError};
use crate::tls::ALPN;

/// What a client proves, and what it wants proven. All of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsFiles {
    /// A PEM file with the certificates that are trusted; without it, those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The client's own certificate, for servers that want one.
    pub identity: Option<Identity>,
    /// Whom the server's certificate has to name, if not the host that is connected to. It also
    /// becomes the `:authority` of the calls.
    pub name: Option<PeerName>,
}

/// Why TLS cannot be set up. Nothing has been connected to.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is not what it should be.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// Nobody is trusted.
    #[error("the system trusts no certificate{}: name a PEM file with the server's CA", because(.0.as_ref()))]
    NoSystemRoots(Option<rustls_native_certs::Error>),
    /// The library for TLS cannot be used.
    #[error("TLS is not available: {0}")]
    Library(#[from] rustls::Error),
}

fn because(error: Option<&rustls_native_certs::Error>) -> String {
    error.map_or_else(String::new, |error| format!(" ({error})"))
}

/// TLS, ready for any number of connections.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: Option<PeerName>,
}

/// Why a connection has no TLS.
#[derive(Debug, thiserror::Error)]
pub(super) enum TlsHandshakeError {
    #[error("TLS handshake failed: {0}")]
    Failed(#[from] io::Error),
    /// grpcio insists on it as well.
    #[error("Cannot check peer: missing selected ALPN property.")]
    NotForHttp2,
    #[error(transparent)]
    Name(#[from] PeerNameError),
}

impl Tls {
    /// Reads the files, once.
    pub fn from_files(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let builder = match &files.ca {
            Some(path) => {
                let certificates = pem::certificates(path, Content::ServerCa)?;
                let roots = Arc::new(pem::roots(path, Content::ServerCa, &certificates)?);
                let verifier =
                    WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider))
                        .build()
                        .map_err(|error| pem::broken(path, Content::ServerCa, error))?;
                builder.dangerous().with_custom_certificate_verifier(Arc::new(OwnRoot::new(
                    verifier,
                    certificates,
                )))
            }
            None => builder.with_root_certificates(system_roots()?),
        };
        let mut config = match &files.identity {
            Some(identity) => {
                let (chain, key) = identity.read()?;
                builder
                    .with_client_auth_cert(chain, key)
                    .map_err(|error| identity.refused(&error))?
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), name: files.name.clone() })
    }

    /// The name to expect, if it is not the host's, as an authority.
    pub(super) fn authority(&self) -> Option<Authority> {
        self.name.as_ref().map(|name| name.authority().clone())
    }

    /// Begins TLS with `host` on `io`.
    pub(super) async fn begin<IO>(
        &self,
        host: &str,
        io: IO,
    ) -> Result<TlsStream<IO>, TlsHandshakeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin,
    {
        let name = match &self.name {
            Some(name) => name.server_name(),
            None => host.parse::<PeerName>()?.server_name(),
        };
        let stream = TlsConnector::from(Arc::clone(&self.config)).connect(name, io).await?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(TlsHandshakeError::NotForHttp2);
        }
        Ok(stream)
    }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some systems have old ones that nobody can read any more.
    let (usable, _) = roots.add_parsable_certificates(found.certs);
    if usable == 0 {
        return Err(TlsError::NoSystemRoots(found.errors.pop()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::{Identity, Tls, TlsFiles};
    use http::uri::Authority;
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use std::path::PathBuf;
    use tempfile::TempDir;

    fn file(folder: &TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("a folder of ours");
        path
    }

    /// A certificate and its key.
    fn pair(folder: &TempDir, name: &str) -> Identity {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).expect("a name");
        Identity {
            certificate: file(folder, &format!("{name}.pem"), &cert.pem()),
            key: file(folder, &format!("{name}.key"), &signing_key.serialize_pem()),
        }
    }

    #[test]
    fn good_files() {
        let folder = TempDir::new().expect("a folder");
        let identity = pair(&folder, "localhost");
        let files = TlsFiles {
            ca: Some(identity.certificate.clone()),
            identity: Some(identity),
            name: Some("calculator.example".parse().expect("a name")),
        };
        let tls = Tls::from_files(&files).expect("good files");
        assert_eq!(tls.authority().as_ref().map(Authority::as_str), Some("calculator.example"));
    }

    #[test]
    fn every_error_says_which_file_and_what_is_wrong() {
        let folder = TempDir::new().expect("a folder");
        let (good, other) = (pair(&folder, "good"), pair(&folder, "other"));
        let damaged = file(&folder, "damaged.pem", "-----BEGIN CERTIFICATE-----\n!\n");
        let rubbish = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let rubbish = file(&folder, "rubbish.pem", rubbish);
        let ca = |path: &PathBuf| TlsFiles { ca: Some(path.clone()), ..TlsFiles::default() };
        let identity = |certificate: &PathBuf, key: &PathBuf| TlsFiles {
            ca: Some(good.certificate.clone()),
            identity: Some(Identity { certificate: certificate.clone(), key: key.clone() }),
            name: None,
        };
        let cases = [
            (ca(&folder.path().join("missing.pem")), "missing.pem", "cannot read "),
            (ca(&damaged), "damaged.pem", "cannot use "),
            (ca(&good.key), "good.key", "there is no CA certificate for servers in "),
            (ca(&rubbish), "rubbish.pem", "there is PEM but no X.509 certificate in it"),
            (
                identity(&rubbish, &good.key),
                "rubbish.pem",
                "the TLS certificate: there is PEM but ",
            ),
            (identity(&good.certificate, &good.certificate), "good.pem", "there is no TLS key in "),
            (identity(&good.certificate, &other.key), "other.key", " is not that of the first "),
        ];
        for (files, file, what) in cases {
            let error = Tls::from_files(&files).expect_err(what).to_string();
            assert!(error.contains(what) && error.contains(file), "{error}");
            assert!(error.contains(": give "), "{error}");
        }
    }
}
