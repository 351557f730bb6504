//! `calculator-server`: what `python server.py` does, in Rust.
//!
//! Owns the command line, the signals and the exit status; the server itself is
//! [`calculator::server::serve`]. SIGINT ends it at once, as `server.stop(0)` does in Python's
//! handler; SIGTERM, which orchestrators send, lets the calls in flight finish first.

use std::io::{self, Write};
use std::process::ExitCode;

use calculator::address::Address;
use calculator::{command_line, listen, server};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Serve square roots over gRPC.
///
/// Without arguments it does what `python server.py` does. Ctrl-C ends it at once; SIGTERM ends it
/// when the calls in flight have been answered. Both exit with status 0.
#[derive(Debug, Parser)]
#[command(name = "calculator-server", version)]
struct Options {
    /// Where to listen; port 0 takes a free port. `[::]` takes IPv4 as well.
    ///
    /// With this option a second line on stdout says the address that was really taken.
    #[arg(long, value_name = "HOST:PORT")]
    address: Option<Address>,

    /// Share the port with a server that shares it too, such as a running `python server.py`.
    ///
    /// The operating system gives each new connection to one of them. So this server can take over
    /// without the port ever being closed: start it, then stop the other one. Without this option a
    /// port that is taken is an error.
    #[arg(long)]
    reuse_port: bool,
}

const DEFAULT_ADDRESS: &str = "[::]:50051";

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

#[tokio::main]
async fn run(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let address = options.address.clone().map_or_else(|| DEFAULT_ADDRESS.parse(), Ok)?;
    let listeners = listen::bind(&address, listen::Options { reuse_port: options.reuse_port })?;
    announce(options, &listeners)?;
    let terminated = async move {
        terminate.recv().await;
    };
    tokio::select! {
        ended = server::serve(listeners, terminated) => ended?,
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Says on stdout that connections are accepted from now on, in Python's words.
fn announce(options: &Options, listeners: &[std::net::TcpListener]) -> io::Result<()> {
    let Some(first) = listeners.first() else { return Ok(()) };
    let taken = first.local_addr()?;
    let address = options.address.as_ref().map(|_| format!("Address: {taken}\n"));
    // A server whose stdout is closed still serves.
    let _ = write!(
        io::stdout(),
        "Starting server. Listening on port {}.\n{}",
        taken.port(),
        address.unwrap_or_default()
    )
    .and_then(|()| io::stdout().flush());
    Ok(())
}
