//! The workers of a server: a runtime on a thread of its own for each core that is to work.
//!
//! Not one runtime with several threads: there each answer wakes a thread of its own and is written
//! alone, here those of sixteen calls in flight leave in one write. Nor SO_REUSEPORT: the kernel deals
//! connections out by a hash, and a few of them would often share one core while others idle.

use std::io;
use std::net;
use std::os::unix;
use std::thread::{self, JoinHandle};

use tokio::net::{TcpStream, UnixStream};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio_util::either::Either;

use super::application::{Application, Shared};
use super::connections::Connections;
use super::{Options, Socket};
use crate::in_flight;

/// The runtimes that serve, the caller's own first.
#[derive(Debug)]
pub(super) struct Workers(Vec<Worker>);

impl Workers {
    /// Has to be called within the runtime that accepts connections.
    pub(super) fn start(options: &Options, shared: &Shared) -> io::Result<Self> {
        let connections = || {
            let application = Application::new(options, shared).map_err(io::Error::other)?;
            Ok::<_, io::Error>(Connections::new(application, options))
        };
        let mut workers = vec![Worker { connections: connections()?, thread: None }];
        for _ in 1..options.workers.get() {
            workers.push(Worker { connections: connections()?, thread: Some(Thread::start()?) });
        }
        Ok(Self(workers))
    }

    /// Gives a connection to the worker that has the fewest.
    pub(super) fn serve(&self, socket: Socket) {
        if let Either::Left(tcp) = &socket {
            // Without it an answer would wait for the client's acknowledgement of the one before. A
            // socket that refuses is already gone.
            let _ = tcp.set_nodelay(true);
        }
        if let Some(idlest) = self.0.iter().min_by_key(|worker| worker.connections.len()) {
            idlest.serve(socket);
        }
    }

    /// Tells all clients that the server ends, and returns when it may.
    pub(super) async fn end(&self) {
        for worker in &self.0 {
            worker.connections.end();
        }
        let closed = async {
            for worker in &self.0 {
                worker.connections.closed().await;
            }
        };
        let in_flight: Vec<_> =
            self.0.iter().map(|worker| worker.connections.in_flight()).collect();
        tokio::select! {
            () = closed => {}
            () = in_flight::drained(&in_flight) => {}
        }
    }
}

#[derive(Debug)]
struct Worker {
    connections: Connections,
    /// None of its own for the runtime that accepts connections.
    thread: Option<Thread>,
}

impl Worker {
    fn serve(&self, socket: Socket) {
        let Some(thread) = &self.thread else {
            return self.connections.serve(&Handle::current(), || Ok(socket));
        };
        // A socket that cannot change hands is already gone.
        if let Ok(detached) = detach(socket) {
            self.connections.serve(&thread.runtime, || attach(detached));
        }
    }
}

/// A socket that no runtime waits for.
type Detached = Either<net::TcpStream, unix::net::UnixStream>;

fn detach(socket: Socket) -> io::Result<Detached> {
    Ok(match socket {
        Either::Left(socket) => Either::Left(socket.into_std()?),
        Either::Right(socket) => Either::Right(socket.into_std()?),
    })
}

/// Has to be called within the runtime that is to wait for it.
fn attach(socket: Detached) -> io::Result<Socket> {
    Ok(match socket {
        Either::Left(socket) => Either::Left(TcpStream::from_std(socket)?),
        Either::Right(socket) => Either::Right(UnixStream::from_std(socket)?),
    })
}

/// A thread with a runtime, both of which end when this is dropped.
#[derive(Debug)]
struct Thread {
    runtime: Handle,
    end: Option<oneshot::Sender<()>>,
    ended: Option<JoinHandle<()>>,
}

impl Thread {
    fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, told) = oneshot::channel();
        let ended = thread::Builder::new().name("worker".to_owned()).spawn(move || {
            // Its sender is only ever dropped.
            let _ = runtime.block_on(told);
        })?;
        Ok(Self { runtime: handle, end: Some(end), ended: Some(ended) })
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(ended) = self.ended.take() {
            // It reports a panic itself.
            let _ = ended.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::super::application::Shared;
    use super::{Worker, Workers};
    use std::num::NonZeroUsize;
    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};
    use tokio_util::either::Either;

    /// Workers with so many connections, and the clients' ends of these.
    async fn workers(connections: usize) -> (Workers, Vec<TcpStream>) {
        let workers = NonZeroUsize::new(3).expect("not zero");
        let options = Options { workers, ..Options::default() };
        let workers = Workers::start(&options, &Shared::new(&options).await).expect("threads");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let mut clients = Vec::new();
        for _ in 0..connections {
            clients.push(TcpStream::connect(address).await.expect("a connection"));
            workers.serve(Either::Left(listener.accept().await.expect("a connection").0));
        }
        (workers, clients)
    }

    fn open(workers: &Workers) -> Vec<usize> {
        workers.0.iter().map(|Worker { connections, .. }| connections.len()).collect()
    }

    /// A frame that the server sends first of all: its SETTINGS.
    async fn settings(client: &mut TcpStream) -> [u8; 4] {
        let mut start = [0; 4];
        client.read_exact(&mut start).await.expect("SETTINGS");
        start
    }

    #[tokio::test]
    async fn connections_are_dealt_out_evenly_and_all_are_served() {
        let (workers, mut clients) = workers(7).await;
        assert_eq!(open(&workers), [3, 2, 2]);
        for client in &mut clients {
            assert_eq!(settings(client).await[3], 4);
        }
        clients.remove(1);
        while open(&workers) != [3, 1, 2] {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn connections_end_with_the_workers() {
        let (workers, mut clients) = workers(3).await;
        // The one of the caller's runtime is the caller's business.
        let mut others = clients.split_off(1);
        for client in &mut others {
            settings(client).await;
        }
        drop(workers);
        for client in &mut others {
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).await.expect("the end");
        }
    }

    #[tokio::test]
    async fn an_end_waits_for_the_connections_of_all_workers() {
        let (workers, clients) = workers(3).await;
        drop(clients);
        workers.end().await;
        assert_eq!(open(&workers), [0, 0, 0]);
    }
}
