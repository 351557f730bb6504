//! The lower bound: the `h2` crate alone, which sends the same response to every call.
//!
//! The additional cost of another server is its own work. No server that uses `h2` can be cheaper than this one.

use std::io;

use bytes::Bytes;
use h2::server::{SendResponse, handshake};
use h2::{RecvStream, SendStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::net::{TcpListener, TcpStream};

/// The response to every call: the root of 16.
const ANSWER: &[u8] = b"\0\0\0\0\x05\x0d\0\0\x80\x40";

/// Serves forever at the address that is the only argument.
#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_default();
    let listener = TcpListener::bind(address).await?;
    println!("Listening on {}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        tokio::spawn(async move {
            // The client decides how a connection ends, so errors are ignored.
            let _ = connection(socket).await;
        });
    }
}

async fn connection(socket: TcpStream) -> Result<(), h2::Error> {
    let mut connection = handshake(socket).await?;
    while let Some(accepted) = connection.accept().await {
        let (request, answer) = accepted?;
        // With a task per call, all requests of one read get their responses in one write.
        tokio::spawn(call(request, answer));
    }
    Ok(())
}

async fn call(
    request: Request<RecvStream>,
    mut answer: SendResponse<Bytes>,
) -> Result<(), h2::Error> {
    let mut body = request.into_body();
    while let Some(data) = body.data().await {
        body.flow_control().release_capacity(data?.len())?;
    }
    let mut head = Response::new(());
    let content_type = HeaderValue::from_static("application/grpc");
    head.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
    let mut stream: SendStream<Bytes> = answer.send_response(head, false)?;
    stream.send_data(Bytes::from_static(ANSWER), false)?;
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    stream.send_trailers(trailers)
}
