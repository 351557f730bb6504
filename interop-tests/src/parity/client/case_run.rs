//! Runs a behaviour with an agent, from the listener to the observation.

use std::sync::Arc;
use std::time::Instant;

use grpc_interop_protocol::Request;

use crate::capture::recorder::Recorder;
use crate::outcome::finding::Finding;
use crate::parity::baseline::reference::{CaseRun, Subject};
use crate::parity::client::outcome::{self, Ended};
use crate::parity::client::scripted_server::{Listener, ScriptedServer};
use crate::parity::client::status_message;
use crate::parity::client::table::Behaviour;
use crate::process::agent;
use crate::process::agent_pool::{AgentPool, BorrowedAgent};
use crate::process::child::Logs;
use crate::process::context::RunContext;

impl Subject for AgentPool {
    type Case = Behaviour;

    fn run(
        &self,
        behaviour: &Arc<Behaviour>,
        context: &RunContext,
        recorder: &Recorder,
    ) -> Result<CaseRun, Finding> {
        let mut agent = self.lend(false);
        let began = Instant::now();
        let server = ScriptedServer::of(behaviour, recorder);
        let (listener, address) = if behaviour.nobody_listens {
            (None, context.addresses.closed.clone())
        } else {
            let server = Arc::clone(&server);
            let listener = Listener::open(0, move |socket, _| server.admit(socket))
                .map_err(|error| Finding::SetUpError(format!("no scripted server: {error}")))?;
            let address = listener.address.to_string();
            (Some(listener), address)
        };
        let rounds = behaviour.call.requests(&address);
        let calls = rounds.iter().map(|request| round(&mut agent, request, context));
        let calls = calls.collect::<Result<Vec<_>, Finding>>();
        drop(agent);
        let (requests, frames) = server.finish();
        drop(listener);
        let calls = calls?.concat();
        let sent = rounds.iter().map(agent::shown).chain(frames).collect();
        let observation = |message| outcome::observation(behaviour, &calls, &requests, message);
        let (observed, masked) =
            (observation(status_message::full), observation(status_message::masked));
        Ok(CaseRun { observed, masked, sent, began })
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
    context: &RunContext,
) -> Result<Vec<Ended>, Finding> {
    let begin = Instant::now();
    let outcomes = agent.perform(request, context, || ())?;
    let took = begin.elapsed();
    let (reported, made) = (outcomes.len(), request.calls.len());
    if reported != made {
        let why = format!("the agent reported {reported} outcomes of {made} calls");
        return Err(Finding::Broken(why));
    }
    Ok(outcomes.into_iter().map(|call| (call, took)).collect())
}
