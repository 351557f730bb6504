//! The certificates of a run: generated when the first case needs them, and valid only for this machine.
//!
//! The repository contains none, because certificates expire and a published key is not secret.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use grpc_interop_protocol::Tls;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::config::{Authority, ClientCertificate, ClientTls, ServerCertificate, Transport};

/// A name in the valid certificate, in addition to the names of this machine.
const NAME: &str = "calculator.example";

/// The PEM files of a run.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
    made: OnceLock<Result<(), String>>,
}

impl Certificates {
    /// Certificates that will be generated in `folder`.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, made: OnceLock::new() }
    }

    /// Generates the certificates unless they exist. The error is the reason why this failed.
    pub(crate) fn make(&self) -> Result<(), String> {
        let folder = self.folder.display();
        let failed = |error| format!("cannot generate the certificates in {folder}: {error}");
        self.made.get_or_init(|| make_all(&self.folder).map_err(failed)).clone()
    }

    /// The path of the file `name`: `ca.pem`, or `NAME.pem` and `NAME.key` for a [`ServerCertificate`].
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The credentials of a client for this `transport`, with the changes in `tls`.
    pub(crate) fn client(&self, transport: Transport, tls: Option<&ClientTls>) -> Option<Tls> {
        if !transport.is_encrypted() {
            return None;
        }
        let usual = ClientTls::default();
        let tls = tls.unwrap_or(&usual);
        let certificate = match tls.client_certificate {
            _ if transport != Transport::Mtls => None,
            ClientCertificate::Own => Some("client"),
            ClientCertificate::Other => Some("stranger"),
            ClientCertificate::None => None,
        };
        let file = |extension: &str| Some(self.file(&format!("{}.{extension}", certificate?)));
        Some(Tls {
            ca: self.file(if tls.ca == Authority::Own { "ca.pem" } else { "other-ca.pem" }),
            name: tls.name.clone(),
            certificate: file("pem"),
            key: file("key"),
        })
    }
}

type Ca = CertifiedIssuer<'static, KeyPair>;

fn make_all(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let (ca, other_ca) = (authority("Interop CA")?, authority("Another CA")?);
    fs::write(folder.join("ca.pem"), ca.pem())?;
    fs::write(folder.join("other-ca.pem"), other_ca.pem())?;
    let here = ["localhost", "127.0.0.1", "::1", NAME];
    let server = |names| leaf(names, ExtendedKeyUsagePurpose::ServerAuth);
    let client = || leaf(&["client.example"], ExtendedKeyUsagePurpose::ClientAuth);
    let mut expired = server(&here)?;
    expired.not_before = date_time_ymd(2020, 1, 1);
    expired.not_after = date_time_ymd(2021, 1, 1);
    for (which, params) in [
        (ServerCertificate::Good, server(&here)?),
        (ServerCertificate::Elsewhere, server(&["elsewhere.example"])?),
        (ServerCertificate::Expired, expired),
    ] {
        write(folder, &which.to_string(), &ca, &params)?;
    }
    write(folder, "client", &ca, &client()?)?;
    write(folder, "stranger", &other_ca, &client()?)
}

fn authority(name: &str) -> Result<Ca, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn leaf(names: &[&str], purpose: ExtendedKeyUsagePurpose) -> anyhow::Result<CertificateParams> {
    let mut params =
        CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>())?;
    params.distinguished_name.push(DnType::CommonName, names[0]);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// Writes a certificate and its key. Only the owner of the file may read the key.
fn write(folder: &Path, name: &str, ca: &Ca, params: &CertificateParams) -> anyhow::Result<()> {
    let key = KeyPair::generate()?;
    fs::write(folder.join(format!("{name}.pem")), params.signed_by(&key, ca)?.pem())?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(folder.join(format!("{name}.key")))?;
    Ok(file.write_all(key.serialize_pem().as_bytes())?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use ServerCertificate::{Elsewhere, Expired, Good};

    #[test]
    fn all_files_are_made_and_keys_are_private() {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let certificates = Certificates::new(folder.path().to_owned());
        certificates.make().expect("cannot create the files");
        let other = ClientTls {
            ca: Authority::Other,
            client_certificate: ClientCertificate::Other,
            ..ClientTls::default()
        };
        for tls in [None, Some(&other)] {
            let tls = certificates.client(Transport::Mtls, tls).expect("it is encrypted");
            assert!(tls.ca.exists() && tls.certificate.is_some_and(|file| file.exists()));
            let key =
                fs::metadata(tls.key.expect("there is no key")).expect("cannot read its file");
            assert_eq!(key.permissions().mode() & 0o777, 0o600);
        }
        for which in [Good, Expired, Elsewhere] {
            let exists = |extension| certificates.file(&format!("{which}.{extension}")).exists();
            assert!(exists("pem") && exists("key"));
        }
        assert!(certificates.client(Transport::Plain, None).is_none());
    }
}
