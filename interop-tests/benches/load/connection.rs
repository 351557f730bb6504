//! A connection with a constant number of calls in flight.
//!
//! One task reads and writes in batches: after each read, all new requests are sent in one write, as busy clients do.

use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::LoadError;
use super::answer::Head;
use super::calls::Call;
use super::calls::Calls;
use super::exchange::Exchange;
use super::header_blocks::HeaderBlocks;
use super::output::Output;
use super::phase::Progress;
use super::settings::Settings;
use grpc_interop::http2::frame::{FrameHeader, error_name, flag, kind, kind_name, split_frame};

/// The size of the read buffer in bytes.
const INPUT: usize = 256 * 1024;

/// A connection with a constant number of calls in flight.
pub(super) struct Connection {
    socket: TcpStream,
    exchanges: Rc<[Exchange]>,
    /// The number of calls to keep in flight.
    streams: usize,
    /// The index of the next exchange.
    next: usize,
    calls: Calls,
    blocks: HeaderBlocks,
    settings: Settings,
    /// The flow-control window of the connection, for sending.
    window: i64,
    /// Streams whose requests have not been sent completely.
    waiting: Vec<u32>,
    input: Vec<u8>,
    filled: usize,
    output: Output,
    progress: Rc<Progress>,
}

impl Connection {
    /// A connection that starts with the exchange at index `number`.
    pub(super) fn new(
        socket: TcpStream,
        exchanges: Rc<[Exchange]>,
        streams: usize,
        number: usize,
        progress: Rc<Progress>,
    ) -> Self {
        Self {
            socket,
            streams,
            next: number,
            calls: Calls::default(),
            blocks: HeaderBlocks::new(exchanges.first().map_or("/", |exchange| exchange.path)),
            exchanges,
            settings: Settings::default(),
            window: i64::from(Settings::WINDOW),
            waiting: Vec::new(),
            input: vec![0; INPUT],
            filled: 0,
            output: Output::begin(),
            progress,
        }
    }

    /// Makes calls until the load ends and all responses have been received.
    pub(super) async fn run(mut self) -> Result<(), LoadError> {
        // Clients of grpcio wait for the server's SETTINGS too before the first call.
        while !self.settings.have_come() {
            self.turn().await?;
        }
        self.fill();
        while self.calls.in_flight() > 0 {
            self.turn().await?;
            self.fill();
        }
        Ok(())
    }

    /// Waits for bytes and handles them.
    async fn turn(&mut self) -> Result<(), LoadError> {
        let read = std::future::poll_fn(|cx| self.poll(cx)).await;
        match read.map_err(|error| LoadError::Broken(error.to_string()))? {
            0 => return Err(LoadError::Broken("the server closed it".to_owned())),
            read => self.filled += read,
        }
        let input = std::mem::take(&mut self.input);
        let taken = self.take_frames(&input[..self.filled]);
        self.input = input;
        let taken = taken?;
        self.input.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        Ok(())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        while !self.output.is_empty() {
            match Pin::new(&mut self.socket).poll_write(cx, self.output.bytes()) {
                Poll::Ready(written) => self.output.written(written?),
                Poll::Pending => break,
            }
        }
        let mut buffer = ReadBuf::new(&mut self.input[self.filled..]);
        std::task::ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Handles all complete frames; returns their number of bytes.
    fn take_frames(&mut self, input: &[u8]) -> Result<usize, LoadError> {
        let now = Instant::now();
        let mut taken = 0;
        while let Some((header, payload, _)) = split_frame(&input[taken..]) {
            taken += FrameHeader::SIZE + payload.len();
            self.take_frame(header, payload, now)?;
        }
        Ok(taken)
    }

    fn take_frame(
        &mut self,
        FrameHeader { kind, flags, stream, .. }: FrameHeader,
        payload: &[u8],
        now: Instant,
    ) -> Result<(), LoadError> {
        let number = || payload.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
        match kind {
            kind::HEADERS if flags == flag::END_HEADERS | flags & flag::END_STREAM => {
                self.take_headers(stream, flags & flag::END_STREAM != 0, payload, now)?;
            }
            kind::DATA if flags & !flag::END_STREAM == 0 => {
                self.take_data(stream, flags & flag::END_STREAM != 0, payload)?;
            }
            kind::SETTINGS if flags & flag::ACK == 0 => {
                let more = self.settings.take(payload);
                self.calls.all().for_each(|call| call.window += more);
                self.progress.allows(self.settings.max_streams());
                self.output.acknowledge_settings();
                self.send_waiting();
            }
            kind::PING if flags & flag::ACK == 0 => self.output.acknowledge_ping(payload),
            kind::WINDOW_UPDATE => {
                let more = i64::from(number());
                if stream == 0 {
                    self.window += more;
                } else if let Some(call) = self.calls.on(stream) {
                    call.window += more;
                }
                self.send_waiting();
            }
            // A server may reset a completed stream with NO_ERROR to discard the rest of the request.
            kind::RST_STREAM if self.calls.on(stream).is_some() => {
                let code = error_name(number());
                return Err(LoadError::WrongAnswer(format!("the stream was reset with {code}")));
            }
            kind::SETTINGS | kind::PING | kind::RST_STREAM => {}
            kind::GOAWAY => return Err(LoadError::Broken("the server sent GOAWAY".to_owned())),
            // Padding, CONTINUATION and unknown frames: no measured server sends any.
            _ => {
                let name = kind_name(kind);
                return Err(LoadError::WrongAnswer(format!("{name} with flags {flags:#04x}")));
            }
        }
        Ok(())
    }

    fn take_headers(
        &mut self,
        stream: u32,
        ends: bool,
        payload: &[u8],
        now: Instant,
    ) -> Result<(), LoadError> {
        let head = self.blocks.read(payload).map_err(LoadError::WrongAnswer)?;
        let call = self.calls.on(stream).ok_or_else(|| stray(stream))?;
        match (head, ends) {
            (Head::Initial, false) if !call.is_answered => call.is_answered = true,
            (Head::Trailers, true) if call.is_answered => {
                let expected = self.exchanges[call.exchange].answer.len();
                if call.received != expected {
                    let received = call.received;
                    return Err(LoadError::WrongAnswer(format!(
                        "{received} bytes of messages instead of {expected}"
                    )));
                }
                if let Some(call) = self.calls.end(stream) {
                    self.progress.answered(now.duration_since(call.begun));
                }
            }
            _ => return Err(LoadError::WrongAnswer("header lists in disorder".to_owned())),
        }
        Ok(())
    }

    fn take_data(&mut self, stream: u32, ends: bool, payload: &[u8]) -> Result<(), LoadError> {
        let call = self.calls.on(stream).ok_or_else(|| stray(stream))?;
        let expected = &self.exchanges[call.exchange].answer;
        let end = call.received + payload.len();
        if !call.is_answered || ends || expected.get(call.received..end) != Some(payload) {
            let expected = expected.get(call.received..).unwrap_or_default();
            let expected = &expected[..expected.len().min(payload.len())];
            return Err(LoadError::WrongAnswer(format!(
                "the message bytes {payload:02x?} instead of {expected:02x?}"
            )));
        }
        call.received = end;
        self.output.replenish(payload.len());
        Ok(())
    }

    /// Starts calls until enough are in flight.
    fn fill(&mut self) {
        let streams = self.streams.min(self.settings.max_streams());
        if self.calls.in_flight() >= streams {
            return;
        }
        let begun = Instant::now();
        while self.calls.in_flight() < streams
            && let Some(stream) = self.calls.next_stream()
            && self.progress.begins_another()
        {
            let exchange = self.next % self.exchanges.len();
            self.next = exchange + 1;
            self.output.request_headers(stream, &mut self.blocks);
            let window = self.settings.initial_window();
            let call = Call { exchange, begun, sent: 0, received: 0, window, is_answered: false };
            self.calls.begin(call);
            if !self.send(stream) {
                self.waiting.push(stream);
            }
        }
    }

    fn send_waiting(&mut self) {
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|stream| !self.send(*stream));
        self.waiting = waiting;
    }

    /// Sends as much of a request as the windows allow; returns whether it is complete.
    fn send(&mut self, stream: u32) -> bool {
        let Some(call) = self.calls.on(stream) else { return true };
        let request = &self.exchanges[call.exchange].request;
        while call.sent < request.len() {
            let allowed = call.window.min(self.window).min(self.settings.max_frame());
            let Some(allowed) = usize::try_from(allowed).ok().filter(|allowed| *allowed > 0) else {
                return false;
            };
            let end = request.len().min(call.sent + allowed);
            let chunk = &request[call.sent..end];
            self.output.data(stream, chunk, end == request.len());
            let size = i64::try_from(chunk.len()).unwrap_or(i64::MAX);
            call.window -= size;
            self.window -= size;
            call.sent = end;
        }
        true
    }
}

fn stray(stream: u32) -> LoadError {
    LoadError::WrongAnswer(format!("a frame on stream {stream}, on which no call is in flight"))
}
