//! The suite `calls`: each server with each agent in every scenario, with every transport and compression of the
//! scenario.
//!
//! The first trial that needs a server or an agent starts it. It ends with its last trial, because each trial holds
//! a reference to it.

use std::sync::Arc;

use crate::calls::case_run::{self, Session};
use crate::calls::scenario::Scenario;
use crate::config::{Pairs, Peer};
use crate::outcome::{Trial, TrialName};
use crate::process::{AgentPool, RunContext, ServerPool};

/// The name of the suite.
pub(crate) const SUITE: &str = "calls";

/// How many CPU-bound cases of one client, and how many that mostly wait, run at once. With one CPU-bound case, the
/// case during which a server exits is known.
const AGENTS: [usize; 2] = [1, 4];

/// All trials of the suite, sorted by pairs of peers.
pub(crate) fn trials(
    peers: &[Peer],
    scenarios: &[Scenario],
    pairs: Pairs,
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
        let agents = AgentPool::new(client.name(), client.agent.as_ref()?, &folder, AGENTS);
        Some((client, Arc::new(agents)))
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
            let has_all = pairs == Pairs::All || !are_of_other_languages(server, client);
            let cases = cases.iter().filter(|(scenario, _)| has_all || scenario.essential);
            trials.extend(cases.map(|(scenario, variant)| {
                let case = variant.name_of(scenario.name());
                let name = TrialName::stated(SUITE, server.name(), client.name(), case);
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

/// Whether the peers are of two different languages, neither of which is in `peers.toml`.
fn are_of_other_languages(server: &Peer, client: &Peer) -> bool {
    let languages = server.language_folder.as_ref().zip(client.language_folder.as_ref());
    languages.is_some_and(|(server, client)| server != client)
}
