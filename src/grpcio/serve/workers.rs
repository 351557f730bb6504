//! The workers of a server: threads with a runtime each, usually one for each core.
//!
//! In one runtime with several threads, each response would wake a thread and be written on its
//! own; here the responses of sixteen calls in flight leave in one write. SO_REUSEPORT is not used
//! either: the kernel assigns connections by a hash, so a few connections would often share one
//! core while others are idle.

use std::io;
use std::net;
use std::os::unix;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::timeout;
use tokio_util::either::Either;
use tokio_util::sync::CancellationToken;

use super::GrpcService;
use super::connection_options::ConnectionOptions;
use super::connections::Connections;
use super::listen::Socket;
use super::options::Options;

/// How long connections that are cut off may take to count their calls. They take longer only if a
/// handler blocks its thread.
const CUT_OFF_LIMIT: Duration = Duration::from_secs(1);

/// The workers, of which the first uses the runtime of the caller.
#[derive(Debug)]
pub(super) struct Workers<S> {
    workers: Vec<Worker<S>>,
    /// The time after which the kernel closes a connection that acknowledges no data.
    user_timeout: Option<Duration>,
}

impl<S: GrpcService> Workers<S> {
    /// Starts the workers. Has to be called within the runtime that accepts connections.
    pub(super) fn start<L>(options: &Options<L>, service: &S) -> io::Result<Self> {
        let methods = options.all_methods();
        let connections = || Connections::new(service.clone(), methods.clone(), options);
        let mut workers = vec![Worker { connections: connections(), thread: None }];
        for _ in 1..options.workers.get() {
            workers.push(Worker { connections: connections(), thread: Some(Thread::start()?) });
        }
        let ConnectionOptions { keepalive, keepalive_timeout, .. } = options.connections;
        Ok(Self { workers, user_timeout: keepalive.map(|_| keepalive_timeout) })
    }

    /// Assigns a connection to the worker with the fewest connections, which holds `permit` until
    /// the connection is closed.
    pub(super) fn serve(&self, socket: Socket, permit: Option<OwnedSemaphorePermit>) {
        if let Either::Left(tcp) = &socket {
            // Otherwise a response would wait until the client acknowledges the previous one. Fails
            // only if the socket is already closed.
            let _ = tcp.set_nodelay(true);
            if let Some(timeout) = self.user_timeout {
                set_user_timeout(tcp, timeout);
            }
        }
        if let Some(worker) = self.workers.iter().min_by_key(|worker| worker.connections.len()) {
            worker.serve(socket, permit);
        }
    }

    /// Notifies all clients of the shutdown, and returns when their connections are closed.
    ///
    /// After `limit`, or when `end` is cancelled, it closes those that are still open. Returns the
    /// number of their calls.
    pub(super) async fn shut_down(&self, limit: Duration, end: &CancellationToken) -> usize {
        for worker in &self.workers {
            worker.connections.shut_down();
        }
        tokio::select! {
            () = self.closed() => return 0,
            () = tokio::time::sleep(limit) => {}
            () = end.cancelled() => {}
        }
        for worker in &self.workers {
            worker.connections.cut_off();
        }
        let _ = timeout(CUT_OFF_LIMIT, self.closed()).await;
        self.workers.iter().map(|worker| worker.connections.calls_cut_off()).sum()
    }

    async fn closed(&self) {
        for worker in &self.workers {
            worker.connections.closed().await;
        }
    }
}

/// hyper detects a client that does not acknowledge PING, but cannot close the connection while the
/// socket is full. grpcio sets the same option.
#[cfg(target_os = "linux")]
fn set_user_timeout(tcp: &TcpStream, timeout: Duration) {
    // Fails only if the socket is already closed.
    let _ = socket2::SockRef::from(tcp).set_tcp_user_timeout(Some(timeout));
}

#[cfg(not(target_os = "linux"))]
fn set_user_timeout(_: &TcpStream, _: Duration) {}

#[derive(Debug)]
struct Worker<S> {
    connections: Connections<S>,
    /// `None` for the worker that uses the runtime of the caller.
    thread: Option<Thread>,
}

impl<S: GrpcService> Worker<S> {
    fn serve(&self, socket: Socket, permit: Option<OwnedSemaphorePermit>) {
        let Some(thread) = &self.thread else {
            return self.connections.serve(&Handle::current(), || Ok(socket), permit);
        };
        // Fails only if the socket is already closed.
        if let Ok(detached) = detach(socket) {
            self.connections.serve(&thread.runtime, || attach(detached), permit);
        }
    }
}

/// A socket that is not registered with a runtime.
type Detached = Either<net::TcpStream, unix::net::UnixStream>;

fn detach(socket: Socket) -> io::Result<Detached> {
    Ok(match socket {
        Either::Left(socket) => Either::Left(socket.into_std()?),
        Either::Right(socket) => Either::Right(socket.into_std()?),
    })
}

/// Registers the socket with the current runtime.
fn attach(socket: Detached) -> io::Result<Socket> {
    Ok(match socket {
        Either::Left(socket) => Either::Left(TcpStream::from_std(socket)?),
        Either::Right(socket) => Either::Right(UnixStream::from_std(socket)?),
    })
}

/// A thread with a runtime. Dropping it ends both.
#[derive(Debug)]
struct Thread {
    runtime: Handle,
    end: Option<oneshot::Sender<()>>,
    handle: Option<JoinHandle<()>>,
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let runtime_handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let handle = thread::Builder::new().name("worker".to_owned()).spawn(move || {
            // The sender is dropped and never sends.
            let _ = runtime.block_on(ended);
        })?;
        Ok(Self { runtime: runtime_handle, end: Some(end), handle: Some(handle) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(handle) = self.handle.take() {
            // A panic has already been reported by the thread.
            let _ = handle.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Options, Worker, Workers};
    use crate::rpc::DESCRIPTORS;
    use crate::service::dispatch::Services;
    use std::num::NonZeroUsize;
    use std::time::Duration;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::either::Either;
    use tokio_util::sync::CancellationToken;

    /// Workers with this many connections, and the sockets of their clients.
    async fn workers(connections: usize) -> (Workers<Services>, Vec<TcpStream>) {
        let mut options = Options::new(DESCRIPTORS, &["Calculator"]).expect("a service");
        options.workers = NonZeroUsize::new(3).expect("not zero");
        let workers = Workers::start(&options, &Services::new(false)).expect("threads");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(TcpStream::connect(address).await.expect("a connection"));
            let socket = listener.accept().await.expect("a connection").0;
            workers.serve(Either::Left(socket), None);
        }
        (workers, clients)
    }

    fn open(workers: &Workers<Services>) -> Vec<usize> {
        workers.workers.iter().map(|Worker { connections, .. }| connections.len()).collect()
    }

    /// The start of the first frame that the server sends.
    async fn first_frame(client: &mut TcpStream) -> [u8; 4] {
        let mut start = [0; 4];
        client.read_exact(&mut start).await.expect("SETTINGS");
        start
    }

    #[tokio::test]
    async fn connections_are_distributed_evenly_and_served() {
        let (workers, mut clients) = workers(7).await;
        assert_eq!(open(&workers), [3, 2, 2]);
        for client in &mut clients {
            assert_eq!(first_frame(client).await[3], 4);
        }
        clients.remove(1);
        while open(&workers) != [3, 1, 2] {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn connections_end_with_the_workers() {
        let (workers, mut clients) = workers(3).await;
        // The first one is served by the runtime of the caller.
        let mut others = clients.split_off(1);
        for client in &mut others {
            first_frame(client).await;
        }
        drop(workers);
        for client in &mut others {
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.expect("the end");
        }
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_the_connections_of_all_workers() {
        let (workers, clients) = workers(3).await;
        drop(clients);
        let end = CancellationToken::new();
        assert_eq!(workers.shut_down(Duration::MAX, &end).await, 0);
        assert_eq!(open(&workers), [0, 0, 0]);
    }
}
