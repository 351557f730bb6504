//! The servers of a comparison that are ready for probes, and how they receive one.
//!
//! The outcome of a probe is compared with that of ordinary calls, so these are made before any probe.

use std::thread;
use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::compare::difference::{Difference, ResponseTypes, Subject, differences};
use crate::compare::server::ComparedServer;
use crate::compare::servers::Servers;
use crate::compare::tally::primary;
use crate::compare::wire::outcome::{Ordinary, Outcome, response};
use crate::probe::exchange;
use crate::probe::quiescence::{self, ProbeError};
use crate::probe::table::Probe;
use crate::probe::target::{self, Server, Target};

/// Something for each server of a comparison.
#[derive(Debug)]
pub(crate) struct Sides<T> {
    pub(crate) reference: T,
    /// For the second instance of the reference, if there is one.
    pub(crate) again: Option<T>,
    pub(crate) candidate: T,
}

impl<T> Sides<T> {
    pub(crate) fn as_ref(&self) -> Sides<&T> {
        let Self { reference, again, candidate } = self;
        Sides { reference, again: again.as_ref(), candidate }
    }

    pub(crate) fn as_mut(&mut self) -> Sides<&mut T> {
        let Self { reference, again, candidate } = self;
        Sides { reference, again: again.as_mut(), candidate }
    }

    pub(crate) fn map<U>(self, mut f: impl FnMut(T) -> U) -> Sides<U> {
        let Self { reference, again, candidate } = self;
        let (reference, again) = (f(reference), again.map(&mut f));
        Sides { reference, again, candidate: f(candidate) }
    }

    pub(crate) fn zip<U>(self, other: Sides<U>) -> Sides<(T, U)> {
        Sides {
            reference: (self.reference, other.reference),
            again: self.again.zip(other.again),
            candidate: (self.candidate, other.candidate),
        }
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = T> {
        [self.reference].into_iter().chain(self.again).chain([self.candidate])
    }
}

impl<'a> Sides<&'a mut ComparedServer> {
    pub(crate) fn of(Servers { reference, again, candidate }: &'a mut Servers) -> Self {
        Self { reference, again: again.as_mut(), candidate }
    }
}

/// Makes a request to a method of a probe.
pub(crate) type Adapt = fn(&Probe, &Target) -> Result<Probe, &'static str>;

/// A server that is ready for probes.
pub(crate) struct Prepared {
    address: String,
    target: Target,
    pub(super) ordinary: Ordinary,
    adapt: Adapt,
}

/// What a server has done in response to a probe.
pub(crate) struct Observed {
    pub(crate) outcome: Outcome,
    /// Whether the server accepted no connection, so that it has not received the probe.
    pub(super) is_refused: bool,
}

/// Why a server did not answer an ordinary call.
#[derive(Debug)]
pub(super) struct Missing(pub(super) String);

impl Missing {
    pub(super) fn difference(self) -> Difference {
        Difference {
            subject: Subject::End,
            place: "the ordinary call before the probe".to_owned(),
            reference: "a response".to_owned(),
            candidate: self.0,
        }
    }
}

/// Makes ordinary calls to the server at `address`.
pub(super) fn ordinary(
    target: &Target,
    adapt: Adapt,
    address: String,
    types: &ResponseTypes,
    limit: Duration,
) -> Result<Prepared, Missing> {
    let call = || {
        let server = Server { address: &address, target };
        quiescence::ordinary_response(server, Instant::now() + limit).map_err(|error| match error {
            ProbeError::Connect { .. } => Missing(error.to_string()),
            _ => Missing(format!("an ordinary call does not end within {limit:?}")),
        })
    };
    // The first call may differ from all later ones, for example because it creates something.
    call()?;
    let (stream, later) = (call()?, call()?);
    let target = Target { status: target::status(&stream).to_vec(), ..target.clone() };
    let [response, later] = [stream, later].map(response);
    let unstable = primary(differences(types, &response, &later));
    Ok(Prepared { address, target, ordinary: Ordinary { response, unstable }, adapt })
}

/// Sends a probe to all servers at once.
pub(crate) fn observe(
    probe: &Probe,
    servers: &Sides<Prepared>,
    types: &ResponseTypes,
) -> Sides<Observed> {
    let observe = |server: &Prepared| {
        let Prepared { address, target, ordinary, adapt } = server;
        let server = Server { address, target };
        let exchange = adapt(probe, target)
            .map(|probe| exchange::exchange(&probe, server, &Recorder::default()));
        let (outcome, is_refused) = match exchange {
            Ok(Ok(exchange)) => (Outcome::new(probe, exchange, ordinary, types), false),
            Ok(Err(error)) => {
                let is_refused = matches!(error, ProbeError::Connect { .. });
                (Outcome::failed(text(&error)), is_refused)
            }
            Err(why) => (Outcome::failed(why.to_owned()), false),
        };
        Observed { outcome, is_refused }
    };
    thread::scope(|scope| {
        let threads = servers.as_ref().map(|server| scope.spawn(move || observe(server)));
        threads.map(|thread| {
            thread.join().unwrap_or_else(|_| Observed {
                outcome: Outcome::failed(
                    "the probe panicked, which is a bug in interop".to_owned(),
                ),
                is_refused: false,
            })
        })
    })
}

/// The error without the address, which differs between servers.
fn text(error: &ProbeError) -> String {
    match error {
        ProbeError::Connect { source, .. } => format!("cannot connect: {source}"),
        error => error.to_string(),
    }
}
