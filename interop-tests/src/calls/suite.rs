//! The suite `calls`: each server with each client agent over the table of scenarios, each of them at
//! every point of the axes that it varies over.
//!
//! Servers and agents are started by the first trial that needs them and end with the last one, because
//! each trial holds a reference to them.

use std::sync::Arc;

use crate::calls::case_run::{self, Session};
use crate::calls::scenario::Scenario;
use crate::config::Peer;
use crate::outcome::{Trial, TrialName};
use crate::process::{AgentPool, RunContext, ServerPool};

pub(crate) const SUITE: &str = "calls";

/// How many cases of one client run at once that keep a processor busy. A server that a client breaks is
/// broken by the one such case which runs.
const BUSY: usize = 1;

/// How many cases run at the same time as those that mostly wait.
const WAITING: usize = 4;

/// All trials of the suite, one pair of peers after the other.
pub(crate) fn trials(
    peers: &[Peer],
    scenarios: &[Scenario],
    context: &Arc<RunContext>,
) -> Vec<Trial> {
    let mut cases = Vec::new();
    for scenario in scenarios {
        let shared = Arc::new(scenario.clone());
        cases.extend(scenario.vary.variants().into_iter().map(|it| (Arc::clone(&shared), it)));
    }
    let logs = context.logs.join(SUITE);
    let agents = peers.iter().filter_map(|client| {
        let folder = logs.join("clients").join(client.name());
        let agents = AgentPool::new(client.name(), client.agent.as_ref()?, &folder, BUSY, WAITING);
        Some((client.name().to_owned(), Arc::new(agents)))
    });
    let clients: Vec<_> = agents.collect();
    let mut trials = Vec::new();
    for server in peers {
        let Some(program) = &server.server else { continue };
        let folder = logs.join("servers").join(server.name());
        let servers = Arc::new(ServerPool::new(server.name(), program, &folder));
        for (client, agents) in &clients {
            let session = Session {
                servers: Arc::clone(&servers),
                agents: Arc::clone(agents),
                context: Arc::clone(context),
            };
            trials.extend(cases.iter().map(|(scenario, variant)| {
                let case = variant.name_of(scenario.name());
                let name = TrialName::stated(SUITE, server.name(), client, case);
                let (session, scenario, variant) =
                    (session.clone(), Arc::clone(scenario), *variant);
                Trial {
                    waits: scenario.waits(),
                    is_attached: program.attach.is_some(),
                    ..Trial::new(name, move || case_run::run(&session, &scenario, variant))
                }
            }));
        }
    }
    trials
}
