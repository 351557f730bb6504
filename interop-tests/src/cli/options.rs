//! The harness's options, beside those that every Rust test has.
//!
//! libtest-mimic's are flattened in, so that `--list`, `--exact`, `--skip` and a filter work as
//! with `cargo test`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::config::attachment::Attachment;
use crate::config::variables::Assignment;
use crate::report::record::selection::Shard;

/// Run every server with every client over the same .proto files and compare.
///
/// A trial's name is a path, suite/server/client/case; FILTER picks the trials whose name contains
/// it. The exit status is 0 when nothing failed, 101 when something did, and 2 when the run could
/// not begin.
#[derive(Debug, Parser)]
#[command(name = "interop")]
#[expect(clippy::struct_excessive_bools, reason = "each is an option that is given or not")]
pub(crate) struct Options {
    #[command(flatten)]
    pub(crate) libtest: libtest_mimic::Arguments,

    /// The project, instead of the nearest ancestor of the working directory that contains
    /// interop-tests/peers.toml.
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,

    /// The folder of the project's built programs, instead of the one that this program is in.
    #[arg(long, value_name = "DIR")]
    pub(crate) bin: Option<PathBuf>,

    /// The peers, instead of interop-tests/peers.toml, from which `with = ["python"]` at the top of
    /// the file takes some. Only of those are deviations known.
    #[arg(long, value_name = "FILE")]
    pub(crate) peers: Option<PathBuf>,

    /// Run only the trials of a server that already listens at HOST:PORT or unix:PATH, in a debugger
    /// for example. The entry of PEER says what it can; without PEER it is the peer `attached`, with
    /// Calculator and nothing else. Can be repeated.
    #[arg(long, value_name = "[PEER=]ADDRESS", conflicts_with = "record_goldens")]
    pub(crate) attach: Vec<Attachment>,
    /// The value of a variable of the peers, instead of the one in their file. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<Assignment>,

    /// The known deviations, instead of interop-tests/deviations.toml.
    #[arg(long, value_name = "FILE")]
    pub(crate) deviations: Option<PathBuf>,

    /// The folder of the suites' tables, instead of interop-tests/scenarios.
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,

    /// What is right in server-parity and client-parity.
    #[arg(long, value_enum, default_value_t = ReferenceKind::Auto, value_name = "KIND")]
    pub(crate) reference: ReferenceKind,

    /// The folder of the goldens, instead of interop-tests/goldens; with --scenarios, or --peers
    /// that have another reference, there are none.
    #[arg(long, value_name = "DIR")]
    pub(crate) goldens: Option<PathBuf>,

    /// Record what the reference does as the goldens, and run nothing else.
    #[arg(long, conflicts_with = "without")]
    pub(crate) record_goldens: bool,

    /// Send this many random requests to the reference and to the servers whose name contains
    /// FILTER, all others without it, compare, and run nothing else.
    #[arg(long, value_name = "COUNT", conflicts_with_all = ["record_goldens", "goldens"])]
    pub(crate) fuzz: Option<u64>,

    /// With --fuzz: what the random requests are drawn from; without it that is left to chance.
    #[arg(long, value_name = "NUMBER", requires = "fuzz")]
    pub(crate) seed: Option<u64>,

    /// With --fuzz: only the request with this number, and tell what it is.
    #[arg(long, value_name = "NUMBER", requires = "seed")]
    pub(crate) case: Option<u64>,

    /// With --fuzz: also requests that no legal client sends.
    #[arg(long, requires = "fuzz")]
    pub(crate) edge: bool,

    /// Run only this part of all trials, K of N; a trial is always in the same part.
    #[arg(long, value_name = "K/N", conflicts_with_all = ["record_goldens", "fuzz"])]
    pub(crate) shard: Option<Shard>,

    /// Tell what changed between the records of two runs, and run nothing. The exit status is 101
    /// when something failed newly or is not there any more.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    pub(crate) diff: Option<Vec<PathBuf>>,

    /// Make one record and its reports of those of all shards, and run nothing. The exit status is
    /// 101 when something failed in them.
    #[arg(long, num_args = 1.., value_name = "RECORD")]
    pub(crate) merge: Option<Vec<PathBuf>>,

    /// Show the records of several runs in one table, a row each, with what the reference did otherwise
    /// than the goldens, and run nothing. A FILE that is no `.json` says why there is no record.
    #[arg(long, num_args = 1.., value_name = "NAME=FILE")]
    pub(crate) table: Option<Vec<Assignment>>,

    /// Write interop-tests/record.schema.json, the format of records, and run nothing.
    #[arg(long)]
    pub(crate) record_schema: bool,

    /// Keep what went over the wire of trials that pass too, decoded, in logs/TRIAL/wire.txt.
    #[arg(long)]
    pub(crate) trace: bool,

    /// Where the reports and logs go, instead of target/interop. The folder `logs` in it is emptied
    /// first.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Leave this peer out; its trials are shown as skipped. Can be repeated.
    #[arg(long, value_name = "PEER")]
    pub(crate) without: Vec<String>,
}

/// Whom the suites that compare ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReferenceKind {
    /// The reference that runs beside; but the goldens stand in for its client program, which takes
    /// long to start, as long as they are of the versions that are here. A sample is still run.
    Auto,
    /// The reference that runs beside, and nothing else.
    Live,
    /// What the reference once did: it need not be here.
    Golden,
}

impl Options {
    /// The options without which a trial of this run would not exist or be judged otherwise, each
    /// with a space behind it.
    pub(crate) fn that_matter(&self) -> String {
        let files = [
            ("--peers", &self.peers),
            ("--deviations", &self.deviations),
            ("--scenarios", &self.scenarios),
            ("--goldens", &self.goldens),
        ];
        let files = files
            .into_iter()
            .filter_map(|(option, path)| Some(format!("{option} {} ", path.as_ref()?.display())));
        let reference = match self.reference {
            ReferenceKind::Auto => None,
            ReferenceKind::Live => Some("--reference live ".to_owned()),
            ReferenceKind::Golden => Some("--reference golden ".to_owned()),
        };
        let set =
            self.set.iter().map(|Assignment { name, value }| format!("--set {name}={value} "));
        let attached = self.attach.iter().map(|attached| format!("--attach {} ", attached.text));
        files.chain(set).chain(reference).chain(attached).collect()
    }
}
