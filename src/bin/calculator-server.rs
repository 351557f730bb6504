//! `calculator-server`: the counterpart of `python server.py`.
//!
//! Handles the command line, the signals and the exit status; the server itself is
//! [`calculator::server::serve`]. SIGINT ends it at once, like `server.stop(0)` in the signal
//! handler of the Python server. SIGTERM, which orchestrators send, lets the calls in flight finish
//! first, within a time limit. A second signal ends the wait. A signal that is ignored when the server
//! starts has no effect, as in Python.

mod command_line;
mod connection_arguments;
mod signals;

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use calculator::grpcio::address::Address;
use calculator::grpcio::serve::MessageMemory;
use calculator::grpcio::serve::listen::{self, Listener, LocalAddress};
use calculator::grpcio::serve::tls::{self, Identity, Tls};
use calculator::grpcio::serve::{DRAIN, Drained};
use calculator::server::{self, Extras};
use clap::Parser;
use tokio::signal::unix::SignalKind;
use tokio::sync::oneshot;

use connection_arguments::ConnectionArguments;
use signals::EndSignal;

/// Serve square roots over gRPC.
///
/// Without arguments it does what `python server.py` does. Ctrl-C ends it at once, with status 0.
/// SIGTERM lets the calls in flight finish first, until a second signal or for as long as --drain
/// allows. The exit status is 0 if all of them have finished, and 1 otherwise. A signal that is
/// ignored when the server starts stays ignored: SIGINT is if a script starts it with `&`.
#[derive(Debug, Parser)]
#[command(name = "calculator-server", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent option")]
struct Options {
    /// The address to listen at: HOST:PORT, HOST for port 443, unix:PATH or unix-abstract:NAME.
    ///
    /// Port 0 selects a free port; `[::]` also accepts IPv4. A stale socket file is replaced, and
    /// the file is removed at the end. With this option a second line on stdout contains the actual
    /// address.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<Address>,

    /// Share the port with another server that shares it, such as a running `python server.py`.
    ///
    /// The operating system assigns each new connection to one of them, so this server can take
    /// over without closing the port: start it, then stop the other one. Without this option a port
    /// in use is an error.
    #[arg(long)]
    reuse_port: bool,

    /// Serve StreamingCalculator in addition to Calculator. Without this option its methods are
    /// unknown, as in server.py.
    #[arg(long)]
    streaming: bool,

    /// Serve gRPC health checks: all services are SERVING until the server shuts down.
    #[arg(long)]
    health: bool,

    /// Serve reflection, v1 and v1alpha, so that tools such as grpcurl need no .proto files.
    #[arg(long)]
    reflection: bool,

    /// Encrypt connections with TLS 1.2 or 1.3: a PEM file with the certificate of the server and
    /// the intermediate certificates up to a root.
    #[arg(long, value_name = "PEM", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// The private key of the certificate: a PEM file, not encrypted.
    #[arg(long, value_name = "PEM", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,

    /// Refuse clients without a certificate signed by one of the CAs in this PEM file.
    #[arg(long, value_name = "PEM", requires = "tls_certificate")]
    tls_client_ca: Option<PathBuf>,

    #[command(flatten)]
    connections: ConnectionArguments,

    /// How long calls in flight may take after SIGTERM. Then they are cut off, and the exit status
    /// is 1. The default is 25, because Kubernetes kills a process after 30.
    #[arg(long, value_name = "SECONDS", value_parser = connection_arguments::seconds)]
    drain: Option<Duration>,

    /// The number of threads that serve connections. The default is the number of cores that this
    /// process may use.
    #[arg(long, value_name = "NUMBER", value_parser = workers)]
    workers: Option<NonZeroUsize>,

    /// The memory for open calls and their messages, in MiB. The default is 256.
    ///
    /// It holds requests that are received or handled, and responses that are not sent yet. Open
    /// calls get half as much in addition, 8 KiB each. A connection gets at most as much as it
    /// leaves free. A call whose message needs more waits up to 20 seconds and then fails with
    /// RESOURCE_EXHAUSTED; too many calls fail at once. At least 8 MiB.
    #[arg(long, value_name = "MIB", value_parser = message_memory)]
    message_memory: Option<MessageMemory>,

    /// Only for tests of clients, never in production: follow the directives in the metadata of a
    /// call.
    ///
    /// Any caller can then choose delays, statuses and compression, and find out how other calls
    /// have ended. interop-tests/docs/peers.md lists the directives.
    #[arg(long)]
    test_behaviour: bool,
}

const DEFAULT_ADDRESS: &str = "[::]:50051";

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "this is a number of threads, 1 or more".to_owned())
}

fn message_memory(text: &str) -> Result<MessageMemory, String> {
    const MIB: usize = 1024 * 1024;
    let least = MessageMemory::MIN / MIB;
    let bytes = text.parse().ok().filter(|mib| *mib >= least);
    let bytes = bytes.and_then(|mib: usize| mib.checked_mul(MIB));
    let bytes = bytes.ok_or_else(|| format!("this is a number of MiB, {least} or more"))?;
    match machine_memory() {
        Some(memory) if bytes > memory => {
            Err(format!("this machine has {} MiB of memory", memory / MIB))
        }
        _ => Ok(MessageMemory::new(bytes)),
    }
}

/// The memory of this machine in bytes, where `/proc` reports it.
fn machine_memory() -> Option<usize> {
    let report = std::fs::read_to_string("/proc/meminfo").ok()?;
    let total = report.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    total.trim().strip_suffix(" kB")?.parse::<usize>().ok()?.checked_mul(1024)
}

impl Options {
    fn tls_files(&self) -> Option<tls::Files> {
        let (certificate, key) = self.tls_certificate.clone().zip(self.tls_key.clone())?;
        let identity = Identity { certificate, key };
        Some(tls::Files { identity, client_ca: self.tls_client_ca.clone() })
    }
}

fn main() -> ExitCode {
    let options: Options = command_line::parse();
    match run(&options) {
        Ok(Drained { cut_off: 0 }) => ExitCode::SUCCESS,
        Ok(Drained { cut_off }) => {
            let calls = if cut_off == 1 { "1 call was" } else { &format!("{cut_off} calls were") };
            eprintln!("calculator-server: {calls} cut off by the shutdown");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("calculator-server: {error}");
            ExitCode::FAILURE
        }
    }
}

// Other workers are threads with runtimes of their own.
#[tokio::main(flavor = "current_thread")]
async fn run(options: &Options) -> Result<Drained, Box<dyn std::error::Error>> {
    let mut interrupt = EndSignal::new(SignalKind::interrupt())?;
    let mut terminate = EndSignal::new(SignalKind::terminate())?;
    let extras = Extras { streaming: options.streaming, test_directives: options.test_behaviour };
    let mut served = server::options(extras)?;
    served.health = options.health;
    served.reflection = options.reflection;
    served.tls = options.tls_files().as_ref().map(Tls::load).transpose()?;
    served.connections = options.connections.options(&served.connections);
    served.drain = options.drain.unwrap_or(DRAIN);
    if let Some(memory) = &options.message_memory {
        served.message_memory = memory.clone();
    }
    served.workers = options
        .workers
        .or_else(|| thread::available_parallelism().ok())
        .unwrap_or(NonZeroUsize::MIN);
    let address = options.address.clone().map_or_else(|| DEFAULT_ADDRESS.parse(), Ok)?;
    options.connections.raise_file_limit();
    let listeners = listen::bind(&address, listen::Options { reuse_port: options.reuse_port })?;
    announce(options, &listeners)?;
    let end_drain = served.end_drain.clone();
    let (terminate_server, terminated) = oneshot::channel::<()>();
    let signals = async {
        tokio::select! {
            () = interrupt.received() => return,
            () = terminate.received() => drop(terminate_server),
        }
        tokio::select! {
            () = interrupt.received() => {}
            () = terminate.received() => {}
        }
        end_drain.cancel();
        std::future::pending::<()>().await;
    };
    let shutdown = async {
        // The sender is dropped and never sends.
        let _ = terminated.await;
    };
    tokio::select! {
        drained = server::serve(listeners, served, shutdown) => Ok(drained?),
        () = signals => Ok(Drained { cut_off: 0 }),
    }
}

/// Prints the line with which `server.py` reports that it accepts connections.
fn announce(options: &Options, listeners: &[Listener]) -> io::Result<()> {
    let Some(first) = listeners.first() else { return Ok(()) };
    let local = first.local_address()?;
    let place = match &local {
        LocalAddress::Tcp(address) => format!("port {}", address.port()),
        LocalAddress::Unix(_) => local.to_string(),
    };
    let address = options.address.as_ref().map(|_| format!("Address: {local}\n"));
    // A server with a closed stdout still serves.
    let _ = write!(
        io::stdout(),
        "Starting server. Listening on {place}.\n{}",
        address.unwrap_or_default()
    )
    .and_then(|()| io::stdout().flush());
    Ok(())
}
