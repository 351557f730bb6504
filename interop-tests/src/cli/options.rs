//! The command line: the subcommands and their options.
//!
//! If the first argument is not a subcommand, `run` is assumed, so that a filter can follow `interop` directly.
//! Flags of earlier releases, such as `--fuzz`, are converted to the subcommands that replaced them. The help
//! does not list them.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum, error::ErrorKind};
use clap_complete::Shell;

use crate::compare;
use crate::config::{Assignment, Attachment, LanguageChoice, Pairs};
use crate::process::supervisor;
use crate::report::record::format::Shard;

/// Run every gRPC client against every server, compare them with a reference, and report whether one can
/// replace another.
///
/// Each combination of peers and a case is a trial, named suite/server/client/case or suite/peer/case.
/// Without a subcommand, `run` is assumed.
#[derive(Debug, Parser)]
#[command(name = "interop", args_conflicts_with_subcommands = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunOptions,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run trials and report the failures.
    Run(RunOptions),
    /// List the names of the trials.
    List(ListOptions),
    /// Send random requests to the reference and to other servers, and compare the responses.
    ///
    /// A peers file that names services: random calls of all methods, and mutations of the probes of the
    /// suite compare. The first request of each cause is reduced to the smallest one that shows it, as an
    /// entry of a case file or of a table of probes.
    ///
    /// Otherwise: mutations of the probes of server-parity. A difference that no known deviation explains is
    /// reduced to a minimal probe, which can be added to the scenarios.
    Fuzz(FuzzOptions),
    /// Show what changed between two runs. Exits with status 101 if a trial newly fails or is missing.
    Diff {
        /// The report.json of the earlier run.
        old: PathBuf,
        /// The report.json of the later run.
        new: PathBuf,
    },
    /// Merge the records of all shards of a run and write the reports.
    Merge {
        /// The report.json of each shard.
        #[arg(required = true, value_name = "RECORD")]
        records: Vec<PathBuf>,
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Show several runs in one table, with the cases in which the reference differs from the goldens.
    Table {
        /// The name of a row and the report.json of its run. A FILE with another extension contains the
        /// reason why there is no record.
        #[arg(required = true, value_name = "NAME=FILE")]
        rows: Vec<Assignment>,
        #[command(flatten)]
        output: OutputOptions,
    },
    /// Run all cases at the reference and record its outcomes as goldens.
    RecordGoldens(Inputs),
    /// Print the JSON Schema of report.json.
    Schema {
        /// Write it to interop-tests/record.schema.json in the checkout instead of stdout.
        #[arg(long)]
        write: bool,
        /// The checkout of this project [default: the nearest parent of the working directory that
        /// contains interop-tests/peers.toml].
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
    /// Print a completion script for a shell.
    Completions {
        /// The shell to generate the script for.
        shell: Shell,
    },
    /// Kill the processes of a run that was killed itself. The tool starts this command.
    #[command(name = supervisor::SUBCOMMAND, hide = true)]
    Supervise,
    /// Print the manual page.
    Man {
        /// Write the pages of the tool and of all subcommands to this folder instead.
        folder: Option<PathBuf>,
    },
}

/// The options of `run`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunOptions {
    #[command(flatten)]
    pub(crate) libtest: libtest_mimic::Arguments,
    /// Run only part K of N of the trials. A trial is in the same part in every run.
    #[arg(long, value_name = "K/N")]
    pub(crate) shard: Option<Shard>,
    /// Run only the suite calls, with this proxy between clients and servers: caddy, envoy, haproxy, nginx, or the
    /// file of another proxy. The trials are named calls-via-PROXY/…. Can be repeated.
    #[arg(long, value_name = "PROXY")]
    pub(crate) via: Vec<String>,
    /// Write the decoded frames of all trials to logs/TRIAL/wire.txt, not only of those that fail.
    #[arg(long)]
    pub(crate) trace: bool,
    #[command(flatten)]
    pub(crate) comparison: Comparison,
    #[command(flatten)]
    pub(crate) inputs: Inputs,
}

/// The options of `list`.
#[derive(Debug, Args)]
pub(crate) struct ListOptions {
    /// List only trials whose name contains this text.
    filter: Option<String>,
    /// List only the trial whose name equals FILTER.
    #[arg(long)]
    exact: bool,
    /// Omit trials whose name contains this text. Can be repeated.
    #[arg(long, value_name = "FILTER")]
    skip: Vec<String>,
    /// List only part K of N of the trials.
    #[arg(long, value_name = "K/N")]
    shard: Option<Shard>,
    /// List the trials with this proxy between clients and servers. Can be repeated.
    #[arg(long, value_name = "PROXY")]
    via: Vec<String>,
    #[command(flatten)]
    comparison: Comparison,
    #[command(flatten)]
    inputs: Inputs,
}

/// The options of `fuzz`.
#[derive(Clone, Debug, Args)]
pub(crate) struct FuzzOptions {
    /// Send requests only to methods whose PEER/METHOD contains this text.
    pub(crate) filter: Option<String>,
    /// Number of requests to send.
    #[arg(long, default_value_t = 2000, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// Seed of the random requests [default: random].
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// Send and show only the request with this number.
    #[arg(long, value_name = "NUMBER", requires = "seed")]
    pub(crate) case: Option<u64>,
    /// Also send requests that no conforming client sends.
    #[arg(long)]
    pub(crate) edge: bool,
    #[command(flatten)]
    pub(crate) comparison: Comparison,
    #[command(flatten)]
    pub(crate) inputs: Inputs,
}

/// Which peers are compared, and with what.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Comparison")]
#[expect(clippy::struct_excessive_bools, reason = "each is an independent option")]
pub(crate) struct Comparison {
    /// Run only trials with a server that is already running at HOST:PORT or unix:PATH, for example in a
    /// debugger. Its capabilities are those of PEER in the peers file. Without PEER, the peer is named
    /// `attached` and only the service Calculator is called. Can be repeated.
    #[arg(long, value_name = "[PEER=]ADDRESS")]
    pub(crate) attach: Vec<Attachment>,
    /// Skip all trials that need this peer; they are reported as skipped. Can be repeated.
    #[arg(long, value_name = "PEER")]
    pub(crate) without: Vec<String>,
    /// What peers are compared with in server-parity and client-parity.
    #[arg(long, alias = "reference", value_enum, default_value_t, value_name = "KIND")]
    pub(crate) baseline: BaselineChoice,
    /// Which scenarios of calls run with peers of two different languages that --language has added.
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    pub(crate) pairs: Pairs,
    /// The known deviations [default: interop-tests/deviations.toml].
    #[arg(long, value_name = "FILE")]
    pub(crate) deviations: Option<PathBuf>,
    /// In the suite compare: fail if equal values have other bytes.
    #[arg(long)]
    pub(crate) strict_bytes: bool,
    /// In the suite compare: fail if responses to requests differ that no conforming client sends.
    #[arg(long)]
    pub(crate) strict_edge: bool,
    /// In the suite compare: call all methods of attached servers, even if they have side effects.
    #[arg(long)]
    pub(crate) allow_writes: bool,
    /// In the suite compare: pass if the reference never returns OK for a method.
    #[arg(long)]
    pub(crate) allow_untested: bool,
}

impl Comparison {
    /// The options of the suite `compare`.
    pub(crate) fn compared(&self) -> compare::Options {
        let strict = compare::Strict { bytes: self.strict_bytes, edge: self.strict_edge };
        compare::Options { strict, allow_writes: self.allow_writes }
    }
}

/// What peers are compared with in `server-parity` and `client-parity`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaselineChoice {
    /// The running reference. For client programs, which are slow to start, the goldens if they are of the
    /// same versions; a sample of the cases still runs.
    #[default]
    Auto,
    /// Only the running reference.
    Live,
    /// Only the goldens. The reference need not be installed.
    Golden,
}

/// The files that a run reads and writes.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Files")]
pub(crate) struct Inputs {
    /// The peers [default: interop-tests/peers.toml]. `with = ["python"]` at the top of the file adds
    /// peers from the default file; the known deviations apply only to those.
    #[arg(long, value_name = "FILE")]
    pub(crate) peers: Option<PathBuf>,
    /// Add the peers of this language, a folder of interop-tests/peers, or of `all` languages. `make setup
    /// LANGUAGES=NAME` builds them. Can be repeated.
    #[arg(long, value_name = "NAME")]
    pub(crate) language: Vec<LanguageChoice>,
    /// Set a variable of the peers file to this value. Can be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) set: Vec<Assignment>,
    /// The folder with the cases of all suites [default: interop-tests/scenarios].
    #[arg(long, value_name = "DIR")]
    pub(crate) scenarios: Option<PathBuf>,
    /// The folder with the goldens [default: interop-tests/goldens]. There is no default with --scenarios,
    /// or with --peers if its file defines another reference.
    #[arg(long, value_name = "DIR")]
    pub(crate) goldens: Option<PathBuf>,
    /// The folder with the built programs [default: the folder of this executable].
    #[arg(long, value_name = "DIR")]
    pub(crate) bin: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputOptions,
}

/// Where the reports are written.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Files")]
pub(crate) struct OutputOptions {
    /// The checkout of this project [default: the nearest parent of the working directory that contains
    /// interop-tests/peers.toml].
    #[arg(long, value_name = "DIR")]
    pub(crate) root: Option<PathBuf>,
    /// The folder for reports and logs [default: target/interop in the checkout, or interop-report without
    /// a checkout]. A run first empties the subfolder `logs`.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// Flags of earlier releases: the flag, the subcommand that replaced it, and the option of the subcommand that
/// takes the flag's value.
const REPLACED_FLAGS: [(&str, &str, &str); 6] = [
    ("--fuzz", "fuzz", "--count"),
    ("--diff", "diff", ""),
    ("--merge", "merge", ""),
    ("--table", "table", ""),
    ("--record-goldens", "record-goldens", ""),
    ("--record-schema", "schema", "--write"),
];

/// `arguments`, with a replaced flag converted to its subcommand.
fn with_subcommand(arguments: Vec<OsString>) -> Vec<OsString> {
    let names_one = |word: &OsString| CommandLine::command().find_subcommand(word).is_some();
    if arguments.first().is_some_and(names_one) {
        return arguments;
    }
    for (flag, subcommand, option) in REPLACED_FLAGS {
        // `--fuzz 5` and `--fuzz=5`.
        let is_flag = |word: &str| word.split('=').next() == Some(flag);
        if arguments.iter().filter_map(|word| word.to_str()).any(is_flag) {
            let others = arguments.into_iter().map(|word| match word.to_str() {
                Some(text) if is_flag(text) => text.replacen(flag, option, 1).into(),
                _ => word,
            });
            let others = others.filter(|word| !word.is_empty());
            return std::iter::once(subcommand.into()).chain(others).collect();
        }
    }
    arguments
}

impl Command {
    /// Parses the arguments of this process. Invalid arguments and `--help` end the process.
    pub(crate) fn from_arguments() -> Self {
        Self::parse(std::env::args_os()).unwrap_or_else(|error| error.exit())
    }

    /// Parses `words`, of which the first is the name of the program.
    pub(crate) fn parse<W: Into<OsString> + Clone>(
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self, clap::Error> {
        let mut words: Vec<_> = words.into_iter().map(Into::into).collect();
        let arguments = words.split_off(words.len().min(1));
        let has = |option: &str| {
            let starts = |word: &OsString| {
                word.to_str().and_then(|word| word.split('=').next()) == Some(option)
            };
            arguments.iter().any(starts)
        };
        if has("--fuzz") && has("--goldens") {
            let message = "the argument '--fuzz' cannot be used with '--goldens'";
            return Err(CommandLine::command().error(ErrorKind::ArgumentConflict, message));
        }
        let arguments = with_subcommand(arguments);
        let matches = definition().try_get_matches_from(words.into_iter().chain(arguments))?;
        let CommandLine { command, run } = CommandLine::from_arg_matches(&matches)?;
        Ok(command.unwrap_or(Self::Run(run)))
    }
}

impl From<ListOptions> for RunOptions {
    fn from(options: ListOptions) -> Self {
        let ListOptions { filter, exact, skip, shard, via, comparison, inputs } = options;
        let list =
            libtest_mimic::Arguments { list: true, filter, exact, skip, ..Default::default() };
        Self { libtest: list, shard, via, trace: false, comparison, inputs }
    }
}

/// The options of libtest-mimic that have no effect here.
const WITHOUT_EFFECT: [&str; 7] =
    ["include_ignored", "ignored", "test", "bench", "nocapture", "show_output", "unstable_flags"];

/// The options of libtest-mimic that have an effect, with their help.
const TRIAL_OPTIONS: [(&str, &str); 9] = [
    ("filter", "Run only trials whose name contains this text"),
    ("list", "List the selected trials instead of running them"),
    ("exact", "Run only the trial whose name equals FILTER"),
    ("skip", "Omit trials whose name contains this text. Can be repeated"),
    ("test_threads", "Limit how many trials run at once, and how many of them use a processor"),
    ("quiet", "Print one character per trial instead of a line, like --format terse"),
    ("logfile", "Write the line of each trial to this file instead of stdout"),
    ("color", "Whether to color the output. `auto` means only on a terminal"),
    ("format", "How to print each trial: as a line, as a character, or as a line of JSON"),
];

/// The exit statuses, for the help of every command.
const EXIT_STATUS: &str = "\
Exit status:
  0    success
  101  a trial failed, a comparison found something worse, a method was untested, or an [[ignore]] entry was not
       needed
  2    the command could not begin, the options leave no trial to run, or no server could be compared
  3    the trials ran, or the other work was done, but a report or another result could not be written";

/// A block of examples for the tool and for each subcommand. The first line of a block names its subcommand.
const EXAMPLES: &str = include_str!("examples.txt");

/// The command line, for the parser, the completions and the manual pages.
pub(crate) fn definition() -> clap::Command {
    EXAMPLES.split("\n\n").fold(CommandLine::command(), |definition, examples| {
        let name = examples.split_whitespace().nth(1).unwrap_or_default();
        match definition.find_subcommand(name).map(|command| command.get_name().to_owned()) {
            Some(name) => definition.mut_subcommand(name, |command| with_help(command, examples)),
            None => with_help(definition, examples),
        }
    })
}

/// `command` with its examples, and with clap's help layout instead of libtest-mimic's.
fn with_help(command: clap::Command, examples: &str) -> clap::Command {
    const LAYOUT: &str = "{about-with-newline}\n{usage-heading} {usage}\n\n{all-args}{after-help}";
    let examples = examples.trim_end().replace('\n', "\n  ");
    let after = format!("Examples:\n  {examples}\n\n{EXIT_STATUS}");
    let is_of_libtest = command.get_arguments().any(|argument| argument.get_id() == "nocapture");
    command.help_template(LAYOUT).after_help(after).mut_args(|argument| {
        let id = argument.get_id().as_str();
        let help = TRIAL_OPTIONS.into_iter().find(|(option, _)| *option == id);
        match help.filter(|_| is_of_libtest) {
            Some((_, help)) => {
                let argument = argument.help(help).long_help(None);
                // The possible values have descriptions of libtest-mimic, which do not apply here.
                let has_values = argument.get_action().takes_values();
                if has_values { argument.hide_possible_values(true) } else { argument }
            }
            None if WITHOUT_EFFECT.contains(&id) => argument.hide(true),
            None => argument,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Command, clap::Error> {
        Command::parse(std::iter::once("interop").chain(words.split_whitespace()))
    }

    #[track_caller]
    fn are_the_same(replaced: &str, subcommand: &str) {
        let parsed = |words| format!("{:?}", parse(words).expect(words));
        assert_eq!(parsed(replaced), parsed(subcommand));
    }

    #[test]
    fn the_definition_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn run_is_assumed() {
        are_the_same("", "run");
        are_the_same("calls/rust --exact --skip x", "run calls/rust --exact --skip x");
        are_the_same("--shard 1/4 --trace", "run --shard 1/4 --trace");
        // Behind an option it is a filter.
        are_the_same("--exact list", "run --exact list");
    }

    #[test]
    fn replaced_flags_do_what_the_subcommands_do() {
        are_the_same(
            "--fuzz 5 --seed 1 --case 2 --edge rust",
            "fuzz --count 5 --seed 1 --case 2 --edge rust",
        );
        are_the_same("--fuzz 5 --peers a --without b", "fuzz --count 5 --peers a --without b");
        are_the_same("rust --fuzz=5", "fuzz --count=5 rust");
        are_the_same("--diff a b", "diff a b");
        are_the_same("--output o --merge a b", "merge a b --output o");
        are_the_same("--table a=1 b=2 --table c=3", "table a=1 b=2 c=3");
        are_the_same("--record-goldens --peers p", "record-goldens --peers p");
        are_the_same("--record-schema --root r", "schema --write --root r");
    }

    #[test]
    fn conflicting_options_are_rejected() {
        for words in [
            "--record-goldens --fuzz 1",
            "--record-goldens --without x",
            "--record-goldens --shard 1/2",
            "--fuzz 1 --shard 1/2",
            "--fuzz 1 --goldens x",
            "--seed 1",
            "--fuzz 1 --case 1",
            "--edge",
            "--diff a",
            "fuzz --case 1",
            "diff a",
            "merge",
            "table",
            "table x",
            "list --trace",
            "record-goldens --without x",
            "run --fuzz 1",
            "completions tcl",
        ] {
            let error = parse(words).expect_err(words);
            assert_eq!(error.exit_code(), 2, "{words}");
        }
    }

    #[test]
    fn every_subcommand_has_examples() {
        for command in definition().get_subcommands().filter(|command| !command.is_hide_set()) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let example = format!("  interop {}", command.get_name());
            assert!(help.contains(&example) && help.contains("Exit status:"), "{help}");
        }
    }
}
