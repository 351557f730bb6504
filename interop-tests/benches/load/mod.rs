//! The load generator: a closed loop of calls over HTTP/2 that checks every response.
//!
//! It encodes and decodes frames itself, because an HTTP/2 library would cost the client as much CPU time as the
//! measured server. It checks every response, because a generator that counts gRPC errors as successes would favour
//! the server that fails fastest.
//!
//! - [`exchange`]: requests and their expected responses
//! - [`answer`]: checks the header list of a response
//! - [`header_blocks`]: HPACK, with a cache for repeated blocks
//! - [`calls`]: the calls in flight on a connection
//! - [`connection`]: frames, flow control, the closed loop
//! - [`settings`], [`output`]: the limits of the server, and the bytes to send
//! - [`phase`]: warm-up, measurement, end

mod answer;
mod calls;
mod connection;
pub(crate) mod exchange;
mod header_blocks;
mod output;
mod phase;
mod settings;

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::TcpStream;
use tokio::task::{JoinError, JoinSet, LocalSet};

use connection::Connection;
use exchange::Exchange;
use phase::{Phase, Progress};

/// How long to wait for the responses of the last calls.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

/// How long to wait for all responses of a fixed number of calls.
const ALL_ANSWERS: Duration = Duration::from_secs(90);

/// A load on a server.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// The exchanges, which are used in turn.
    pub(crate) exchanges: Rc<[Exchange]>,
    pub(crate) connections: usize,
    /// The number of calls in flight on each connection.
    pub(crate) streams: usize,
    pub(crate) extent: Extent,
}

/// The extent of a load.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// A warm-up, followed by a measured time.
    Time { warm_up: Duration, measured: Duration },
    /// A number of calls, all of which are measured.
    Calls(u64),
}

/// The result of the measured part of a load.
#[derive(Debug)]
pub(crate) struct Yield {
    /// The number of calls with a correct response.
    pub(crate) calls: u64,
    pub(crate) elapsed: Duration,
    /// The latencies from the request to the end of the response, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// The number of calls in flight on each connection. The server may allow fewer than requested.
    pub(crate) streams: usize,
    /// The fraction of the time in which the generator's thread was running. Near 1, the generator was the
    /// bottleneck.
    pub(crate) busy: f64,
}

/// The reason why a load failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("cannot connect to the server: {0}")]
    Connect(std::io::Error),
    #[error("the server sent a wrong response: {0}")]
    WrongAnswer(String),
    #[error("the connection failed: {0}")]
    Broken(String),
    #[error("the server did not respond to all calls in time")]
    Unanswered,
}

impl Load {
    /// The time limit of the load.
    fn limit(&self) -> Duration {
        match self.extent {
            Extent::Time { warm_up, measured } => warm_up + measured + LAST_ANSWERS,
            // Sufficient even under a tool that makes a server a hundred times slower.
            Extent::Calls(_) => ALL_ANSWERS,
        }
    }

    /// Applies the load to the server at `address`. Also returns the results of `observe` at the start and at the end
    /// of the measurement.
    pub(crate) fn apply<T>(
        &self,
        address: SocketAddr,
        mut observe: impl FnMut() -> T,
    ) -> Result<(Yield, T, T), LoadError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(LoadError::Connect)?;
        LocalSet::new().block_on(&runtime, async {
            let progress = Rc::new(Progress::new(self.extent));
            let mut tasks = JoinSet::new();
            for number in 0..self.connections {
                let socket = TcpStream::connect(address).await.map_err(LoadError::Connect)?;
                socket.set_nodelay(true).map_err(LoadError::Connect)?;
                let exchanges = Rc::clone(&self.exchanges);
                let (streams, progress) = (self.streams, Rc::clone(&progress));
                let connection = Connection::new(socket, exchanges, streams, number, progress);
                tasks.spawn_local(connection.run());
            }
            let measuring = async {
                if let Extent::Time { warm_up, .. } = self.extent {
                    tokio::time::sleep(warm_up).await;
                }
                let before = observe();
                let (start, cpu) = (Instant::now(), own_cpu_time());
                progress.set(Phase::Measuring);
                match self.extent {
                    Extent::Time { measured, .. } => tokio::time::sleep(measured).await,
                    Extent::Calls(_) => progress.all_answered().await,
                }
                progress.set(Phase::Ending);
                let (elapsed, cpu) = (start.elapsed(), own_cpu_time().saturating_sub(cpu));
                (before, observe(), elapsed, cpu)
            };
            let (before, after, elapsed, cpu) = tokio::select! {
                measured = measuring => measured,
                error = first_error(&mut tasks) => return Err(error),
                () = tokio::time::sleep(self.limit()) => return Err(LoadError::Unanswered),
            };
            let rest = async {
                while let Some(ended) = tasks.join_next().await {
                    joined(ended)?;
                }
                Ok(())
            };
            tokio::time::timeout(LAST_ANSWERS, rest).await.map_err(|_| LoadError::Unanswered)??;
            let (calls, latencies) = progress.take();
            if calls == 0 {
                return Err(LoadError::Unanswered);
            }
            let streams = self.streams.min(progress.allowed());
            let busy = cpu.as_secs_f64() / elapsed.as_secs_f64();
            Ok((Yield { calls, elapsed, latencies, streams, busy }, before, after))
        })
    }
}

type Joined = Result<Result<(), LoadError>, JoinError>;

fn joined(ended: Joined) -> Result<(), LoadError> {
    ended.map_err(|error| LoadError::Broken(error.to_string()))?
}

/// Waits until a connection fails. Connections that have finished are ignored.
async fn first_error(connections: &mut JoinSet<Result<(), LoadError>>) -> LoadError {
    while let Some(ended) = connections.join_next().await {
        if let Err(error) = joined(ended) {
            return error;
        }
    }
    std::future::pending().await
}

/// The CPU time of this thread.
fn own_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
