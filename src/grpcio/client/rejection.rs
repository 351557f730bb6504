//! Why a TLS handshake failed, in words, and the command that shows or corrects the cause.
//!
//! rustls names causes like its own types, such as `Other(OtherError(CaUsedAsEndEntity))`. Who reads
//! a status message has to know which certificate is wrong and how to make another one.

use std::io;

use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, InvalidMessage};

/// What a client demands of the certificate of a server.
pub(super) struct Demand<'a> {
    /// The name that it has to contain.
    pub(super) name: &'a ServerName<'a>,
    /// Where the trusted certificates come from: "in FILE" or "of the system".
    pub(super) trusted: &'a str,
}

impl Demand<'_> {
    /// The text for an error of a handshake.
    pub(super) fn explain(&self, error: &io::Error) -> String {
        match of_rustls(error) {
            Some(Error::InvalidCertificate(cause)) => self.certificate(cause),
            Some(Error::InvalidMessage(InvalidMessage::InvalidContentType)) => {
                "the server does not speak TLS at this address".to_owned()
            }
            _ => alert(error).unwrap_or_else(|| error.to_string()),
        }
    }

    fn certificate(&self, cause: &CertificateError) -> String {
        let Self { trusted, .. } = self;
        match cause {
            CertificateError::UnknownIssuer => format!(
                "no certificate {trusted} has signed that of the server (UnknownIssuer): trust its \
                 CA, and let the server send all intermediate certificates, which {} shows",
                self.show("-showcerts")
            ),
            CertificateError::BadSignature => format!(
                "a signature of the server is wrong: a certificate {trusted} has the name of the one \
                 that signed but another key, or an RSA key has less than 2048 bits: trust the CA \
                 that signed, or use a longer key; {} shows all certificates",
                self.show("-showcerts")
            ),
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let presented = match cause {
                    CertificateError::NotValidForNameContext { presented, .. } => &presented[..],
                    _ => &[],
                };
                let why = if presented.is_empty() {
                    "it has no subjectAltName, and the common name counts only in a certificate that is \
                     itself trusted"
                        .to_owned()
                } else {
                    format!("it is only valid for {}", presented.join(", "))
                };
                let name = self.name.to_str();
                format!(
                    "the certificate of the server is not valid for name \"{name}\": {why}: connect \
                     with a name that it contains, or {}",
                    self.remake("")
                )
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                let cause = match cause {
                    CertificateError::Expired => "its validity ends before it begins".to_owned(),
                    cause => cause.to_string(),
                };
                format!(
                    "a certificate of the server is not valid now: {cause}: renew it, or set the \
                     clock; {} shows all dates",
                    self.show("-showcerts")
                )
            }
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                format!(
                    "the certificate of the server is not for servers: {cause}: {}",
                    self.remake(" -addext extendedKeyUsage=serverAuth")
                )
            }
            CertificateError::UnsupportedSignatureAlgorithmContext { .. }
            | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => format!(
                "a certificate of the server is signed with an algorithm that is not supported, such \
                 as SHA-1: {}",
                self.remake(" -sha256")
            ),
            CertificateError::BadEncoding => {
                format!("the server sends a certificate that is no X.509: {}", self.remake(""))
            }
            CertificateError::Other(other) => match other.0.downcast_ref() {
                Some(cause) => self.of_webpki(cause),
                None => cause.to_string(),
            },
            cause => format!("the certificate of the server is rejected: {cause}"),
        }
    }

    /// The causes for which rustls has no names.
    fn of_webpki(&self, cause: &webpki::Error) -> String {
        match cause {
            webpki::Error::UnsupportedCertVersion => format!(
                "the certificate of the server, or that of an intermediate CA, has X.509 version 1 \
                 instead of 3: {}",
                self.remake("")
            ),
            webpki::Error::CaUsedAsEndEntity => format!(
                "the certificate of the server is that of a CA (CA:TRUE), which is accepted only if \
                 it is itself among the trusted ones: trust this certificate, or {}",
                self.remake("")
            ),
            webpki::Error::EndEntityUsedAsCa => format!(
                "the server sends an intermediate certificate that is not that of a CA (CA:FALSE): \
                 make it again with `-addext basicConstraints=critical,CA:TRUE`; {} shows it",
                self.show("-showcerts")
            ),
            webpki::Error::UnsupportedCriticalExtension => format!(
                "a certificate of the server has an extension that is critical but unknown: make it \
                 again without; {} shows it",
                self.show("-showcerts")
            ),
            cause => format!(
                "the certificate of the server is rejected ({cause}); {} shows it",
                self.show("-showcerts")
            ),
        }
    }

    /// A command that creates a certificate for the name.
    fn remake(&self, option: &str) -> String {
        let name = self.name.to_str();
        let kind = if matches!(self.name, ServerName::IpAddress(_)) { "IP" } else { "DNS" };
        format!(
            "make it again with `openssl req -x509 -CA ca.pem -CAkey ca.key -key server.key -subj \
             /CN={name} -addext subjectAltName={kind}:{name} -addext \
             basicConstraints=critical,CA:FALSE{option} -days 365 -out server.pem`, and without \
             -CA and -CAkey if it signs itself"
        )
    }

    /// A command that shows what the server sends.
    fn show(&self, option: &str) -> String {
        let name = self.name.to_str();
        format!("`openssl s_client -servername {name} {option} -connect ADDRESS`")
    }
}

/// The text for an alert, with which the server has ended the handshake.
pub(super) fn alert(error: &io::Error) -> Option<String> {
    let Error::AlertReceived(alert) = of_rustls(error)? else { return None };
    let why = match alert {
        AlertDescription::CertificateRequired => {
            "the server requires a certificate of the client: give one that a CA of the server has \
             signed, with its key"
        }
        AlertDescription::UnknownCA
        | AlertDescription::BadCertificate
        | AlertDescription::UnsupportedCertificate
        | AlertDescription::CertificateExpired
        | AlertDescription::CertificateRevoked
        | AlertDescription::CertificateUnknown
        | AlertDescription::DecryptError => {
            "the server rejects the certificate of the client: give one that is valid now and that a \
             CA of the server has signed, made with `openssl req -x509 -CA ca.pem -CAkey ca.key -key \
             client.key -subj /CN=client -addext basicConstraints=critical,CA:FALSE -days 365 -out \
             client.pem`"
        }
        AlertDescription::HandshakeFailure | AlertDescription::ProtocolVersion => {
            "the server supports no TLS version, cipher or signature of this client: TLS 1.2 or 1.3 \
             and a key of RSA, P-256, P-384 or Ed25519 are needed"
        }
        AlertDescription::NoApplicationProtocol => {
            "the server does not offer HTTP/2 (h2) with ALPN"
        }
        _ => "the server has ended the handshake",
    };
    Some(format!("{why} (alert {alert:?})"))
}

fn of_rustls(error: &io::Error) -> Option<&Error> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
    use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, OtherError};

    use super::{Demand, alert};

    fn explain(error: impl Into<Error>) -> String {
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        let demand = Demand { name: &name, trusted: "in ca.pem" };
        demand.explain(&io::Error::new(io::ErrorKind::InvalidData, error.into()))
    }

    #[test]
    fn every_rejected_certificate_is_explained() {
        let webpki = |cause: webpki::Error| CertificateError::Other(OtherError(Arc::new(cause)));
        let expected = ServerName::try_from("127.0.0.1").expect("an address");
        let names = |presented| CertificateError::NotValidForNameContext {
            expected: expected.clone(),
            presented,
        };
        let now = UnixTime::now();
        let cases = [
            (CertificateError::UnknownIssuer, "no certificate in ca.pem has signed", "-showcerts"),
            (
                CertificateError::BadSignature,
                "a certificate in ca.pem has the name",
                "trust the CA",
            ),
            (names(vec![]), "no subjectAltName", "subjectAltName=IP:127.0.0.1 "),
            (
                names(vec!["x.example".to_owned()]),
                "only valid for x.example",
                "connect with a name",
            ),
            (CertificateError::Expired, "ends before it begins", "-showcerts"),
            (
                CertificateError::ExpiredContext { time: now, not_after: now },
                "certificate expired",
                "-showcerts",
            ),
            (CertificateError::InvalidPurpose, "not for servers", "extendedKeyUsage=serverAuth"),
            (CertificateError::BadEncoding, "is no X.509", "`openssl req -x509 "),
            (webpki(webpki::Error::UnsupportedCertVersion), "version 1", "`openssl req -x509 "),
            (webpki(webpki::Error::CaUsedAsEndEntity), "(CA:TRUE)", "critical,CA:FALSE"),
            (webpki(webpki::Error::EndEntityUsedAsCa), "(CA:FALSE)", "critical,CA:TRUE"),
            (webpki(webpki::Error::UnsupportedCriticalExtension), "critical but", "-showcerts"),
            (webpki(webpki::Error::NameConstraintViolation), "NameConstraint", "-showcerts"),
        ];
        for (cause, what, remedy) in cases {
            let text = explain(cause);
            assert!(text.contains(what) && text.contains(remedy), "{what}: {text}");
            assert!(!text.contains("OtherError") && !text.contains('\n'), "{text}");
        }
    }

    #[test]
    fn an_alert_says_what_the_server_demands() {
        for (received, what) in [
            (AlertDescription::CertificateRequired, "requires a certificate of the client"),
            (AlertDescription::UnknownCA, "rejects the certificate of the client"),
            (AlertDescription::InternalError, "has ended the handshake"),
        ] {
            let text = explain(Error::AlertReceived(received));
            assert!(text.contains(what) && text.contains(&format!("{received:?}")), "{text}");
        }
        assert_eq!(alert(&io::Error::other("no TLS")), None);
    }
}
