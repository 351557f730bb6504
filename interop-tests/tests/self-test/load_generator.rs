//! The benchmark's load generator counts correct responses and nothing else.
//!
//! A generator that takes an error for a success, as well-known ones do, praises the server that fails
//! fastest; so each kind of wrong answer is tried.

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
        ("load-generator/counts-right-answers", counts_right_answers),
        ("load-generator/knows-what-all-kinds-of-rpc-answer", knows_all_kinds),
        ("load-generator/sends-large-messages-as-the-server-takes-them", sends_large_messages),
        ("load-generator/refuses-each-kind-of-wrong-answer", refuses_wrong_answers),
        ("load-generator/says-that-nobody-listens", says_that_nobody_listens),
    ])
}

/// What a server does, of which one thing may be wrong.
#[derive(Clone, Copy)]
struct Answer {
    http_status: u16,
    content_type: &'static str,
    message: &'static [u8],
    grpc_status: Option<&'static str>,
    reset: bool,
}

/// The root of 16.
const RIGHT: Answer = Answer {
    http_status: 200,
    content_type: "application/grpc",
    message: b"\0\0\0\0\x05\x0d\0\0\x80\x40",
    grpc_status: Some("0"),
    reset: false,
};

/// Starts a server that answers so, for as long as the test process lives.
fn serve(answer: Answer) -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    listener.set_nonblocking(true).expect("a socket");
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((socket, _)) = listener.accept().await {
                tokio::spawn(connection(socket, answer));
            }
        });
    });
    address
}

async fn connection(socket: TcpStream, answer: Answer) {
    let mut connection = handshake(socket).await.expect("HTTP/2");
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(call(request, respond, answer));
    }
}

/// The client may give up at any time.
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

/// Asks a server for the root of 16 alone, in messages as they are or of `size` bytes.
fn ask(address: SocketAddr, size: Option<usize>) -> Result<Yield, LoadError> {
    let exchanges = size.map_or_else(exchange::unary, exchange::unary_of_size);
    let exchanges: Rc<[Exchange]> = exchanges.into_iter().take(1).collect();
    let load = Load { exchanges, connections: 2, streams: 3, extent: Extent::Calls(60) };
    load.apply(address, || ()).map(|(done, (), ())| done)
}

fn counts_right_answers() {
    let done = ask(serve(RIGHT), None).expect("right answers");
    assert_eq!((done.calls, done.latencies.len()), (60, 60));
}

/// Against the server that is shipped, each for a while.
fn knows_all_kinds() {
    let program: Program = toml::from_str(
        "command = [\"{bin}/calculator-server\", \"--address\", \"{address}\"]\n\
         ready = \"Address: {address}\"",
    )
    .expect("a program");
    let folder = tempfile::tempdir().expect("a folder");
    let logs = Logs::at(&folder.path().join("server"));
    let server = RunningServer::start(&program, &crate::programs::places(), "127.0.0.1:0", logs);
    let server = server.expect("a server");
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
        let address = server.address.parse().expect("an address");
        let (done, (), ()) = load.apply(address, || ()).expect("right answers");
        assert!(done.calls > 0 && done.elapsed >= measured && done.busy > 0.0);
        assert_eq!(done.streams, 3);
    }
}

fn sends_large_messages() {
    let done = ask(serve(RIGHT), Some(300_000)).expect("right answers");
    assert_eq!(done.calls, 60);
}

fn refuses_wrong_answers() {
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
        assert!(error.contains(text), "`{error}` should say `{text}`");
    }
}

fn says_that_nobody_listens() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let error = ask(address, None).expect_err("nobody listens");
    assert!(matches!(error, LoadError::Connect(_)), "{error}");
}
