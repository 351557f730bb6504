//! The first phase of a run: reads all files.
//!
//! All errors in files are found here, before the first peer is started. The exception is the program that
//! prints the versions of the reference: the versions decide whether goldens can replace the reference.

use std::collections::BTreeSet;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;

use crate::calls::methods::Methods;
use crate::calls::programs::{self, Case};
use crate::calls::reflection;
use crate::calls::scenario::{self, Scenario};
use crate::cli::options::{BaselineChoice, Comparison, Inputs};
use crate::compare;
use crate::config::descriptors::Descriptors;
use crate::config::{Peer, Peers, Places, Proxy};
use crate::parity::baseline::Suite;
use crate::parity::client::programs::suite::{ClientPrograms, ProgramCase};
use crate::parity::client::{suite::ClientParity, table};
use crate::parity::server::suite::ServerParity;
use crate::probe::table as probes;
use crate::process::{RunContext, Semaphore, ServerConfig, SharedServer};

/// The error if goldens are needed and no folder of goldens is known.
pub(crate) const NO_GOLDENS: &str = "--goldens is required with --scenarios, and with --peers if its file \
                                      defines another reference";

/// The contents of all files of a run.
pub(crate) struct Loaded {
    pub(crate) peers: Peers,
    /// The names of the peers that `--without` excludes.
    pub(crate) left_out: BTreeSet<String>,
    pub(crate) cases: Vec<Case>,
    pub(crate) scenarios: Vec<Scenario>,
    /// The proxies of the option `--via`.
    pub(crate) proxies: Vec<Arc<Proxy>>,
    /// The user's services, if the peers file names any.
    pub(crate) services: Option<compare::Suite>,
    pub(crate) baselines: Baselines,
    /// The folder of the goldens, if there are any.
    pub(crate) goldens: Option<PathBuf>,
    pub(crate) context: Arc<RunContext>,
    /// The number of processors.
    pub(crate) processors: usize,
}

/// The suites that compare with a reference, each with its reference and its goldens.
pub(crate) struct Baselines {
    pub(crate) servers: Suite<ServerParity>,
    pub(crate) clients: Suite<ClientParity>,
    pub(crate) client_programs: Suite<ClientPrograms>,
}

impl Loaded {
    /// Reads all files. `threads` limits how many CPU-bound trials run at once; the default is the number of
    /// processors.
    pub(crate) fn load(
        inputs: &Inputs,
        comparison: &Comparison,
        threads: Option<usize>,
        output: &Path,
    ) -> anyhow::Result<Self> {
        let places = Places::find(inputs.output.root.as_deref(), inputs.bin.as_deref())?;
        let mut peers =
            Peers::read(inputs.peers.as_deref(), &places, &inputs.set, &inputs.language)?;
        peers.attach(&comparison.attach)?;
        let project = places.project_file("scenarios");
        // The project's tables are about the project's services.
        let folder = match &inputs.scenarios {
            None if peers.has_services() => None,
            None => Some(&project),
            chosen => chosen.as_ref(),
        };
        let tables = Tables { folder, is_optional: inputs.scenarios.is_some() };
        let cases = tables.read("programs.toml", true, programs::read)?;
        let probes = tables.read("server-parity", false, probes::read_all)?;
        let behaviours = tables.read("client-parity", false, table::read_all)?;
        for name in &comparison.without {
            peers.named(name).map_err(|error| anyhow::anyhow!("--without: {error}"))?;
        }
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        // A trial leaves its processor idle while a message passes from one process to another.
        let semaphore = Semaphore::new(threads.unwrap_or(processors + 1));
        let has_goldens = peers.has_project_reference() && inputs.scenarios.is_none();
        let ours = has_goldens.then(|| places.project_file("goldens"));
        let context = RunContext::new(places, output.join("logs"), semaphore)
            .context("cannot reserve ports on 127.0.0.1 for this run")?;
        let descriptors = descriptors(&peers, &context)?;
        let methods = Methods::with(descriptors.as_ref().map(|it| &it.pool))?;
        let scenarios =
            tables.read("calls", true, |folder| scenario::read_all(folder, &methods))?;
        let services = descriptors.as_ref().map(|descriptors| {
            let probes = probes::read_all(&project.join("server-parity"))?;
            let options = comparison.compared();
            compare::Suite::new(descriptors, &peers.compare, &peers.ignored, options, probes)
        });
        let servers = Suite::new(&peers.all, probes, &context);
        let clients = Suite::<ClientParity>::new(&peers.all, behaviours, &context);
        let cases_of_programs = ProgramCase::all(&clients.cases);
        let client_programs = Suite::new(&peers.all, cases_of_programs, &context);
        Ok(Self {
            peers,
            left_out: comparison.without.iter().cloned().collect(),
            cases,
            scenarios,
            proxies: Vec::new(),
            services: services.transpose()?,
            baselines: Baselines { servers, clients, client_programs },
            goldens: inputs.goldens.clone().or(ours),
            context: Arc::new(context),
            processors,
        })
    }

    /// Reads the proxies with these names.
    pub(crate) fn with_proxies(mut self, names: &[String]) -> anyhow::Result<Self> {
        let proxies = Proxy::read_all(names, &self.context.places)?;
        self.proxies = proxies.into_iter().map(Arc::new).collect();
        Ok(self)
    }

    /// Reads the goldens, and lets them replace the reference if `kind` permits it.
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

    /// Whether `--without` excludes the reference.
    pub(crate) fn is_reference_out(&self) -> bool {
        self.peers.all.iter().any(|peer| peer.reference && self.left_out.contains(peer.name()))
    }

    /// The versions that the goldens were recorded from, one per line.
    pub(crate) fn goldens_of(&self) -> Vec<String> {
        let goldens = self.baselines.servers.goldens.as_ref();
        goldens.map(|goldens| goldens.versions.clone()).unwrap_or_default()
    }

    /// Whether the run includes `peer`.
    pub(crate) fn takes_part(&self, peer: &Peer) -> bool {
        !self.left_out.contains(peer.name())
    }
}

/// The descriptors of the user's services, if the peers file names any.
fn descriptors(peers: &Peers, context: &RunContext) -> anyhow::Result<Option<Descriptors>> {
    let Some((peer, program)) = peers.reflecting_server()? else {
        return Ok(peers.descriptors.clone());
    };
    let log = context.logs.join("reflection").join(peer.name());
    let server = SharedServer::new(program.for_calls(), &log, ServerConfig::default());
    let address = server.address(context);
    let pool = address.and_then(|it| reflection::read(&it).map_err(|error| error.to_string()));
    pool.map(|pool| Some(pool.into())).map_err(|why| {
        let logs = server.logs.paths().map(|path| path.display().to_string()).join(", ");
        let name = peer.name();
        peers.reflection_error(format!("the server of peer `{name}`: {why} (logs: {logs})")).into()
    })
}

/// Where the cases of the suites are.
struct Tables<'a> {
    /// The folder; without it there are no cases.
    folder: Option<&'a PathBuf>,
    /// Whether files may be missing, because the user chose the folder.
    is_optional: bool,
}

impl Tables<'_> {
    /// Reads the file or folder `name`.
    fn read<C>(
        &self,
        name: &str,
        is_required: bool,
        read: impl Fn(&Path) -> anyhow::Result<Vec<C>>,
    ) -> anyhow::Result<Vec<C>> {
        let Some(path) = self.folder.map(|folder| folder.join(name)) else { return Ok(Vec::new()) };
        if self.is_optional && !is_required && !path.exists() {
            return Ok(Vec::new());
        }
        read(&path)
    }
}

impl Baselines {
    /// Runs all cases at the reference and writes the goldens to `folder`.
    pub(crate) fn record(&self, folder: &Path, context: &RunContext) -> anyhow::Result<()> {
        let Self { servers, clients, client_programs } = self;
        clients.record(folder, context)?;
        client_programs.record(folder, context)?;
        servers.record(folder, context)
    }
}
