//! The services of `proto/`, and the dispatch of requests to them.
//!
//! Services use only the part of `grpcio` below its layers, so that they do not depend on what wraps
//! them.
//!
//! - [`calculator`], [`streaming_calculator`]: the services of `proto/`; `root_streams` produces
//!   the response streams of the latter
//! - [`dispatch`]: which of them a path names
//! - [`methods()`]: the paths and kinds of all methods
//! - [`response`]: the response of a service; `unary` is the fast path to one

pub mod calculator;
pub mod dispatch;
mod methods;
pub mod response;
mod root_streams;
pub mod streaming_calculator;
mod unary;

pub use methods::methods;
