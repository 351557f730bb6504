//! Runs the probes of one method at all servers.
//!
//! If a server exits while many probes run, any of those in flight may have caused it. So these are sent again, one
//! after the other.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::capture::recorder::Recorder;
use crate::compare::difference::{Difference, ResponseTypes, Subject, differences};
use crate::compare::response::Response;
use crate::compare::server::ComparedServer;
use crate::compare::servers::Servers;
use crate::compare::tally::primary;
use crate::compare::user::Setup;
use crate::compare::wire::outcome::{Ordinary, Outcome, response};
use crate::compare::wire::pool;
use crate::compare::wire::rounds::{Rounds, Stable};
use crate::parity::server::adaptation::adapted;
use crate::parity::server::case_run::{self, PROBES_AT_ONCE};
use crate::parity::server::probe::Probe;
use crate::parity::server::quiescence::{self, ProbeError};
use crate::parity::server::target::{self, Server, Target};
use crate::process::RunContext;

/// The largest ordinary request. It must fit into the initial window of a stream (RFC 9113, section 6.9.2).
const LARGEST_REQUEST: usize = 60_000;

/// Something for each server of a comparison.
#[derive(Debug)]
pub(crate) struct Sides<T> {
    pub(crate) reference: T,
    /// For the second instance of the reference, if there is one.
    pub(crate) again: Option<T>,
    pub(crate) candidate: T,
}

impl<T> Sides<T> {
    fn as_ref(&self) -> Sides<&T> {
        let Self { reference, again, candidate } = self;
        Sides { reference, again: again.as_ref(), candidate }
    }

    fn as_mut(&mut self) -> Sides<&mut T> {
        let Self { reference, again, candidate } = self;
        Sides { reference, again: again.as_mut(), candidate }
    }

    fn map<U>(self, mut f: impl FnMut(T) -> U) -> Sides<U> {
        let Self { reference, again, candidate } = self;
        let (reference, again) = (f(reference), again.map(&mut f));
        Sides { reference, again, candidate: f(candidate) }
    }

    fn zip<U>(self, other: Sides<U>) -> Sides<(T, U)> {
        Sides {
            reference: (self.reference, other.reference),
            again: self.again.zip(other.again),
            candidate: (self.candidate, other.candidate),
        }
    }

    fn into_iter(self) -> impl Iterator<Item = T> {
        [self.reference].into_iter().chain(self.again).chain([self.candidate])
    }
}

impl<'a> Sides<&'a mut ComparedServer> {
    fn of(Servers { reference, again, candidate }: &'a mut Servers) -> Self {
        Self { reference, again: again.as_mut(), candidate }
    }
}

/// Runs the probes of one method.
pub(crate) struct WireRun<'a> {
    pub(crate) target: Target,
    pub(crate) types: &'a ResponseTypes,
    /// The calls that are made first, each time a server has started.
    pub(crate) setup: &'a [Arc<Setup>],
    /// How long a server may take for an ordinary call.
    pub(crate) limit: Duration,
    pub(crate) context: &'a RunContext,
    pub(crate) servers: &'a mut Servers,
}

/// The result of all probes.
#[derive(Debug)]
pub(crate) struct WireResults {
    /// The results of the probes, in order.
    pub(crate) probes: Vec<ProbeResult>,
    /// What differs between two ordinary calls to the reference.
    pub(crate) unstable: Vec<Difference>,
    /// The response of the reference to an ordinary call.
    pub(crate) ordinary: Option<Response>,
}

/// The result of one probe.
#[derive(Clone, Debug, Default)]
pub(crate) struct ProbeResult {
    /// What differs between outcomes of the reference.
    pub(crate) unstable: Vec<Difference>,
    /// What differs at the candidate.
    pub(crate) differences: Vec<Difference>,
    pub(crate) duration: Duration,
}

impl ProbeResult {
    /// The result of a probe that was not sent because of `difference`.
    fn of(difference: &Difference) -> Self {
        Self { differences: vec![difference.clone()], ..Self::default() }
    }
}

/// Why there are no results.
#[derive(Debug)]
pub(crate) enum NoResults {
    /// A server does not run, for this reason.
    NoServer(String),
    /// Probes cannot be sent to the method, for this reason.
    Unsuitable(String),
}

/// A server that is ready for probes.
struct Prepared {
    address: String,
    target: Target,
    ordinary: Ordinary,
}

/// What a server has done in response to a probe.
struct Observed {
    outcome: Outcome,
    /// Whether the server accepted no connection, so that it has not received the probe.
    is_refused: bool,
}

/// What is known about a probe so far.
#[derive(Default)]
struct State {
    rounds: Rounds,
    /// Whether a server exited, so that the probe is not sent again.
    has_ended_server: bool,
    duration: Duration,
}

impl State {
    fn add(&mut self, outcomes: Sides<Outcome>) {
        let Sides { reference, again, candidate } = outcomes;
        self.rounds.add(reference, again, candidate);
    }

    fn result(&self, probe: &Probe, types: &ResponseTypes) -> ProbeResult {
        let Stable { unstable, differences } = self.rounds.stable(probe, types);
        ProbeResult { unstable, differences, duration: self.duration }
    }
}

impl WireRun<'_> {
    /// Sends all `probes`.
    pub(crate) fn run(&mut self, probes: &[Arc<Probe>]) -> Result<WireResults, NoResults> {
        if self.target.message.len() > LARGEST_REQUEST {
            return Err(NoResults::Unsuitable(format!(
                "probes need a request of at most {LARGEST_REQUEST} bytes"
            )));
        }
        let prepared = match self.prepare()? {
            Ok(prepared) => prepared,
            Err(difference) => return Ok(without_candidate(probes, &difference)),
        };
        let mut results = WireResults {
            probes: Vec::new(),
            unstable: self.unstable_ordinarily(&prepared),
            ordinary: Some(prepared.reference.ordinary.response.clone()),
        };
        let mut states: Vec<_> = probes.iter().map(|_| State::default()).collect();
        let all = || probes.iter().enumerate();
        let queue = |is_burst| {
            let meant = all().filter(move |(_, probe)| probe.is_burst() == is_burst);
            meant.map(|(index, probe)| (index, &**probe)).collect::<Vec<_>>()
        };
        let prepared = self.run_queue(queue(false), PROBES_AT_ONCE, prepared, &mut states)?;
        // A burst runs alone, because it would affect the responses to other probes.
        let prepared = match prepared {
            Ok(prepared) => self.run_queue(queue(true), 1, prepared, &mut states)?,
            Err(difference) => Err(difference),
        };
        let unprepared = prepared.err();
        let result = |((_, probe), state): ((usize, &Arc<Probe>), State)| match &unprepared {
            Some(difference) if state.rounds.are_empty() => ProbeResult::of(difference),
            _ => state.result(probe, self.types),
        };
        results.probes = all().zip(states).map(result).collect();
        Ok(results)
    }

    /// Sends the probes of `queue` until it is known what differs. Returns the servers, which may be others. The inner
    /// error is why no more probes can be sent to the candidate.
    fn run_queue(
        &mut self,
        mut queue: Vec<(usize, &Probe)>,
        at_once: usize,
        mut prepared: Sides<Prepared>,
        states: &mut [State],
    ) -> Result<Result<Sides<Prepared>, Difference>, NoResults> {
        let types = self.types;
        while !queue.is_empty() {
            let work = |(_, probe): &(usize, &Probe)| {
                let began = Instant::now();
                (observe(probe, &prepared, types), began.elapsed())
            };
            let observed = pool::map(&queue, at_once, work);
            let exits = self.exits();
            let (mut again, mut suspects) = (Vec::new(), Vec::new());
            for ((index, probe), observed) in queue.iter().zip(observed) {
                let (Some(state), Some((observed, duration))) = (states.get_mut(*index), observed)
                else {
                    continue;
                };
                state.duration += duration;
                let of_exited = observed.as_ref().zip(exits.as_ref()).into_iter();
                let of_exited =
                    of_exited.filter_map(|(observed, exit)| exit.is_some().then_some(observed));
                let of_exited: Vec<_> = of_exited.collect();
                if of_exited.iter().any(|it| it.is_refused) {
                    again.push((*index, *probe));
                } else if of_exited.iter().any(|it| it.outcome.is_interrupted()) {
                    suspects.push((*index, *probe));
                } else {
                    state.add(observed.map(|it| it.outcome));
                    if state.rounds.need_another(probe, types) {
                        again.push((*index, *probe));
                    }
                }
            }
            if exits.into_iter().any(|exit| exit.is_some()) {
                match self.prepare_again()? {
                    Ok(again) => prepared = again,
                    Err(difference) => return Ok(Err(difference)),
                }
            }
            for (index, probe) in suspects {
                let Some(state) = states.get_mut(index) else { continue };
                let mut outcomes = observe(probe, &prepared, types).map(|it| it.outcome);
                let exits = self.exits();
                state.has_ended_server = exits.as_ref().into_iter().any(Option::is_some);
                for (outcome, exit) in outcomes.as_mut().zip(exits).into_iter() {
                    if let Some(how) = exit {
                        *outcome = Outcome::failed(format!("the server exited {how}"));
                    }
                }
                state.add(outcomes);
                if state.has_ended_server {
                    match self.prepare_again()? {
                        Ok(again) => prepared = again,
                        Err(difference) => return Ok(Err(difference)),
                    }
                } else if state.rounds.need_another(probe, types) {
                    again.push((index, probe));
                }
            }
            queue = again;
        }
        Ok(Ok(prepared))
    }

    /// How each server exited, if it has.
    fn exits(&mut self) -> Sides<Option<String>> {
        Sides::of(self.servers).map(ComparedServer::exit)
    }

    /// Starts all servers again. A server that starts again has forgotten earlier calls, so all of them must. The inner
    /// error is what differs at the candidate before a probe can be sent.
    fn prepare_again(&mut self) -> Result<Result<Sides<Prepared>, Difference>, NoResults> {
        self.servers.stop();
        self.prepare()
    }

    /// Starts the servers that do not run, and makes the setup calls and ordinary calls. The inner error is what differs
    /// at the candidate in these calls.
    fn prepare(&mut self) -> Result<Result<Sides<Prepared>, Difference>, NoResults> {
        let Self { target, types, setup, limit, context, servers } = self;
        servers.start(context).map_err(NoResults::NoServer)?;
        let failure = servers.prepare(setup, *limit, context).map_err(NoResults::NoServer)?;
        if let Some((_, difference)) = failure {
            return Ok(Err(difference));
        }
        let prepared = Sides::of(servers).map(|server| {
            let address = server.address(context).map_err(NoResults::NoServer)?;
            Ok(ordinary(target, address, types, *limit))
        });
        let unsuitable = |Missing(why)| NoResults::Unsuitable(format!("the reference: {why}"));
        let again = prepared.again.transpose()?.transpose().map_err(unsuitable)?;
        let reference = prepared.reference?.map_err(unsuitable)?;
        Ok(match prepared.candidate? {
            Ok(candidate) => Ok(Sides { reference, again, candidate }),
            Err(missing) => Err(missing.difference()),
        })
    }

    /// What differs between two ordinary calls to the reference.
    fn unstable_ordinarily(&self, prepared: &Sides<Prepared>) -> Vec<Difference> {
        let Sides { reference, again, .. } = prepared;
        let mut unstable = reference.ordinary.unstable.clone();
        let responses = [Some(reference), again.as_ref()].map(|it| Some(&it?.ordinary.response));
        if let [Some(one), Some(other)] = responses {
            unstable.extend(primary(differences(self.types, one, other)));
        }
        unstable
    }
}

/// Why a server did not answer an ordinary call.
#[derive(Debug)]
struct Missing(String);

impl Missing {
    fn difference(self) -> Difference {
        Difference {
            subject: Subject::End,
            place: "the ordinary call before the probe".to_owned(),
            reference: "a response".to_owned(),
            candidate: self.0,
        }
    }
}

/// The results if no probe can be sent to the candidate.
fn without_candidate(probes: &[Arc<Probe>], difference: &Difference) -> WireResults {
    let probes = vec![ProbeResult::of(difference); probes.len()];
    WireResults { probes, unstable: Vec::new(), ordinary: None }
}

/// Makes ordinary calls to the server at `address`.
fn ordinary(
    target: &Target,
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
    Ok(Prepared { address, target, ordinary: Ordinary { response, unstable } })
}

/// Sends a probe to all servers at once.
fn observe(probe: &Probe, servers: &Sides<Prepared>, types: &ResponseTypes) -> Sides<Observed> {
    let observe = |server: &Prepared| {
        let Prepared { address, target, ordinary } = server;
        let server = Server { address, target };
        let exchange = adapted(probe, target)
            .map(|probe| case_run::exchange(&probe, server, &Recorder::default()));
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
