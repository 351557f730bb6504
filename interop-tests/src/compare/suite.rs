//! The trials of the suite `compare`: every method of the user's services, for every peer that is not the reference.

use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use parking_lot::Mutex;
use prost_reflect::{DescriptorPool, MessageDescriptor, MethodDescriptor};

use crate::compare::conclusion::SUITE;
use crate::compare::difference::ResponseTypes;
use crate::compare::generated::{self, Bounds, RandomCases};
use crate::compare::ignored::Ignored;
use crate::compare::plan::{Group, MethodPlan, SourcedGroup};
use crate::compare::server::ComparedServer;
use crate::compare::servers::Servers;
use crate::compare::session::{Session, Settings};
use crate::compare::tally::Strict;
use crate::compare::user::UserCases;
use crate::compare::wire::selection::{Extent, Probes};
use crate::config::descriptors::{Descriptors, built_in};
use crate::config::{CaseSource, CompareSettings, Ignore, Peer, Program, Restart, glob};
use crate::outcome::{BaselineKind, Trial, TrialName};
use crate::probe::table::Probe;
use crate::probe::target::DEFAULT_SIZE_LIMIT;
use crate::process::RunContext;

/// The service that describes others. It is not a part of what the user's clients call.
const REFLECTION: &str = "grpc.reflection.";

/// The suite of a run.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) methods: Vec<MethodDescriptor>,
    /// `google.rpc.Status`.
    pub(crate) status: MessageDescriptor,
    pub(crate) config: CompareSettings,
    pub(crate) user: UserCases,
    pub(crate) probes: Probes,
    pub(crate) settings: Arc<Settings>,
    /// Whether attached servers may be written to.
    allow_writes: bool,
}

/// The options of the command line.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) strict: Strict,
    /// Whether all methods may be called at attached servers.
    pub(crate) allow_writes: bool,
}

/// A peer that is compared, and the reference, each with its server.
#[derive(Clone, Copy)]
pub(crate) struct Pair<'a> {
    pub(crate) reference: (&'a Peer, &'a Program),
    pub(crate) candidate: (&'a Peer, &'a Program),
}

impl Pair<'_> {
    /// The peer whose server the user has started, if there is one.
    pub(crate) fn attached(&self) -> Option<&str> {
        let both = [self.candidate, self.reference];
        both.into_iter().find(|(_, server)| server.attach.is_some()).map(|(peer, _)| peer.name())
    }

    /// The servers, which have not started. Their logs go to `folder`.
    pub(crate) fn servers(&self, folder: &Path) -> Servers {
        let server = |(peer, program): (&Peer, &Program), log: &str| {
            ComparedServer::new(peer.name(), program, &folder.join(log))
        };
        let Self { reference, candidate } = *self;
        let is_attached = reference.1.attach.is_some();
        Servers {
            reference: server(reference, "reference"),
            again: (!is_attached).then(|| server(reference, "reference-again")),
            candidate: server(candidate, "candidate"),
        }
    }
}

impl Suite {
    /// The suite for the services in `pool`.
    pub(crate) fn new(
        Descriptors { pool, imports }: &Descriptors,
        config: &CompareSettings,
        ignored: &[Ignore],
        options: Options,
        probes: Vec<Probe>,
    ) -> anyhow::Result<Self> {
        let is_meant = |method: &MethodDescriptor| {
            let name = method.full_name();
            let patterns = config.methods.iter().flatten();
            !name.starts_with(REFLECTION)
                && !imports.contains(method.parent_file().name())
                && (config.methods.is_none() || patterns.into_iter().any(|it| glob(it, name)))
        };
        let settings = Settings {
            restart: config.restart,
            call_limit: config.call_limit(),
            strict: options.strict,
            size_limit: config.size_limit.map_or(DEFAULT_SIZE_LIMIT, NonZero::get),
            ignored: Ignored::new(ignored.to_vec()),
        };
        let user = if config.has(CaseSource::User) {
            UserCases::read(&config.case_files, pool)?
        } else {
            UserCases::default()
        };
        Ok(Self {
            methods: pool
                .services()
                .flat_map(|it| it.methods().collect::<Vec<_>>())
                .filter(is_meant)
                .collect(),
            status: status_type(pool)?,
            config: config.clone(),
            user,
            probes: Probes::new(probes).map_err(anyhow::Error::msg)?,
            settings: Arc::new(settings),
            allow_writes: options.allow_writes,
        })
    }

    /// The peers that are compared with the reference.
    pub(crate) fn pairs<'a>(peers: &'a [Peer]) -> Vec<Pair<'a>> {
        let server = |peer: &'a Peer| Some((peer, peer.server.as_ref()?));
        let Some(reference) = peers.iter().find(|peer| peer.reference).and_then(server) else {
            return Vec::new();
        };
        let candidates = peers.iter().filter(|peer| peer.parity && !peer.reference);
        candidates.filter_map(server).map(|candidate| Pair { reference, candidate }).collect()
    }

    /// The trials of all peers.
    pub(crate) fn trials(&self, peers: &[Peer], context: &Arc<RunContext>) -> Vec<Trial> {
        let mut trials = Vec::new();
        for pair in Self::pairs(peers) {
            let Pair { reference, candidate } = pair;
            let logs = context.logs.join(SUITE).join(candidate.0.name());
            let servers = |folder: &Path| Arc::new(Mutex::new(pair.servers(folder)));
            let shared = (self.config.restart == Restart::Run).then(|| servers(&logs));
            for method in &self.methods {
                let servers =
                    shared.clone().unwrap_or_else(|| servers(&logs.join(method.full_name())));
                let (settings, context) = (Arc::clone(&self.settings), Arc::clone(context));
                let session = Session::new(self.plan(pair, method), settings, servers, context);
                let session = Arc::new(session);
                trials.extend(session.plan.groups.iter().enumerate().map(|(index, group)| {
                    let name = TrialName {
                        via: None,
                        suite: SUITE,
                        server: Some(candidate.0.name().to_owned()),
                        client: None,
                        baseline: BaselineKind::Live,
                        reference: Some(reference.0.name().to_owned()),
                        method: Some(method.full_name().to_owned()),
                        case: group.name(),
                    };
                    let is_attached = pair.attached().is_some();
                    Trial { is_attached, ..Trial::new(name, session.trial(index)) }
                }));
            }
        }
        trials
    }

    fn plan(&self, pair: Pair<'_>, method: &MethodDescriptor) -> MethodPlan {
        let Self { config, status, user, probes, settings, .. } = self;
        let (mut groups, mut omitted, mut fields) = (Vec::new(), 0, Vec::new());
        // First, so that a user knows which calls a server has seen before a case.
        for case in user.cases_of(method.full_name()) {
            fields.extend(case.fields());
            groups.push(SourcedGroup { source: CaseSource::User, group: Group::User(case) });
        }
        if config.has(CaseSource::Generated) && self.may_write(pair, method) {
            let random = RandomCases { seed: config.seed, count: config.random_cases };
            let random = (config.random_cases > 0).then_some(random);
            let generated = generated::groups(method, &Bounds::default(), random);
            omitted = generated.left_out;
            fields.extend(generated.fields);
            let of_source =
                |group| SourcedGroup { source: CaseSource::Generated, group: Group::Cases(group) };
            groups.extend(generated.groups.into_iter().map(of_source));
        }
        if config.has(CaseSource::Wire) && self.may_write(pair, method) {
            let wire = probes.groups(method, self.extent(method), settings.size_limit);
            let of_source =
                |group| SourcedGroup { source: CaseSource::Wire, group: Group::Wire(group) };
            groups.extend(wire.into_iter().map(of_source));
        }
        let types = ResponseTypes { message: method.output(), status: status.clone() };
        MethodPlan {
            peer: pair.candidate.0.name().to_owned(),
            method: method.clone(),
            types,
            setup: user.setup_of(method.full_name()),
            groups,
            fields,
            omitted,
        }
    }

    /// All probes for the first method of each kind, a few for the others.
    fn extent(&self, method: &MethodDescriptor) -> Extent {
        let kind = |it: &MethodDescriptor| (it.is_client_streaming(), it.is_server_streaming());
        let first = self.methods.iter().find(|it| kind(it) == kind(method));
        if first == Some(method) { Extent::All } else { Extent::Short }
    }

    /// Whether `method` may be called with any request: an attached server may be in use.
    pub(crate) fn may_write(&self, pair: Pair<'_>, method: &MethodDescriptor) -> bool {
        let is_safe = |pattern: &String| glob(pattern, method.full_name());
        self.allow_writes || pair.attached().is_none() || self.config.safe.iter().any(is_safe)
    }

    /// What the reader of the reports must know about these peers, one sentence each.
    pub(crate) fn notes(&self, peers: &[Peer]) -> Vec<String> {
        let mut notes = Vec::new();
        for pair in Self::pairs(peers) {
            let (candidate, reference) = (pair.candidate.0.name(), pair.reference.0.name());
            if pair.reference.1.attach.is_some() {
                notes.push(format!(
                    "compare: the server of `{reference}` is attached, so there is no second instance of it, and what \
                     varies from call to call counts as a difference"
                ));
            }
            let skipped = self.methods.iter().filter(|method| !self.may_write(pair, method));
            let skipped: Vec<_> = skipped.map(MethodDescriptor::full_name).collect();
            if let (Some(attached), false) = (pair.attached(), skipped.is_empty()) {
                notes.push(format!(
                    "compare: the server of `{attached}` is attached, so `{candidate}` ran without generated and wire cases \
                     of {}; list methods without side effects under `safe` in [compare], or pass --allow-writes",
                    skipped.join(", ")
                ));
            }
        }
        notes.dedup();
        notes
    }

    /// The peers and methods that have no case.
    pub(crate) fn without_cases(&self, peers: &[Peer]) -> Vec<(String, String)> {
        let pairs = Self::pairs(peers);
        let all = pairs.iter().flat_map(|pair| self.methods.iter().map(move |it| (*pair, it)));
        let without = all.filter(|(pair, method)| self.plan(*pair, method).groups.is_empty());
        without
            .map(|(pair, method)| {
                (pair.candidate.0.name().to_owned(), method.full_name().to_owned())
            })
            .collect()
    }
}

/// The types of the responses of `method`.
#[cfg(test)]
pub(crate) fn response_types(
    method: &MethodDescriptor,
    pool: &DescriptorPool,
) -> anyhow::Result<ResponseTypes> {
    Ok(ResponseTypes { message: method.output(), status: status_type(pool)? })
}

/// The type `google.rpc.Status`, in a pool that also has the types of the user and those of the usual details.
fn status_type(pool: &DescriptorPool) -> anyhow::Result<MessageDescriptor> {
    const NAME: &str = "google.rpc.Status";
    let mut pool = pool.clone();
    let built_in = built_in().context("cannot decode the built-in descriptors")?;
    for file in [
        "google/protobuf/any.proto",
        "google/protobuf/duration.proto",
        "google/rpc/status.proto",
        "google/rpc/error_details.proto",
    ] {
        let Some(file) = built_in.get_file_by_name(file) else { continue };
        // The user's own files have priority. They may define the same types in another file.
        if pool.get_file_by_name(file.name()).is_none() {
            let _ = pool.add_file_descriptor_proto(file.file_descriptor_proto().clone());
        }
    }
    let status = pool.get_message_by_name(NAME).or_else(|| built_in.get_message_by_name(NAME));
    status.context("the built-in descriptors have no google.rpc.Status")
}
