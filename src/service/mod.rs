//! The services that a server offers.
//!
//! All are behind one [`dispatch`] of our own: tonic's router would bring a web framework along, and
//! the parity layers have looked the method up already.
//!
//! - [`calculator`], [`streaming_calculator`]: what the server is for; the answers of the latter are
//!   made one by one in [`repeated_roots`] and [`root_of_each`], its refusals in [`invalid_field`]
//! - [`health`] with [`health_list`], [`reflection`]: what orchestrators and tools ask for
//! - [`dispatch`]: which service a path names, of those that are offered
//! - [`call`] and [`answer_body`]: how they are answered; [`unary`] is the short way

pub mod answer_body;
pub mod calculator;
pub mod call;
pub mod dispatch;
pub mod health;
mod health_list;
mod invalid_field;
mod reflection;
mod repeated_roots;
mod root_of_each;
pub mod streaming_calculator;
mod unary;
