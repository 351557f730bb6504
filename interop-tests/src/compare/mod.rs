//! The suite `compare`: sends the same calls to a reference and to other servers of any service, and compares the
//! responses.
//!
//! Nothing here depends on a service: everything is made from its descriptors.
//!
//! - [`suite`]: the methods and peers that are compared
//! - [`case`], [`generated`]: a call, groups of calls, and the requests that are made from descriptors
//! - [`user`]: the cases of case files
//! - [`plan`], [`session`], [`group_run`], [`probe_run`]: what is compared, and runs it
//! - [`servers`], [`server`], [`exchange`], [`response`]: make the calls of a method at all servers
//! - [`difference`], [`message`]: compare responses and their messages
//! - [`tally`], [`ignored`], [`coverage`]: what is collected from all cases of a method
//! - [`shrink`]: reduces the examples of differences
//! - [`wire`]: the cases below the level of messages
//! - [`conclusion`], [`request`]: the reports
//! - [`fuzz`]: the command `fuzz`

pub(crate) mod case;
pub(crate) mod conclusion;
pub(crate) mod coverage;
pub(crate) mod difference;
pub(crate) mod exchange;
pub(crate) mod fuzz;
pub(crate) mod generated;
pub(crate) mod group_run;
pub(crate) mod ignored;
pub(crate) mod message;
pub(crate) mod plan;
pub(crate) mod probe_run;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod server;
pub(crate) mod servers;
pub(crate) mod session;
pub(crate) mod shrink;
pub(crate) mod suite;
pub(crate) mod tally;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod test_service;
pub(crate) mod user;
pub(crate) mod wire;

pub(crate) use conclusion::SUITE;
pub(crate) use suite::{Options, Suite};
pub(crate) use tally::Strict;
