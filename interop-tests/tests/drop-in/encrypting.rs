//! `calculator-client` over TLS: the servers that it trusts, and its error messages.
//!
//! The tests use their own server with the service of the library, so they test only the client.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assert_cmd::assert::Assert;
use calculator::rpc::calculator_server::CalculatorServer;
use calculator::service::calculator::CalculatorService;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::certificates::Authority;
use crate::certificates::Kind;
use crate::certificates::Pair;
use crate::support::Server;
use crate::support::client_of;

const NAME: &str = "127.0.0.1";

/// A server that runs until this value is dropped.
struct TlsServer {
    address: SocketAddr,
    _runtime: Runtime,
}

impl TlsServer {
    /// With `clients`, a client needs a certificate of this authority.
    fn start(pair: &Pair, clients: Option<&Authority>, protocol: &[u8]) -> Self {
        let builder = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("the TLS configuration is invalid");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let root = CertificateDer::from_pem_file(authority.certificate())
                    .expect("the PEM file is invalid");
                roots.add(root).expect("the CA certificate is invalid");
                let provider = ring::default_provider().into();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
                builder.with_client_cert_verifier(verifier.expect("the CA certificate is invalid"))
            }
        };
        let certificate =
            CertificateDer::from_pem_file(&pair.certificate).expect("the PEM file is invalid");
        let key = PrivateKeyDer::from_pem_file(&pair.key).expect("the PEM file is invalid");
        let mut config = builder
            .with_single_cert(vec![certificate], key)
            .expect("the key does not match the certificate");
        config.alpn_protocols = vec![protocol.to_vec()];
        let runtime = Runtime::new().expect("cannot start the runtime");
        let listener =
            runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("cannot bind a port");
        let address = listener.local_addr().expect("the socket has no address");
        runtime.spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));
        Self { address, _runtime: runtime }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((socket, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // A failed handshake is checked on the side of the client.
            let Ok(connection) = acceptor.accept(socket).await else { return };
            let service = TowerToHyperService::new(CalculatorServer::new(CalculatorService));
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

/// Runs the client with these options, whose values are files or names.
fn run_client(server: SocketAddr, options: &[(&str, &Path)]) -> Assert {
    let mut command = client_of(server);
    for (option, value) in options {
        command.arg(option).arg(value);
    }
    command.args(["--timeout", "15"]).assert()
}

fn assert_succeeds(server: SocketAddr, options: &[(&str, &Path)]) {
    run_client(server, options).success().stdout("4.0\n").stderr("");
}

/// Asserts that the call fails with UNAVAILABLE for this reason, well before the deadline.
fn assert_unavailable(server: SocketAddr, options: &[(&str, &Path)], reason: &str) {
    let start = Instant::now();
    let done = run_client(server, options).code(1).stdout("");
    let elapsed = start.elapsed();
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    let text = "\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = \"failed to connect to all addresses; last error: ";
    assert!(stderr.contains(text) && stderr.contains(reason), "{reason}: {stderr}");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}

#[test]
fn a_server_needs_a_certificate_of_the_given_ca() {
    let (authority, foreign) = (Authority::new("ours"), Authority::new("others"));
    let (ca, other) = (authority.certificate(), foreign.certificate());
    let server = TlsServer::start(&authority.sign(NAME, Kind::Ordinary), None, b"h2");
    assert_succeeds(server.address, &[("--tls-ca", &ca)]);
    assert_unavailable(server.address, &[("--tls-ca", &other)], "UnknownIssuer");
    let elsewhere = Path::new("calculator.example");
    let options: [(_, &Path); 2] = [("--tls-ca", &ca), ("--tls-name", elsewhere)];
    assert_unavailable(server.address, &options, "not valid for name \"calculator.example\"");
    // The system does not trust this certificate.
    let done = client_of(server.address).args(["--tls", "--timeout", "15"]).assert().code(1);
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    let reasons = ["no certificate of the system has signed", "the system trusts no certificate"];
    assert!(reasons.iter().any(|reason| stderr.contains(reason)), "{stderr}");
    assert_unavailable(server.address, &[], "Socket closed");
    assert_unavailable(Server::start().address, &[("--tls-ca", &ca)], "TLS handshake failed");
}

#[test]
fn the_name_may_differ_from_the_host() {
    let authority = Authority::new("ours");
    let ca = authority.certificate();
    let pair = authority.sign("calculator.example", Kind::Ordinary);
    let server = TlsServer::start(&pair, None, b"h2");
    let name = Path::new("calculator.example");
    assert_succeeds(server.address, &[("--tls-ca", &ca), ("--tls-name", name)]);
    assert_unavailable(server.address, &[("--tls-ca", &ca)], "not valid for name \"127.0.0.1\"");
}

#[test]
fn an_expired_certificate_is_rejected() {
    let authority = Authority::new("ours");
    let pair = authority.sign(NAME, Kind::Expired);
    let server = TlsServer::start(&pair, None, b"h2");
    assert_unavailable(
        server.address,
        &[("--tls-ca", &authority.certificate())],
        "a certificate of the server is not valid now: certificate expired",
    );
}

#[test]
fn a_certificate_may_be_self_signed() {
    let authority = Authority::new("ours");
    let (own, other) = (authority.sign_itself(NAME), authority.sign_itself("localhost"));
    let server = TlsServer::start(&own, None, b"h2");
    assert_succeeds(server.address, &[("--tls-ca", &own.certificate)]);
    for ca in [authority.certificate(), other.certificate] {
        assert_unavailable(server.address, &[("--tls-ca", &ca)], "is that of a CA (CA:TRUE)");
    }
    let elsewhere = Path::new("calculator.example");
    let options: [(_, &Path); 2] = [("--tls-ca", &own.certificate), ("--tls-name", elsewhere)];
    assert_unavailable(server.address, &options, "not valid for name");
}

#[test]
fn a_server_may_require_a_client_certificate() {
    let (authority, clients) = (Authority::new("ours"), Authority::new("others"));
    let ca = authority.certificate();
    let server = TlsServer::start(&authority.sign(NAME, Kind::Ordinary), Some(&clients), b"h2");
    let known = clients.sign("client", Kind::Ordinary);
    let unknown = authority.sign("client", Kind::Ordinary);
    let options = |pair: &Pair| {
        [
            ("--tls-ca", ca.clone()),
            ("--tls-certificate", pair.certificate.clone()),
            ("--tls-key", pair.key.clone()),
        ]
    };
    let of = |options: &[(&'static str, std::path::PathBuf)], succeeds: bool| {
        let options: Vec<(_, &Path)> =
            options.iter().map(|(name, path)| (*name, &**path)).collect();
        if succeeds {
            assert_succeeds(server.address, &options);
        } else {
            assert_unavailable(server.address, &options, "");
        }
    };
    of(&options(&known), true);
    of(&options(&unknown), false);
    assert_unavailable(server.address, &[("--tls-ca", &ca)], "CertificateRequired");
}

#[test]
fn a_server_must_support_http2() {
    let authority = Authority::new("ours");
    let server = TlsServer::start(&authority.sign(NAME, Kind::Ordinary), None, b"http/1.1");
    assert_unavailable(
        server.address,
        &[("--tls-ca", &authority.certificate())],
        "TLS handshake failed",
    );
}

#[test]
fn an_unusable_file_is_named_in_one_line() {
    let authority = Authority::new("ours");
    let pair = authority.sign(NAME, Kind::Ordinary);
    let ca = authority.certificate();
    let missing = authority.file("missing.pem");
    let cases: [(&[(&str, &Path)], &str); 4] = [
        (&[("--tls-ca", &missing)], "missing.pem, the CA certificate for servers: No such file"),
        (
            &[("--tls-ca", &pair.key)],
            ".key, which has a key: give a PEM file with BEGIN CERTIFICATE",
        ),
        (
            &[("--tls-ca", &ca), ("--tls-certificate", &pair.certificate), ("--tls-key", &ca)],
            "ca.pem, which has a certificate: give a PEM file with BEGIN PRIVATE KEY",
        ),
        (
            &[
                ("--tls-ca", &ca),
                ("--tls-certificate", &pair.certificate),
                ("--tls-key", &authority.sign("other", Kind::Ordinary).key),
            ],
            "other.key is not that of the first certificate in ",
        ),
    ];
    let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
    for (options, text) in cases {
        let done = run_client(nowhere, options).code(1).stdout("");
        let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert!(stderr.starts_with("calculator-client: cannot use TLS: "), "{stderr}");
        assert!(stderr.contains(text) && stderr.lines().count() == 1, "{text}: {stderr}");
    }
}
