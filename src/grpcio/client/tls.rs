//! TLS 1.2 and 1.3 as grpcio's client uses them: trusted roots, the expected name and the identity
//! of the client.
//!
//! tonic's TLS is not used because it wraps the connection after the
//! [`Connector`](super::connect::Connector), which has to see HTTP/2: with TLS 1.3 a server rejects
//! the certificate of a client only after the client has completed its handshake.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use http::uri::Authority;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::sign::SingleCertAndKey;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

pub use super::peer_name::{PeerName, PeerNameError};
use super::rejection::Demand;
use super::self_signed::SelfSignedVerifier;
use crate::grpcio::pem::{self, Content};
pub use crate::grpcio::pem::{Identity, PemError};
use crate::grpcio::wire::http2::ALPN;

/// Names a PEM file with the certificates that are trusted by default, for grpcio and here.
const ROOTS_VARIABLE: &str = "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH";

/// The PEM files and the name that a client uses for TLS. All of them are optional.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TlsFiles {
    /// A PEM file with the trusted certificates; by default the one that the variable
    /// `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH` names, and without it those that the system trusts.
    pub ca: Option<PathBuf>,
    /// The certificate of the client, for servers that require one.
    pub identity: Option<Identity>,
    /// The name that the certificate of the server has to contain; by default the host of the
    /// address. It also becomes the `:authority` of the calls.
    pub name: Option<PeerName>,
}

/// Why TLS cannot be configured.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The PEM file that a variable names cannot be used. grpcio would not trust it and not say so.
    #[error("{source} (GRPC_DEFAULT_SSL_ROOTS_FILE_PATH names it: change or unset this variable)")]
    Variable {
        /// The error of the file.
        source: PemError,
    },
    /// The system trusts no certificate.
    #[error("the system trusts no certificate{}: name a PEM file with the server's CA, or let SSL_CERT_FILE name it", because(.0.as_ref()))]
    NoSystemRoots(Option<rustls_native_certs::Error>),
    /// rustls rejects the configuration.
    #[error("TLS is not available: {0}")]
    Library(#[from] rustls::Error),
}

fn because(error: Option<&rustls_native_certs::Error>) -> String {
    error.map_or_else(String::new, |error| format!(" ({error})"))
}

/// A TLS configuration for any number of connections.
#[derive(Clone, Debug)]
pub struct Tls {
    config: Arc<ClientConfig>,
    name: Option<PeerName>,
    /// Where the trusted certificates come from, for errors.
    trusted: Arc<str>,
}

/// Why a TLS handshake failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TlsHandshakeError {
    #[error("TLS handshake failed: {0}")]
    Failed(String),
    /// The server did not select HTTP/2 with ALPN, which grpcio requires, too.
    #[error("Cannot check peer: missing selected ALPN property.")]
    NotForHttp2,
    #[error(transparent)]
    Name(#[from] PeerNameError),
}

impl Tls {
    /// Reads the files.
    pub fn from_files(files: &TlsFiles) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()?;
        let (builder, trusted) = match (&files.ca, default_roots()) {
            (Some(path), _) => {
                let verifier = verifier(path, &provider)?;
                (
                    builder.dangerous().with_custom_certificate_verifier(verifier),
                    format!("in {}", path.display()),
                )
            }
            (None, Some(path)) => {
                let verifier =
                    verifier(&path, &provider).map_err(|source| TlsError::Variable { source })?;
                (
                    builder.dangerous().with_custom_certificate_verifier(verifier),
                    format!("in {}, which {ROOTS_VARIABLE} names,", path.display()),
                )
            }
            (None, None) => {
                (builder.with_root_certificates(system_roots()?), "of the system".to_owned())
            }
        };
        let mut config = match &files.identity {
            Some(identity) => {
                let key = SingleCertAndKey::from(identity.read(&provider)?);
                builder.with_client_cert_resolver(Arc::new(key))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), name: files.name.clone(), trusted: trusted.into() })
    }

    /// The configured name as an authority.
    pub(super) fn authority(&self) -> Option<Authority> {
        self.name.as_ref().map(|name| name.authority().clone())
    }

    /// Performs the handshake with `host` on `io`.
    pub(super) async fn handshake<IO>(
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
        let connecting = TlsConnector::from(Arc::clone(&self.config)).connect(name.clone(), io);
        let stream = connecting.await.map_err(|error| {
            let demand = Demand { name: &name, trusted: &self.trusted };
            TlsHandshakeError::Failed(demand.explain(&error))
        })?;
        if stream.get_ref().1.alpn_protocol() != Some(ALPN) {
            return Err(TlsHandshakeError::NotForHttp2);
        }
        Ok(stream)
    }
}

/// The file that the environment names.
fn default_roots() -> Option<PathBuf> {
    std::env::var_os(ROOTS_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Trusts the certificates in a file.
fn verifier(
    path: &Path,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<SelfSignedVerifier>, PemError> {
    let certificates = pem::certificates(path, Content::ServerCa)?;
    let roots = Arc::new(pem::roots(path, Content::ServerCa, &certificates)?);
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(provider))
        .build()
        .map_err(|error| pem::broken(path, Content::ServerCa, error))?;
    Ok(Arc::new(SelfSignedVerifier::new(verifier, certificates)))
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // Some systems have certificates that rustls cannot parse.
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
        std::fs::write(&path, text).expect("a writable folder");
        path
    }

    /// Creates a certificate and its key.
    fn pair(folder: &TempDir, name: &str) -> Identity {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([name.to_owned()]).expect("a name");
        Identity {
            certificate: file(folder, &format!("{name}.pem"), &cert.pem()),
            key: file(folder, &format!("{name}.key"), &signing_key.serialize_pem()),
        }
    }

    #[test]
    fn valid_files_are_accepted() {
        let folder = TempDir::new().expect("a folder");
        let identity = pair(&folder, "localhost");
        let files = TlsFiles {
            ca: Some(identity.certificate.clone()),
            identity: Some(identity),
            name: Some("calculator.example".parse().expect("a name")),
        };
        let tls = Tls::from_files(&files).expect("valid files");
        assert_eq!(tls.authority().as_ref().map(Authority::as_str), Some("calculator.example"));
    }

    #[test]
    fn every_error_names_the_file_and_the_reason() {
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
