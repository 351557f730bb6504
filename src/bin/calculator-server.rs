//! `calculator-server`: what `python server.py` does, in Rust.
//!
//! Owns the command line, the signals and the exit status; the server itself is
//! [`calculator::server::serve`]. SIGINT ends it at once, as `server.stop(0)` does in Python's
//! handler; SIGTERM, which orchestrators send, lets the calls in flight finish first.

use std::io::{self, Write};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use calculator::address::Address;
use calculator::listen::{self, Listener, LocalAddress};
use calculator::service::dispatch::Offer;
use calculator::tls::{self, Identity, Tls};
use calculator::{command_line, server};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Serve square roots over gRPC.
///
/// Without arguments it does what `python server.py` does, and serves StreamingCalculator beside
/// Calculator. Ctrl-C ends it at once; SIGTERM ends it when the calls in flight have been answered.
/// Both exit with status 0.
#[derive(Debug, Parser)]
#[command(name = "calculator-server", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
struct Options {
    /// Where to listen: HOST:PORT or unix:PATH.
    ///
    /// Port 0 takes a free port; `[::]` takes IPv4 as well. A socket file that an earlier server has
    /// left behind is replaced, and the file is removed at the end. With this option a second line on
    /// stdout says the address that was really taken.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<Address>,

    /// Share the port with a server that shares it too, such as a running `python server.py`.
    ///
    /// The operating system gives each new connection to one of them. So this server can take over
    /// without the port ever being closed: start it, then stop the other one. Without this option a
    /// port that is taken is an error.
    #[arg(long)]
    reuse_port: bool,

    /// Answer gRPC health checks: all services are SERVING until the server ends.
    #[arg(long)]
    health: bool,

    /// Answer reflection, v1 and v1alpha, so that tools such as grpcurl need no .proto files.
    #[arg(long)]
    reflection: bool,

    /// Encrypt connections with TLS 1.2 or 1.3: the server's certificate, then those between it and a
    /// root, as PEM.
    #[arg(long, value_name = "PEM", requires = "tls_key")]
    tls_certificate: Option<PathBuf>,

    /// The private key of the certificate as PEM, not encrypted.
    #[arg(long, value_name = "PEM", requires = "tls_certificate")]
    tls_key: Option<PathBuf>,

    /// Refuse clients without a certificate that one of the CAs in this file has signed.
    #[arg(long, value_name = "PEM", requires = "tls_certificate")]
    tls_client_ca: Option<PathBuf>,

    /// Tell a client to make a new connection when its connection is so old, so that clients find
    /// servers that were added; calls on the old one finish.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    max_connection_age: Option<Duration>,

    /// How many threads serve connections, each one those that it was given: one for each core that the
    /// operating system lets this process use, unless this says otherwise.
    #[arg(long, value_name = "NUMBER", value_parser = workers)]
    workers: Option<NonZeroUsize>,

    /// Only for tests of clients, never in production: do what a call's metadata asks for.
    ///
    /// Any caller can then choose delays, statuses and compression, and ask how other calls have
    /// ended. interop-tests/PEERS.md says how.
    #[arg(long)]
    test_behaviour: bool,
}

const DEFAULT_ADDRESS: &str = "[::]:50051";

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = command_line::number(text).map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|seconds| !seconds.is_zero())
        .ok_or_else(|| "this is a number of seconds, more than 0".to_owned())
}

fn workers(text: &str) -> Result<NonZeroUsize, String> {
    text.parse().map_err(|_| "this is a number of threads, 1 or more".to_owned())
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
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("calculator-server: {error}");
            ExitCode::FAILURE
        }
    }
}

// Further workers are threads with runtimes of their own.
#[tokio::main(flavor = "current_thread")]
async fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let served = server::Options {
        offer: Offer { health: options.health, reflection: options.reflection },
        tls: options.tls_files().as_ref().map(Tls::load).transpose()?,
        max_connection_age: options.max_connection_age,
        test_behaviour: options.test_behaviour,
        workers: options
            .workers
            .or_else(|| thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN),
    };
    let address = options.address.clone().map_or_else(|| DEFAULT_ADDRESS.parse(), Ok)?;
    let listeners = listen::bind(&address, listen::Options { reuse_port: options.reuse_port })?;
    announce(options, &listeners)?;
    let terminated = async move {
        terminate.recv().await;
    };
    tokio::select! {
        ended = server::serve(listeners, served, terminated) => ended?,
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Says on stdout that connections are accepted from now on, in Python's words.
fn announce(options: &Options, listeners: &[Listener]) -> io::Result<()> {
    let Some(first) = listeners.first() else { return Ok(()) };
    let taken = first.local_address()?;
    let place = match &taken {
        LocalAddress::Tcp(address) => format!("port {}", address.port()),
        LocalAddress::Unix(_) => taken.to_string(),
    };
    let address = options.address.as_ref().map(|_| format!("Address: {taken}\n"));
    // A server whose stdout is closed still serves.
    let _ = write!(
        io::stdout(),
        "Starting server. Listening on {place}.\n{}",
        address.unwrap_or_default()
    )
    .and_then(|()| io::stdout().flush());
    Ok(())
}
