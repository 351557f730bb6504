//! `calculator-server --tls-certificate --tls-key`: the files and the clients that it rejects.
//!
//! Each test creates its certificates, so they never expire.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use assert_cmd::cargo::cargo_bin;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, crypto};

use grpc_interop::http2::frame::PREFACE;

use crate::raw_call::FOUR;
use crate::raw_call::root_of_16;
use crate::support::LIMIT;
use crate::support::Server;
use crate::support::failing_server;

/// A folder with a CA certificate, a certificate for localhost, and invalid files.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().expect("cannot create a folder"));
        let ca_key = KeyPair::generate().expect("cannot generate a key");
        let mut ca = CertificateParams::new([]).expect("the parameters are invalid");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        files.write("ca.pem", &ca.self_signed(&ca_key).expect("cannot create a certificate").pem());
        let key = KeyPair::generate().expect("cannot generate a key");
        let names = CertificateParams::new(["localhost".to_owned()]).expect("the name is invalid");
        let issuer = Issuer::new(ca, ca_key);
        files.write(
            "cert.pem",
            &names.signed_by(&key, &issuer).expect("cannot create a certificate").pem(),
        );
        files.write("key.pem", &key.serialize_pem());
        files.write(
            "other-key.pem",
            &KeyPair::generate().expect("cannot generate a key").serialize_pem(),
        );
        files.write("text.pem", "no PEM at all");
        let ca = fs::read_to_string(files.path("ca.pem")).expect("cannot read a certificate");
        files.write("marked.pem", &format!("\u{feff}{ca}{ca}"));
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        files.write("broken.pem", broken);
        files
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("cannot write a file");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Starts a server with these certificates. With `client_ca`, it requires client certificates.
    fn serve(&self, client_ca: bool) -> Server {
        let mut command = Command::new(cargo_bin!("calculator-server"));
        command.args(["--address", "127.0.0.1:0"]);
        command.arg("--tls-certificate").arg(self.path("cert.pem"));
        command.arg("--tls-key").arg(self.path("key.pem"));
        if client_ca {
            command.arg("--tls-client-ca").arg(self.path("ca.pem"));
        }
        Server::ready(&mut command)
    }

    /// Connects a client, with or without a certificate.
    fn connect(
        &self,
        server: &Server,
        protocol: &[u8],
        has_certificate: bool,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let certificate = |name| {
            CertificateDer::from_pem_file(self.path(name)).expect("cannot read the certificate")
        };
        let mut roots = RootCertStore::empty();
        roots.add(certificate("ca.pem")).expect("the CA certificate is invalid");
        let provider = Arc::new(crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the TLS versions are not supported")
            .with_root_certificates(roots);
        let mut config = if has_certificate {
            let key =
                PrivateKeyDer::from_pem_file(self.path("key.pem")).expect("cannot read key.pem");
            config
                .with_client_auth_cert(vec![certificate("cert.pem")], key)
                .expect("the key does not match the certificate")
        } else {
            config.with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        let name = ServerName::try_from("localhost").expect("the name is invalid");
        let client =
            ClientConnection::new(Arc::new(config), name).expect("cannot create a TLS client");
        let socket = TcpStream::connect(server.address).expect("cannot connect");
        socket.set_read_timeout(Some(LIMIT)).expect("cannot set the timeout");
        StreamOwned::new(client, socket)
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let files = Files::new();
    let cases = [
        (["none.pem", "key.pem", "ca.pem"], "none.pem", "cannot read"),
        (["text.pem", "key.pem", "ca.pem"], "text.pem", "there is no TLS certificate in"),
        (["broken.pem", "key.pem", "ca.pem"], "broken.pem", "no X.509 certificate"),
        (["cert.pem", "none.pem", "ca.pem"], "none.pem", "cannot read"),
        (["cert.pem", "text.pem", "ca.pem"], "text.pem", "there is no TLS key in"),
        (["cert.pem", "cert.pem", "ca.pem"], "cert.pem", "there is no TLS key in"),
        (["cert.pem", "other-key.pem", "ca.pem"], "other-key.pem", "is not that of the first"),
        (["cert.pem", "key.pem", "none.pem"], "none.pem", "cannot read"),
        (["cert.pem", "key.pem", "text.pem"], "text.pem", "there is no CA certificate"),
        // The mark hides only the first certificate.
        (["cert.pem", "key.pem", "marked.pem"], "marked.pem", "byte order mark"),
        (["cert.pem", "key.pem", "broken.pem"], "broken.pem", "no X.509 certificate"),
    ];
    for ([certificate, key, ca], named, why) in cases {
        let mut server = failing_server();
        server.args(["--address", "127.0.0.1:0"]);
        server.arg("--tls-certificate").arg(files.path(certificate));
        server.arg("--tls-key").arg(files.path(key));
        server.arg("--tls-client-ca").arg(files.path(ca));
        let refused = server.assert().code(1).stdout("");
        let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
        assert!(stderr.starts_with("calculator-server: ") && stderr.contains(why), "{stderr}");
        assert!(
            stderr.contains(&shown(&files.path(named))) && stderr.contains(": give"),
            "{stderr}"
        );
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn half_of_the_options_is_answered_with_the_other_half() {
    for (given, missing) in [
        ("--tls-certificate", "--tls-key"),
        ("--tls-key", "--tls-certificate"),
        ("--tls-client-ca", "--tls-certificate"),
    ] {
        let refused = failing_server().args([given, "x.pem"]).assert().code(2).stdout("");
        let stderr = String::from_utf8_lossy(&refused.get_output().stderr);
        assert!(stderr.contains(missing) && stderr.contains("\nUsage: "), "{stderr}");
    }
}

#[test]
fn it_answers_over_tls_whatever_others_do_to_it() {
    let files = Files::new();
    let server = files.serve(false);
    let mut plain = TcpStream::connect(server.address).expect("cannot connect");
    plain.write_all(PREFACE).expect("cannot write to the connection");
    let _silent = TcpStream::connect(server.address).expect("cannot connect");
    root_of_16(files.connect(&server, b"http/1.1", false), "localhost").expect_err("no HTTP/1.1");
    let answer = root_of_16(files.connect(&server, b"h2", false), "localhost");
    assert_eq!(answer.expect("the call failed"), FOUR);
}

#[test]
fn clients_without_a_certificate_are_refused_if_they_need_one() {
    let files = Files::new();
    let server = files.serve(true);
    let refused = root_of_16(files.connect(&server, b"h2", false), "localhost");
    let error = refused.expect_err("no certificate").to_string();
    assert!(error.contains("CertificateRequired"), "{error}");
    let answer = root_of_16(files.connect(&server, b"h2", true), "localhost");
    assert_eq!(answer.expect("the call failed"), FOUR);
}
