//! The load generator of the benchmark counts only correct responses.
//!
//! A generator that counts errors as successes would favour a server that fails quickly, so each kind of wrong
//! response is tested.

use std::net::SocketAddr;
use std::rc::Rc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use h2::server::{SendResponse, handshake};
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use libtest_mimic::Trial;
use tokio::net::{TcpListener, TcpStream};

use crate::load::Extent;
use crate::load::Load;
use crate::load::LoadError;
use crate::load::Yield;
use crate::load::exchange;
use crate::load::exchange::Exchange;
use crate::run;
use grpc_interop::config::Program;
use grpc_interop::process::{Logs, RunningServer};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("load-generator/counts-correct-responses", counts_correct_responses),
        ("load-generator/supports-all-kinds-of-rpc", supports_all_kinds),
        ("load-generator/sends-large-messages-with-flow-control", sends_large_messages),
        ("load-generator/rejects-wrong-responses", rejects_wrong_responses),
        ("load-generator/reports-a-missing-server", reports_a_missing_server),
    ])
}

/// The response of a server, in which one part may be wrong.
#[derive(Clone, Copy)]
struct Answer {
    http_status: u16,
    content_type: &'static str,
    message: &'static [u8],
    grpc_status: Option<&'static str>,
    reset: bool,
}

/// The correct response for the square root of 16.
const RIGHT: Answer = Answer {
    http_status: 200,
    content_type: "application/grpc",
    message: b"\0\0\0\0\x05\x0d\0\0\x80\x40",
    grpc_status: Some("0"),
    reset: false,
};

/// Starts a server with this response, which runs until the test process exits.
fn serve(answer: Answer) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("cannot bind a port");
    let address = listener.local_addr().expect("the socket has no address");
    listener.set_nonblocking(true).expect("cannot configure the socket");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("cannot start the runtime").block_on(async move {
            let listener = TcpListener::from_std(listener).expect("cannot use the listener");
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(connection(socket, answer));
            }
        });
    });
    address
}

async fn connection(socket: TcpStream, answer: Answer) {
    let mut connection = handshake(socket).await.expect("the HTTP/2 handshake failed");
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(call(request, respond, answer));
    }
}

/// Responds to a call. Returns `None` if the client gives up.
async fn call(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    answer: Answer,
) -> Option<()> {
    let mut body = request.into_body();
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).ok()?;
    }
    if answer.reset {
        respond.send_reset(Reason::INTERNAL_ERROR);
        return None;
    }
    let head = Response::builder()
        .status(answer.http_status)
        .header("content-type", answer.content_type)
        .body(())
        .ok()?;
    let mut stream = respond.send_response(head, false).ok()?;
    stream.send_data(Bytes::from_static(answer.message), answer.grpc_status.is_none()).ok()?;
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(answer.grpc_status?));
    stream.send_trailers(trailers).ok()
}

/// Calls a server for the square root of 16, with normal messages or messages of `size` bytes.
fn ask(address: SocketAddr, size: Option<usize>) -> Result<Yield, LoadError> {
    let exchanges = size.map_or_else(exchange::unary, exchange::unary_of_size);
    let exchanges: Rc<[Exchange]> = exchanges.into_iter().take(1).collect();
    let load = Load { exchanges, connections: 2, streams: 3, extent: Extent::Calls(60) };
    load.apply(address, || ()).map(|(done, (), ())| done)
}

fn counts_correct_responses() {
    let done = ask(serve(RIGHT), None).expect("the load failed");
    assert_eq!((done.calls, done.latencies.len()), (60, 60));
}

/// Applies each kind of load to the real server.
fn supports_all_kinds() {
    let program: Program = toml::from_str(
        "command = [\"{bin}/calculator-server\", \"--streaming\", \"--address\", \"{address}\"]\n\
         ready = \"Address: {address}\"",
    )
    .expect("the program is invalid");
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let logs = Logs::at(&folder.path().join("server"));
    let server = RunningServer::start(&program, &crate::programs::places(), "127.0.0.1:0", logs);
    let server = server.expect("the server did not start");
    let kinds = [
        (exchange::unary(), 2),
        (exchange::unary_of_size(4_000), 2),
        (exchange::server_streaming(20), 21),
        (exchange::client_streaming(20), 21),
        (exchange::bidirectional(20), 40),
    ];
    for (exchanges, messages) in kinds {
        assert!(exchanges.iter().all(|exchange| exchange.messages == messages));
        let measured = Duration::from_millis(100);
        let extent = Extent::Time { warm_up: measured / 2, measured };
        let load = Load { exchanges: exchanges.into(), connections: 2, streams: 3, extent };
        let address = server.address.parse().expect("the address is invalid");
        let (done, (), ()) = load.apply(address, || ()).expect("the load failed");
        assert!(done.calls > 0 && done.elapsed >= measured && done.busy > 0.0);
        assert_eq!(done.streams, 3);
    }
}

fn sends_large_messages() {
    let done = ask(serve(RIGHT), Some(300_000)).expect("the load failed");
    assert_eq!(done.calls, 60);
}

fn rejects_wrong_responses() {
    let cases = [
        (Answer { http_status: 503, ..RIGHT }, "HTTP status 503"),
        (Answer { content_type: "text/html", ..RIGHT }, "content-type `text/html`"),
        (Answer { message: b"\0\0\0\0\x05\x0d\0\0\x80\x41", ..RIGHT }, "the message bytes"),
        (Answer { message: b"", ..RIGHT }, "0 bytes of messages instead of 10"),
        (Answer { grpc_status: Some("13"), ..RIGHT }, "grpc-status 13"),
        (Answer { grpc_status: None, ..RIGHT }, "the message bytes"),
        (Answer { reset: true, ..RIGHT }, "the stream was reset with 2 INTERNAL_ERROR"),
    ];
    for (answer, text) in cases {
        let error = ask(serve(answer), None).expect_err(text).to_string();
        assert!(error.contains(text), "`{error}` should contain `{text}`");
    }
}

fn reports_a_missing_server() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("cannot bind a port");
    let address = free.local_addr().expect("the socket has no address");
    drop(free);
    let error = ask(address, None).expect_err("no server listens");
    assert!(matches!(error, LoadError::Connect(_)), "{error}");
}
