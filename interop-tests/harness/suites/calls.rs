//! The suite `calls`: every server peer with every client agent over the table of scenarios.
//!
//! Peers are started by the first trial that needs them and end with the last one: each trial holds
//! a share of its pairing.

use std::sync::Arc;

use crate::harness::pairing::Pairing;
use crate::harness::peer::Peer;
use crate::harness::scenario::Scenario;
use crate::harness::setting::Setting;
use crate::harness::slot::ServerSlot;
use crate::harness::trial::{Trial, TrialName};

pub(crate) const SUITE: &str = "calls";

/// All trials of the suite, pairing by pairing.
pub(crate) fn trials(peers: &[Peer], scenarios: &[Scenario], setting: &Arc<Setting>) -> Vec<Trial> {
    let scenarios: Vec<_> = scenarios.iter().cloned().map(Arc::new).collect();
    let mut trials = Vec::new();
    for server in peers {
        let Some(program) = &server.server else { continue };
        let logs = setting.logs.join(SUITE).join(server.name());
        let slot = Arc::new(ServerSlot::new(program.clone(), &logs.join("server")));
        for client in peers {
            let Some(agent) = &client.agent else { continue };
            let log = logs.join(client.name()).join("agent");
            let pairing = Arc::new(Pairing::new(Arc::clone(&slot), agent.clone(), &log));
            trials.extend(scenarios.iter().map(|scenario| {
                let name = TrialName {
                    suite: SUITE,
                    server: server.name().to_owned(),
                    client: client.name().to_owned(),
                    case: scenario.name().to_owned(),
                };
                let (pairing, scenario) = (Arc::clone(&pairing), Arc::clone(scenario));
                let setting = Arc::clone(setting);
                Trial { name, run: Box::new(move || pairing.play(&scenario, &setting)) }
            }));
        }
    }
    trials
}
