//! The forms of addresses that grpcio's channel and `calculator-client` accept, and what both reject.
//!
//! Each address is used by both clients with the same servers, so the table cannot become wrong for a newer grpcio.

use std::net::TcpListener;
use std::process::Command;

use assert_cmd::cargo::cargo_bin;

use crate::python::Python;
use crate::support::{LIMIT, Process, Server, client};

/// Who calls the server at an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Callers {
    Both,
    /// grpcio parses no addresses: what is not one fails like an unknown host.
    None,
    /// The reason is in the guide.
    OnlyGrpcio,
}

use Callers::{Both, None as Neither, OnlyGrpcio};

/// `PORT` is a port of a server on all interfaces, `CLOSED` one without a server, `PATH` the absolute path of a socket,
/// and `NAME` an abstract name.
const TARGETS: &[(&str, Callers)] = &[
    ("localhost:PORT", Both),
    ("LOCALHOST:PORT", Both),
    ("127.0.0.1:PORT", Both),
    ("[::1]:PORT", Both),
    ("[::ffff:127.0.0.1]:PORT", Both),
    ("dns:localhost:PORT", Both),
    ("dns:/localhost:PORT", Both),
    ("dns:///localhost:PORT", Both),
    ("dns:///127.0.0.1:PORT", Both),
    ("dns:[::1]:PORT", Both),
    ("DNS:localhost:PORT", Both),
    ("ipv4:127.0.0.1:PORT", Both),
    ("IPV4:127.0.0.1:PORT", Both),
    ("ipv4:///127.0.0.1:PORT", Both),
    ("ipv4:127.0.0.1:PORT,", Both),
    ("ipv4:127.0.0.1:PORT,127.0.0.1:PORT", Both),
    ("ipv4:127.0.0.1:CLOSED,127.0.0.1:PORT", Both),
    ("ipv4:127.0.0.1:PORT,127.0.0.1:CLOSED", Both),
    ("ipv6:[::1]:PORT", Both),
    ("ipv6:///[::1]:PORT", Both),
    ("ipv6:%5B::1%5D:PORT", Both),
    ("ipv6:[::1]:CLOSED,[::1]:PORT", Both),
    ("unix:PATH", Both),
    ("UNIX:PATH", Both),
    ("unix://PATH", Both),
    ("unix-abstract:NAME", Both),
    // A query, which grpcio ignores.
    ("dns:///localhost:PORT?a=b", OnlyGrpcio),
    ("localhost:PORT?a=b", OnlyGrpcio),
    ("dns://8.8.8.8/localhost:PORT", Neither),
    ("dns://localhost:PORT", Neither),
    ("dns:///localhost:PORT/path", Neither),
    ("localhost:PORT/path", Neither),
    ("http://localhost:PORT", Neither),
    ("passthrough:///localhost:PORT", Neither),
    ("me@localhost:PORT", Neither),
    (":PORT", Neither),
    ("", Neither),
    ("dns:", Neither),
    ("ipv4:", Neither),
    ("ipv4:127.0.0.1", Neither),
    ("ipv4:localhost:PORT", Neither),
    ("ipv4:[::1]:PORT", Neither),
    ("ipv4://127.0.0.1:PORT", Neither),
    ("ipv6:[::1]", Neither),
    ("ipv6:127.0.0.1:PORT", Neither),
    ("unix:", Neither),
    ("unix://hostPATH", Neither),
    ("unix-abstract:", Neither),
];

/// Prints `OK` for each address of a server that responds, and the status otherwise.
const CALLS: &str = "
import sys, grpc, calculator_pb2, calculator_pb2_grpc
for target in sys.stdin.read().split('\\n'):
    try:
        with grpc.insecure_channel(target) as channel:
            stub = calculator_pb2_grpc.CalculatorStub(channel)
            print('OK', stub.SquareRoot(calculator_pb2.Number(value=16), timeout=20).value)
    except grpc.RpcError as error:
        print(error.code())
";

/// A server at this address, which is written as it was given.
fn server(address: &str) -> Process {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let (process, [_, second]) = Process::announced(command.args(["--address", address]));
    assert_eq!(second, format!("Address: {address}"));
    process
}

#[test]
fn both_clients_accept_the_same_addresses() {
    let Some(python) = Python::find() else { return };
    // Not in TMPDIR, which may be too long for the path of a socket.
    let folder = tempfile::tempdir_in("/tmp").expect("cannot create a folder");
    let path = folder.path().join("socket").display().to_string();
    let name = format!("calculator-targets-{}", std::process::id());
    let tcp = Server::start_at("[::]:0");
    let _unix = server(&format!("unix:{path}"));
    let _unix_abstract = server(&format!("unix-abstract:{name}"));
    // Bound, but not listening for the clients: it is dropped before they start.
    let closed = TcpListener::bind("[::]:0").and_then(|socket| socket.local_addr());
    let closed = closed.expect("a free port").port().to_string();
    let targets: Vec<String> = TARGETS
        .iter()
        .map(|(target, _)| {
            let target = target.replace("PORT", &tcp.address.port().to_string());
            target.replace("CLOSED", &closed).replace("PATH", &path).replace("NAME", &name)
        })
        .collect();

    let mut calls = assert_cmd::Command::from_std(python.command());
    let calls = calls.args(["-c", CALLS]).write_stdin(targets.join("\n")).timeout(LIMIT).assert();
    let output = String::from_utf8_lossy(&calls.success().get_output().stdout).into_owned();
    let of_grpcio: Vec<_> = output.lines().map(|line| line == "OK 4.0").collect();
    assert_eq!(of_grpcio.len(), TARGETS.len(), "{output}");

    let mut wrong = Vec::new();
    for ((target, has_called), (form, callers)) in targets.iter().zip(of_grpcio).zip(TARGETS) {
        let done = client().args(["--address", target]).timeout(LIMIT).output();
        let done = done.expect("cannot run the client");
        let found = (has_called, done.status.success());
        let expected = match callers {
            Both => (true, true),
            Neither => (false, false),
            OnlyGrpcio => (true, false),
        };
        if found != expected {
            let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
            wrong.push(format!("{form}: grpcio and Rust {found:?}: {stderr}"));
        } else if !found.1 {
            // An error of the command line, which lists the forms.
            let stderr = String::from_utf8_lossy(&done.stderr).into_owned();
            assert_eq!(done.status.code(), Some(2), "{form}: {stderr}");
            assert!(stderr.contains("dns:///HOST:PORT, ipv4:IP:PORT"), "{form}: {stderr}");
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_server_listens_at_each_address_of_a_list() {
    let mut command = Command::new(cargo_bin!("calculator-server"));
    let address = "ipv4:127.0.0.1:0,127.0.0.2:0";
    let server = Server::ready(command.args(["--address", address]));
    let ports = listening_ports(server.process.id());
    assert_eq!(ports.len(), 2, "{ports:?}");
    for port in ports {
        client()
            .args(["--address", &format!("ipv4:127.0.0.1:{port},127.0.0.2:{port}")])
            .assert()
            .success();
    }
}

/// The TCP ports at which a process listens.
fn listening_ports(id: u32) -> Vec<u16> {
    let all = listeners::get_all().expect("cannot read the table of sockets");
    all.into_iter()
        .filter(|one| one.process.pid == id && one.state == listeners::SocketState::Listen)
        .map(|one| one.socket.port())
        .collect()
}
