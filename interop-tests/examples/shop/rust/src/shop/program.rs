//! The command line of both programs, and when they end.

use std::io::{self, Write};
use std::net::TcpListener;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Serves shop.v1.Shop, health checking and reflection.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// Where to listen. Port 0 is any free port.
    #[arg(long, value_name = "HOST:PORT")]
    listen: String,
}

/// Listens in non-blocking mode, and prints the port.
pub(crate) fn listen(arguments: &Arguments) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(&arguments.listen)?;
    listener.set_nonblocking(true)?;
    println!("serving on port {}", listener.local_addr()?.port());
    io::stdout().flush()?;
    Ok(listener)
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
