//! The suites with stated expectations: `calls`, in which an agent makes the calls of a scenario, and
//! `programs`, in which a client program runs as a user runs it.

pub(crate) mod case_run;
pub(crate) mod expectation;
pub(crate) mod message;
pub(crate) mod programs;
pub(crate) mod scenario;
pub(crate) mod suite;
