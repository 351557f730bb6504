//! Certificates for a test's servers and clients, made anew each time.
//!
//! In files, because that is how the programs get them.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use tempfile::TempDir;

/// A folder with a certificate authority's certificate, for what it signs.
pub(crate) struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

/// PEM files.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What is special about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ordinary,
    Expired,
}

impl Authority {
    /// Two authorities of the same name would be taken for one with a wrong signature.
    pub(crate) fn new(name: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        write(folder.path(), "ca", &certificate, &key);
        Self { folder, issuer: Issuer::new(params, key) }
    }

    /// The authority's own certificate.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A file that is none of these.
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
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        write(self.folder.path(), name, &certificate, &key)
    }

    /// A certificate for `name` that is its own authority, as `openssl req -x509` makes it.
    pub(crate) fn sign_itself(&self, name: &str) -> Pair {
        let mut params = params(name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        write(self.folder.path(), name, &certificate, &key)
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn write(folder: &Path, name: &str, certificate: &Certificate, key: &KeyPair) -> Pair {
    let pair = Pair {
        certificate: folder.join(format!("{name}.pem")),
        key: folder.join(format!("{name}.key")),
    };
    std::fs::write(&pair.certificate, certificate.pem()).expect("a folder of ours");
    std::fs::write(&pair.key, key.serialize_pem()).expect("a folder of ours");
    pair
}
