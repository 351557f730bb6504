//! `calculator-client`: what `python client.py` does, in Rust.
//!
//! Owns the command line, what is printed and the exit status. A failed call prints what the end of
//! a grpcio traceback says, because that is what scripts around `client.py` look for.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use calculator::address::Address;
use calculator::client::tls::{Identity, PeerName, Tls, TlsError, TlsFiles};
use calculator::client::{self, Keepalive};
use calculator::rpc::calculator_client::CalculatorClient;
use calculator::status::Traceback;
use calculator::{Number, command_line, python_float};
use clap::Parser;
use tokio::runtime::{Builder, LocalOptions};

/// Ask a calculator server for square roots.
///
/// Without arguments it does what `python client.py` does: it asks localhost:50051 for the root of
/// 16. Each root is printed on a line of its own, as Python prints a float. The exit status is 1
/// when a call fails or a file cannot be used, and 2 when an argument cannot be read.
#[derive(Debug, Parser)]
#[command(name = "calculator-client", version)]
#[command(group(clap::ArgGroup::new("encrypts").args(["tls", "tls_ca"]).multiple(true)))]
struct Options {
    /// The server to ask: HOST:PORT, or unix:PATH for a Unix socket.
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:50051")]
    address: Address,

    /// How long each call may take; without it, a call waits for ever.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Ping the server when it has been silent for so long in a call, and give the call up when it
    /// does not answer the ping; without it, a call to a server that has vanished waits for ever.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    keepalive: Option<Duration>,

    /// How long the answer to such a ping may take.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "20")]
    keepalive_timeout: Duration,

    #[command(flatten)]
    tls: TlsOptions,

    /// The numbers to ask for, as Python's float() reads them: 2, -1, 1e3, 1_000, inf, nan, -inf.
    #[arg(value_name = "NUMBER", default_value = "16", value_parser = command_line::number)]
    values: Vec<f64>,
}

#[derive(Debug, clap::Args)]
struct TlsOptions {
    /// Talk to the server over TLS; its certificate has to be signed by a CA that the system trusts.
    #[arg(long)]
    tls: bool,

    /// Talk to the server over TLS; its certificate has to be signed by a CA in this PEM file.
    #[arg(long, value_name = "PEM")]
    tls_ca: Option<PathBuf>,

    /// The client's own certificate, for a server that wants one: a PEM file with the chain.
    #[arg(long, value_name = "PEM", requires = "tls_key", requires = "encrypts")]
    tls_certificate: Option<PathBuf>,

    /// The private key of --tls-certificate: a PEM file, not encrypted.
    #[arg(long, value_name = "PEM", requires = "tls_certificate", requires = "encrypts")]
    tls_key: Option<PathBuf>,

    /// Whom the server's certificate has to name, if not the host of --address.
    #[arg(long, value_name = "NAME", requires = "encrypts")]
    tls_name: Option<PeerName>,
}

impl TlsOptions {
    /// Nothing, where nothing is to be encrypted.
    fn read(&self) -> Result<Option<Tls>, TlsError> {
        if !self.tls && self.tls_ca.is_none() {
            return Ok(None);
        }
        let identity = self.tls_certificate.clone().zip(self.tls_key.clone());
        let files = TlsFiles {
            ca: self.tls_ca.clone(),
            identity: identity.map(|(certificate, key)| Identity { certificate, key }),
            name: self.tls_name.clone(),
        };
        Tls::from_files(&files).map(Some)
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = command_line::number(text).map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| "this is a number of seconds, 0 or more".to_owned())
}

fn main() -> ExitCode {
    let options: Options = command_line::parse();
    let tls = match options.tls.read() {
        Ok(tls) => tls,
        Err(error) => {
            eprintln!("calculator-client: cannot use TLS: {error}");
            return ExitCode::FAILURE;
        }
    };
    // The only one of tokio's runtimes that leaves the scheduler with threads out of the program, and
    // with it libm, whose loading took a tenth of the time from start to end.
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("calculator-client: cannot begin: {error}");
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(run(&options, tls));
    // Not a drop, which would wait for a lookup that takes longer than --timeout.
    runtime.shutdown_background();
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Call { value, status }) => {
            eprintln!(
                "calculator-client: SquareRoot({value}) at {address} failed: {traceback}",
                value = python_float::repr(value),
                address = options.address,
                traceback = Traceback(&status),
            );
            ExitCode::FAILURE
        }
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::FAILURE
        }
        Err(Failure::Output(error)) => {
            eprintln!("calculator-client: cannot print the answer: {error}");
            ExitCode::FAILURE
        }
    }
}

enum Failure {
    Call { value: f64, status: tonic::Status },
    Output(io::Error),
}

async fn run(options: &Options, tls: Option<Tls>) -> Result<(), Failure> {
    let keepalive = options
        .keepalive
        .map(|interval| Keepalive { interval, timeout: options.keepalive_timeout });
    let channel = client::channel(&options.address, client::Options { keepalive, tls });
    let mut stub = CalculatorClient::new(channel);
    for &value in &options.values {
        #[expect(clippy::cast_possible_truncation, reason = "protobuf's float rounds the same way")]
        let number = Number { value: value as f32 };
        let request = client::request(number, options.timeout);
        let root = stub
            .square_root(request)
            .await
            .map_err(|status| Failure::Call { value, status })?
            .into_inner();
        writeln!(io::stdout(), "{}", python_float::repr(f64::from(root.value)))
            .map_err(Failure::Output)?;
    }
    Ok(())
}
