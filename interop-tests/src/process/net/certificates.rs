//! The certificates of a run: made when the first case needs them, and valid for this machine only.
//!
//! They are not kept in the project, because a certificate expires, and a published key is no secret.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};

use crate::config::axes::Transport;
use crate::config::connection::{Authority, ClientCertificate, ClientTls, ServerCertificate};
use grpc_interop_protocol::Tls;

/// A name in the valid certificate, beside those of this machine.
const NAME: &str = "calculator.example";

/// The PEM files of a run.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
    made: OnceLock<Result<(), String>>,
}

/// A certificate and its key.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

impl Certificates {
    /// Certificates that will be in `folder` when they are needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self { folder, made: OnceLock::new() }
    }

    /// Makes them, unless that has been done; the error says why they cannot be made.
    pub(crate) fn make(&self) -> Result<(), String> {
        let made = || {
            make_all(&self.folder).map_err(|error| {
                format!("the certificates in {} cannot be made: {error}", self.folder.display())
            })
        };
        self.made.get_or_init(made).clone()
    }

    /// The certificate of a server.
    pub(crate) fn server(&self, which: ServerCertificate) -> Pair {
        self.pair(match which {
            ServerCertificate::Good => "server",
            ServerCertificate::Expired => "expired",
            ServerCertificate::Elsewhere => "elsewhere",
        })
    }

    /// The authority by which a server wants the certificates of clients to be signed.
    pub(crate) fn client_ca(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// The credentials of a client for this transport, changed as `tls` says.
    pub(crate) fn client(&self, transport: Transport, tls: Option<&ClientTls>) -> Option<Tls> {
        if !transport.is_encrypted() {
            return None;
        }
        let usual = ClientTls::default();
        let tls = tls.unwrap_or(&usual);
        let pair = match tls.client_certificate {
            _ if transport != Transport::Mtls => None,
            ClientCertificate::Own => Some(self.pair("client")),
            ClientCertificate::Other => Some(self.pair("stranger")),
            ClientCertificate::None => None,
        };
        let ca = match tls.ca {
            Authority::Own => "ca.pem",
            Authority::Other => "other-ca.pem",
        };
        Some(Tls {
            ca: self.folder.join(ca),
            name: tls.name.clone(),
            certificate: pair.as_ref().map(|pair| pair.certificate.clone()),
            key: pair.map(|pair| pair.key),
        })
    }

    fn pair(&self, name: &str) -> Pair {
        let file = |extension: &str| self.folder.join(format!("{name}.{extension}"));
        Pair { certificate: file("pem"), key: file("key") }
    }
}

type Ca = CertifiedIssuer<'static, KeyPair>;

fn make_all(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    fs::create_dir_all(folder)?;
    let here = ["localhost", "127.0.0.1", "::1", NAME];
    let (ca, other) = (authority("Interop CA")?, authority("Another CA")?);
    fs::write(folder.join("ca.pem"), ca.pem())?;
    fs::write(folder.join("other-ca.pem"), other.pem())?;
    let server = ExtendedKeyUsagePurpose::ServerAuth;
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    write(folder, "server", &ca, &leaf(&here, server.clone())?)?;
    write(folder, "elsewhere", &ca, &leaf(&["elsewhere.example"], server.clone())?)?;
    let mut expired = leaf(&here, server)?;
    (expired.not_before, expired.not_after) =
        (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
    write(folder, "expired", &ca, &expired)?;
    write(folder, "client", &ca, &leaf(&["client.example"], client.clone())?)?;
    write(folder, "stranger", &other, &leaf(&["client.example"], client)?)?;
    Ok(())
}

fn authority(name: &str) -> Result<Ca, rcgen::Error> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    CertifiedIssuer::self_signed(params, KeyPair::generate()?)
}

fn leaf(
    names: &[&str],
    purpose: ExtendedKeyUsagePurpose,
) -> Result<CertificateParams, rcgen::Error> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names.clone())?;
    params.distinguished_name.push(DnType::CommonName, &names[0]);
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn write(
    folder: &Path,
    name: &str,
    ca: &Ca,
    params: &CertificateParams,
) -> Result<(), Box<dyn std::error::Error>> {
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, ca)?;
    let file = |extension: &str| folder.join(format!("{name}.{extension}"));
    fs::write(file("pem"), certificate.pem())?;
    write_private(&file("key"), &key.serialize_pem())?;
    Ok(())
}

/// Writes a file that only its owner may read.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = fs::OpenOptions::new();
    options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?
        .write_all(text.as_bytes())
}
