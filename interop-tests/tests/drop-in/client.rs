//! The command line of `calculator-client`: its output, its failures and its usage errors.
//!
//! All tests use `--address`, because the default port may be in use. The default is read from `--help`.

use std::ffi::OsStr;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use assert_cmd::assert::Assert;
use socket2::{Domain, Socket, Type};

use crate::python::Python;
use crate::support::Server;
use crate::support::client;
use crate::support::{client_of, client_program};

/// Numbers as arguments, and the root that Python prints.
pub(crate) const ROOTS: [(&str, &str); 29] = [
    ("16", "4.0"),
    ("4e0", "2.0"),
    ("+4", "2.0"),
    ("2", "1.4142135381698608"),
    ("-0", "-0.0"),
    ("-0.0", "-0.0"),
    ("0", "0.0"),
    ("1e-46", "0.0"),
    ("-1e-46", "-0.0"),
    ("inf", "inf"),
    ("Infinity", "inf"),
    ("nan", "nan"),
    ("-nan", "nan"),
    ("NaN", "nan"),
    ("1_000", "31.62277603149414"),
    (".5", "0.7071067690849304"),
    (" 2 ", "1.4142135381698608"),
    ("1e39", "inf"),
    // The two doubles between which a float32 overflows.
    ("3.4028235677973366e+38", "inf"),
    ("3.4028235677973362e38", "1.8446742974197924e+19"),
    ("1e10", "100000.0"),
    ("1e32", "1.0000000272564224e+16"),
    ("1e33", "3.1622776901074944e+16"),
    ("1e-8", "9.999999747378752e-05"),
    ("1e-10", "9.999999747378752e-06"),
    ("1.401298464324817e-45", "3.743392066509216e-23"),
    ("0.1", "0.3162277638912201"),
    // The root is exactly between two decimals of 16 digits; the even one is printed.
    ("8192.001", "90.50967407226562"),
    ("16777217", "4096.0"),
];

fn stderr(done: &Assert) -> String {
    String::from_utf8_lossy(&done.get_output().stderr).into_owned()
}

/// Asserts that a failed call printed the message of the client followed by this status.
fn assert_fails_with(done: &Assert, status: &str, details: &str) {
    let expected = format!(
        "<RPC that terminated with:\n\tstatus = StatusCode.{status}\n\tdetails = \"{details}\"\n>\n"
    );
    let stderr = stderr(done);
    assert!(stderr.ends_with(&expected), "{stderr}");
    assert!(stderr.starts_with("calculator-client: SquareRoot("), "{stderr}");
}

#[test]
fn help_shows_the_defaults_of_client_py() {
    let shown = client().arg("--help").assert().success().stderr("");
    let help = String::from_utf8_lossy(&shown.get_output().stdout);
    for word in [
        "[default: localhost:50051]",
        "[default: 16]",
        "--timeout",
        "--keepalive",
        "--tls-ca",
        "--version",
    ] {
        assert!(help.contains(word), "{word} in {help}");
    }
    let version = concat!("calculator-client ", env!("CARGO_PKG_VERSION"), "\n");
    client().arg("--version").assert().success().stdout(version).stderr("");
}

#[test]
fn without_a_number_it_prints_the_same_as_client_py() {
    let server = Server::start();
    client_of(server.address).assert().success().stdout("4.0\n").stderr("");
}

#[test]
fn roots_are_printed_in_the_order_of_the_numbers() {
    let server = Server::start();
    let printed = ROOTS.map(|(_, root)| root).join("\n") + "\n";
    let numbers = ROOTS.iter().map(|(number, _)| number);
    client_of(server.address).args(numbers).assert().success().stdout(printed).stderr("");
}

#[test]
fn no_call_follows_a_failed_call() {
    let server = Server::start();
    let text = "Exception calling application: math domain error";
    for (numbers, stdout, failing) in [
        (&["4", "9", "-4", "16"][..], "2.0\n3.0\n", "-4.0"),
        (&["2", "-inf", "3", "--timeout", "1"], "1.4142135381698608\n", "-inf"),
        (&["--", "-1e-45"], "", "-1e-45"),
    ] {
        let done = client_of(server.address).args(numbers).assert().code(1).stdout(stdout);
        assert_fails_with(&done, "UNKNOWN", text);
        let start = format!("calculator-client: SquareRoot({failing}) at {} ", server.address);
        assert!(stderr(&done).starts_with(&start), "{}", stderr(&done));
    }
}

/// The lines after "RPC that terminated with", without the debug string of grpcio.
fn end_of_traceback(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    let lines = text.lines().skip_while(|line| !line.ends_with("RPC that terminated with:"));
    let lines = lines.skip(1).filter(|line| !line.starts_with("\tdebug_error_string = "));
    lines.map(str::to_owned).collect()
}

#[test]
fn the_message_of_a_failed_call_ends_like_that_of_grpcio() {
    let Some(python) = Python::find() else { return };
    let server = Server::start();
    let theirs = python.client(&server.address.to_string(), "-1").assert().code(1).stdout("");
    let ours = client_of(server.address).arg("-1").assert().code(1).stdout("");
    let expected = end_of_traceback(&theirs.get_output().stderr);
    assert_eq!(expected.len(), 3, "{theirs}");
    assert_eq!(end_of_traceback(&ours.get_output().stderr), expected);
}

#[test]
fn client_py_gets_the_same_result_as_from_server_py() {
    let Some(python) = Python::find() else { return };
    let server = Server::start();
    let address = server.address.to_string();
    python.client(&address, "16").assert().success().stdout("4.0\n").stderr("");
}

/// A bound port on which nothing listens.
fn bound_socket() -> (Socket, SocketAddr) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("cannot create a socket");
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).expect("cannot bind a port");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    (socket, address.expect("not an IPv4 address"))
}

#[test]
fn a_missing_server_is_unavailable_within_a_second() {
    let (_socket, address) = bound_socket();
    // After a second, the status would be DEADLINE_EXCEEDED.
    for arguments in [&[][..], &["--timeout", "1"]] {
        let done = client_of(address).args(arguments).assert().code(1).stdout("");
        assert!(stderr(&done).contains("\n\tstatus = StatusCode.UNAVAILABLE\n\tdetails = \""));
        assert!(stderr(&done).ends_with("\"\n>\n"), "{}", stderr(&done));
    }
}

#[test]
fn a_call_to_a_silent_server_ends_at_the_deadline() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("cannot bind a port");
    let address = silent.local_addr().expect("the socket has no address");
    let start = Instant::now();
    let done = client_of(address).args(["--timeout", "0.2"]).assert().code(1).stdout("");
    let elapsed = start.elapsed();
    assert_fails_with(&done, "DEADLINE_EXCEEDED", "Deadline Exceeded");
    let promptly = Duration::from_millis(200)..Duration::from_secs(2);
    assert!(promptly.contains(&elapsed), "{elapsed:?}");
}

#[test]
fn a_timeout_may_exceed_the_maximum_of_grpc() {
    let server = Server::start();
    for timeout in ["1e9", "1e12", "1e19"] {
        let done = client_of(server.address).args(["--timeout", timeout]).assert();
        done.success().stdout("4.0\n").stderr("");
    }
}

#[test]
fn usage_errors_name_the_argument() {
    let wrong: [(&[&str], &str); 21] = [
        (&["four"], "could not convert string to float: 'four'"),
        (&["2", ""], "could not convert string to float: ''"),
        (&["1__0"], "could not convert string to float: '1__0'"),
        // A typographic minus sign.
        (&["\u{2212}4"], "could not convert string to float: '\u{2212}4'"),
        (&["--addres", "localhost:1"], "'--addres'"),
        (&["-x"], "'-x'"),
        (&["-infinite"], "'-i'"),
        (&["--timeout"], "'--timeout <SECONDS>'"),
        (&["--timeout", "soon"], "could not convert string to float: 'soon'"),
        (&["--timeout", "-1"], "'-1' for '--timeout <SECONDS>'"),
        (&["--timeout", "nan"], "'nan' for '--timeout <SECONDS>'"),
        (&["--timeout", "1", "--timeout", "2"], "'--timeout <SECONDS>'"),
        (&["--address"], "'--address <ADDRESS>'"),
        (&["--address", "localhost:name"], "'localhost:name' is not an address"),
        (&["--address", "http://localhost:1"], "'http://localhost:1' is not an address"),
        (&["--address", "-1"], "'-1' is not an address"),
        (&["--address", "unix:"], "'unix:' is not an address"),
        (&["--tls-name", "localhost"], "<--tls|--tls-ca <PEM>>"),
        (&["--tls-certificate", "c.pem", "--tls-key", "c.key"], "<--tls|--tls-ca <PEM>>"),
        (&["--tls", "--tls-certificate", "c.pem"], "--tls-key <PEM>"),
        (&["--tls", "--tls-name", "a:1"], "'a:1' is no name of a server"),
    ];
    for (arguments, named) in wrong {
        let refused = client().args(arguments).assert().code(2).stdout("");
        assert!(stderr(&refused).starts_with("error: "), "{refused}");
        assert!(stderr(&refused).contains(named), "{named} in {refused}");
        assert!(stderr(&refused).contains("\nUsage: calculator-client [OPTIONS] [NUMBER]...\n"));
    }
    let no_text = OsStr::from_bytes(b"\xff");
    let refused = client().arg(no_text).assert().code(2).stdout("");
    assert!(stderr(&refused).contains("\nUsage: calculator-client [OPTIONS] [NUMBER]...\n"));
}

#[test]
fn a_closed_stdout_does_not_cause_a_panic() {
    let server = Server::start();
    let (reader, writer) = std::io::pipe().expect("cannot create a pipe");
    drop(reader);
    let mut command = client_program();
    command.args(["--address", &server.address.to_string(), "--timeout", "20"]);
    let done =
        command.stdout(writer).stderr(Stdio::piped()).output().expect("cannot run the program");
    assert_eq!((done.status.code(), String::from_utf8_lossy(&done.stderr).as_ref()), (Some(1), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_printed_is_a_failure() {
    let server = Server::start();
    let full =
        std::fs::OpenOptions::new().write(true).open("/dev/full").expect("cannot open /dev/full");
    let mut command = client_program();
    command.args(["--address", &server.address.to_string(), "--timeout", "20"]);
    let done =
        command.stdout(full).stderr(Stdio::piped()).output().expect("cannot run the program");
    assert_eq!(done.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(stderr.starts_with("calculator-client: cannot print the answer: "), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}
