//! Makes the call of a case at a server, over one connection for all calls, and collects the response.
//!
//! The calls are made without a gRPC library, because a library hides what is compared: the bytes of messages,
//! unknown metadata, and how a stream ended.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::compare::case::Case;
use crate::compare::response::{CallEnd, Response};
use crate::http2::frame::{Frame, setting};
use crate::http2::{
    Action, Activity, Cut, End, Endpoint, Field, Message, Observers, Role, Script, Stream, Timeout,
};

/// The largest window (RFC 9113, section 6.9.1): responses do not wait for the tool.
const WINDOW: u32 = (1 << 31) - 1;

/// The initial window of a connection (RFC 9113, section 6.9.2).
const DEFAULT_WINDOW: u32 = 65_535;

/// The last stream of a connection. Then a new connection is opened.
const LAST_STREAM: u32 = 1 << 30;

/// The error code CANCEL (RFC 9113, section 7).
const CANCEL: u32 = 8;

/// How many bytes of a response are read. A request for two billion messages would otherwise never end.
const LONGEST_RESPONSE: usize = 8 << 20;

/// A client of one server.
#[derive(Default)]
pub(crate) struct Client {
    connection: Option<Connection>,
}

struct Connection {
    endpoint: Endpoint,
    next_stream: u32,
}

impl Client {
    /// Makes the call `case` of the method at `path` at the server at `address`, and waits at most `limit` for the
    /// response.
    pub(crate) fn call(
        &mut self,
        address: &str,
        path: &str,
        case: &Case,
        limit: Duration,
    ) -> Response {
        let began = Instant::now();
        loop {
            let usable = self.connection.take().filter(Connection::is_usable);
            let is_new = usable.is_none();
            let connection = match usable.map_or_else(|| Connection::open(address), Ok) {
                Ok(connection) => connection,
                Err(error) => return Response::without_answer(CallEnd::Refused(error.to_string())),
            };
            let (mut connection, stream) = connection.send(path, case, address);
            let mut response = connection.receive(stream, began + limit);
            response.duration = began.elapsed();
            let is_processed = connection.has_processed(stream);
            self.connection = Some(connection);
            // Every gRPC client repeats a call that the server has not processed because it ended the connection.
            if is_new || is_processed {
                return response;
            }
        }
    }

    /// Closes the connection.
    pub(crate) fn close(&mut self) {
        self.connection = None;
    }
}

impl Connection {
    fn open(address: &str) -> io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        let observers = Observers::none();
        let mut endpoint = Endpoint::new(Role::Client, socket, observers, Activity::default())?;
        endpoint.send_preface(&[(setting::INITIAL_WINDOW_SIZE, WINDOW)]);
        endpoint.send(&Frame::window_update(0, WINDOW - DEFAULT_WINDOW));
        endpoint.flush();
        Ok(Self { endpoint, next_stream: 1 })
    }

    fn is_usable(&self) -> bool {
        !self.endpoint.is_closed && self.endpoint.goaway.is_none() && self.next_stream < LAST_STREAM
    }

    /// Whether the server may have processed the request on `stream`.
    fn has_processed(&self, stream: u32) -> bool {
        self.endpoint.last_processed.is_none_or(|last| stream <= last)
    }

    /// Sends a request, as far as the server accepts it; also returns its stream.
    fn send(self, path: &str, case: &Case, address: &str) -> (Self, u32) {
        let Self { endpoint, next_stream: stream } = self;
        let message = Message {
            preface: None,
            settings: Vec::new(),
            headers: header_list(path, case, address),
            body: body(case),
            trailers: Vec::new(),
            end: if case.messages.is_empty() { End::EmptyFrame } else { End::LastFrame },
            cut: Cut::default(),
            pad: None,
            pad_headers: None,
            priority: false,
            fragments: None,
        };
        let mut script = Script::new(endpoint, &message);
        script.stream = stream;
        script.act(&Action::Headers);
        script.act(&Action::Body);
        (Self { endpoint: script.endpoint, next_stream: stream + 2 }, stream)
    }

    /// Waits for the response on `stream` until `deadline`.
    fn receive(&mut self, stream: u32, deadline: Instant) -> Response {
        let endpoint = &mut self.endpoint;
        let is_received =
            |endpoint: &Endpoint| endpoint.streams.get(&stream).is_some_and(Stream::is_received);
        let is_too_long = |endpoint: &Endpoint| {
            endpoint.streams.get(&stream).is_some_and(|it| it.data.len() > LONGEST_RESPONSE)
        };
        endpoint.process_until(Timeout::At(deadline), |endpoint| {
            is_received(endpoint) || endpoint.is_closed || is_too_long(endpoint)
        });
        let missing = if is_received(endpoint) {
            None
        } else if is_too_long(endpoint) {
            endpoint.send(&Frame::rst_stream(stream, CANCEL));
            endpoint.flush();
            Some(CallEnd::TooLong)
        } else if endpoint.is_closed {
            Some(CallEnd::ConnectionClosed(endpoint.goaway.as_ref().map(|(code, _)| *code)))
        } else {
            endpoint.send(&Frame::rst_stream(stream, CANCEL));
            endpoint.flush();
            Some(CallEnd::TimedOut)
        };
        Response::new(endpoint.forget(stream), missing)
    }
}

/// The header list of the request, in the order in which gRPC clients send it.
fn header_list(path: &str, case: &Case, address: &str) -> Vec<Field> {
    let field = |name: &str, value: &str| (name.into(), value.into());
    let mut fields = vec![
        field(":method", "POST"),
        field(":scheme", "http"),
        field(":path", path),
        field(":authority", address),
        field("te", "trailers"),
        field("content-type", "application/grpc"),
        field("user-agent", "grpc-interop"),
    ];
    if let Some(deadline) = case.deadline {
        fields.push(field("grpc-timeout", &timeout(deadline)));
    }
    let metadata = case.metadata.iter().map(|(name, value)| (name.clone().into(), value.clone()));
    fields.extend(metadata);
    fields
}

/// The value of `grpc-timeout`, which has at most eight digits.
fn timeout(deadline: Duration) -> String {
    const MOST: u128 = 99_999_999;
    match deadline.as_millis() {
        milliseconds if milliseconds <= MOST => format!("{milliseconds}m"),
        milliseconds => format!("{}S", (milliseconds / 1000).min(MOST)),
    }
}

/// All messages, each with its prefix.
fn body(case: &Case) -> Vec<u8> {
    let mut body = Vec::with_capacity(case.messages.iter().map(|message| message.len() + 5).sum());
    for message in &case.messages {
        body.push(0);
        body.extend(u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes());
        body.extend(message);
    }
    body
}
