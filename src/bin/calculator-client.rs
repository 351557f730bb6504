//! `calculator-client`: the counterpart of `python client.py`.
//!
//! Handles the command line, the output and the exit status. A failed call prints the end of a
//! grpcio traceback, because scripts around `client.py` search for it.

mod command_line;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use calculator::grpcio::address::Address;
use calculator::grpcio::client::tls::{Identity, PeerName, Tls, TlsError, TlsFiles};
use calculator::grpcio::client::{self, Keepalive, Proxies};
use calculator::grpcio::status::Traceback;
use calculator::rpc::calculator_client::CalculatorClient;
use calculator::service;
use calculator::{Number, python_float};
use clap::Parser;
use tokio::runtime::{Builder, LocalOptions};

/// Request square roots from a calculator server.
///
/// Without arguments it does what `python client.py` does: it requests the root of 16 from
/// localhost:50051. Each root is printed on its own line in the float format of Python. The exit
/// status is 1 if a call fails or a file cannot be used, and 2 if an argument is invalid.
///
/// As in Python, the environment variables grpc_proxy, https_proxy and http_proxy name an HTTP proxy
/// (http://USER:PASSWORD@HOST:PORT), even for localhost. no_grpc_proxy and no_proxy list the hosts and
/// subnets that are reached without it.
#[derive(Debug, Parser)]
#[command(name = "calculator-client", version)]
#[command(group(clap::ArgGroup::new("encrypts").args(["tls", "tls_ca"]).multiple(true)))]
struct Options {
    /// The address of the server: HOST:PORT, HOST for port 443, unix:PATH, unix-abstract:NAME,
    /// dns:///HOST:PORT, ipv4:IP:PORT,… or `ipv6:[IP]:PORT,…`.
    #[arg(long, value_name = "ADDRESS", default_value = "localhost:50051")]
    address: Address,

    /// The timeout of each call. By default there is none.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Ping the server if the connection has been idle for this long during a call, and fail the
    /// call if there is no response. By default a call to a lost server waits forever.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    keepalive: Option<Duration>,

    /// The timeout of such a ping.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "20")]
    keepalive_timeout: Duration,

    #[command(flatten)]
    tls: TlsOptions,

    /// The numbers, in the syntax of Python's float(): 2, -1, 1e3, 1_000, inf, nan, -inf.
    #[arg(value_name = "NUMBER", default_value = "16", value_parser = command_line::number)]
    values: Vec<f64>,
}

impl Options {
    fn keepalive(&self) -> Option<Keepalive> {
        self.keepalive.map(|interval| Keepalive {
            timeout: self.keepalive_timeout,
            ..Keepalive::new(interval)
        })
    }
}

#[derive(Debug, clap::Args)]
struct TlsOptions {
    /// Use TLS; the certificate of the server has to be signed by a CA that the system trusts, or
    /// that is in the PEM file that GRPC_DEFAULT_SSL_ROOTS_FILE_PATH or SSL_CERT_FILE names.
    #[arg(long)]
    tls: bool,

    /// Use TLS; the certificate of the server has to be in this PEM file, or signed by a CA in it.
    #[arg(long, value_name = "PEM")]
    tls_ca: Option<PathBuf>,

    /// The certificate of the client, for servers that require one: a PEM file with the chain.
    #[arg(long, value_name = "PEM", requires = "tls_key", requires = "encrypts")]
    tls_certificate: Option<PathBuf>,

    /// The private key of --tls-certificate: a PEM file, not encrypted.
    #[arg(long, value_name = "PEM", requires = "tls_certificate", requires = "encrypts")]
    tls_key: Option<PathBuf>,

    /// The name in the certificate of the server, if it is not the host of --address.
    #[arg(long, value_name = "NAME", requires = "encrypts")]
    tls_name: Option<PeerName>,
}

impl TlsOptions {
    /// Loads the TLS files, or returns `None` if TLS is not enabled.
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
    // grpcio, too, reports an invalid URI and connects without a proxy.
    let proxies = Proxies::from_env().unwrap_or_else(|error| {
        eprintln!("calculator-client: no proxy is used: {error}");
        Proxies::default()
    });
    let channel = client::Options { tls, proxies, keepalive: options.keepalive() };
    // The only runtime of tokio without the multi-threaded scheduler in the binary, and therefore
    // without libm, which took a tenth of the run time to load.
    let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("calculator-client: cannot begin: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(&options, channel));
    // Dropping it would wait for a lookup that takes longer than --timeout.
    runtime.shutdown_background();
    match result {
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

async fn run(options: &Options, channel: client::Options) -> Result<(), Failure> {
    let channel = client::channel(&options.address, service::methods(), channel);
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
