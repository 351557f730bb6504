//! The command line of both programs, and when they end.

use std::io::{self, Write};

use clap::Parser;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// Serves shop.v1.Shop, health checking and reflection.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Where to listen. Port 0 is any free port.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: String,
}

/// Prints the port.
pub(crate) fn announce(listener: &TcpListener) -> io::Result<()> {
    println!("serving on port {}", listener.local_addr()?.port());
    io::stdout().flush()
}

/// Resolves at SIGTERM or SIGINT.
pub(crate) async fn shutdown() {
    // Without a handler, the signals end the program at once.
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
