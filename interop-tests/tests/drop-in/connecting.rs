//! `calculator-client` and servers that vanish, and servers behind a Unix socket.
//!
//! A server whose machine is gone closes nothing: from outside it looks like one that takes its time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use calculator::rpc::calculator_server::CalculatorServer;
use calculator::service::calculator::CalculatorService;
use tokio_stream::wrappers::UnixListenerStream;

use crate::support::client;
use crate::support::client_of;

/// Says SETTINGS to one client and then never a word, until the client hangs up.
fn vanishing_server() -> SocketAddr {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        client.write_all(&SETTINGS).expect("room");
        let mut ignored = Vec::new();
        // A reset is an end as well.
        let _ = client.read_to_end(&mut ignored);
    });
    address
}

#[test]
fn pings_find_out_that_a_server_is_gone() {
    let start = Instant::now();
    let done = client_of(vanishing_server())
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
    let done = client_of(vanishing_server()).args(["--timeout", "0.3"]).assert().code(1).stdout("");
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(stderr.contains("\n\tstatus = StatusCode.DEADLINE_EXCEEDED\n"), "{stderr}");
}

#[test]
fn a_server_may_be_behind_a_unix_socket() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("calculator.sock");
    let address = format!("unix:{}", path.display());
    let nobody = format!("failed to connect to all addresses; last error: {address}: ");
    let done = client().args(["--address", &address]).assert().code(1).stdout("");
    let stderr = String::from_utf8_lossy(&done.get_output().stderr).into_owned();
    assert!(stderr.contains(&nobody), "{stderr}");

    let runtime = tokio::runtime::Runtime::new().expect("threads");
    let listener = {
        let _entered = runtime.enter();
        tokio::net::UnixListener::bind(&path).expect("a folder of ours")
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
