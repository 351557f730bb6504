//! Runs that share a machine: its folders and ports.

use std::io::{BufRead, BufReader, ErrorKind};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, ExitCode, Stdio};
use std::sync::PoisonError;

use grpc_interop::process::file_lock::FileLock;
use grpc_interop::process::net::tutorial_port::PortClaim;
use libtest_mimic::Trial;

use crate::mutants::PORT;
use crate::programs;
use crate::run::{self, Run};

/// The argument that makes this program call [`choose_ports`].
pub(crate) const CHOOSE_PORTS: &str = "choose-ports";

/// A trial of two programs that use port 50051.
const PROGRAMS: &str = "programs/rust/rust/root-of-16";

/// Trials whose servers have ports that the tool chooses, and others whose servers choose them.
const CALLS: &str = "calls/rust/rust/root";

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("several-runs/one-folder", one_folder),
        ("several-runs/wait-for-the-port", wait_for_the_port),
        ("several-runs/the-port-is-not-ephemeral", the_port_is_not_ephemeral),
        ("several-runs/any-range-of-ephemeral-ports", any_range_of_ephemeral_ports),
    ])
}

fn one_folder() {
    let run = Run::of_mutants(CALLS);
    let folder = run.path().join("output");
    std::fs::create_dir_all(&folder).expect("cannot create a folder");
    let lock =
        FileLock::try_acquire(&folder.join(".lock")).expect("a file").expect("nobody holds it");
    let output = folder.to_string_lossy().into_owned();
    let ran = run.finish();
    ran.ends_with_status(2);
    ran.prints(&format!("interop: --output: process {} (in ", std::process::id()));
    ran.prints(&format!("already writes to {output}; wait until it has ended, or choose another"));
    // A command that writes nothing does not need the folder.
    let mut list = Command::new(programs::interop());
    list.args(["list", "--output", &output, CALLS]).current_dir(programs::ROOT);
    assert!(list.output().expect("cannot run the tool").status.success());
    drop(lock);
}

fn wait_for_the_port() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let claim =
        PortClaim::new(|wait| eprintln!("waiting for {wait}")).expect("nobody uses the port");
    let run = Run::of_mutants(PROGRAMS);
    let mut tool = run.command();
    let mut tool = tool
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("cannot run the tool");
    let stderr = tool.stderr.take().expect("it is a pipe");
    let first = BufReader::new(stderr).lines().next().expect("a line").expect("text");
    let expected = format!("interop: waiting for process {} (in ", std::process::id());
    assert!(first.starts_with(&expected) && first.ends_with(", which uses port 50051"), "{first}");
    assert_eq!(tool.try_wait().expect("it is a child"), None, "it should wait");
    drop(claim);
    assert_eq!(tool.wait().expect("it is a child").code(), Some(0));
}

/// `command` in a network of its own, whose ephemeral ports are in `range`.
fn in_network(range: &str, command: &Command) -> Command {
    let mut shell = Command::new("unshare");
    shell.args(["--user", "--map-root-user", "--net", "sh", "-c"]);
    let set =
        format!("ip link set lo up && echo '{range}' > /proc/sys/net/ipv4/ip_local_port_range");
    shell.arg(format!("{set} && exec \"$0\" \"$@\""));
    shell.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

/// Whether a test can have a network of its own.
fn has_networks() -> bool {
    let output = in_network("1024 65535", &Command::new("true")).output();
    let is_permitted = output.is_ok_and(|output| output.status.success());
    if !is_permitted {
        eprintln!("not tested: this system does not permit `unshare --user --net`");
    }
    is_permitted
}

fn the_port_is_not_ephemeral() {
    if !has_networks() {
        return;
    }
    let this = std::env::current_exe().expect("the path of this program is unknown");
    let mut this = Command::new(this);
    this.arg(CHOOSE_PORTS);
    let output = in_network("50051 50052", &this).output().expect("cannot run this program");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Lets the kernel choose one of the ports 50051 and 50052 while the first one is claimed.
pub(crate) fn choose_ports() -> ExitCode {
    let _claim = PortClaim::new(|wait| panic!("nothing to wait for: {wait}")).expect("a free port");
    for _ in 0..100 {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        assert_eq!(listener.local_addr().expect("bound").port(), 50052);
    }
    let server = TcpListener::bind("127.0.0.1:40000").expect("the port is not ephemeral");
    let address = server.local_addr().expect("bound");
    let first = TcpStream::connect(address).expect("a port is free");
    assert_eq!(first.local_addr().expect("bound").port(), 50052);
    let error = TcpStream::connect(address).expect_err("no port is free");
    assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    ExitCode::SUCCESS
}

fn any_range_of_ephemeral_ports() {
    if !has_networks() {
        return;
    }
    for range in ["50001 50400", "1024 65535"] {
        let run = Run::new().with("--skip", "python").and("rust/rust/root");
        let command = in_network(range, &run.command());
        run.finish_command(command).ends_with_status(0).prints("0 failed");
    }
}
