//! Runs the probes of one method at all servers.
//!
//! If a server exits while many probes run, any of those in flight may have caused it. So these are sent again, one
//! after the other.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::compare::difference::{Difference, ResponseTypes, differences};
use crate::compare::response::Response;
use crate::compare::server::ComparedServer;
use crate::compare::servers::Servers;
use crate::compare::tally::primary;
use crate::compare::user::Setup;
use crate::compare::wire::outcome::Outcome;
use crate::compare::wire::prepared::{Adapt, Missing, Prepared, Sides, observe, ordinary};
use crate::compare::wire::rounds::{Rounds, Stable};
use crate::probe::pool;
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
        let prepared = self.run_queue(queue(false), self.at_once, prepared, &mut states)?;
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
