//! The scripted endpoint: its state and its replies after the frames of a peer, whatever these are.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{io, io::Write};

use parking_lot::Mutex;

use super::wire::split;
use crate::http2::frame::{PREFACE, flag, kind, setting, settings};
use crate::http2::header_block::Decoder;
use crate::http2::{Activity, Endpoint, Field, Frame, Observer, Observers, Replies, Role, Timeout};

/// Longer than the endpoint needs for frames that are already sent.
const HOUR: Duration = Duration::from_secs(3600);

/// The initial size of all windows.
const WINDOW: i128 = 65_535;

/// The state of an endpoint is what the frames say by an independent reading, and it replies as HTTP/2 demands.
pub(super) fn endpoint(bytes: &[u8]) {
    let (choice, frames) = bytes.split_first().unwrap_or((&0, &[]));
    let role = if choice & 1 == 0 { Role::Client } else { Role::Server };
    let all = [Replies::All, Replies::AllButSettings, Replies::None];
    let replies = all[usize::from(choice >> 1) % all.len()];
    let sends_preface = choice & 0x80 == 0;
    let sent = match role {
        Role::Server if sends_preface => [PREFACE, frames].concat(),
        _ => frames.to_vec(),
    };
    let (endpoint, written) = received(role, replies, &sent).expect("the loopback interface works");
    let frames = match role {
        Role::Client => Some(&sent[..]),
        Role::Server => sent.strip_prefix(PREFACE),
    };
    let mut expected = Expected::default();
    for frame in frames.map(|bytes| split(bytes).0).unwrap_or_default() {
        expected.read(&frame);
    }
    expected.check(&endpoint);
    let of_mode = |reply: &&Frame| match replies {
        Replies::All => true,
        Replies::AllButSettings => reply.kind != kind::SETTINGS,
        Replies::None => false,
    };
    let expected: Vec<_> = expected.replies.iter().filter(of_mode).collect();
    assert_eq!(split(&written).0.iter().collect::<Vec<_>>(), expected);
}

/// An endpoint that has received these bytes and the end of the connection, and the bytes that it has sent.
fn received(role: Role, replies: Replies, bytes: &[u8]) -> io::Result<(Endpoint, Vec<u8>)> {
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);
    impl Observer for Written {
        fn bytes(&mut self, bytes: &[u8]) {
            self.0.lock().extend(bytes);
        }
    }

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut peer = TcpStream::connect(listener.local_addr()?)?;
    let (socket, _) = listener.accept()?;
    // The peer resets the connection in the end, so that its port is free at once.
    socket2::SockRef::from(&peer).set_linger(Some(Duration::ZERO))?;
    let written = Written::default();
    let observers = Observers { sent: Box::new(written.clone()), ..Observers::none() };
    let mut endpoint = Endpoint::new(role, socket, observers, Activity::default())?;
    endpoint.replies = replies;
    // Fails if the endpoint does not read, because there is no preface.
    let _ = peer.write_all(bytes);
    peer.shutdown(std::net::Shutdown::Write)?;
    let deadline = Timeout::At(Instant::now() + HOUR);
    assert!(endpoint.process_until(deadline, |endpoint| endpoint.is_closed), "the end is noticed");
    let written = std::mem::take(&mut *written.0.lock());
    Ok((endpoint, written))
}

/// What an endpoint has received, by these rules of RFC 9113: sections 4.3, 6.1 to 6.9.
#[derive(Default)]
struct Expected {
    streams: BTreeMap<u32, Stream>,
    /// The header block that is not complete: its stream, whether it ends the stream, and its fragments.
    block: Option<(u32, bool, Vec<u8>)>,
    decoder: Decoder,
    /// Whether a block could not be decoded, which makes later ones unreadable.
    is_broken: bool,
    window: i128,
    initial: Option<u32>,
    settings: usize,
    goaway: Option<Frame>,
    /// The replies in the mode in which the endpoint replies to everything.
    replies: Vec<Frame>,
}

#[derive(Default)]
struct Stream {
    data: Vec<u8>,
    blocks: Vec<Vec<Field>>,
    is_malformed: bool,
    has_ended: bool,
    reset: Option<u32>,
    /// The sum of the increments.
    window: i128,
}

impl Expected {
    fn read(&mut self, frame: &Frame) {
        let stream = self.streams.entry(frame.stream).or_default();
        let is_ack = frame.has(flag::ACK);
        match frame.kind {
            kind::DATA => {
                match unpadded(frame) {
                    Some(data) => stream.data.extend(data),
                    None => stream.is_malformed = true,
                }
                stream.has_ended |= frame.has(flag::END_STREAM);
                let Ok(size @ 1..) = u32::try_from(frame.payload.len()) else { return };
                self.replies.push(Frame::window_update(0, size));
                if !stream.has_ended && stream.reset.is_none() {
                    self.replies.push(Frame::window_update(frame.stream, size));
                }
            }
            kind::HEADERS => {
                let skipped = if frame.has(flag::PRIORITY) { 5 } else { 0 };
                let Some(fragment) = unpadded(frame).and_then(|it| it.get(skipped..)) else {
                    return;
                };
                let ends = frame.has(flag::END_STREAM);
                self.block = Some((frame.stream, ends, fragment.to_vec()));
                self.end_block(frame);
            }
            kind::CONTINUATION => {
                if let Some((_, _, block)) = &mut self.block {
                    block.extend(&frame.payload);
                    self.end_block(frame);
                }
            }
            kind::RST_STREAM => stream.reset = stream.reset.or(number(&frame.payload)),
            kind::SETTINGS if !is_ack => {
                self.settings += 1;
                let mut of = settings(&frame.payload);
                let last = of.by_ref().filter(|(id, _)| *id == setting::INITIAL_WINDOW_SIZE).last();
                self.initial = last.map(|(_, size)| size).or(self.initial);
                self.replies.push(Frame::new(kind::SETTINGS, flag::ACK, 0, []));
            }
            kind::PING if !is_ack => {
                self.replies.push(Frame::new(kind::PING, flag::ACK, 0, &frame.payload[..]));
            }
            kind::GOAWAY => self.goaway = Some(frame.clone()),
            kind::WINDOW_UPDATE => {
                let size = number(&frame.payload).map_or(0, |size| i128::from(size & 0x7fff_ffff));
                match frame.stream {
                    0 => self.window += size,
                    _ => stream.window += size,
                }
            }
            _ => {}
        }
    }

    fn end_block(&mut self, last: &Frame) {
        if !last.has(flag::END_HEADERS) {
            return;
        }
        let Some((id, ends, block)) = self.block.take() else { return };
        let stream = self.streams.entry(id).or_default();
        stream.has_ended |= ends;
        let fields = if self.is_broken { None } else { self.decoder.decode(&block).ok() };
        self.is_broken = fields.is_none();
        match fields {
            Some(fields) => stream.blocks.push(fields),
            None => stream.is_malformed = true,
        }
    }

    fn check(&self, endpoint: &Endpoint) {
        assert_eq!(endpoint.received_settings, self.settings > 0);
        let goaway = self.goaway.as_ref().map(|frame| &frame.payload[..]);
        let code = goaway.and_then(|payload| number(payload.get(4..)?));
        assert_eq!(endpoint.goaway.as_ref().map(|(code, _)| *code), code);
        let last = goaway.and_then(number).map(|last| last & 0x7fff_ffff);
        assert_eq!(endpoint.last_processed, last);
        for (id, expected) in &self.streams {
            let stream = endpoint.streams.get(id).cloned().unwrap_or_default();
            assert_eq!(stream.data, expected.data);
            assert_eq!(stream.blocks, expected.blocks);
            assert_eq!(stream.malformed.is_some(), expected.is_malformed);
            assert_eq!(stream.received_end, expected.has_ended);
            assert_eq!(stream.received_reset, expected.reset);
            assert_eq!(stream.is_received(), expected.has_ended || expected.reset.is_some());
            assert!(!stream.sent_end && !stream.sent_reset);
            let initial = self.initial.map_or(WINDOW, i128::from);
            let window = (initial + expected.window).min(WINDOW + self.window);
            assert_eq!(i128::try_from(endpoint.windows.available(*id)), Ok(window));
        }
        assert!(endpoint.streams.keys().all(|id| self.streams.contains_key(id)));
        assert!(endpoint.most_open <= endpoint.received().count());
    }
}

/// The payload of DATA or HEADERS without padding (RFC 9113, section 6.1).
fn unpadded(frame: &Frame) -> Option<&[u8]> {
    if !frame.has(flag::PADDED) {
        return Some(&frame.payload);
    }
    let (padding, rest) = frame.payload.split_first()?;
    Some(&rest[..rest.len().checked_sub(usize::from(*padding))?])
}

fn number(payload: &[u8]) -> Option<u32> {
    payload.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
