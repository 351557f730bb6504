//! A behaviour played to an agent, from the listener to the observation.

use std::sync::Arc;
use std::time::Instant;

use crate::capture::recorder::Recorder;
use crate::config::target::Target;
use crate::outcome::finding::Finding;
use crate::outcome::observation::Observation;
use crate::parity::client::listener::Listener;
use crate::parity::client::outcome;
use crate::parity::client::outcome::{Ended, Side};
use crate::parity::client::scripted_server::ScriptedServer;
use crate::parity::client::table::Behaviour;
use crate::process::agent::shortened;
use crate::process::agent_pool::{AgentPool, BorrowedAgent};
use crate::process::context::RunContext;
use grpc_interop_protocol::Request;

/// What came of a behaviour.
pub(crate) struct CaseRun {
    /// With every status message as it was told.
    pub(crate) observed: Observation,
    /// The same as what would be right for others.
    pub(crate) right: Observation,
    /// What the agent was told, and the frames that the client got.
    pub(crate) told: Vec<String>,
    /// When there was an agent for it.
    pub(crate) began: Instant,
}

/// Plays `behaviour` to an agent of `pool`; what goes over the wire is taken on `tape`.
pub(crate) fn play(
    behaviour: &Arc<Behaviour>,
    pool: &AgentPool,
    context: &RunContext,
    tape: &Recorder,
) -> Result<CaseRun, Finding> {
    let mut agent = pool.lend();
    let began = Instant::now();
    let set_up = |error: std::io::Error| Finding::SetUpError(format!("no stage: {error}"));
    let stage = ScriptedServer::of(behaviour, tape);
    let door = if behaviour.nobody_listens {
        None
    } else {
        let inner = stage.clone();
        Some(Listener::open(0, move |socket, _| inner.admit(socket)).map_err(set_up)?)
    };
    let address = match &door {
        Some(door) => door.address().to_string(),
        None => context.address(Target::ClosedPort, "").map_err(set_up)?,
    };
    let rounds = behaviour.call.requests(&address);
    let calls = rounds.iter().map(|request| round(&mut agent, request, context));
    let calls = calls.collect::<Result<Vec<_>, Finding>>();
    drop(agent);
    let (sent, frames) = stage.finish();
    drop(door);
    let calls = calls?.concat();
    let line = |request| shortened(&serde_json::to_string(request).unwrap_or_default());
    let told = rounds.iter().map(line).chain(frames).collect();
    let observation = |side| outcome::observation(behaviour, &calls, &sent, side);
    Ok(CaseRun {
        observed: observation(Side::Observed),
        right: observation(Side::Expected),
        told,
        began,
    })
}

/// Has the agent make the calls of one round.
fn round(
    agent: &mut BorrowedAgent<'_>,
    request: &Request,
    context: &RunContext,
) -> Result<Vec<Ended>, Finding> {
    let begin = Instant::now();
    let outcome = agent.perform(request, context)?;
    let took = begin.elapsed();
    if let Some(reason) = outcome.not_supported {
        return Err(Finding::NotSupported(reason));
    }
    let (told, made) = (outcome.calls.len(), request.calls.len());
    if told != made {
        let why = format!("the agent told {told} outcomes, and was asked for {made} calls");
        return Err(Finding::Broken(why));
    }
    Ok(outcome.calls.into_iter().map(|call| (call, took)).collect())
}
