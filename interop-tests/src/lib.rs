//! The interop tool: runs every gRPC client against every server, compares them with a reference, and reports whether
//! one can replace another.
//!
//! Data flows in one direction, and a module imports only modules listed below it:
//!
//! - `cli`: options, subcommands, the phases of a run
//! - [`report`]: the record of a run, terminal output, JUnit, Markdown, HTML, the difference of two runs
//! - `calls`: scenarios with stated expectations
//! - `compare`: comparison of any service with a reference
//! - `parity`: comparison with grpcio
//! - [`attack`]: hostile clients, and what another client notices of them
//! - `probe`: requests below the level of messages, to any method
//! - [`process`]: child processes: servers and agents, readiness, pools, shutdown, ports, certificates
//! - `outcome`: observations, mismatches, verdicts, known deviations
//! - `capture`: the tap between client and server, and the recorder of their frames
//! - [`http2`]: frames, HPACK, flow control
//! - [`config`]: TOML files, peers, programs, capabilities
//! - [`output`]: stdout, stderr, and files that are replaced
//!
//! `fuzzing` has fuzz targets for the parsers in all of them, for tests and `cargo fuzz` only.
//!
//! No module depends on a language or a service: a language is an entry in `peers.toml`, a service a .proto file.

#![allow(clippy::must_use_candidate, reason = "only the programs of this package use this crate")]
#![allow(clippy::return_self_not_must_use, reason = "the same")]
// See `output`.
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod attack;
mod calls;
mod capture;
mod cli;
mod compare;
pub mod config;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod http2;
mod outcome;
pub mod output;
mod parity;
mod probe;
pub mod process;
pub mod report;

pub use cli::main;
