//! Sends the probes of one method to all servers, and compares the outcomes.
//!
//! Each time the servers have started, setup calls and ordinary calls come first. So a candidate can differ before a
//! probe is sent to it.

use std::sync::Arc;
use std::time::Duration;

use crate::compare::difference::{Difference, ResponseTypes, differences};
use crate::compare::response::Response;
use crate::compare::server::ComparedServer;
use crate::compare::servers::Servers;
use crate::compare::tally::primary;
use crate::compare::user::Setup;
use crate::compare::wire::prepared::{Adapt, Missing, Observed, Prepared, Sides, ordinary};
use crate::compare::wire::rounds::{Rounds, Stable};
use crate::probe::engine::{self, Engine, Next, Round};
use crate::probe::table::Probe;
use crate::probe::target::Target;
use crate::process::RunContext;

/// The largest ordinary request. It must fit into the initial window of a stream (RFC 9113, section 6.9.2).
const LARGEST_REQUEST: usize = 60_000;

/// Runs the probes of one method.
pub(crate) struct WireRun<'a> {
    pub(crate) target: Target,
    /// How a probe becomes a request to the method.
    pub(crate) adapt: Adapt,
    pub(crate) types: &'a ResponseTypes,
    /// The calls that are made first, each time a server has started.
    pub(crate) setup: &'a [Arc<Setup>],
    /// How many probes are sent at once.
    pub(crate) at_once: usize,
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

/// What is known about a probe so far.
#[derive(Default)]
struct State {
    rounds: Rounds,
    duration: Duration,
}

impl State {
    fn result(&self, probe: &Probe, types: &ResponseTypes) -> ProbeResult {
        let Stable { unstable, differences } = self.rounds.stable(probe, types);
        ProbeResult { unstable, differences, duration: self.duration }
    }
}

/// Why no more probes can be sent.
pub(crate) enum Unavailable {
    /// A server does not run, or the method is not suitable.
    NoResults(NoResults),
    /// The candidate differs in this way before a probe.
    Candidate(Difference),
}

impl From<NoResults> for Unavailable {
    fn from(error: NoResults) -> Self {
        Self::NoResults(error)
    }
}

impl engine::Servers for WireRun<'_> {
    type Ready = Prepared;
    type Observed = Observed;
    type Unavailable = Unavailable;

    fn observe(server: &Prepared, probe: &Probe) -> Observed {
        server.observe(probe)
    }

    fn exits(&mut self) -> Vec<Option<String>> {
        Sides::of(self.servers).map(ComparedServer::exit).into_vec()
    }

    /// Starts all servers again. A server that starts again has forgotten earlier calls, so all of them must.
    fn restart(&mut self) -> Result<Vec<Prepared>, Unavailable> {
        self.servers.stop();
        self.prepare()?.map(Sides::into_vec).map_err(Unavailable::Candidate)
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
        let types = self.types;
        let mut add = |index: usize, Round { observed, duration }: Round<Observed>| {
            let (Some(state), Some(probe)) = (states.get_mut(index), probes.get(index)) else {
                return Next::Done;
            };
            state.duration += duration;
            if let Some(Sides { reference, again, candidate }) = Sides::from_vec(observed) {
                let again = again.map(|it| it.outcome);
                state.rounds.add(reference.outcome, again, candidate.outcome);
            }
            if state.rounds.need_another(probe, types) { Next::Again } else { Next::Done }
        };
        let (at_once, ready) = (self.at_once, prepared.into_vec());
        let unprepared = match (Engine { servers: self, ready, at_once }).run(probes, &mut add) {
            Ok(()) => None,
            Err(Unavailable::Candidate(difference)) => Some(difference),
            Err(Unavailable::NoResults(error)) => return Err(error),
        };
        let result = |(probe, state): (&Arc<Probe>, State)| match &unprepared {
            Some(difference) if state.rounds.are_empty() => ProbeResult::of(difference),
            _ => state.result(probe, types),
        };
        results.probes = probes.iter().zip(states).map(result).collect();
        Ok(results)
    }

    /// Starts the servers that do not run, and makes the setup calls and ordinary calls. The inner error is what differs
    /// at the candidate in these calls.
    pub(crate) fn prepare(&mut self) -> Result<Result<Sides<Prepared>, Difference>, NoResults> {
        let Self { target, adapt, types, setup, limit, context, servers, .. } = self;
        servers.start(context).map_err(NoResults::NoServer)?;
        let failure = servers.prepare(setup, *limit, context).map_err(NoResults::NoServer)?;
        if let Some((_, difference)) = failure {
            return Ok(Err(difference));
        }
        let prepared = Sides::of(servers).map(|server| {
            let address = server.address(context).map_err(NoResults::NoServer)?;
            Ok(ordinary(target, *adapt, address, types, *limit))
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

/// The results if no probe can be sent to the candidate.
fn without_candidate(probes: &[Arc<Probe>], difference: &Difference) -> WireResults {
    let probes = vec![ProbeResult::of(difference); probes.len()];
    WireResults { probes, unstable: Vec::new(), ordinary: None }
}
