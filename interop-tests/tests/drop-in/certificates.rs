//! New certificates for the servers and clients of each test, as files for the programs.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tempfile::TempDir;

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
        let mut params = params(name);
        if kind == Kind::Expired {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 2, 1);
        }
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate =
            params.signed_by(&key, &self.issuer).expect("cannot create a certificate");
        write(self.folder.path(), name, &certificate, &key)
    }

    /// A self-signed certificate for `name`, like that of `openssl req -x509`.
    pub(crate) fn sign_itself(&self, name: &str) -> Pair {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("cannot generate a key");
        let certificate = params.self_signed(&key).expect("cannot create a certificate");
        write(self.folder.path(), name, &certificate, &key)
    }
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
