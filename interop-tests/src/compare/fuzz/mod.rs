//! `interop fuzz` for any service: sends random calls to the reference and to other servers, and compares the responses.
//!
//! The suite `compare` sends what its authors thought of; this command searches for other requests. Most calls cost less
//! than a millisecond, so they are made one after the other, in the order of their numbers: what a server remembers is
//! then the same in each run.
//!
//! - [`draw`]: the requests, from the seed and their numbers
//! - [`pair_run`], [`calls`], [`probes`]: send them to the servers of a peer
//! - [`collected`]: the differences by cause
//! - [`minimal`], [`minimal_probe`]: repeat the first request of each cause alone, and reduce it
//! - [`finding`]: all differences with one cause, for the report
//! - [`entry`]: a call as an entry of a case file
//! - [`state`]: what was found so far

pub(crate) mod calls;
pub(crate) mod collected;
pub(crate) mod draw;
pub(crate) mod entry;
pub(crate) mod finding;
pub(crate) mod minimal;
pub(crate) mod minimal_probe;
pub(crate) mod pair_run;
pub(crate) mod probes;
pub(crate) mod state;

use std::ops::Range;

use prost_reflect::MethodDescriptor;

use crate::compare::difference::ResponseTypes;
use crate::compare::fuzz::draw::{Draws, Kinds};
use crate::compare::fuzz::pair_run::PairRun;
use crate::compare::suite::Suite;
use crate::config::{CaseSource, Peer};
use crate::output::out;
use crate::process::RunContext;

pub(crate) use finding::Finding;
pub(crate) use state::{State, Summary};

/// The name of the folder of the logs.
const LOGS: &str = "fuzz";

/// The options of a run.
#[derive(Clone, Debug)]
pub(crate) struct Options<'a> {
    /// Selects methods by a part of `PEER/METHOD`.
    pub(crate) filter: Option<&'a str>,
    pub(crate) seed: u64,
    /// The numbers of the requests.
    pub(crate) cases: Range<u64>,
    /// Whether requests may violate the protocol.
    pub(crate) edge: bool,
}

/// The names of all methods that can be called, of which a filter is a part: `PEER/METHOD`.
pub(crate) fn names(suite: &Suite, peers: &[Peer]) -> Vec<String> {
    let of_pair = |candidate: &Peer| {
        let peer = candidate.name().to_owned();
        suite.methods.iter().map(move |method| format!("{peer}/{}", method.full_name()))
    };
    Suite::pairs(peers).into_iter().flat_map(|pair| of_pair(pair.candidate.0)).collect()
}

/// Sends the requests to the servers of `peers`, of which one is the reference, and adds what differs to `state`. The
/// error is why a server does not run, or why nothing can be sent.
pub(crate) fn run(
    suite: &Suite,
    peers: &[Peer],
    options: &Options<'_>,
    state: &State,
    context: &RunContext,
) -> Result<(), String> {
    let mut has_methods = false;
    for pair in Suite::pairs(peers) {
        let peer = pair.candidate.0.name();
        let is_meant = |method: &MethodDescriptor| {
            let name = format!("{peer}/{}", method.full_name());
            options.filter.is_none_or(|filter| name.contains(filter))
        };
        let meant = suite.methods.iter().filter(|method| is_meant(method)).cloned();
        let (methods, skipped): (Vec<_>, Vec<_>) =
            meant.partition(|method| suite.may_write(pair, method));
        if let (Some(attached), Some(first)) = (pair.attached(), skipped.first()) {
            out!(
                "interop: the server of `{attached}` is attached, so {} methods such as {} are not called; list methods \
                 without side effects under `safe` in [compare], or pass --allow-writes",
                skipped.len(),
                first.full_name()
            );
        }
        if methods.is_empty() {
            continue;
        }
        has_methods = true;
        let kinds = Kinds {
            calls: suite.config.has(CaseSource::Generated),
            probes: suite.config.has(CaseSource::Wire),
            edge: options.edge,
        };
        let types = |method: &MethodDescriptor| ResponseTypes {
            message: method.output(),
            status: suite.status.clone(),
        };
        let run = PairRun {
            peer,
            types: methods.iter().map(types).collect(),
            setup: suite.user.setup_of_any(&methods),
            setups: methods.iter().map(|it| suite.user.setup_of(it.full_name())).collect(),
            settings: &suite.settings,
            groups: collected::groups(),
            edge: options.edge,
            servers: pair.servers(&context.logs.join(LOGS).join(peer)),
            draws: Draws::new(
                methods,
                &suite.probes,
                suite.settings.size_limit,
                options.seed,
                kinds,
            )?,
            first: options.cases.start,
            state,
            context,
        };
        state.begin(peer);
        run.run(options.cases.clone())?;
    }
    if has_methods {
        return Ok(());
    }
    Err("fuzz: no method can be called: one peer needs `reference = true` and a `server`, another peer needs a `server`, and \
         the filter and [compare] must leave a method"
        .to_owned())
}
