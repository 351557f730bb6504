//! What a file contains instead of the PEM that a program needs, and the command that converts it.
//!
//! Parsers skip everything that they do not know, so of an encrypted key or a certificate in DER
//! they only report that there is nothing.

use std::fmt;
use std::path::Path;

use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::content::Content;

/// What a file contains, and what to give in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    what: Option<&'static str>,
    remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            Some(what) => write!(f, ", {what}: give {}", self.remedy),
            None => write!(f, ": give {}", self.remedy),
        }
    }
}

/// A path as a word of a command for a shell.
pub(crate) fn word(path: &Path) -> String {
    let path = path.display().to_string();
    let plain = |char: char| char.is_alphanumeric() || "/._-+:@%".contains(char);
    if path.chars().all(plain) { path } else { format!("'{}'", path.replace('\'', r"'\''")) }
}

/// Whether a byte order mark hides the first line.
pub(super) fn has_byte_order_mark(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xef\xbb\xbf-----BEGIN")
}

/// Whether a key in this file is encrypted.
pub(super) fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
        || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// Inspects a file with the text `bytes`, in which there is no `content`.
pub(super) fn inspect(bytes: &[u8], path: &Path, content: Content) -> Finding {
    let file = word(path);
    let found = |what, remedy| Finding { what: Some(what), remedy };
    let made = |with: String| format!("a file made with `{with}`");
    if has_byte_order_mark(bytes) {
        return found(
            "which starts with a byte order mark",
            made(format!("tail -c +4 {file} > new.pem")),
        );
    }
    if bytes.starts_with(b"\xff\xfe") || bytes.starts_with(b"\xfe\xff") {
        return found(
            "which is UTF-16",
            made(format!("iconv -f UTF-16 -t UTF-8 {file} > new.pem")),
        );
    }
    if bytes.starts_with(b"\x30") {
        return if webpki::anchor_from_trusted_cert(&CertificateDer::from(bytes)).is_ok() {
            let with = format!("openssl x509 -inform DER -in {file} -out new.pem");
            found("which is DER instead of PEM", made(with))
        } else if PrivateKeyDer::try_from(bytes).is_ok() {
            let with = format!("openssl pkey -inform DER -in {file} -out new.pem");
            found("which is DER instead of PEM", made(with))
        } else {
            let with = format!("openssl pkcs12 -nodes -in {file} -out new.pem");
            found("which is binary, as PKCS #12 is", made(with))
        };
    }
    let text = String::from_utf8_lossy(bytes);
    let has = |label: &str| text.contains(&format!("-----BEGIN {label}-----"));
    let wants_key = content == Content::Key;
    if wants_key && is_encrypted(bytes) {
        let with = format!("openssl pkey -in {file} -out new.key");
        return found("only an encrypted one", made(with));
    }
    if !wants_key && (has("TRUSTED CERTIFICATE") || has("X509 CERTIFICATE")) {
        let with = format!("openssl x509 -in {file} -out new.pem");
        return found("only one with another label", made(with));
    }
    if !wants_key && has("PKCS7") {
        let with = format!("openssl pkcs7 -print_certs -in {file} -out new.pem");
        return found("which is PKCS #7", made(with));
    }
    if !wants_key && (has("CERTIFICATE REQUEST") || has("NEW CERTIFICATE REQUEST")) {
        let with = format!(
            "openssl x509 -req -in {file} -CA ca.pem -CAkey ca.key -CAcreateserial -days 365 \
             -copy_extensions copy -out new.pem"
        );
        return found("only a request that no CA has signed yet", made(with));
    }
    let wanted = if wants_key { "PRIVATE KEY-----" } else { "-----BEGIN CERTIFICATE-----" };
    let begins = |line: &str| line.trim_start().starts_with("-----BEGIN ") && line.contains(wanted);
    if text.lines().any(|line| begins(line) && line.starts_with([' ', '\t'])) {
        let with = format!("sed 's/^[[:space:]]*//' {file} > new.pem");
        return found("because its lines are indented", made(with));
    }
    let remedy = format!("a PEM file with {}", content.advice());
    let other = if wants_key { has("CERTIFICATE") } else { text.contains("PRIVATE KEY-----") };
    match (other, wants_key) {
        (true, true) => found("which has a certificate", remedy),
        (true, false) => found("which has a key", remedy),
        (false, _) => Finding { what: None, remedy },
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::Content::{self, Certificate, ClientCa, Key, ServerCa};
    use super::{inspect, word};

    #[test]
    fn a_command_is_given_for_each_format() {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a name");
        let (pem, key) = (cert.pem(), signing_key.serialize_pem());
        let utf16: Vec<u8> =
            format!("\u{feff}{pem}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let labelled = |label: &str| pem.replace("CERTIFICATE", label).into_bytes();
        let indented = |text: &str| text.replace("-----BEGIN", "  -----BEGIN").into_bytes();
        let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        let marked = |text: &str| format!("\u{feff}{text}").into_bytes();
        let encrypted = key.replace("PRIVATE", "ENCRYPTED PRIVATE");
        let cases: [(&[u8], Content, &str, &str); 15] = [
            (&marked(&pem), Certificate, "byte order mark", "`tail -c +4 "),
            (&marked(&key), Key, "byte order mark", "`tail -c +4 "),
            (&utf16, ClientCa, "UTF-16", "`iconv "),
            (cert.der(), ServerCa, "DER instead of PEM", "`openssl x509 -inform DER "),
            (&signing_key.serialize_der(), Key, "DER instead of PEM", "`openssl pkey -inform DER "),
            (b"\x30\x03\x02\x01\x03", Certificate, "PKCS #12", "`openssl pkcs12 "),
            (encrypted.as_bytes(), Key, "encrypted", "pkey -in "),
            (old.as_bytes(), Key, "encrypted", "`openssl pkey -in "),
            (&labelled("TRUSTED CERTIFICATE"), Certificate, "another label", "`openssl x509 -in "),
            (&labelled("X509 CERTIFICATE"), ServerCa, "another label", "`openssl x509 -in "),
            (&labelled("CERTIFICATE REQUEST"), Certificate, "a request", "`openssl x509 -req "),
            (&indented(&pem), Certificate, "indented", "`sed "),
            (&indented(&key), Key, "indented", "`sed "),
            (pem.as_bytes(), Key, "which has a certificate", "BEGIN PRIVATE KEY"),
            (key.as_bytes(), Certificate, "which has a key", "BEGIN CERTIFICATE"),
        ];
        for (bytes, content, what, command) in cases {
            let finding = inspect(bytes, Path::new("x.pem"), content).to_string();
            assert!(finding.contains(what) && finding.contains(command), "{what}: {finding}");
        }
        let nothing = inspect(b"text", Path::new("x.pem"), Key).to_string();
        assert_eq!(nothing, ": give a PEM file with BEGIN PRIVATE KEY in it, not encrypted");
    }

    #[test]
    fn a_path_is_one_word_of_a_command() {
        assert_eq!(word(Path::new("/etc/a-b.pem")), "/etc/a-b.pem");
        assert_eq!(word(Path::new("a b's.pem")), r"'a b'\''s.pem'");
    }
}
