//! The servers of a comparison that are ready for probes, and how they receive one.
//!
//! The outcome of a probe is compared with that of ordinary calls, so these are made before any probe.

use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::compare::difference::{Difference, ResponseTypes, Subject, differences};
use crate::compare::server::ComparedServer;
use crate::compare::servers::Servers;
use crate::compare::tally::primary;
use crate::compare::wire::outcome::{Ordinary, Outcome, response};
use crate::probe::engine;
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
    pub(crate) fn map<U>(self, mut f: impl FnMut(T) -> U) -> Sides<U> {
        let Self { reference, again, candidate } = self;
        let (reference, again) = (f(reference), again.map(&mut f));
        Sides { reference, again, candidate: f(candidate) }
    }

    /// All in order: of the reference, of its second instance, and of the candidate.
    pub(crate) fn into_vec(self) -> Vec<T> {
        [self.reference].into_iter().chain(self.again).chain([self.candidate]).collect()
    }

    /// The reverse of [`into_vec`](Self::into_vec). `None` unless there are two or three.
    pub(crate) fn from_vec(all: Vec<T>) -> Option<Self> {
        let mut all = all.into_iter();
        match (all.next()?, all.next()?, all.next()) {
            (reference, candidate, None) => Some(Self { reference, again: None, candidate }),
            (reference, again, Some(candidate)) => {
                Some(Self { reference, again: Some(again), candidate })
            }
        }
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
    types: ResponseTypes,
}

/// What a server has done in response to a probe.
pub(crate) struct Observed {
    pub(crate) outcome: Outcome,
    is_refused: bool,
}

impl engine::Observed for Observed {
    fn failed(why: String) -> Self {
        Self { outcome: Outcome::failed(why), is_refused: false }
    }

    fn exited(how: &str) -> Self {
        Self { outcome: Outcome::exited(how), is_refused: false }
    }

    fn is_refused(&self) -> bool {
        self.is_refused
    }

    fn is_interrupted(&self) -> bool {
        self.outcome.is_interrupted()
    }
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
    let (ordinary, types) = (Ordinary { response, unstable }, types.clone());
    Ok(Prepared { address, target, ordinary, adapt, types })
}

impl Prepared {
    /// Sends a probe.
    pub(super) fn observe(&self, probe: &Probe) -> Observed {
        let Self { address, target, ordinary, adapt, types } = self;
        let server = Server { address, target };
        let exchange = adapt(probe, target)
            .map(|probe| exchange::exchange(&probe, server, &Recorder::default()));
        match exchange {
            Ok(Ok(exchange)) => {
                let outcome = Outcome::new(probe, exchange, ordinary, types);
                Observed { outcome, is_refused: false }
            }
            Ok(Err(error)) => {
                let is_refused = matches!(error, ProbeError::Connect { .. });
                Observed { outcome: Outcome::failed(text(&error)), is_refused }
            }
            Err(why) => Observed { outcome: Outcome::failed(why.to_owned()), is_refused: false },
        }
    }
}

/// The error without the address, which differs between servers.
fn text(error: &ProbeError) -> String {
    match error {
        ProbeError::Connect { source, .. } => format!("cannot connect: {source}"),
        error => error.to_string(),
    }
}
