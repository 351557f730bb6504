//! The suites whose expected outcomes are stated in tables: `calls`, in which an agent makes the calls of a
//! scenario, and `programs`, which runs client and server programs as a user does.

pub(crate) mod behind_proxy;
pub(crate) mod case_run;
pub(crate) mod expectation;
pub(crate) mod message;
pub(crate) mod methods;
pub(crate) mod programs;
pub(crate) mod reflection;
pub(crate) mod scenario;
pub(crate) mod suite;
