//! `calculator-client` and grpcio with proxies in the environment: the same requests to the proxy, the same outcome.
//!
//! Each case runs both clients with the same variables. The proxy records the first bytes of each connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use assert_cmd::Command;
use assert_cmd::cargo::cargo_bin;

use crate::certificates::{Authority, Kind};
use crate::python::Python;
use crate::support::{LIMIT, Server, client};

/// A proxy that responds to each client in the same way, until the end of the tests.
#[derive(Debug)]
struct Proxy {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    /// If `server` is given, the proxy connects to it after it has sent `response`.
    fn start(response: &'static str, server: Option<SocketAddr>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("cannot bind a port");
        let address = listener.local_addr().expect("the socket has no address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let recorded = Arc::clone(&requests);
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let recorded = Arc::clone(&recorded);
                // An error means that the client has closed its connection.
                thread::spawn(move || serve(&client, response, server, &recorded).ok());
            }
        });
        Self { address, requests }
    }

    /// The requests since the last call of this function.
    fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.requests.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn serve(
    client: &TcpStream,
    response: &str,
    server: Option<SocketAddr>,
    recorded: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut reader = BufReader::new(client);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request)? == 0 {
            break;
        }
    }
    recorded.lock().unwrap_or_else(PoisonError::into_inner).push(request);
    (&*client).write_all(response.as_bytes())?;
    let Some(server) = server else { return Ok(()) };
    let server = TcpStream::connect(server)?;
    let (from_server, mut to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || copy(from_server, &mut to_client));
    copy(reader, &mut &server)?;
    server.shutdown(std::net::Shutdown::Write)
}

/// Forwards bytes as soon as they arrive.
fn copy(mut from: impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut bytes = vec![0; 1 << 16];
    loop {
        match from.read(&mut bytes)? {
            0 => return Ok(()),
            length => to.write_all(&bytes[..length])?,
        }
    }
}

/// What a client printed on stdout, and the code of the status of a failed call.
fn outcome(command: &mut Command, variables: &[(&str, &str)]) -> (String, Option<String>) {
    let done = command.envs(variables.iter().copied()).timeout(LIMIT).output();
    let done = done.expect("cannot run the client");
    let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
    let status = stderr.lines().find_map(|line| line.strip_prefix("\tstatus = StatusCode."));
    assert_eq!(done.status.success(), status.is_none(), "{stderr}");
    (String::from_utf8_lossy(&done.stdout).into_owned(), status.map(str::to_owned))
}

/// Variables with `PROXY` and `CLOSED` for the ports of a proxy and of none, the target with `PORT` for that of the
/// server, and the target that the proxy is requested to connect to, if it is.
type Case = (&'static [(&'static str, &'static str)], &'static str, Option<&'static str>);

const PROXY: &str = "http://127.0.0.1:PROXY";
const CLOSED: &str = "http://127.0.0.1:CLOSED";
const LOCAL: &str = "localhost:PORT";

const CASES: &[Case] = &[
    (&[("http_proxy", PROXY)], LOCAL, Some(LOCAL)),
    (&[("https_proxy", PROXY), ("http_proxy", CLOSED)], LOCAL, Some(LOCAL)),
    (&[("grpc_proxy", PROXY), ("https_proxy", CLOSED)], LOCAL, Some(LOCAL)),
    (&[("HTTP_PROXY", CLOSED), ("HTTPS_PROXY", CLOSED)], LOCAL, None),
    (&[("grpc_proxy", ""), ("http_proxy", CLOSED)], LOCAL, None),
    (&[("http_proxy", "https://127.0.0.1:CLOSED")], LOCAL, None),
    (&[("http_proxy", "127.0.0.1:CLOSED")], LOCAL, None),
    (&[("http_proxy", "http://u:p%40@127.0.0.1:PROXY/")], LOCAL, Some(LOCAL)),
    (&[("http_proxy", PROXY)], "ipv4:127.0.0.1:PORT", Some("127.0.0.1:PORT")),
    (&[("http_proxy", PROXY)], "dns:///[::1]:PORT", Some("[::1]:PORT")),
    (&[("http_proxy", PROXY)], "a.invalid", Some("a.invalid:443")),
    (&[("http_proxy", CLOSED), ("no_proxy", "x, LOCALHOST")], LOCAL, None),
    (&[("http_proxy", CLOSED), ("no_proxy", "127.0.0.0/8")], "127.0.0.1:PORT", None),
    (&[("http_proxy", PROXY), ("no_proxy", "host,*")], LOCAL, Some(LOCAL)),
    (
        &[("http_proxy", PROXY), ("no_grpc_proxy", "x"), ("no_proxy", "localhost")],
        LOCAL,
        Some(LOCAL),
    ),
];

#[test]
fn both_clients_request_the_same_from_a_proxy() {
    let Some(python) = Python::find() else { return };
    let server = Server::start_at("127.0.0.1:0");
    let proxy = Proxy::start("HTTP/1.1 200 OK\r\n\r\n", Some(server.address));
    // Bound, but nothing listens there: it is dropped before the clients start.
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr());
    let closed = closed.expect("a free port").port().to_string();
    let replace = |text: &str| {
        let text = text.replace("PORT", &server.address.port().to_string());
        text.replace("PROXY", &proxy.address.port().to_string()).replace("CLOSED", &closed)
    };
    for (variables, target, requested) in CASES {
        let values: Vec<_> =
            variables.iter().map(|(name, value)| (*name, replace(value))).collect();
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let target = replace(target);
        let theirs = outcome(&mut python.client(&target, "16"), &values);
        let their_requests = proxy.requests();
        let ours = outcome(client().args(["--address", &target]), &values);
        let our_requests = proxy.requests();
        assert_eq!(theirs, ("4.0\n".to_owned(), None), "grpcio, {target}, {variables:?}");
        assert_eq!(ours, theirs, "{target}, {variables:?}");
        assert_eq!(our_requests, their_requests, "{target}, {variables:?}");
        let start = requested.map(|server| format!("CONNECT {} HTTP/1.1\r\n", replace(server)));
        let starts: Vec<_> =
            our_requests.iter().map(|request| request.split_inclusive('\n').next()).collect();
        assert_eq!(starts, start.iter().map(|start| Some(start.as_str())).collect::<Vec<_>>());
    }
}

#[test]
fn a_proxy_that_does_not_connect_is_an_unavailable_server() {
    let Some(python) = Python::find() else { return };
    for response in [
        "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\n",
        "garbage\r\n\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "",
    ] {
        let proxy = Proxy::start(response, None);
        let uri = format!("http://{}", proxy.address);
        let unavailable = (String::new(), Some("UNAVAILABLE".to_owned()));
        let variables = [("http_proxy", uri.as_str())];
        let theirs = outcome(&mut python.client("localhost:7", "16"), &variables);
        assert_eq!(theirs, unavailable, "grpcio, {response:?}");
        assert!(!proxy.requests().is_empty(), "grpcio, {response:?}");
        let ours = outcome(client().args(["--address", "localhost:7"]), &variables);
        assert_eq!(ours, unavailable, "{response:?}");
        assert!(!proxy.requests().is_empty(), "{response:?}");
    }
}

/// Requests a root with TLS: the arguments are the address and the PEM file of the CA.
const TLS_CLIENT: &str = "
import sys, grpc, calculator_pb2, calculator_pb2_grpc
with open(sys.argv[2], 'rb') as ca:
    credentials = grpc.ssl_channel_credentials(ca.read())
with grpc.secure_channel(sys.argv[1], credentials) as channel:
    stub = calculator_pb2_grpc.CalculatorStub(channel)
    print(stub.SquareRoot(calculator_pb2.Number(value=16)).value)
";

#[test]
fn tls_through_a_proxy_is_with_the_server() {
    let Some(python) = Python::find() else { return };
    let authority = Authority::new("Proxies CA");
    let pair = authority.sign("a.invalid", Kind::Ordinary);
    let mut command = std::process::Command::new(cargo_bin!("calculator-server"));
    command.args(["--address", "127.0.0.1:0"]).arg("--tls-certificate").arg(&pair.certificate);
    let server = Server::ready(command.arg("--tls-key").arg(&pair.key));
    let proxy = Proxy::start("HTTP/1.1 200 OK\r\n\r\n", Some(server.address));
    let uri = format!("http://{}", proxy.address);
    let variables = [("https_proxy", uri.as_str())];
    let ca = authority.certificate();
    for (target, expected) in [
        ("a.invalid:7", ("4.0\n".to_owned(), None)),
        ("b.invalid:7", (String::new(), Some("UNAVAILABLE".to_owned()))),
    ] {
        let mut grpcio = Command::from_std(python.command());
        let theirs = outcome(grpcio.args(["-c", TLS_CLIENT, target]).arg(&ca), &variables);
        assert_eq!(theirs, expected, "grpcio, {target}");
        let request = proxy.requests().into_iter().next();
        let ours = outcome(client().args(["--address", target, "--tls-ca"]).arg(&ca), &variables);
        assert_eq!(ours, expected, "{target}");
        assert_eq!(proxy.requests().into_iter().next(), request, "{target}");
        assert!(request.is_some_and(|request| request.starts_with("CONNECT ")), "{target}");
    }
}

#[test]
fn an_invalid_uri_is_reported_without_its_password() {
    let server = Server::start();
    let mut command = client();
    command.args(["--address", &server.address.to_string()]);
    let done = command.env("https_proxy", "https://user:secret@127.0.0.1:1").assert();
    let stderr = "calculator-client: no proxy is used: the environment variable https_proxy has the scheme \
                  'https', which is not supported: give http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or an \
                  empty value for no proxy\n";
    done.success().stdout("4.0\n").stderr(stderr);
}
