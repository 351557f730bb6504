//! A connection of an attacker.
//!
//! Nothing in it waits for the server, except that the bodies of its calls respect the flow-control windows: a server
//! closes the connection of a client that does not, so that the attack would end at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::LocalSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout_at};

use crate::attack::table::Attack;
use crate::http2::frame::{self, PREFACE, flag, kind};
use crate::http2::frame_socket::Windows;
use crate::http2::{Action, End, Field, Frame, Message, Role};

/// How many bytes are prepared at once.
const BATCH: usize = 64 * 1024;

/// How many bodies of a connection wait for the window before no round begins.
const MAX_WAITING: usize = 4_096;

/// How many connections one attack opens. The addresses of more would be exhausted for minutes.
const MAX_CONNECTIONS: usize = 5_000;

/// How often a connection that is slow reads and writes.
const TICK: Duration = Duration::from_millis(20);

/// How long to wait after a failed attempt to connect.
const RETRY_DELAY: Duration = Duration::from_millis(5);

/// What an attacker did.
#[derive(Debug, Default)]
pub(super) struct Sent {
    pub(super) connections: usize,
    pub(super) bytes: u64,
    /// How many connections the server ended, by the code of its GOAWAY.
    pub(super) ended: BTreeMap<Option<u32>, usize>,
}

/// Attacks for this time.
pub(super) async fn attack(attack: &Attack, address: SocketAddr, duration: Duration) -> Sent {
    let end = Instant::now() + duration;
    let attack = Rc::new(attack.clone());
    let message = Rc::new(attack.message());
    let sent = Rc::new(RefCell::new(Sent::default()));
    let connections = LocalSet::new();
    for _ in 0..attack.connections {
        let (attack, message, sent) = (Rc::clone(&attack), Rc::clone(&message), Rc::clone(&sent));
        connections.spawn_local(async move {
            while Instant::now() < end && sent.borrow().connections < MAX_CONNECTIONS {
                let socket = timeout_at(end, connect(&attack, address)).await;
                let Ok(Ok(socket)) = socket else {
                    sleep(RETRY_DELAY).await;
                    continue;
                };
                sent.borrow_mut().connections += 1;
                let mut connection = Connection::new(&attack, &message);
                // An error is the end of the connection, as is a graceful close.
                let ended = timeout_at(end, connection.run(socket)).await;
                let mut sent = sent.borrow_mut();
                sent.bytes += connection.written;
                if ended.is_ok() {
                    *sent.ended.entry(connection.goaway).or_default() += 1;
                }
            }
            sleep_until(end).await;
        });
    }
    connections.await;
    sent.take()
}

async fn connect(attack: &Attack, address: SocketAddr) -> io::Result<TcpStream> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    if attack.reads_per_second.is_some() {
        // Otherwise the kernel reads megabytes on behalf of the attacker.
        socket.set_recv_buffer_size(4096)?;
    }
    let socket = socket.connect(address).await?;
    socket.set_nodelay(true)?;
    Ok(socket)
}

/// The state of a connection.
struct Connection<'a> {
    attack: &'a Attack,
    message: &'a Message,
    /// The body of a call as DATA frames.
    body: Vec<&'a [u8]>,
    windows: Windows,
    stream: u32,
    rounds: usize,
    /// The calls whose bodies wait for the window: how many frames have been sent, and how many are to be sent.
    waiting: BTreeMap<u32, (usize, usize)>,
    /// Whether the server has granted more window since the waiting bodies were last looked at.
    has_more_window: bool,
    received: BytesMut,
    to_send: BytesMut,
    written: u64,
    /// The code of the server's last GOAWAY.
    goaway: Option<u32>,
}

impl<'a> Connection<'a> {
    fn new(attack: &'a Attack, message: &'a Message) -> Self {
        let mut connection = Self {
            attack,
            message,
            body: message.parts(&message.body, message.end == End::LastFrame),
            windows: Windows::new(),
            stream: 1,
            rounds: 0,
            waiting: BTreeMap::new(),
            has_more_window: false,
            received: BytesMut::new(),
            to_send: BytesMut::new(),
            written: 0,
            goaway: None,
        };
        if let Some(preface) = &message.preface {
            connection.to_send.extend(&preface.0);
        } else {
            connection.to_send.extend(PREFACE);
            connection.send(&Frame::settings(&message.settings));
        }
        connection.act_all(&attack.open);
        connection
    }

    /// Attacks until the server closes the connection.
    async fn run(&mut self, socket: TcpStream) -> io::Result<()> {
        let (mut input, mut output) = socket.into_split();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (reads, writes) = (self.attack.reads_per_second, self.attack.writes_per_second);
        let is_slow = reads.is_some() || writes.is_some();
        let (mut may_read, mut may_write) = (limit(reads), limit(writes));
        let mut part = vec![0; BATCH];
        loop {
            self.prepare();
            let now = self.to_send.len().min(may_write);
            let room = part.len().min(may_read);
            tokio::select! {
                read = input.read(&mut part[..room]), if room > 0 => {
                    let read = read?;
                    if read == 0 {
                        return Ok(());
                    }
                    may_read -= reads.map_or(0, |_| read);
                    self.receive(&part[..read]);
                }
                written = output.write(&self.to_send[..now]), if now > 0 => {
                    let written = written?;
                    may_write -= writes.map_or(0, |_| written);
                    self.written += written as u64;
                    self.to_send.advance(written);
                }
                _ = tick.tick(), if is_slow => {
                    may_read = refill(may_read, reads);
                    may_write = refill(may_write, writes);
                }
            }
        }
    }

    /// Adds what can be sent.
    fn prepare(&mut self) {
        if !self.to_send.is_empty() {
            return;
        }
        if self.has_more_window {
            self.send_bodies();
        }
        while self.to_send.len() < BATCH
            && self.waiting.len() < MAX_WAITING
            && self.attack.rounds.is_none_or(|rounds| self.rounds < rounds)
        {
            let before = self.to_send.len();
            self.act_all(&self.attack.round);
            // There is no round, or all of it waits for the window.
            if self.to_send.len() == before {
                return;
            }
            self.rounds += 1;
        }
    }

    fn act_all(&mut self, actions: &[Action]) {
        for action in actions {
            self.act(action);
        }
    }

    fn act(&mut self, action: &Action) {
        let message = self.message;
        match action {
            Action::NextStream => self.stream += 2,
            Action::Headers => self.send_block(&message.headers, message.end == End::Headers),
            Action::Block(block) => self.send_block(&block.list(), block.end_stream),
            Action::Body => {
                self.waiting.insert(self.stream, (0, self.body.len()));
                self.send_body(self.stream);
            }
            Action::BodyTo(end) => {
                let ends = self.body.iter().scan(0, |sent, frame| {
                    *sent += frame.len();
                    Some(*sent)
                });
                let frames = ends.take_while(|sent| sent <= end).count();
                self.waiting.insert(self.stream, (0, frames));
                self.send_body(self.stream);
            }
            Action::Raw(bytes) => self.to_send.extend(&bytes.0),
            action => {
                for frame in action.frames(Role::Client, self.stream) {
                    self.send(&frame);
                }
            }
        }
    }

    fn send_block(&mut self, fields: &[Field], end_stream: bool) {
        for frame in self.message.block(self.stream, fields, end_stream) {
            self.send(&frame);
        }
    }

    /// Sends DATA of the waiting calls as far as the windows permit.
    fn send_bodies(&mut self) {
        let streams: Vec<u32> = self.waiting.keys().copied().collect();
        for stream in streams {
            if self.to_send.len() >= BATCH {
                return;
            }
            self.send_body(stream);
        }
        self.has_more_window = false;
    }

    fn send_body(&mut self, stream: u32) {
        let Some((mut sent, end)) = self.waiting.remove(&stream) else { return };
        let ends_stream = self.message.end == End::LastFrame && end == self.body.len();
        for content in &self.body[sent..end] {
            let size = content.len() + self.message.padding();
            if size > self.windows.available(stream) {
                self.waiting.insert(stream, (sent, end));
                return;
            }
            self.windows.consume(stream, size);
            let flags = if ends_stream && sent + 1 == end { flag::END_STREAM } else { 0 };
            self.message.data(stream, content, flags).write_to(&mut self.to_send);
            sent += 1;
        }
    }

    fn send(&mut self, frame: &Frame) {
        frame.write_to(&mut self.to_send);
    }

    /// Handles the frames that change the windows.
    fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        while let Some((header, payload, rest)) = frame::split_frame(&self.received) {
            let number = || payload.first_chunk().map_or(0, |bytes| u32::from_be_bytes(*bytes));
            match header.kind {
                kind::SETTINGS if !header.has(flag::ACK) => {
                    self.has_more_window = true;
                    self.windows.apply_settings(payload);
                }
                kind::WINDOW_UPDATE => {
                    self.has_more_window = true;
                    self.windows.update(header.stream, number() & 0x7fff_ffff);
                }
                kind::GOAWAY => {
                    let code = payload.get(4..8).and_then(|code| code.first_chunk());
                    self.goaway = code.map(|code| u32::from_be_bytes(*code));
                }
                kind::RST_STREAM => {
                    self.waiting.remove(&header.stream);
                    self.windows.forget(header.stream);
                }
                _ => {}
            }
            let consumed = self.received.len() - rest.len();
            self.received.advance(consumed);
        }
    }
}

/// How many bytes may be read or written before the first tick.
fn limit(per_second: Option<usize>) -> usize {
    per_second.map_or(usize::MAX, |_| 0)
}

/// How many bytes may be read or written after a tick: not more than those of a tenth of a second.
fn refill(left: usize, per_second: Option<usize>) -> usize {
    let Some(per_second) = per_second else { return left };
    let ticks = 1000 / TICK.as_millis() as usize;
    (left + per_second.div_ceil(ticks)).min(per_second.div_ceil(10))
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::{Ipv4Addr, TcpListener, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use tokio::runtime::Builder;

    use super::{PREFACE, Sent, attack, kind};
    use crate::attack::table::Attack;
    use crate::http2::Frame;

    const DURATION: Duration = Duration::from_millis(300);

    fn parsed(text: &str) -> Attack {
        toml::from_str(&format!("name = 'a'\nabout = 'b'\n{text}")).unwrap()
    }

    /// Attacks a server that does `serve` with the first connection.
    fn attacked<T: Send>(text: &str, serve: impl FnOnce(TcpStream) -> T + Send) -> (Sent, T) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        thread::scope(|scope| {
            let served = scope.spawn(|| serve(listener.accept().unwrap().0));
            let sent = runtime.block_on(attack(&parsed(text), address, DURATION));
            drop(runtime);
            (sent, served.join().unwrap())
        })
    }

    /// All frames until the connection ends.
    fn frames(mut connection: TcpStream) -> Vec<Frame> {
        connection.read_exact(&mut [0; PREFACE.len()]).unwrap();
        std::iter::from_fn(|| Frame::read_from(&mut connection).ok().flatten()).collect()
    }

    #[test]
    fn a_round_is_repeated_on_new_streams_but_not_more_often_than_it_should() {
        let text =
            "open = [{ ping = 1 }]\nround = ['next-stream', 'headers', { reset = 8 }]\nrounds = 3";
        let (sent, frames) = attacked(text, frames);
        let seen: Vec<_> = frames.iter().map(|frame| (frame.kind, frame.stream)).collect();
        let (headers, reset) = (kind::HEADERS, kind::RST_STREAM);
        let rounds = [(headers, 3), (reset, 3), (headers, 5), (reset, 5), (headers, 7), (reset, 7)];
        assert_eq!(seen, [&[(kind::SETTINGS, 0), (kind::PING, 0)], &rounds[..]].concat());
        assert_eq!((sent.connections, sent.ended.len()), (1, 0));
    }

    #[test]
    fn bodies_do_not_exceed_the_window() {
        let text =
            "body = [{ zeros = 30000 }]\nround = ['next-stream', 'headers', 'body']\nrounds = 9";
        let (_, frames) = attacked(text, frames);
        let data = |frame: &&Frame| frame.kind == kind::DATA;
        let sent: usize = frames.iter().filter(data).map(|frame| frame.payload.len()).sum();
        assert!((48_000..=65_535).contains(&sent), "{sent} bytes");
        let headers = frames.iter().filter(|frame| frame.kind == kind::HEADERS);
        assert_eq!(headers.count(), 9, "calls begin although others wait for the window");
    }

    #[test]
    fn a_connection_that_the_server_ends_is_replaced() {
        let (sent, ()) = attacked("round = [{ ping = 1 }]", drop);
        assert!(sent.connections > 1 && !sent.ended.is_empty(), "{sent:?}");
    }

    #[test]
    fn a_slow_attacker_writes_and_reads_little() {
        let (sent, ()) =
            attacked("round = [{ ping = 1 }]\nwrites-per-second = 500", |connection| {
                let _ = frames(connection);
            });
        assert!((20..=400).contains(&sent.bytes), "{sent:?}");
        let (_, seconds) = attacked("preface = ''\nreads-per-second = 0", |connection| {
            let start = Instant::now();
            let mut connection = connection;
            let more = vec![0; 64 << 20];
            let _ = std::io::Write::write_all(&mut connection, &more);
            start.elapsed().as_secs_f64()
        });
        assert!(seconds > DURATION.as_secs_f64() / 2.0, "all was read after {seconds} s");
    }
}
