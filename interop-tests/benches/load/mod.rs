//! The load generator: a closed loop of calls over HTTP/2, every answer of which is checked.
//!
//! Its frames are written and read by hand. An HTTP/2 library costs a client as much as the server that
//! is measured, and a generator that reports a gRPC error as a success, as well-known ones do, would
//! praise the server that fails fastest.
//!
//! - [`exchange`]: what is asked and what must come back
//! - [`answer`]: whether a header list is that of a good answer
//! - [`header_blocks`]: HPACK, where decoding the same block again costs a comparison
//! - [`calls`]: the calls in flight on a connection
//! - [`connection`]: frames, flow control, the closed loop
//! - [`settings`], [`output`]: what the server allows, and what is to be sent
//! - [`phase`]: warming up, measuring, ending

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

/// How long the answers of the last calls are waited for.
const LAST_ANSWERS: Duration = Duration::from_secs(20);

/// How long those of a number of calls are waited for.
const ALL_ANSWERS: Duration = Duration::from_secs(90);

/// What is done to a server.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    /// One after the other and from the beginning again.
    pub(crate) exchanges: Rc<[Exchange]>,
    pub(crate) connections: usize,
    /// Calls in flight on each connection.
    pub(crate) streams: usize,
    pub(crate) extent: Extent,
}

/// How long a load lasts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Extent {
    /// It warms a server up, then it is measured.
    Time { warm_up: Duration, measured: Duration },
    /// So many calls, all of which are measured.
    Calls(u64),
}

/// What came of it in the time that was measured.
#[derive(Debug)]
pub(crate) struct Yield {
    /// Calls that were answered rightly.
    pub(crate) calls: u64,
    pub(crate) elapsed: Duration,
    /// From the request to the end of its answer, in nanoseconds.
    pub(crate) latencies: Histogram<u64>,
    /// Calls that were in flight on each connection, of which the server may allow fewer than asked for.
    pub(crate) streams: usize,
    /// The part of the time for which the generator's thread was running: near 1 it was the generator
    /// that was measured.
    pub(crate) busy: f64,
}

/// Why a load was given up.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    #[error("no connection could be made: {0}")]
    Connect(std::io::Error),
    #[error("a wrong answer: {0}")]
    WrongAnswer(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("calls were not answered in time")]
    Unanswered,
}

impl Load {
    /// After which a server hangs.
    fn limit(&self) -> Duration {
        match self.extent {
            Extent::Time { warm_up, measured } => warm_up + measured + LAST_ANSWERS,
            // Enough below a tool that makes a server a hundred times slower.
            Extent::Calls(_) => ALL_ANSWERS,
        }
    }

    /// Applies the load; what is observed when measuring begins and ends is given back too.
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

/// Waits for a connection that fails; those that are done are not waited for any more.
async fn first_error(connections: &mut JoinSet<Result<(), LoadError>>) -> LoadError {
    while let Some(ended) = connections.join_next().await {
        if let Err(error) = joined(ended) {
            return error;
        }
    }
    std::future::pending().await
}

/// For how long this thread has been running.
fn own_cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or_default(),
        u32::try_from(time.tv_nsec).unwrap_or_default(),
    )
}
