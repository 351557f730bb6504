//! A behaviour played to an agent, from the listener to the observation.

use std::sync::Arc;
use std::time::Instant;

use super::door::Door;
use super::outcome::{self, Side};
use super::stage::Stage;
use super::table::Behaviour;
use crate::harness::agent::shortened;
use crate::harness::agent_pool::AgentPool;
use crate::harness::finding::Finding;
use crate::harness::oracle::observation::Observation;
use crate::harness::scenario::Target;
use crate::harness::setting::Setting;

/// What came of a behaviour.
pub(crate) struct Played {
    /// With every status message as it was told.
    pub(crate) observed: Observation,
    /// The same as what would be right for others.
    pub(crate) right: Observation,
    /// What the agent was told, and the frames that the client got.
    pub(crate) told: Vec<String>,
}

/// Plays `behaviour` to an agent of `pool`.
pub(crate) fn play(
    behaviour: &Arc<Behaviour>,
    pool: &AgentPool,
    setting: &Setting,
) -> Result<Played, Finding> {
    let mut agent = pool.lend();
    let set_up = |error: std::io::Error| Finding::SetUpError(format!("no stage: {error}"));
    let stage = Stage::of(behaviour);
    let door = if behaviour.nobody_listens {
        None
    } else {
        let inner = stage.clone();
        Some(Door::open(0, move |socket, _| inner.admit(socket)).map_err(set_up)?)
    };
    let address = match &door {
        Some(door) => door.address().to_string(),
        None => setting.address(Target::Nobody, "").map_err(set_up)?,
    };
    let request = behaviour.call.request(&address);
    let begin = Instant::now();
    let outcome = agent.perform(&request, setting);
    let took = begin.elapsed();
    drop(agent);
    let (sent, mut told) = stage.finish();
    drop(door);
    let outcome = outcome?;
    if let Some(reason) = outcome.not_supported {
        return Err(Finding::NotSupported(reason));
    }
    let [call] = &outcome.calls[..] else {
        let why = format!("the agent told {} outcomes of one call", outcome.calls.len());
        return Err(Finding::Broken(why));
    };
    told.insert(0, shortened(&serde_json::to_string(&request).unwrap_or_default()));
    let observation = |side| outcome::observation(behaviour, call, took, &sent, side);
    Ok(Played { observed: observation(Side::Observed), right: observation(Side::Right), told })
}
