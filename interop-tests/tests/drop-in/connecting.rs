//! `calculator-client` with a server that becomes unreachable, and with a server on a Unix socket.
//!
//! If the machine of a server fails, its connections are not closed, so a client cannot distinguish it from a slow
//! server.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use calculator::rpc::calculator_server::CalculatorServer;
use calculator::service::calculator::CalculatorService;
use tokio_stream::wrappers::UnixListenerStream;

use crate::support::client;
use crate::support::client_of;

/// A server that sends SETTINGS to one client, and then nothing until the client closes the connection.
fn silent_server() -> SocketAddr {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let listener = TcpListener::bind("127.0.0.1:0").expect("cannot bind a port");
    let address = listener.local_addr().expect("the socket has no address");
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("no client connected");
        client.write_all(&SETTINGS).expect("cannot write to the client");
        let mut ignored = Vec::new();
        // The client may close or reset the connection.
        let _ = client.read_to_end(&mut ignored);
    });
    address
}

#[test]
fn keepalive_pings_detect_an_unreachable_server() {
    let start = Instant::now();
    let done = client_of(silent_server())
        .args(["--keepalive", "0.2", "--keepalive-timeout", "0.3"])
        .assert()
        .code(1)
        .stdout("");
    let elapsed = start.elapsed();
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(stderr.contains("\n\tstatus = StatusCode.UNAVAILABLE\n"), "{stderr}");
    let promptly = Duration::from_millis(500)..Duration::from_secs(5);
    assert!(promptly.contains(&elapsed), "{elapsed:?}");
}

#[test]
fn without_pings_the_deadline_ends_the_call() {
    let done = client_of(silent_server()).args(["--timeout", "0.3"]).assert().code(1).stdout("");
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(stderr.contains("\n\tstatus = StatusCode.DEADLINE_EXCEEDED\n"), "{stderr}");
}

#[test]
fn a_server_may_listen_on_a_unix_socket() {
    // Not in TMPDIR, which may be too long for the path of a socket.
    let folder = tempfile::tempdir_in("/tmp").expect("cannot create a temporary folder");
    let path = folder.path().join("calculator.sock");
    let address = format!("unix:{}", path.display());
    let refused = format!("failed to connect to all addresses; last error: {address}: ");
    let done = client().args(["--address", &address]).assert().code(1).stdout("");
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(stderr.contains(&refused), "{stderr}");

    let runtime = tokio::runtime::Runtime::new().expect("cannot start the runtime");
    let listener = {
        let _entered = runtime.enter();
        tokio::net::UnixListener::bind(&path).expect("cannot listen")
    };
    let server = tonic::transport::Server::builder()
        .add_service(CalculatorServer::new(CalculatorService))
        .serve_with_incoming(UnixListenerStream::new(listener));
    runtime.spawn(server);
    for address in [address, format!("unix://{}", path.display())] {
        let done = client().args(["--address", &address, "--timeout", "15"]).assert();
        done.success().stdout("4.0\n").stderr("");
    }
}
