//! `calculator-client` over TLS: whom it believes, and what it says when it does not.
//!
//! The server is made here from the library's service, so that nothing but the client is tested.

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

/// Serves until it is dropped.
struct TlsServer {
    address: SocketAddr,
    _runtime: Runtime,
}

impl TlsServer {
    /// With `clients`, only those have access that this authority knows.
    fn start(pair: &Pair, clients: Option<&Authority>, protocol: &[u8]) -> Self {
        let builder = ServerConfig::builder_with_provider(ring::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("TLS");
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                let root = CertificateDer::from_pem_file(authority.certificate()).expect("PEM");
                roots.add(root).expect("an authority");
                let provider = ring::default_provider().into();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
                builder.with_client_cert_verifier(verifier.expect("an authority"))
            }
        };
        let certificate = CertificateDer::from_pem_file(&pair.certificate).expect("PEM");
        let key = PrivateKeyDer::from_pem_file(&pair.key).expect("PEM");
        let mut config = builder.with_single_cert(vec![certificate], key).expect("a pair");
        config.alpn_protocols = vec![protocol.to_vec()];
        let runtime = Runtime::new().expect("threads");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("bound");
        runtime.spawn(serve(listener, TlsAcceptor::from(Arc::new(config))));
        Self { address, _runtime: runtime }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor) {
    while let Ok((socket, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // Who is refused here is a test's affair, on the client's side.
            let Ok(connection) = acceptor.accept(socket).await else { return };
            let service = TowerToHyperService::new(CalculatorServer::new(CalculatorService));
            let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(connection), service)
                .await;
        });
    }
}

/// Asks with these options, each an option and a file or a name.
fn ask(server: SocketAddr, options: &[(&str, &Path)]) -> Assert {
    let mut command = client_of(server);
    for (option, value) in options {
        command.arg(option).arg(value);
    }
    command.args(["--timeout", "15"]).assert()
}

fn assert_answers(server: SocketAddr, options: &[(&str, &Path)]) {
    ask(server, options).success().stdout("4.0\n").stderr("");
}

/// UNAVAILABLE for this reason, and not only at the deadline.
fn assert_refuses(server: SocketAddr, options: &[(&str, &Path)], reason: &str) {
    let start = Instant::now();
    let done = ask(server, options).code(1).stdout("");
    let elapsed = start.elapsed();
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    let text = "\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = \"failed to connect to all addresses; last error: ";
    assert!(stderr.contains(text) && stderr.contains(reason), "{reason}: {stderr}");
    assert!(elapsed < Duration::from_secs(10), "{elapsed:?}");
}

#[test]
fn a_server_is_believed_if_its_certificate_is_right() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("others"));
    let (ca, other) = (authority.certificate(), stranger.certificate());
    let server = TlsServer::start(&authority.sign(NAME, Kind::Ordinary), None, b"h2");
    assert_answers(server.address, &[("--tls-ca", &ca)]);
    assert_refuses(server.address, &[("--tls-ca", &other)], "UnknownIssuer");
    let elsewhere = Path::new("calculator.example");
    let options: [(_, &Path); 2] = [("--tls-ca", &ca), ("--tls-name", elsewhere)];
    assert_refuses(server.address, &options, "not valid for name \"calculator.example\"");
    // Whatever the system trusts, it is not this one.
    let done = client_of(server.address).args(["--tls", "--timeout", "15"]).assert().code(1);
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    let reasons = ["UnknownIssuer", "the system trusts no certificate"];
    assert!(reasons.iter().any(|reason| stderr.contains(reason)), "{stderr}");
    assert_refuses(server.address, &[], "Socket closed");
    assert_refuses(Server::start().address, &[("--tls-ca", &ca)], "TLS handshake failed");
}

#[test]
fn the_name_may_be_another_than_the_hosts() {
    let authority = Authority::new("ours");
    let ca = authority.certificate();
    let pair = authority.sign("calculator.example", Kind::Ordinary);
    let server = TlsServer::start(&pair, None, b"h2");
    let name = Path::new("calculator.example");
    assert_answers(server.address, &[("--tls-ca", &ca), ("--tls-name", name)]);
    assert_refuses(server.address, &[("--tls-ca", &ca)], "not valid for name \"127.0.0.1\"");
}

#[test]
fn a_certificate_that_has_expired_is_refused() {
    let authority = Authority::new("ours");
    let pair = authority.sign(NAME, Kind::Expired);
    let server = TlsServer::start(&pair, None, b"h2");
    assert_refuses(
        server.address,
        &[("--tls-ca", &authority.certificate())],
        "certificate expired",
    );
}

#[test]
fn a_certificate_may_be_its_own_authority() {
    let authority = Authority::new("ours");
    let (own, other) = (authority.sign_itself(NAME), authority.sign_itself("localhost"));
    let server = TlsServer::start(&own, None, b"h2");
    assert_answers(server.address, &[("--tls-ca", &own.certificate)]);
    for ca in [authority.certificate(), other.certificate] {
        assert_refuses(server.address, &[("--tls-ca", &ca)], "CaUsedAsEndEntity");
    }
    let elsewhere = Path::new("calculator.example");
    let options: [(_, &Path); 2] = [("--tls-ca", &own.certificate), ("--tls-name", elsewhere)];
    assert_refuses(server.address, &options, "not valid for name");
}

#[test]
fn a_server_may_want_to_know_the_client() {
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
    let of = |options: &[(&'static str, std::path::PathBuf)], answers: bool| {
        let options: Vec<(_, &Path)> =
            options.iter().map(|(name, path)| (*name, &**path)).collect();
        if answers {
            assert_answers(server.address, &options);
        } else {
            assert_refuses(server.address, &options, "");
        }
    };
    of(&options(&known), true);
    of(&options(&unknown), false);
    assert_refuses(server.address, &[("--tls-ca", &ca)], "CertificateRequired");
}

#[test]
fn a_server_has_to_agree_on_http2() {
    let authority = Authority::new("ours");
    let server = TlsServer::start(&authority.sign(NAME, Kind::Ordinary), None, b"http/1.1");
    assert_refuses(
        server.address,
        &[("--tls-ca", &authority.certificate())],
        "TLS handshake failed",
    );
}

#[test]
fn a_file_that_cannot_be_used_is_named_in_one_line() {
    let authority = Authority::new("ours");
    let pair = authority.sign(NAME, Kind::Ordinary);
    let ca = authority.certificate();
    let missing = authority.file("missing.pem");
    let cases: [(&[(&str, &Path)], &str); 4] = [
        (&[("--tls-ca", &missing)], "missing.pem, the CA certificate for servers: No such file"),
        (&[("--tls-ca", &pair.key)], ".key: give a PEM file with BEGIN CERTIFICATE"),
        (
            &[("--tls-ca", &ca), ("--tls-certificate", &pair.certificate), ("--tls-key", &ca)],
            "ca.pem: give a PEM file with BEGIN PRIVATE KEY",
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
        let done = ask(nowhere, options).code(1).stdout("");
        let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
        assert!(stderr.starts_with("calculator-client: cannot use TLS: "), "{stderr}");
        assert!(stderr.contains(text) && stderr.lines().count() == 1, "{text}: {stderr}");
    }
}
