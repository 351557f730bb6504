//! The common name (CN) in the subject of a certificate, which grpcio uses without a subjectAltName.
//!
//! It is read only from certificates that the user trusts themselves. A CA that may only sign some
//! names is not restricted in common names, so they are worth nothing in what a CA has signed.

use der::asn1::{AnyRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader, Tag, Tagged};
use tokio_rustls::rustls::pki_types::CertificateDer;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// The first common name of a certificate.
pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<String> {
    let anchor = webpki::anchor_from_trusted_cert(certificate).ok()?;
    in_subject(&anchor.subject).ok().flatten()
}

/// Reads the content of a `Name`: sets of attributes (RFC 5280, section 4.1.2.4).
fn in_subject(subject: &[u8]) -> der::Result<Option<String>> {
    let mut sets = SliceReader::new(subject)?;
    while !sets.is_finished() {
        let mut attributes = SliceReader::new(AnyRef::decode(&mut sets)?.value())?;
        while !attributes.is_finished() {
            let mut attribute = SliceReader::new(AnyRef::decode(&mut attributes)?.value())?;
            let kind = ObjectIdentifier::decode(&mut attribute)?;
            let value = AnyRef::decode(&mut attribute)?;
            let is_text = matches!(
                value.tag(),
                Tag::Utf8String | Tag::PrintableString | Tag::Ia5String | Tag::TeletexString
            );
            if kind == COMMON_NAME && is_text {
                return Ok(str::from_utf8(value.value()).ok().map(str::to_owned));
            }
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::{in_subject, of};

    #[test]
    fn the_common_name_is_found_among_other_attributes() {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new([]).expect("no names");
        for name in ["localhost", "10.0.0.1", "b\u{fc}ro.example"] {
            let mut subject = DistinguishedName::new();
            subject.push(DnType::OrganizationName, "elsewhere.example");
            subject.push(DnType::CommonName, name);
            params.distinguished_name = subject;
            let certificate = params.self_signed(&key).expect("a certificate");
            assert_eq!(of(certificate.der()).as_deref(), Some(name));
        }
        params.distinguished_name = DistinguishedName::new();
        assert_eq!(of(params.self_signed(&key).expect("a certificate").der()), None);
    }

    #[test]
    fn a_broken_subject_has_no_common_name() {
        for broken in [&b"\x31"[..], b"\x31\x05\x30", b"\x31\x02\x30\x00", b"\x31\x00"] {
            assert!(!matches!(in_subject(broken), Ok(Some(_))), "{broken:?}");
        }
    }
}
