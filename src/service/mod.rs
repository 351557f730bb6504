//! The services of a server, and the dispatch of requests to them.
//!
//! tonic's router is not used: it depends on a web framework, and the layers of
//! [`grpcio`](crate::grpcio) have already looked up the method. Services use only the part of
//! `grpcio` below its layers, so that they do not depend on what wraps them.
//!
//! - [`calculator`], [`streaming_calculator`]: the services of `proto/`; `root_streams` produces
//!   the response streams of the latter
//! - [`health`] with `health_list`, `reflection`: the services for orchestrators and tools
//! - [`dispatch`]: the services that are enabled, and which of them a path names
//! - [`methods`]: the paths and kinds of all methods
//! - [`response`]: the response of a service; `unary` is the fast path to one

pub mod calculator;
pub mod dispatch;
pub mod health;
mod health_list;
pub mod methods;
mod reflection;
pub mod response;
mod root_streams;
pub mod streaming_calculator;
mod unary;
