//! The suites: each makes trials out of peers and a table of cases.
//!
//! A suite finds out what happened; what it means is the ledger's and the matrix's business.

pub(crate) mod calls;
pub(crate) mod client_parity;
pub(crate) mod client_programs;
pub(crate) mod programs;
pub(crate) mod server_parity;
