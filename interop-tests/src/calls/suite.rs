//! The suite `calls`: each server with each agent in every scenario, with every transport and compression of the
//! scenario.
//!
//! The first trial that needs a server or an agent starts it. It ends with its last trial, because each trial holds
//! a reference to it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::calls::behind_proxy::{BehindProxy, ReferenceBehindProxy};
use crate::calls::case_run::{self, Session};
use crate::calls::scenario::Scenario;
use crate::config::{Pairs, Peer, Proxy, Variant};
use crate::outcome::{Report, Trial, TrialName};
use crate::process::{AgentPool, RunContext, ServerPool, SharedProxy};

/// The name of the suite.
pub(crate) const SUITE: &str = "calls";

/// How many CPU-bound cases of one client, and how many that mostly wait, run at once. With one CPU-bound case, the
/// case during which a server exits is known.
const AGENTS: [usize; 2] = [1, 4];

/// The peers, the cases and what all trials share.
#[derive(Clone, Copy)]
pub(crate) struct Suite<'a> {
    pub(crate) peers: &'a [Peer],
    pub(crate) scenarios: &'a [Scenario],
    /// Which scenarios run with peers of two languages that are both not in `peers.toml`.
    pub(crate) pairs: Pairs,
    pub(crate) context: &'a Arc<RunContext>,
}

/// A scenario with a transport and a compression.
type Case = (Arc<Scenario>, Variant);

/// A peer with its agents.
type Client<'a> = (&'a Peer, Arc<AgentPool>);

impl<'a> Suite<'a> {
    /// All trials of the suite, sorted by pairs of peers.
    pub(crate) fn trials(self) -> Vec<Trial> {
        let (cases, folder) = (self.cases(), self.context.logs.join(SUITE));
        let clients = self.clients(&folder);
        let mut trials = Vec::new();
        for (server, servers) in self.servers(&folder) {
            for (client, agents) in &clients {
                let session = self.session(server, &servers, agents);
                let run = move |scenario: &_, variant| case_run::run(&session, scenario, variant);
                trials.extend(self.trials_of([server, client], None, &cases, run));
            }
        }
        trials
    }

    /// All trials with one of `proxies` between client and server. The server of the reference is started for
    /// comparison, unless it is in `left_out`.
    pub(crate) fn trials_behind(
        self,
        proxies: &[Arc<Proxy>],
        left_out: &BTreeSet<String>,
    ) -> Vec<Trial> {
        let (cases, folder) = (self.cases(), self.context.logs.join(format!("{SUITE}-via")));
        // All proxies have the same servers and clients, so that no more of them run at once than without a proxy.
        let (servers, clients) = (self.servers(&folder), self.clients(&folder));
        let behind = |proxy| self.trials_behind_one(proxy, &servers, &clients, &cases, left_out);
        proxies.iter().flat_map(behind).collect()
    }

    fn trials_behind_one(
        self,
        proxy: &Arc<Proxy>,
        servers: &[(&Peer, Arc<ServerPool>)],
        clients: &[Client<'_>],
        cases: &[Case],
        left_out: &BTreeSet<String>,
    ) -> Vec<Trial> {
        let id = &proxy.id;
        let folder = self.context.logs.join(format!("{SUITE}-via-{id}"));
        let routes = servers.iter().map(|(peer, servers)| {
            let folder = folder.join("servers").join(peer.name());
            let behind = SharedProxy::new(Arc::clone(proxy), &folder);
            (*peer, Arc::clone(servers), Arc::new(behind))
        });
        let routes: Vec<_> = routes.collect();
        let session = |(peer, servers, behind): &(&Peer, Arc<ServerPool>, Arc<SharedProxy>),
                       agents| {
            let session = self.session(peer, servers, agents);
            let ignored = Arc::new(session.ignored.with(&proxy.adds));
            Session { proxy: Some(Arc::clone(behind)), ignored, ..session }
        };
        let is_reference = |peer: &Peer| peer.reference && !left_out.contains(peer.name());
        let reference = routes.iter().find(|(peer, ..)| is_reference(peer));
        let outcomes = reference.map(|(peer, ..)| Arc::new(ReferenceBehindProxy::new(peer.name())));
        let mut trials = Vec::new();
        for route in &routes {
            let peer = route.0;
            for (client, agents) in clients {
                let of_reference = reference.map(|reference| session(reference, agents));
                let behind = BehindProxy {
                    proxy: id.clone(),
                    session: session(route, agents),
                    reference: of_reference.zip(outcomes.clone()),
                    is_reference: is_reference(peer),
                    client: client.name().to_owned(),
                };
                let run = move |scenario: &_, variant| behind.run(scenario, variant);
                trials.extend(self.trials_of([peer, client], Some(id), cases, run));
            }
        }
        trials
    }

    fn cases(self) -> Vec<Case> {
        let mut cases = Vec::new();
        for scenario in self.scenarios {
            let shared = Arc::new(scenario.clone());
            cases.extend(scenario.vary.variants().into_iter().map(|it| (Arc::clone(&shared), it)));
        }
        cases
    }

    /// The trials of a server and a client, perhaps behind the proxy `via`: of those `cases` that run with the two.
    fn trials_of(
        self,
        [server, client]: [&Peer; 2],
        via: Option<&String>,
        cases: &[Case],
        run: impl Fn(&Scenario, Variant) -> Report + Clone + Send + 'static,
    ) -> impl Iterator<Item = Trial> {
        let has_all = self.pairs == Pairs::All || !are_of_other_languages(server, client);
        let cases = cases.iter().filter(move |(scenario, _)| has_all || scenario.essential);
        cases.map(move |(scenario, variant)| {
            let case = variant.name_of(scenario.name());
            let name = TrialName::stated(SUITE, server.name(), client.name(), case);
            let name = TrialName { via: via.cloned(), ..name };
            let (run, scenario, variant) = (run.clone(), Arc::clone(scenario), *variant);
            Trial {
                waits: scenario.waits(),
                keeps_port: scenario.needs_own_server(),
                is_attached: server.attached_server().is_some(),
                ..Trial::new(name, move || run(&scenario, variant))
            }
        })
    }

    fn clients(self, folder: &Path) -> Vec<Client<'a>> {
        let agents = self.peers.iter().filter_map(|client| {
            let folder = folder.join("clients").join(client.name());
            let agents = AgentPool::new(client.name(), client.agent.as_ref()?, &folder, AGENTS);
            Some((client, Arc::new(agents)))
        });
        agents.collect()
    }

    fn servers(self, folder: &Path) -> Vec<(&'a Peer, Arc<ServerPool>)> {
        let servers = self.peers.iter().filter_map(|peer| {
            let folder = folder.join("servers").join(peer.name());
            let pool = ServerPool::new(peer.name(), peer.server.as_ref()?, &folder);
            Some((peer, Arc::new(pool)))
        });
        servers.collect()
    }

    fn session(self, server: &Peer, servers: &Arc<ServerPool>, agents: &Arc<AgentPool>) -> Session {
        Session {
            servers: Arc::clone(servers),
            agents: Arc::clone(agents),
            proxy: None,
            ignored: Arc::new(server.ignored.clone()),
            context: Arc::clone(self.context),
        }
    }
}

/// Whether the peers are of two different languages, neither of which is in `peers.toml`.
fn are_of_other_languages(server: &Peer, client: &Peer) -> bool {
    let languages = server.language_folder.as_ref().zip(client.language_folder.as_ref());
    languages.is_some_and(|(server, client)| server != client)
}
