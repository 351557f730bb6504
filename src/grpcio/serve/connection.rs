//! One connection from the accepted socket to its end.
//!
//! The graceful shutdown of hyper-util is not used because it can end all connections, but not a
//! single old one.

use std::future::Future;

use hyper::server::conn::http2::Builder;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::GrpcService;
use super::client_frames::{self, Limits};
use super::closing_socket::closing_socket;
use super::connection_options::ConnectionOptions;
use super::fair_reading::{Backlog, Runs, fair_reading};
use super::lifetime::{Lifetime, OpenConnection};
use super::listen::Socket;
use super::per_connection::PerConnection;
use super::ping_strikes::PingStrikes;
use super::tls::Tls;
use crate::grpcio::server;
use crate::grpcio::server::message_memory::ConnectionMemory;
use crate::grpcio::wire::method::Methods;

/// What serves a connection.
#[derive(Debug)]
pub(super) struct Connection<S> {
    pub(super) service: PerConnection<S>,
    pub(super) methods: Methods,
    pub(super) http2: Builder<TokioExecutor>,
    pub(super) tls: Option<Tls>,
    pub(super) options: ConnectionOptions,
    pub(super) memory: ConnectionMemory,
    /// The calls of the thread that serves the connection.
    pub(super) backlog: Backlog,
    pub(super) lifetime: Lifetime,
    /// Closes the connection with its calls.
    pub(super) cut_off: CancellationToken,
}

impl<S: GrpcService> Connection<S> {
    /// Serves the client until the connection is closed. Returns the number of calls that were cut
    /// off, because the server did not wait longer; other errors are caused by the client, which has
    /// been notified.
    pub(super) fn serve(self, socket: Socket) -> impl Future<Output = usize> + Send {
        let runs = Runs::default();
        runs.clone().count(self.serve_socket(socket, runs))
    }

    async fn serve_socket(self, socket: Socket, runs: Runs) -> usize {
        let handshake_end = Instant::now() + self.options.handshake_timeout;
        let is_unix = matches!(socket, Either::Right(_));
        let open = OpenConnection::new(self.memory.clone(), self.backlog.clone());
        let socket = fair_reading(socket, self.memory.clone(), self.backlog.clone(), runs);
        let socket = closing_socket(socket, open.socket.clone());
        let Some(tls) = self.tls.clone() else {
            return self.serve_http2(socket, is_unix, handshake_end, open).await;
        };
        let accepted = tokio::select! {
            accepted = timeout_at(handshake_end, tls.accept(socket)) => accepted,
            () = self.lifetime.shutdown() => return 0,
        };
        match accepted {
            Ok(Ok(decrypted)) => self.serve_http2(decrypted, is_unix, handshake_end, open).await,
            Ok(Err(_)) | Err(_) => 0,
        }
    }

    async fn serve_http2<IO>(
        self,
        transport: IO,
        is_unix: bool,
        handshake_end: Instant,
        open: OpenConnection,
    ) -> usize
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let limits = Limits {
            handshake_end,
            settings_end: Instant::now() + self.options.settings_timeout,
            header_timeout: self.options.header_timeout,
        };
        let pings = PingStrikes::new(&self.options, open.socket.clone());
        let transport = client_frames::watch(transport, open.client.clone(), limits, pings);
        let service = |early_requests| {
            let layers = server::layer(self.methods, early_requests, self.memory);
            let service = layers.service(self.service);
            open.calls.count(service)
        };
        let connection = server::connection_with(&self.http2, transport, is_unix, service);
        let mut connection = Box::pin(connection);
        let reason = tokio::select! {
            // A random order would cost each call time.
            biased;
            _ = connection.as_mut() => return 0,
            reason = self.lifetime.retired(&open) => reason,
        };
        open.linger();
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            // In this order, because `expired` relies on it.
            biased;
            _ = connection.as_mut() => 0,
            () = self.cut_off.cancelled() => open.cut_off(|| drop(connection)).await,
            () = self.lifetime.expired(reason, &open) => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection_options::ConnectionOptions;
    use super::super::connections;
    use super::super::fair_reading::Backlog;
    use super::super::lifetime::{Lifetime, OpenConnection};
    use super::super::per_connection::PerConnection;
    use super::super::tls::{Files, Identity, Tls};
    use super::Connection;
    use crate::grpcio::server::connection_limits::MAX_STREAMS;
    use crate::grpcio::server::message_memory::MessageMemory;
    use crate::grpcio::wire::http2::{
        ACK, DATA, END_HEADERS, END_STREAM, FrameHeader, GOAWAY, HEADER_LENGTH, HEADERS, PING,
        PREFACE, RST_STREAM, SETTINGS, WINDOW_UPDATE, frame,
    };
    use crate::service::dispatch::Services;
    use std::num::NonZeroU32;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::net::UnixStream;
    use tokio::task::JoinHandle;
    use tokio::time::{Instant, sleep, timeout};
    use tokio_util::either::Either;
    use tokio_util::sync::CancellationToken;

    const SECOND: Duration = Duration::from_secs(1);
    const HOUR: Duration = Duration::from_secs(3600);
    /// A timer rounds up to the next millisecond, and some follow each other.
    const TOLERANCE: Duration = Duration::from_millis(20);

    fn connection(
        options: &ConnectionOptions,
        tls: Option<Tls>,
        shutdown: &CancellationToken,
        cut_off: &CancellationToken,
    ) -> Connection<Services> {
        Connection {
            service: PerConnection::new(Services::new(false)),
            methods: crate::service::methods(),
            http2: connections::http2(options),
            tls,
            options: options.clone(),
            memory: MessageMemory::default().connection(),
            backlog: Backlog::default(),
            lifetime: Lifetime::new(options, shutdown.clone()),
            cut_off: cut_off.clone(),
        }
    }

    /// TLS with a self-signed certificate.
    fn tls() -> Tls {
        let certified = rcgen::generate_simple_self_signed([]).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let file = |name, content: String| {
            let path = folder.path().join(name);
            std::fs::write(&path, content).expect("a file");
            path
        };
        let certificate = file("certificate.pem", certified.cert.pem());
        let key = file("key.pem", certified.signing_key.serialize_pem());
        let identity = Identity { certificate, key };
        Tls::load(&Files { identity, client_ca: None }).expect("valid files")
    }

    /// A client of one connection, which acknowledges nothing on its own.
    struct Client {
        io: DuplexStream,
        served: JoinHandle<usize>,
        shutdown: CancellationToken,
        cut_off: CancellationToken,
        start: Instant,
    }

    impl Client {
        /// Connects without sending anything.
        fn silent(options: &ConnectionOptions) -> Self {
            let (io, transport) = duplex(64 * 1024);
            let (shutdown, cut_off) = (CancellationToken::new(), CancellationToken::new());
            let connection = connection(options, None, &shutdown, &cut_off);
            let handshake_end = Instant::now() + options.handshake_timeout;
            let open = OpenConnection::default();
            let socket = super::closing_socket(transport, open.socket.clone());
            let served = connection.serve_http2(socket, false, handshake_end, open);
            let served = tokio::spawn(served);
            Self { io, served, shutdown, cut_off, start: Instant::now() }
        }

        /// Connects, and acknowledges the SETTINGS of the server.
        async fn connected(options: &ConnectionOptions) -> Self {
            Self::with_window(options, [0x7f, 0xff, 0xff, 0xff]).await
        }

        /// The same, with this window for each stream.
        async fn with_window(options: &ConnectionOptions, size: [u8; 4]) -> Self {
            let mut client = Self::silent(options);
            let window = [&[0, 4][..], &size].concat(); // SETTINGS_INITIAL_WINDOW_SIZE
            client.send(&[PREFACE, &frame(SETTINGS, 0, 0, &window)].concat()).await;
            client.send(&frame(SETTINGS, ACK, 0, &[])).await;
            client.send(&frame(WINDOW_UPDATE, 0, 0, &[0x3f, 0xff, 0xff, 0xff])).await;
            client
        }

        async fn send(&mut self, bytes: &[u8]) {
            self.io.write_all(bytes).await.expect("an open connection");
        }

        /// Sends the header fields of a call of Exchange.
        async fn start_call(&mut self, stream: u32) {
            self.start_call_of("/StreamingCalculator/Exchange", stream).await;
        }

        async fn start_call_of(&mut self, method: &str, stream: u32) {
            let mut block = Vec::new();
            for (name, value) in [
                (":method", "POST"),
                (":scheme", "http"),
                (":path", method),
                (":authority", "localhost"),
                ("te", "trailers"),
                ("content-type", "application/grpc"),
            ] {
                for text in [name, value] {
                    if text == name {
                        block.push(0);
                    }
                    block.push(u8::try_from(text.len()).expect("short"));
                    block.extend(text.as_bytes());
                }
            }
            self.send(&frame(HEADERS, END_HEADERS, stream, &block)).await;
        }

        /// Calls Exchange for a response of this many bytes, sending the whole request if it
        /// `ends`.
        async fn call(&mut self, stream: u32, size: u32, ends: bool) {
            self.start_call(stream).await;
            let [high, middle, low] = [size >> 14, size >> 7, size]
                .map(|bits| u8::try_from(bits & 0x7f).expect("seven bits"));
            let message = [0, 0, 0, 0, 4, 0x10, low | 0x80, middle | 0x80, high];
            if ends {
                self.send(&frame(DATA, END_STREAM, stream, &message)).await;
            } else {
                self.send(&frame(DATA, 0, stream, &message[..6])).await;
            }
        }

        /// The next frame; `None` if the connection is closed.
        async fn read(&mut self) -> Option<(FrameHeader, Vec<u8>)> {
            timeout(2 * HOUR, self.next_frame()).await.expect("nothing is received")
        }

        async fn next_frame(&mut self) -> Option<(FrameHeader, Vec<u8>)> {
            let mut header = [0; HEADER_LENGTH];
            self.io.read_exact(&mut header).await.ok()?;
            let header = FrameHeader::read(&header).expect("a whole header");
            let mut payload = vec![0; header.length];
            self.io.read_exact(&mut payload).await.ok()?;
            Some((header, payload))
        }

        async fn read_until(&mut self, kind: u8) -> Vec<u8> {
            loop {
                let (header, payload) = self.read().await.expect("an open connection");
                if header.kind == kind {
                    return payload;
                }
            }
        }

        /// When the connection was closed, and how many calls were cut off.
        async fn closed(mut self) -> (Duration, usize) {
            let reading = async { while self.read().await.is_some() {} };
            timeout(HOUR, reading).await.expect("the connection is never closed");
            let cut_off = self.served.await.expect("no panic");
            (self.start.elapsed(), cut_off)
        }

        /// The same, without a call that was cut off.
        async fn closed_at(self) -> Duration {
            let (at, cut_off) = self.closed().await;
            assert_eq!(cut_off, 0);
            at
        }

        async fn is_open(&mut self) -> bool {
            let reading = async { while self.read().await.is_some() {} };
            timeout(HOUR, reading).await.is_err()
        }
    }

    fn about(at: Duration, expected: Duration) -> bool {
        (expected..expected + TOLERANCE).contains(&at)
    }

    /// Whether `at` is the maximum with its jitter, and then `later`.
    fn about_the_maximum(at: Duration, maximum: Duration, later: Duration) -> bool {
        (maximum * 9 / 10 + later..maximum * 11 / 10 + later + TOLERANCE).contains(&at)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_disconnected() {
        let options = ConnectionOptions::default();
        let settings = frame(SETTINGS, 0, 0, &[]);
        for sent in [&b""[..], &PREFACE[..12], PREFACE, &[PREFACE, &settings].concat()] {
            let mut client = Client::silent(&options);
            client.send(sent).await;
            let at = client.closed_at().await;
            assert!(about(at, options.settings_timeout), "{at:?} after {sent:?}");
        }
        let short = ConnectionOptions { handshake_timeout: SECOND, ..options };
        let at = Client::silent(&short).closed_at().await;
        assert!(about(at, SECOND), "{at:?}");
        assert!(Client::connected(&short).await.is_open().await, "an idle client");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_disconnected_before_its_tls_handshake() {
        let options = ConnectionOptions::default();
        let (shutdown, cut_off) = (CancellationToken::new(), CancellationToken::new());
        for is_shut_down in [false, true] {
            let (mut client, socket) = UnixStream::pair().expect("sockets");
            let connection = connection(&options, Some(tls()), &shutdown, &cut_off);
            let start = Instant::now();
            if is_shut_down {
                shutdown.cancel();
            }
            assert_eq!(connection.serve(Either::Right(socket)).await, 0);
            let expected = if is_shut_down { Duration::ZERO } else { 120 * SECOND };
            assert!(about(start.elapsed(), expected), "{:?}", start.elapsed());
            assert_eq!(client.read(&mut [0]).await.expect("the end"), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_header_block_ends_the_connection_and_half_a_message_does_not() {
        let options = ConnectionOptions::default();
        let mut client = Client::connected(&options).await;
        client.send(&frame(HEADERS, 0, 1, &[0x83])).await;
        let at = client.closed_at().await;
        assert!(about(at, 60 * SECOND), "{at:?}");
        let mut client = Client::connected(&options).await;
        client.call(1, 4, false).await;
        assert!(client.is_open().await);
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_connection_is_closed_although_the_client_ignores_ping() {
        let maximum = 10 * SECOND;
        let options =
            ConnectionOptions { max_connection_age: Some(maximum), ..ConnectionOptions::default() };
        for half_frame in [&[][..], &[0, 0, 8], &frame(HEADERS, 0, 1, &[0x83])] {
            let mut client = Client::connected(&options).await;
            client.send(half_frame).await;
            let at = client.closed_at().await;
            assert!(about_the_maximum(at, maximum, options.goaway_timeout), "{at:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_acknowledges_ping_is_not_kept_waiting() {
        let maximum = 10 * SECOND;
        let options =
            ConnectionOptions { max_connection_age: Some(maximum), ..ConnectionOptions::default() };
        let mut client = Client::connected(&options).await;
        let ping = client.read_until(PING).await;
        client.send(&frame(PING, ACK, 0, &ping)).await;
        let at = client.closed_at().await;
        assert!(about_the_maximum(at, maximum, Duration::ZERO), "{at:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_on_an_old_connection_has_the_grace_period() {
        let maximum = 10 * SECOND;
        let unlimited =
            ConnectionOptions { max_connection_age: Some(maximum), ..ConnectionOptions::default() };
        let mut client = Client::connected(&unlimited).await;
        client.call(1, 4, false).await;
        assert!(client.is_open().await);
        let grace = Some(100 * SECOND);
        let limited = ConnectionOptions { max_connection_age_grace: grace, ..unlimited };
        let mut client = Client::connected(&limited).await;
        client.call(1, 4, false).await;
        let at = client.closed_at().await;
        assert!(about_the_maximum(at, maximum, 100 * SECOND), "{at:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_a_call_is_closed() {
        let maximum = 10 * SECOND;
        let options = ConnectionOptions {
            max_connection_idle: Some(maximum),
            ..ConnectionOptions::default()
        };
        let at = Client::connected(&options).await.closed_at().await;
        assert!(about_the_maximum(at, maximum, Duration::ZERO), "{at:?}");
        let mut client = Client::connected(&options).await;
        client.call(1, 4, false).await;
        assert!(client.is_open().await, "a call is in flight");
        let mut client = Client::connected(&options).await;
        for call in [1, 3, 5] {
            sleep(maximum * 8 / 10).await;
            client.call(call, 4, true).await;
            client.read_until(DATA).await;
        }
        let at = client.closed_at().await;
        let last_call = maximum * 24 / 10;
        assert!(at > last_call + maximum / 10 && at < last_call + maximum * 22 / 10, "{at:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn keepalive_detects_a_client_that_has_vanished() {
        let options = ConnectionOptions {
            keepalive: Some(10 * SECOND),
            keepalive_timeout: SECOND,
            ..ConnectionOptions::default()
        };
        let at = Client::connected(&options).await.closed_at().await;
        assert!(about(at, 11 * SECOND), "{at:?}");
        let mut client = Client::connected(&options).await;
        for _ in 0..3 {
            let ping = client.read_until(PING).await;
            client.send(&frame(PING, ACK, 0, &ping)).await;
        }
        assert!(about(client.start.elapsed(), 30 * SECOND), "{:?}", client.start.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_waits_a_second_for_clients_without_a_call() {
        let options = ConnectionOptions::default();
        for sent in [&[][..], &[0, 0, 8], &frame(HEADERS, 0, 1, &[0x83])] {
            let mut client = Client::connected(&options).await;
            client.send(sent).await;
            client.shutdown.cancel();
            let at = client.closed_at().await;
            assert!(about(at, SECOND), "{at:?} after {sent:?}");
        }
        let client = Client::silent(&options);
        client.shutdown.cancel();
        let at = client.closed_at().await;
        assert!(about(at, SECOND), "{at:?}");
        let mut client = Client::connected(&options).await;
        client.call(1, 4, true).await;
        client.read_until(DATA).await;
        sleep(10 * SECOND).await;
        client.shutdown.cancel();
        let at = client.closed_at().await;
        assert!(about(at, 11 * SECOND), "{at:?} after a call");
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_waits_for_the_last_byte_of_a_response_that_is_read_slowly() {
        const SIZE: u32 = 1 << 20;
        // Either the socket is full or the window is.
        for window in [[0x7f, 0xff, 0xff, 0xff], [0, 0, 0x40, 0]] {
            let mut client = Client::with_window(&ConnectionOptions::default(), window).await;
            client.call(1, SIZE, true).await;
            client.read_until(HEADERS).await;
            client.shutdown.cancel();
            let (mut received, mut has_trailers) = (0, false);
            while let Some((header, payload)) = client.read().await {
                sleep(10 * SECOND).await;
                match header.kind {
                    DATA => {
                        received += payload.len();
                        let length = u32::try_from(payload.len()).expect("short").to_be_bytes();
                        let update = frame(WINDOW_UPDATE, 0, 1, &length);
                        // The response may have ended.
                        let _ = client.io.write_all(&update).await;
                    }
                    HEADERS => has_trailers = true,
                    _ => {}
                }
            }
            // The prefix of five bytes, and the tag and length of the payload.
            assert_eq!(received, usize::try_from(SIZE).expect("small") + 5 + 4, "{window:?}");
            assert!(has_trailers, "{window:?}");
            assert_eq!(client.served.await.expect("no panic"), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_arrives_after_the_shutdown_is_handled() {
        let mut client = Client::connected(&ConnectionOptions::default()).await;
        client.shutdown.cancel();
        client.read_until(GOAWAY).await;
        sleep(SECOND / 2).await;
        client.call(1, 4, true).await;
        assert_eq!(client.read_until(DATA).await.len(), 5 + 2 + 4);
        client.closed_at().await;
    }

    #[tokio::test(start_paused = true)]
    async fn each_call_that_is_cut_off_is_counted_once() {
        let mut client = Client::connected(&ConnectionOptions::default()).await;
        client.call(1, 4, true).await;
        client.read_until(DATA).await;
        for (stream, size, ends) in [(3, 4, false), (5, 1 << 20, true), (7, 1 << 20, true)] {
            client.call(stream, size, ends).await;
        }
        client.shutdown.cancel();
        sleep(HOUR).await;
        assert!(!client.served.is_finished());
        client.cut_off.cancel();
        assert_eq!(client.served.await.expect("no panic"), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn a_shutdown_during_the_grace_period_does_not_wait_for_it() {
        let options = ConnectionOptions {
            max_connection_age: Some(SECOND),
            goaway_timeout: HOUR,
            ..ConnectionOptions::default()
        };
        let mut client = Client::connected(&options).await;
        client.read_until(GOAWAY).await;
        sleep(10 * SECOND).await;
        client.shutdown.cancel();
        let shut_down = client.start.elapsed();
        let at = client.closed_at().await;
        assert!(about(at, shut_down + SECOND), "{at:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_limit_of_calls_can_only_be_lowered() {
        for (limit, announced) in [(7, 7), (u32::MAX, MAX_STREAMS)] {
            let options = ConnectionOptions {
                max_concurrent_streams: NonZeroU32::new(limit),
                ..ConnectionOptions::default()
            };
            let settings = Client::connected(&options).await.read_until(SETTINGS).await;
            // SETTINGS_MAX_CONCURRENT_STREAMS
            let value = settings.chunks(6).find_map(|setting| setting.strip_prefix(&[0, 3]));
            assert_eq!(value, Some(&announced.to_be_bytes()[..]));
        }
    }

    /// Like a proxy that still has data to send when it has the response: it may drop the response if
    /// the stream is reset together with it.
    #[tokio::test(start_paused = true)]
    async fn a_message_that_is_too_large_is_read_on_after_the_response() {
        let mut client = Client::connected(&ConnectionOptions::default()).await;
        for (stream, ends) in [(1, true), (3, false)] {
            client.start_call(stream).await;
            // The prefix and the start of a message of 4 MiB and one byte.
            client.send(&frame(DATA, 0, stream, &[0, 0, 0x40, 0, 1, 0])).await;
            client.read_until(HEADERS).await;
            let responded = Instant::now();
            if ends {
                // The clock stands still meanwhile.
                client.send(&frame(DATA, END_STREAM, stream, &[0; 1024])).await;
            }
            let reset = async {
                while client.read().await.is_some_and(|(header, _)| header.kind != RST_STREAM) {}
            };
            let is_reset = timeout(SECOND, reset).await.is_ok();
            assert_eq!(is_reset, !ends, "after {:?}", responded.elapsed());
            assert!(responded.elapsed() > Duration::ZERO);
        }
    }

    /// What a client that sends this many pings, each after `pause`, receives after the last
    /// acknowledgement; `None` if the connection stays open.
    async fn after_pings(
        client: &mut Client,
        pings: usize,
        pause: Duration,
    ) -> Option<Vec<(FrameHeader, Vec<u8>)>> {
        for number in 1..=pings {
            sleep(pause).await;
            client.send(&frame(PING, 0, 0, b"too soon")).await;
            assert_eq!(client.read_until(PING).await, b"too soon", "ping {number}");
        }
        let mut frames = Vec::new();
        let reading = async {
            while let Some(frame) = client.next_frame().await {
                frames.push(frame);
            }
        };
        timeout(SECOND / 10, reading).await.ok().map(|()| frames)
    }

    const FAREWELL: &[u8] = b"\0\0\0\x01\0\0\0\x0btoo_many_pings";

    #[tokio::test(start_paused = true)]
    async fn the_fourth_ping_without_data_ends_an_idle_connection() {
        let options = ConnectionOptions::default();
        for (pause, pings, is_closed) in
            [(SECOND, 3, false), (SECOND, 4, true), (HOUR, 4, true), (3 * HOUR, 9, false)]
        {
            let mut client = Client::connected(&options).await;
            let frames = after_pings(&mut client, pings, pause).await;
            let goaway = frames.as_ref().and_then(|frames| frames.first());
            let expected = [&[0; 4], &FAREWELL[4..]].concat();
            assert_eq!(goaway.is_some(), is_closed, "{pings} pings after {pause:?}");
            if let Some((header, payload)) = goaway {
                assert_eq!((header.kind, payload), (GOAWAY, &expected));
                assert_eq!(frames.map(|frames| frames.len()), Some(1));
                assert_eq!(client.served.await.expect("no panic"), 0);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_is_pinged_too_often_ends_with_unavailable() {
        let options = ConnectionOptions::default();
        // A message, to which the method responds, and the start of one. With the acknowledgement of
        // the first ping after that, grpcio would announce a window.
        let message = &[0, 0, 0, 0, 5, 0x0d, 0, 0, 0x80, 0x3f];
        for (sent, accepted, is_first) in [(&message[..], 3, false), (&message[..6], 4, true)] {
            let mut client = Client::connected(&options).await;
            client.start_call_of("/StreamingCalculator/RootOfEach", 1).await;
            client.send(&frame(DATA, 0, 1, sent)).await;
            if !is_first {
                client.read_until(DATA).await;
            }
            assert!(after_pings(&mut client, accepted, SECOND).await.is_none(), "{sent:?}");
            let frames = after_pings(&mut client, 1, SECOND).await.expect("the end");
            let found: Vec<_> =
                frames.iter().map(|(header, _)| (header.kind, header.stream)).collect();
            assert_eq!(found, [(GOAWAY, 0), (HEADERS, 1), (RST_STREAM, 1)], "{sent:?}");
            assert_eq!(frames[0].1, FAREWELL);
            assert!(frames[1].0.ends_stream() && frames[1].0.ends_headers());
            let text = String::from_utf8_lossy(&frames[1].1).into_owned();
            assert!(text.contains("Too many pings"), "{text}");
            assert_eq!(text.contains("content-type"), is_first, "{text}");
            assert_eq!(client.served.await.expect("no panic"), 0);
        }
        // The same after 5 minutes each is no strike.
        let mut client = Client::connected(&options).await;
        client.call(1, 4, false).await;
        assert!(after_pings(&mut client, 9, 301 * SECOND).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn frames_for_calls_forgive_pings() {
        let options = ConnectionOptions::default();
        let mut client = Client::connected(&options).await;
        for call in 0..9 {
            assert!(after_pings(&mut client, 2, SECOND).await.is_none(), "call {call}");
            client.call(1 + 2 * call, 4, true).await;
            client.read_until(DATA).await;
        }
        // A request that arrives slowly: grpcio announces the window after each part.
        client.start_call(101).await;
        client.send(&frame(DATA, 0, 101, &[0, 0, 0, 0, 100])).await;
        for part in 0..9 {
            assert!(after_pings(&mut client, 2, SECOND).await.is_none(), "part {part}");
            client.send(&frame(DATA, 0, 101, &[0x10])).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn pings_are_limited_by_the_options() {
        let strict = ConnectionOptions { max_ping_strikes: 1, ..ConnectionOptions::default() };
        let mut client = Client::connected(&strict).await;
        assert!(after_pings(&mut client, 3, SECOND).await.is_some(), "the second strike");
        let permissive = [
            ConnectionOptions { max_ping_strikes: 0, ..ConnectionOptions::default() },
            ConnectionOptions {
                min_ping_interval: SECOND,
                keepalive_permit_without_calls: true,
                ..ConnectionOptions::default()
            },
        ];
        for options in permissive {
            let mut client = Client::connected(&options).await;
            assert!(after_pings(&mut client, 9, SECOND).await.is_none(), "{options:?}");
        }
    }
}
