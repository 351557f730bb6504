//! The cases that a user writes: calls, sequences of calls, and calls that prepare a server.
//!
//! A sequence is one case, because its steps depend on each other: after a step without the value that the next step
//! needs, there is nothing to compare.
//!
//! - [`read`]: reads case files and checks them
//! - [`step`]: a case, its calls, and setup calls
//! - [`messages`], [`template`]: requests, and texts with captured values
//! - [`capture`], [`captured`]: takes values out of responses
//! - [`expectation`]: what a response must contain
//! - [`fields`]: the fields that a request sets

mod capture;
mod captured;
mod expectation;
mod fields;
mod messages;
mod read;
mod step;
mod template;

pub(crate) use captured::Captured;
pub(crate) use read::UserCases;
pub(crate) use step::{Setup, SetupFailure, Step, UserCase, unusable};
