//! Runs a script: the actions of an endpoint, one after the other.
//!
//! A script has no branches. It sends the same bytes to every peer, as far as flow control permits.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::http2::action::Action;
use crate::http2::endpoint::{Endpoint, Replies, Role, Timeout};
use crate::http2::frame::{Frame, flag, kind};
use crate::http2::header_block::{self, Field};
use crate::http2::{body::Cut, value::Text};

/// The largest payload that every peer accepts (RFC 9113, section 4.2).
const MAX_FRAME_SIZE: usize = 16_384;

/// The maximum content of a DATA or HEADERS frame with padding and a priority.
const MAX_CONTENT: usize = MAX_FRAME_SIZE - 1 - 5 - 255;

/// How long a peer may be idle before an action that waits for it continues.
///
/// grpcio does some of its work, such as resetting the stream of an unaccepted method, only when a thread of its pool
/// wakes up. These threads sleep for up to a second.
pub(crate) const IDLE_TIMEOUT: Duration = Duration::from_millis(1500);

/// How long a peer may keep a window closed before the rest of a body is dropped. This is longer than the default
/// deadline of a call, after which a client resets its stream.
const WINDOW_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a server waits for an action of a client that does not disconnect.
pub(crate) const CLIENT_TIMEOUT: Duration = Duration::from_secs(30);

/// Which frame of a message has END_STREAM.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum End {
    /// HEADERS.
    Headers,
    /// The last DATA frame of the body.
    #[default]
    LastFrame,
    /// An empty DATA frame after the body.
    EmptyFrame,
    /// The trailers.
    Trailers,
    /// None.
    Never,
}

/// A request or response, its division into frames, and the start of its connection.
#[derive(Debug)]
pub(crate) struct Message {
    /// Bytes to send instead of the preface and SETTINGS.
    pub(crate) preface: Option<Text>,
    /// The identifiers and values of the first SETTINGS.
    pub(crate) settings: Vec<(u16, u32)>,
    pub(crate) headers: Vec<Field>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<Field>,
    pub(crate) end: End,
    pub(crate) cut: Cut,
    /// The number of padding bytes in each DATA frame.
    pub(crate) pad: Option<u8>,
    /// The number of padding bytes in each HEADERS frame.
    pub(crate) pad_headers: Option<u8>,
    /// Whether HEADERS carries a priority.
    pub(crate) priority: bool,
    /// The size of the fragments of a header block.
    pub(crate) fragments: Option<usize>,
}

impl Message {
    /// The parts of `body`, as the message divides it, that each fit into a DATA frame. An empty part has no frame
    /// unless it is the `last`.
    pub(crate) fn parts<'a>(&self, body: &'a [u8], last: bool) -> Vec<&'a [u8]> {
        self.cut.frames(body, MAX_FRAME_SIZE - 256, last)
    }

    /// How many bytes the padding adds to a DATA frame.
    pub(crate) fn padding(&self) -> usize {
        self.pad.map_or(0, |padding| 1 + usize::from(padding))
    }

    /// A DATA frame with its padding.
    pub(crate) fn data(&self, stream: u32, content: &[u8], flags: u8) -> Frame {
        let frame = Frame::new(kind::DATA, flags, stream, content);
        match self.pad {
            Some(padding) => frame.padded(padding),
            None => frame,
        }
    }

    /// The frames of a header block with these fields.
    pub(crate) fn block(&self, stream: u32, fields: &[Field], end_stream: bool) -> Vec<Frame> {
        let flags = if end_stream { flag::END_STREAM } else { 0 };
        let mut first = Frame::new(kind::HEADERS, flags, stream, []);
        if self.priority {
            // Exclusively dependent on stream 0, with the default weight.
            first.payload.extend([0x80, 0, 0, 0, 15]);
            first.flags |= flag::PRIORITY;
        }
        let size = self.fragments.unwrap_or(MAX_CONTENT);
        let mut frames = header_block::frames(first, &header_block::encode(fields), size);
        if let (Some(padding), Some(first)) = (self.pad_headers, frames.first_mut()) {
            *first = first.clone().padded(padding);
        }
        frames
    }
}

/// A script on a connection.
pub(crate) struct Script<'a> {
    pub(crate) endpoint: Endpoint,
    message: &'a Message,
    is_open: bool,
    /// The stream of the current request: the last that a client opened, or that a server received.
    pub(crate) stream: u32,
    /// The next stream of a client.
    next_stream: u32,
    /// How many bytes of the body have been sent on each stream.
    offsets: BTreeMap<u32, usize>,
    /// How many requests a server has handled.
    handled: usize,
    /// Whether the script has waited only for the HEADERS of the last request.
    has_headers_only: bool,
    /// Whether the connection ends with a reset.
    aborts: bool,
}

impl<'a> Script<'a> {
    pub(crate) fn new(endpoint: Endpoint, message: &'a Message) -> Self {
        Self {
            endpoint,
            message,
            is_open: false,
            stream: 1,
            next_stream: 1,
            offsets: BTreeMap::new(),
            handled: 0,
            has_headers_only: false,
            aborts: false,
        }
    }

    /// A new stream of a client.
    pub(crate) fn new_stream(&mut self) -> u32 {
        let stream = self.next_stream;
        self.next_stream += 2;
        stream
    }

    /// Runs the actions of a server for one request; returns false if the connection has ended.
    pub(crate) fn respond(&mut self, actions: &[Action]) -> bool {
        let handled = self.handled;
        for action in actions {
            self.act(action);
            if self.endpoint.is_closed {
                return false;
            }
        }
        self.endpoint.flush();
        // If no action waited for a request, a request that has arrived counts as handled.
        if self.handled == handled {
            self.handled = handled.max(self.endpoint.received().count());
        }
        true
    }

    /// Waits for a request that has not been handled; returns false if there is none.
    pub(crate) fn wait_for_request(&mut self) -> bool {
        let handled = self.handled;
        self.endpoint.process_until(timeout(), |endpoint| endpoint.received().count() > handled)
            && !self.endpoint.is_closed
    }

    /// Ends the connection. There must be no other copy of its socket.
    pub(crate) fn finish(self) {
        if self.aborts {
            self.endpoint.socket.reset();
        }
    }

    /// Runs one action.
    pub(crate) fn act(&mut self, action: &Action) {
        let (stream, message, endpoint) = (self.stream, self.message, &mut self.endpoint);
        match action {
            Action::Preface => self.open(),
            Action::Headers => self.send_block(&message.headers, message.end == End::Headers),
            Action::Body => {
                self.send_body();
            }
            Action::BodyTo(end) => {
                self.send_body_to(*end, false);
            }
            Action::Trailers => self.send_block(&message.trailers, message.end == End::Trailers),
            Action::Block(block) => self.send_block(&block.list(), block.end_stream),
            Action::End
            | Action::Reset(_)
            | Action::Goaway(_)
            | Action::Ping(_)
            | Action::Settings(_)
            | Action::WindowUpdate(_)
            | Action::Frame(_) => {
                for frame in action.frames(endpoint.role, stream) {
                    endpoint.send(&frame);
                }
            }
            Action::Raw(bytes) => endpoint.socket.send_raw(&bytes.0),
            Action::Request => self.take_request(true),
            Action::RequestHeaders => self.take_request(false),
            Action::Answer => {
                endpoint.process_until(Timeout::Idle(IDLE_TIMEOUT), |e| e.is_over(stream));
            }
            Action::PingsAcknowledged => {
                endpoint.is_closed |= !endpoint.process_until(timeout(), |e| e.pings == 0);
            }
            Action::WaitMs(milliseconds) => endpoint.pause(Duration::from_millis(*milliseconds)),
            Action::NextStream => self.stream = self.new_stream(),
            Action::HalfClose => endpoint.half_close(),
            Action::Close => {
                endpoint.half_close();
                self.wait_for_the_end();
            }
            Action::Abort => {
                endpoint.flush();
                endpoint.is_closed = true;
                self.aborts = true;
            }
            Action::Silence => {
                endpoint.flush();
                endpoint.replies = Replies::None;
                self.wait_for_the_end();
            }
        }
    }

    fn open(&mut self) {
        if std::mem::replace(&mut self.is_open, true) {
            return;
        }
        let Some(preface) = &self.message.preface else {
            return self.endpoint.send_preface(&self.message.settings);
        };
        self.endpoint.socket.send_raw(&preface.0);
        // A server that does not speak HTTP/2 does not acknowledge frames either.
        if self.endpoint.role == Role::Server {
            self.endpoint.replies = Replies::None;
        }
    }

    /// Waits for the next `whole` request, or otherwise for its HEADERS.
    fn take_request(&mut self, whole: bool) {
        // After the HEADERS of a request, the script may wait for the rest of it.
        let is_same = whole && self.has_headers_only;
        let index = if is_same { self.handled - 1 } else { self.handled };
        let has_come = self.endpoint.process_until(timeout(), |endpoint| {
            endpoint.received().nth(index).is_some_and(|(_, s)| !whole || s.is_received())
        });
        if let Some((stream, _)) = self.endpoint.received().nth(index) {
            self.stream = stream;
        }
        if !has_come {
            self.endpoint.is_closed = true;
            return;
        }
        self.handled = index + 1;
        self.has_headers_only = !whole;
        if !is_same {
            self.offsets.remove(&self.stream);
        }
    }

    fn wait_for_the_end(&mut self) {
        self.endpoint.process_until(timeout(), |endpoint| endpoint.is_closed);
        self.endpoint.is_closed = true;
    }

    fn send_block(&mut self, fields: &[Field], end_stream: bool) {
        let frames = self.message.block(self.stream, fields, end_stream);
        for frame in &frames {
            self.endpoint.send(frame);
        }
    }

    /// Sends the rest of the body and END_STREAM; returns false if the peer does not accept all of it.
    pub(crate) fn send_body(&mut self) -> bool {
        let end = self.message.end;
        let is_accepted = self.send_body_to(self.message.body.len(), end == End::LastFrame);
        if is_accepted && end == End::EmptyFrame {
            self.act(&Action::End);
        }
        is_accepted
    }

    fn send_body_to(&mut self, end: usize, end_stream: bool) -> bool {
        let message = self.message;
        let end = end.min(message.body.len());
        let begin = self.offsets.insert(self.stream, end).unwrap_or(0);
        let part = message.body.get(begin..end).unwrap_or_default();
        let frames = message.parts(part, end_stream);
        let last = frames.len().wrapping_sub(1);
        let mut frames = frames.into_iter().enumerate();
        frames.all(|(index, content)| self.send_data(content, end_stream && index == last))
    }

    /// Sends DATA as far as the window permits, and waits for more; returns false if the peer keeps it closed.
    fn send_data(&mut self, mut content: &[u8], end_stream: bool) -> bool {
        let stream = self.stream;
        let overhead = self.message.padding();
        loop {
            let window = self.endpoint.windows.available(stream).saturating_sub(overhead);
            let (now, later) = content.split_at(window.min(content.len()));
            if !now.is_empty() || later.is_empty() {
                let flags = if end_stream && later.is_empty() { flag::END_STREAM } else { 0 };
                let frame = self.message.data(stream, now, flags);
                self.endpoint.windows.consume(stream, frame.payload.len());
                self.endpoint.send(&frame);
            }
            if later.is_empty() {
                return true;
            }
            content = later;
            let has_come = self.endpoint.process_frame(Timeout::Idle(WINDOW_TIMEOUT));
            if !has_come || self.endpoint.is_over(stream) {
                return false;
            }
        }
    }
}

fn timeout() -> Timeout {
    Timeout::At(Instant::now() + CLIENT_TIMEOUT)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;

    use super::{Action, End, Message, Script, Timeout};
    use crate::http2::body::Cut;
    use crate::http2::endpoint::Activity;
    use crate::http2::endpoint::{Endpoint, Role, Stream};
    use crate::http2::frame_socket::Observers;
    use crate::http2::header_block::Field;

    fn fields(fields: &[(&str, &str)]) -> Vec<Field> {
        fields.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    fn message(body: Vec<u8>, end: End) -> Message {
        Message {
            preface: None,
            settings: Vec::new(),
            headers: fields(&[("headers", "1")]),
            body,
            trailers: fields(&[("trailers", "2")]),
            end,
            cut: Cut::default(),
            pad: Some(7),
            pad_headers: Some(3),
            priority: false,
            fragments: Some(4),
        }
    }

    fn actions(text: &str) -> Vec<Action> {
        #[derive(serde::Deserialize)]
        struct Table {
            actions: Vec<Action>,
        }
        toml::from_str::<Table>(&format!("actions = {text}"))
            .expect("the actions are invalid")
            .actions
    }

    /// Runs both scripts at each other; returns what the client and the server have received.
    fn run(client: (&Message, &str), server: (&Message, &str)) -> (Endpoint, Vec<Stream>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("cannot reserve a port");
        let address = listener.local_addr().expect("the socket has no address");
        let endpoint = |role, socket| {
            let endpoint = Endpoint::new(role, socket, Observers::none(), Activity::default());
            endpoint.expect("cannot create a socket")
        };
        thread::scope(|scope| {
            let serving = scope.spawn(|| {
                let (socket, _) = listener.accept().expect("no client connected");
                let mut script = Script::new(endpoint(Role::Server, socket), server.0);
                script.respond(&actions(server.1));
                while script.wait_for_request() {}
                let requests = script.endpoint.received().map(|(_, stream)| stream.clone());
                let requests = requests.collect();
                script.finish();
                requests
            });
            let socket = TcpStream::connect(address).expect("the server did not start");
            let mut script = Script::new(endpoint(Role::Client, socket), client.0);
            script.stream = script.new_stream();
            script.act(&Action::Preface);
            for action in &actions(client.1) {
                script.act(action);
            }
            script.act(&Action::Answer);
            script.endpoint.half_close();
            script.endpoint.process_until(Timeout::Idle(super::CLIENT_TIMEOUT), |e| e.is_closed);
            (script.endpoint, serving.join().expect("no panic"))
        })
    }

    const RESPONSE: &str = "['preface', 'request', 'headers', 'body', 'trailers']";

    #[test]
    fn a_request_and_its_response_arrive_as_they_were_sent() {
        let request = message(b"request".to_vec(), End::EmptyFrame);
        let response = message(b"response".to_vec(), End::Trailers);
        let (client, requests) = run((&request, "['headers', 'body']"), (&response, RESPONSE));
        assert_eq!(requests.len(), 1);
        assert_eq!((&requests[0].data[..], requests[0].received_end), (&b"request"[..], true));
        assert_eq!(requests[0].blocks, [fields(&[("headers", "1")])]);
        let stream = &client.streams[&1];
        assert_eq!((&stream.data[..], stream.received_end), (&b"response"[..], true));
        assert_eq!(stream.blocks, [fields(&[("headers", "1")]), fields(&[("trailers", "2")])]);
        assert!(stream.is_closed() && client.is_closed && client.received_settings);
    }

    #[test]
    fn a_body_that_is_larger_than_the_windows_is_sent_as_they_open() {
        let large: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let (request, response) =
            (message(large.clone(), End::LastFrame), message(large, End::Trailers));
        let sent = "['headers', { body-to = 100000 }, 'body']";
        let (client, requests) = run((&request, sent), (&response, RESPONSE));
        assert!(requests[0].data == request.body, "{} bytes", requests[0].data.len());
        assert!(client.streams[&1].data == request.body, "{} bytes", client.streams[&1].data.len());
    }

    #[test]
    fn a_server_that_resets_the_stream_stops_the_body() {
        let request = message(vec![0; 1 << 20], End::LastFrame);
        let response = message(Vec::new(), End::Never);
        let sent = "['headers', 'body']";
        let (client, requests) =
            run((&request, sent), (&response, "['preface', 'request-headers', { reset = 8 }]"));
        assert_eq!(client.streams[&1].received_reset, Some(8));
        assert!(!requests[0].received_end && requests[0].data.len() < request.body.len());
    }

    #[test]
    fn pings_are_acknowledged_and_counted_until_then() {
        let request = message(Vec::new(), End::LastFrame);
        let response = message(Vec::new(), End::Headers);
        let sent = "['headers', 'body', { ping = 2 }, 'pings-acknowledged']";
        let (client, _) = run((&request, sent), (&response, "['preface', 'request', 'headers']"));
        assert_eq!(client.pings, 0);
        let silent = "['preface', 'request-headers', 'silence']";
        let (client, _) =
            run((&request, "['headers', { ping = 2 }, 'half-close']"), (&response, silent));
        assert_eq!(client.pings, 2);
    }

    #[test]
    fn an_abort_ends_the_connection_at_once() {
        let (request, response) =
            (message(Vec::new(), End::Never), message(Vec::new(), End::Never));
        let (client, _) =
            run((&request, "['headers']"), (&response, "['preface', 'request-headers', 'abort']"));
        assert!(client.is_closed && !client.streams[&1].is_complete());
    }

    #[test]
    fn a_raw_frame_is_sent_on_the_current_stream() {
        let request = message(Vec::new(), End::Never);
        let response = message(Vec::new(), End::Never);
        let any = "['headers', 'next-stream', 'headers', { frame = { type = 0, flags = 1, payload = '61' } }]";
        let serve = "['preface', 'request-headers', 'request-headers', 'request', 'close']";
        let (_, requests) = run((&request, any), (&response, serve));
        assert_eq!(requests.iter().map(|r| &r.data[..]).collect::<Vec<_>>(), [&b""[..], b"a"]);
    }
}
