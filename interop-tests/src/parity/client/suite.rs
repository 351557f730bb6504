//! The agents of the suite `client-parity`.
//!
//! A client is compared with the outcome of the reference in the same run, on the same machine. The reference is also
//! compared with itself; both use the same agents, so that no unnecessary processes are started.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use grpc_interop_protocol::Request;

use crate::capture::recorder::Recorder;
use crate::config::Peer;
use crate::outcome::Finding;
use crate::parity::baseline::{Case, CaseRun, Comparison, RunResult, Side, Subject};
use crate::parity::client::outcome::{self, Ended};
use crate::parity::client::scripted_server::{Listener, ScriptedServer};
use crate::parity::client::table::Behaviour;
use crate::process::{AgentPool, BorrowedAgent, Logs, RunContext, agent};

/// The name of the suite.
pub(crate) const SUITE: &str = "client-parity";

/// The maximum number of agents of a peer. Most behaviours end after milliseconds, and some wait.
const AGENTS: usize = 4;

/// The definition of the suite.
#[derive(Debug)]
pub(crate) struct ClientParity;

impl Comparison for ClientParity {
    const SUITE: &'static str = SUITE;
    const GOLDENS: &'static str = SUITE;
    const RECORDED_AT_ONCE: usize = AGENTS;
    const SIDE: Side = Side::Client;

    type Case = Behaviour;
    type Subject = AgentPool;
    type Reference = AgentPool;

    fn subject(peer: &Peer, folder: &Path) -> Option<AgentPool> {
        Self::reference(peer, folder)
    }

    fn shared(reference: &Arc<AgentPool>) -> Option<Arc<AgentPool>> {
        Some(Arc::clone(reference))
    }

    fn reference(peer: &Peer, folder: &Path) -> Option<AgentPool> {
        Some(AgentPool::new(peer.name(), peer.agent.as_ref()?, folder, [AGENTS, 0]))
    }

    /// A stated expectation applies to every client.
    fn has_trial(peer: &Peer, behaviour: &Behaviour) -> bool {
        peer.parity || behaviour.has_expectation()
    }
}

impl Subject for AgentPool {
    type Case = Behaviour;

    fn run(
        &self,
        case: &Arc<Behaviour>,
        context: &RunContext,
        recorder: &mut Recorder,
    ) -> RunResult {
        let mut agent = self.lend(false);
        let began = Instant::now();
        let server = ScriptedServer::of(case, recorder);
        let (listener, address) = if case.nobody_listens {
            (None, context.addresses.closed.clone())
        } else {
            let server = Arc::clone(&server);
            let listener =
                Listener::open(0, move |socket, _| server.admit(socket)).map_err(|error| {
                    Finding::SetUpError(format!("cannot start the scripted server: {error}"))
                })?;
            let address = listener.address.to_string();
            (Some(listener), address)
        };
        let rounds = case.call.requests(&address);
        let calls = rounds.iter().map(|request| round(&mut agent, request, &server, context));
        let calls = calls.collect::<Result<Vec<_>, Finding>>();
        drop(agent);
        let (requests, frames) = server.finish();
        drop(listener);
        let calls = calls?.concat();
        let sent = rounds.iter().map(agent::shown).chain(frames).collect();
        let observation = |message| outcome::observation(case, &calls, &requests, message);
        let (observed, masked) = (observation(outcome::full), observation(outcome::masked));
        Ok(CaseRun { observed, masked, sent, duration: began.elapsed() })
    }

    fn command(&self, context: &RunContext) -> Option<String> {
        self.program.shown(&context.places, "")
    }

    fn logs(&self, _behaviour: &Behaviour) -> Vec<Logs> {
        self.logs.clone()
    }
}

/// Makes the calls of one round.
fn round(
    agent: &mut BorrowedAgent<'_>,
    request: &Request,
    server: &ScriptedServer,
    context: &RunContext,
) -> Result<Vec<Ended>, Finding> {
    let begin = Instant::now();
    let outcomes = agent.perform(request, context, || ())?;
    let took = server.since(begin);
    let (reported, made) = (outcomes.len(), request.calls.len());
    if reported != made {
        let why = format!("the agent reported {reported} outcomes for {made} calls");
        return Err(Finding::Broken(why));
    }
    Ok(outcomes.into_iter().map(|call| (call, took)).collect())
}
