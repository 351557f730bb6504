//! The suite `calls`: every server peer with every client agent over the table of scenarios, each at
//! every point of the axes that it varies over.
//!
//! Peers are started by the first trial that needs them and end with the last one: each trial holds
//! a share of the servers of its peer and of the agents of its client.

use std::sync::Arc;

use crate::calls::scenario::Scenario;
use crate::calls::session::Session;
use crate::config::peer::Peer;
use crate::outcome::trial::{Trial, TrialName};
use crate::process::context::RunContext;
use crate::process::crew::Crew;
use crate::process::server_pool::ServerPool;

pub(crate) const SUITE: &str = "calls";

/// All trials of the suite, pairing by pairing.
pub(crate) fn trials(
    peers: &[Peer],
    scenarios: &[Scenario],
    context: &Arc<RunContext>,
) -> Vec<Trial> {
    let cases: Vec<_> = scenarios
        .iter()
        .map(|scenario| Arc::new(scenario.clone()))
        .flat_map(|scenario| {
            let variants = scenario.variants();
            variants.into_iter().map(move |variant| (Arc::clone(&scenario), variant))
        })
        .collect();
    let logs = context.logs.join(SUITE);
    let crew = |client: &Peer| {
        let agent = client.agent.as_ref()?;
        let crew = Crew::new(client.name(), agent, &logs.join("clients").join(client.name()));
        Some((client.name().to_owned(), Arc::new(crew)))
    };
    let crews: Vec<_> = peers.iter().filter_map(crew).collect();
    let mut trials = Vec::new();
    for server in peers {
        let Some(program) = &server.server else { continue };
        let is_attached = program.attach.is_some();
        let folder = logs.join("servers").join(server.name());
        let fleet = Arc::new(ServerPool::new(server.name(), program, &folder));
        for (client, crew) in &crews {
            trials.extend(cases.iter().map(|(scenario, variant)| {
                let name = TrialName {
                    suite: SUITE,
                    server: server.name().to_owned(),
                    client: client.clone(),
                    case: variant.name_of(scenario.name()),
                };
                let pairing = Session {
                    fleet: Arc::clone(&fleet),
                    crew: Arc::clone(crew),
                    context: Arc::clone(context),
                };
                let (scenario, variant) = (Arc::clone(scenario), *variant);
                let waits = scenario.waits();
                Trial {
                    waits,
                    is_attached,
                    ..Trial::new(name, move || pairing.play(&scenario, variant))
                }
            }));
        }
    }
    trials
}
