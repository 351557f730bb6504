//! A server may use a trusted certificate as its own, as with OpenSSL and therefore grpcio.
//!
//! `openssl req -x509` creates such a certificate in a single step, a CA certificate by default, and
//! clients trust just that one. Or clients trust the certificate of a server but not its CA. rustls
//! follows RFC 5280 strictly: it rejects a CA certificate as that of a server, and needs an issuer
//! for every other one.

use std::sync::Arc;

use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::client::{WebPkiServerVerifier, verify_server_name};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::common_name;

/// Verifies like rustls, but also accepts a trusted certificate as the certificate of a server.
#[derive(Debug)]
pub(super) struct SelfSignedVerifier {
    inner: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
}

impl SelfSignedVerifier {
    /// `trusted` are the certificates that `inner` trusts.
    pub(super) fn new(
        inner: Arc<WebPkiServerVerifier>,
        trusted: Vec<CertificateDer<'static>>,
    ) -> Self {
        Self { inner, trusted }
    }
}

/// Whether trust in the certificate itself settles the objection: it belongs to a CA, no CA has signed
/// it, or it needs another check of its name. rustls checks the validity period before all of them.
fn trust_settles(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::NotValidForNameContext { .. },
        ) => true,
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

/// Verifies the name of a trusted certificate: one in subjectAltName, or else the common name.
fn verify_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    let error = match verify_server_name(&ParsedCertificate::try_from(certificate)?, name) {
        Ok(()) => return Ok(()),
        Err(error) => error,
    };
    match &error {
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            presented, ..
        }) if presented.is_empty()
            && common_name::of(certificate)
                .is_some_and(|common| common.eq_ignore_ascii_case(&name.to_str())) =>
        {
            Ok(())
        }
        _ => Err(error),
    }
}

impl ServerCertVerifier for SelfSignedVerifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.inner.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            Err(error)
                if trust_settles(&error) && self.trusted.iter().any(|one| one == certificate) =>
            {
                verify_name(certificate, name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
