//! New certificates for the servers and clients of each test, as files for the programs.

use std::path::{Path, PathBuf};

use base64::prelude::{BASE64_STANDARD as BASE64, Engine};
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, PublicKeyData, SigningKey, date_time_ymd,
};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::CertificateDer;

/// A certificate authority, with a folder for its certificate and the certificates that it signs.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// The PEM files of a certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// The validity of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    Expired,
    /// No subjectAltName, only a common name.
    CommonName,
    /// CA:TRUE, although it is that of a server.
    Ca,
    /// Not for servers.
    ForClients,
}

impl Authority {
    /// Creates an authority. Different authorities need different names, or a foreign certificate is reported as one
    /// with a wrong signature.
    pub(crate) fn new(name: &str) -> Self {
        let folder = TempDir::new().expect("cannot create a temporary folder");
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate = params.self_signed(&key).expect("cannot create a certificate");
        write(folder.path(), "ca", &certificate, &key);
        Self { folder, issuer: Issuer::new(params, key) }
    }

    /// The certificate of the authority.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The path of a file that does not exist.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A certificate for `name`, signed by this authority.
    pub(crate) fn sign(&self, name: &str, kind: Kind) -> Pair {
        let params = params_of(name, kind);
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate =
            params.signed_by(&key, &self.issuer).expect("cannot create a certificate");
        write(self.folder.path(), name, &certificate, &key)
    }

    /// An intermediate authority, and its certificate, signed by this authority.
    pub(crate) fn intermediate(&self, name: &str, kind: Kind) -> (Self, String) {
        let params = params_of(name, kind);
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate =
            params.signed_by(&key, &self.issuer).expect("cannot create a certificate");
        let folder = TempDir::new().expect("cannot create a temporary folder");
        write(folder.path(), "ca", &certificate, &key);
        (Self { folder, issuer: Issuer::new(params, key) }, certificate.pem())
    }

    /// A certificate of X.509 version 1 for the common name `name`, as `openssl x509 -req` creates it without extensions.
    /// `issuer` is the common name of this authority.
    pub(crate) fn sign_version_1(&self, name: &str, issuer: &str) -> Pair {
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate = version_1(name, &key, issuer, self.issuer.key());
        let pair =
            Pair { certificate: self.file("version-1.pem"), key: self.file("version-1.key") };
        std::fs::write(&pair.certificate, pem(&certificate)).expect("cannot write to the folder");
        std::fs::write(&pair.key, key.serialize_pem()).expect("cannot write to the folder");
        pair
    }

    /// A self-signed certificate for `name`, like that of `openssl req -x509`.
    pub(crate) fn sign_itself(&self, name: &str) -> Pair {
        self.sign_itself_as(name, Kind::Ca)
    }

    /// A self-signed certificate of this kind, with CA:TRUE.
    pub(crate) fn sign_itself_as(&self, name: &str, kind: Kind) -> Pair {
        let mut params = params_of(name, kind);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate = params.self_signed(&key).expect("cannot create a certificate");
        write(self.folder.path(), name, &certificate, &key)
    }
}

fn params_of(name: &str, kind: Kind) -> CertificateParams {
    let mut params = params(name);
    match kind {
        Kind::Ordinary => {}
        Kind::Expired => {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        Kind::CommonName => params.subject_alt_names.clear(),
        Kind::Ca => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        Kind::ForClients => {
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        }
    }
    params
}

/// A certificate of version 1, which rcgen cannot create: it has no field for the version and no extensions.
fn version_1(name: &str, key: &KeyPair, issuer: &str, signer: &KeyPair) -> CertificateDer<'static> {
    const SEQUENCE: u8 = 0x30;
    // ecdsa-with-SHA256.
    let algorithm = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";
    let subject = |name: &str| {
        let attribute = [&b"\x06\x03\x55\x04\x03"[..], &der(0x0c, name.as_bytes())].concat();
        der(SEQUENCE, &der(0x31, &der(SEQUENCE, &attribute)))
    };
    let validity = [der(0x18, b"20200101000000Z"), der(0x18, b"21200101000000Z")].concat();
    let body = [
        b"\x02\x01\x01",
        &algorithm[..],
        &subject(issuer),
        &der(SEQUENCE, &validity),
        &subject(name),
        &key.subject_public_key_info(),
    ];
    let body = der(SEQUENCE, &body.concat());
    let signature = signer.sign(&body).expect("cannot sign");
    let signature = der(0x03, &[&[0][..], &signature].concat());
    der(SEQUENCE, &[&body[..], algorithm, &signature].concat()).into()
}

/// A value with its tag and length.
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).expect("a short value").to_be_bytes();
    let head = match length {
        [0, low @ ..=0x7f] => vec![tag, low],
        [0, low] => vec![tag, 0x81, low],
        [high, low] => vec![tag, 0x82, high, low],
    };
    [head.as_slice(), value].concat()
}

fn pem(certificate: &[u8]) -> String {
    let text = BASE64.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("the name is invalid");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn write(folder: &Path, name: &str, certificate: &Certificate, key: &KeyPair) -> Pair {
    let pair = Pair {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    };
    std::fs::write(&pair.certificate, certificate.pem()).expect("cannot write to the folder");
    std::fs::write(&pair.key, key.serialize_pem()).expect("cannot write to the folder");
    pair
}
