//! A proxy that forwards calls, and does what many proxies do: it adds metadata to requests and responses, and rejects
//! large requests.
//!
//! The tests of the tool need a proxy that is always installed, and whose effects they know.

use std::error::Error;
use std::net::SocketAddr;
use std::process::ExitCode;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{SERVER, VIA};
use http::{HeaderValue, Request, Response, StatusCode};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// The name of the proxy in the metadata that it adds.
const NAME: HeaderValue = HeaderValue::from_static("2 forwarder");

/// The largest request that it forwards.
const LARGEST: usize = 1 << 20;

/// Runs the proxy. The argument is the path of a file with the address where it listens, and that of the server.
pub(crate) fn main(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let path = arguments.next().expect("the path of the configuration is missing");
    let text = std::fs::read_to_string(path).expect("cannot read the configuration");
    let mut addresses = text.split_whitespace().map(str::parse::<SocketAddr>);
    let mut address = || addresses.next().expect("two addresses").expect("an address");
    run(address(), address());
    ExitCode::SUCCESS
}

/// Accepts connections.
#[tokio::main(flavor = "current_thread")]
async fn run(listens_at: SocketAddr, server: SocketAddr) {
    let listener = TcpListener::bind(listens_at).await.expect("cannot listen");
    println!("Listening on {}", listener.local_addr().expect("the listener has no address"));
    loop {
        let (socket, _) = listener.accept().await.expect("cannot accept a connection");
        tokio::spawn(async move {
            // An error means that one of both sides has ended the connection.
            let _ = serve(socket, server).await;
        });
    }
}

/// Serves one client, with a connection of its own to the server.
async fn serve(socket: TcpStream, server: SocketAddr) -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut client = h2::server::handshake(socket).await?;
    let (server, connection) = h2::client::handshake(TcpStream::connect(server).await?).await?;
    tokio::spawn(connection);
    while let Some(call) = client.accept().await {
        let (request, respond) = call?;
        tokio::spawn(forward(request, respond, server.clone()));
    }
    Ok(())
}

/// Forwards a call.
async fn forward(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    server: SendRequest<Bytes>,
) {
    let result = try_forward(request, &mut respond, server).await;
    if let Err(error) = result {
        respond.send_reset(error.reason().unwrap_or(Reason::INTERNAL_ERROR));
    }
}

async fn try_forward(
    request: Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
    server: SendRequest<Bytes>,
) -> Result<(), h2::Error> {
    let (mut head, mut body) = request.into_parts();
    head.headers.insert(VIA, NAME);
    let is_end = body.is_end_stream();
    let mut server = server.ready().await?;
    let (response, mut upstream) = server.send_request(Request::from_parts(head, ()), is_end)?;
    let (too_large, is_too_large) = oneshot::channel();
    tokio::spawn(async move {
        match copy(&mut body, &mut upstream, LARGEST).await {
            Ok(true) => {}
            Ok(false) => {
                upstream.send_reset(Reason::CANCEL);
                let _ = too_large.send(());
            }
            Err(error) => upstream.send_reset(error.reason().unwrap_or(Reason::CANCEL)),
        }
    });
    let response = tokio::select! {
        biased;
        Ok(()) = is_too_large => {
            let mut response = Response::new(());
            *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
            respond.send_response(response, true)?;
            return Ok(());
        }
        response = response => response?,
    };
    let (mut head, mut body) = response.into_parts();
    head.headers.insert(SERVER, NAME);
    let is_end = body.is_end_stream();
    let mut client = respond.send_response(Response::from_parts(head, ()), is_end)?;
    if !is_end {
        copy(&mut body, &mut client, usize::MAX).await?;
    }
    Ok(())
}

/// Forwards a body and its trailers; returns whether it had at most `most` bytes.
async fn copy(
    from: &mut RecvStream,
    to: &mut SendStream<Bytes>,
    most: usize,
) -> Result<bool, h2::Error> {
    let mut size = 0;
    while let Some(data) = from.data().await {
        let data = data?;
        from.flow_control().release_capacity(data.len())?;
        size += data.len();
        if size > most {
            return Ok(false);
        }
        to.send_data(data, false)?;
    }
    match from.trailers().await? {
        Some(trailers) => to.send_trailers(trailers)?,
        None => to.send_data(Bytes::new(), true)?,
    }
    Ok(true)
}
