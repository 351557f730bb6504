//! The first phase of a run: everything that its files say.
//!
//! Whatever can be wrong with a file is found here, before the first process is started, but for the
//! one that reports the reference's versions: they decide which goldens can replace the reference.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::calls::programs::{self, Case};
use crate::calls::scenario::{self, Scenario};
use crate::cli::options::{BaselineChoice, Comparison, Inputs};
use crate::config::{Peer, Peers, Places};
use crate::parity::baseline::Suite;
use crate::parity::client::programs::suite::{ClientPrograms, ProgramCase};
use crate::parity::client::suite::ClientParity;
use crate::parity::client::table;
use crate::parity::server::probe;
use crate::parity::server::suite::ServerParity;
use crate::process::{RunContext, Semaphore};

/// Why there are no goldens to be read or written.
pub(crate) const NO_GOLDENS: &str =
    "--scenarios, and --peers that have another reference, need --goldens";

/// What the files of a run say.
pub(crate) struct Loaded {
    pub(crate) peers: Peers,
    /// The names of the peers that are left out.
    pub(crate) left_out: BTreeSet<String>,
    pub(crate) cases: Vec<Case>,
    pub(crate) scenarios: Vec<Scenario>,
    pub(crate) baselines: Baselines,
    /// The folder of the goldens, if there are any.
    pub(crate) goldens: Option<PathBuf>,
    pub(crate) context: Arc<RunContext>,
    /// How many trials can keep a processor busy at once.
    pub(crate) processors: usize,
}

/// What the suites that compare with a reference compare with.
pub(crate) struct Baselines {
    pub(crate) servers: Suite<ServerParity>,
    pub(crate) clients: Suite<ClientParity>,
    pub(crate) client_programs: Suite<ClientPrograms>,
}

impl Loaded {
    /// Reads all files. `threads` is how many trials keep a processor busy at once, instead of as many
    /// as there are processors.
    pub(crate) fn load(
        inputs: &Inputs,
        comparison: &Comparison,
        threads: Option<usize>,
        output: &Path,
    ) -> anyhow::Result<Self> {
        let places = Places::find(inputs.output.root.as_deref(), inputs.bin.as_deref())?;
        let mut peers = Peers::read(inputs.peers.as_deref(), &places, &inputs.set)?;
        peers.attach(&comparison.attach)?;
        let project = places.project_file("scenarios");
        let folder = inputs.scenarios.as_ref().unwrap_or(&project);
        let cases = programs::read(&folder.join("programs.toml"))?;
        let scenarios = scenario::read_all(&folder.join("calls"))?;
        let probes = parity_cases(inputs, &folder.join("server-parity"), probe::read_all)?;
        let behaviours = parity_cases(inputs, &folder.join("client-parity"), table::read_all)?;
        for name in &comparison.without {
            peers.named(name).map_err(|error| anyhow::anyhow!("--without: {error}"))?;
        }
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let semaphore = Semaphore::new(threads.unwrap_or(processors));
        let has_goldens = peers.has_project_reference() && inputs.scenarios.is_none();
        let ours = has_goldens.then(|| places.project_file("goldens"));
        let context =
            RunContext::new(places, output.join("logs"), semaphore).context("no free ports")?;
        let servers = Suite::new(&peers.all, probes, &context);
        let clients = Suite::<ClientParity>::new(&peers.all, behaviours, &context);
        let cases_of_programs = ProgramCase::all(&clients.cases);
        let client_programs = Suite::new(&peers.all, cases_of_programs, &context);
        Ok(Self {
            peers,
            left_out: comparison.without.iter().cloned().collect(),
            cases,
            scenarios,
            baselines: Baselines { servers, clients, client_programs },
            goldens: inputs.goldens.clone().or(ours),
            context: Arc::new(context),
            processors,
        })
    }

    /// Reads the goldens, and lets them replace the reference where `kind` allows it.
    pub(crate) fn with_goldens(mut self, kind: BaselineChoice) -> anyhow::Result<Self> {
        let is_reference_out = self.is_reference_out();
        let Baselines { servers, clients, client_programs } = &mut self.baselines;
        if let Some(folder) = &self.goldens {
            servers.read_goldens(folder)?;
            clients.read_goldens(folder)?;
            client_programs.read_goldens(folder)?;
        } else if kind == BaselineChoice::Golden {
            anyhow::bail!("--baseline golden: {NO_GOLDENS}");
        }
        if kind == BaselineChoice::Auto && !is_reference_out {
            client_programs.substitute_goldens(&self.context);
        }
        Ok(self)
    }

    /// Whether the reference is left out.
    pub(crate) fn is_reference_out(&self) -> bool {
        self.peers.all.iter().any(|peer| peer.reference && self.left_out.contains(peer.name()))
    }

    /// What the goldens were recorded from, a line each.
    pub(crate) fn goldens_of(&self) -> Vec<String> {
        let goldens = self.baselines.servers.goldens.as_ref();
        goldens.map(|goldens| goldens.versions.clone()).unwrap_or_default()
    }

    /// Whether the peer takes part.
    pub(crate) fn takes_part(&self, peer: &Peer) -> bool {
        !self.left_out.contains(peer.name())
    }
}

/// The cases in `folder`, which need not exist among tables other than the project's own.
fn parity_cases<C>(
    inputs: &Inputs,
    folder: &Path,
    read_all: impl Fn(&Path) -> anyhow::Result<Vec<C>>,
) -> anyhow::Result<Vec<C>> {
    if inputs.scenarios.is_some() && !folder.exists() { Ok(Vec::new()) } else { read_all(folder) }
}

impl Baselines {
    /// Records in `folder` what the reference does now.
    pub(crate) fn record(&self, folder: &Path, context: &RunContext) -> anyhow::Result<()> {
        let Self { servers, clients, client_programs } = self;
        clients.record(folder, context)?;
        client_programs.record(folder, context)?;
        servers.record(folder, context)
    }
}
