//! Random probes: probes of the tables with a few changes.
//!
//! - [`random`]: random numbers that depend only on a seed
//! - [`generator`], [`requests`]: draw a probe for a method
//! - [`headers`], [`body`], [`frames`]: the changes
//! - [`shrink`]: reduces a probe that shows a difference

pub(crate) mod body;
pub(crate) mod frames;
pub(crate) mod generator;
pub(crate) mod headers;
pub(crate) mod random;
pub(crate) mod requests;
pub(crate) mod shrink;
