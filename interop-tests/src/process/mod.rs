//! Child processes: servers, agents and proxies from start to exit, the pools that share them, and their ports, sockets
//! and certificates.
//!
//! Every process is owned by a value that kills and reaps it on drop, on panic and on a signal.

pub(crate) mod agent;
pub(crate) mod agent_pool;
pub(crate) mod child;
pub(crate) mod context;
mod end_signals;
pub mod file_lock;
pub(crate) mod group;
pub(crate) mod limits;
pub(crate) mod liveness;
pub mod net;
pub mod open_files;
pub(crate) mod proxy;
pub(crate) mod readiness;
pub(crate) mod ready_line;
pub mod reaper;
pub(crate) mod restart_limit;
pub(crate) mod semaphore;
pub(crate) mod server;
pub(crate) mod server_pool;
pub mod supervisor;
pub(crate) mod suspension;

pub(crate) use agent_pool::{AgentPool, BorrowedAgent};
pub use child::{Exit, Logs, Process, SpawnError};
pub(crate) use context::RunContext;
pub use group::peak_memory_mib;
pub(crate) use proxy::SharedProxy;
pub(crate) use semaphore::{Permit, Semaphore};
pub(crate) use server::ServerConfig;
pub use server::{RunningServer, StartError};
pub(crate) use server_pool::{ServerPool, SharedServer};
