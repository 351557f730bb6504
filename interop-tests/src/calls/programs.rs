//! The suite `programs`: each server program with each client program, as a user runs them.
//!
//! These programs are the ones that are deployed. They have no arguments and use port 50051. So the cases run one
//! after the other, and no other process may use the port.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use toml::Spanned;

use crate::calls::expectation::comparison::Comparison;
use crate::capture::recorder::Recorder;
use crate::config::{Peer, Program, Source, source};
use crate::outcome::{Evidence, Finding, PortUser, Report, Trial, TrialName};
use crate::process::{Logs, Process, RunContext, RunningServer, group, net::tutorial_port::PORT};

/// The name of the suite.
pub(crate) const SUITE: &str = "programs";

/// The note in a trace without frames.
const NO_FRAMES: &str = "frames are not recorded: both programs use the fixed port 50051, so no tap can be \
                         between them";

/// How long a program may take to exit.
const LIMIT: Duration = Duration::from_secs(10);

/// The name of the server in the names of trials without a server.
pub(crate) const NO_SERVER: &str = "nobody";

/// One `[[case]]` of `programs.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    name: Spanned<String>,
    about: Option<String>,
    /// The expected exit and output of the client.
    client: End,
    /// The expected exit and output of the server, which gets SIGINT after the client has exited. Without it there is
    /// no server.
    server: Option<End>,
}

/// The expected exit status and output of a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    exit: i32,
    stdout: String,
    /// Lines that stderr must contain, among others.
    #[serde(default)]
    stderr_lines: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// Reads the suite's table.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Case>> {
    let parse = |source: &Source| source.parse().map(|file: File| file.case);
    source::read_cases("case", [Source::open(path)], parse, |case| (&case.name, Ok(())))
}

/// All trials of the suite.
pub(crate) fn trials(peers: &[Peer], cases: &[Case], context: &Arc<RunContext>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases {
        let programs = peers.iter().map(|peer| (peer.name(), peer.server_program.as_ref()));
        let servers: Vec<_> = match case.server {
            None => vec![(NO_SERVER, None)],
            Some(_) => programs.filter(|(_, program)| program.is_some()).collect(),
        };
        for (server_name, server) in servers {
            for client in peers {
                let Some(client_program) = &client.client_program else { continue };
                let case_name = case.name.get_ref().clone();
                let name = TrialName::stated(SUITE, server_name, client.name(), case_name);
                let log = context.logs.join(name.to_string());
                let run = CaseRun {
                    case: case.clone(),
                    server: server.cloned(),
                    client: client_program.clone(),
                    server_logs: Logs::at(&log.join("server")),
                    client_logs: Logs::at(&log.join("client")),
                    context: Arc::clone(context),
                };
                let port_user = Some(PortUser::Programs);
                trials.push(Trial { port_user, ..Trial::new(name, move || run.report()) });
            }
        }
    }
    trials
}

/// A trial of the suite.
struct CaseRun {
    case: Case,
    server: Option<Program>,
    client: Program,
    server_logs: Logs,
    client_logs: Logs,
    context: Arc<RunContext>,
}

impl CaseRun {
    fn report(&self) -> Report {
        let _permit = self.context.busy_permits.acquire();
        let began = Some(Instant::now());
        let mut comparison = Comparison::default();
        let finding = self.run(&mut comparison).err();
        let Comparison { expected, observed, mismatches } = comparison;
        let finding = finding.unwrap_or_else(|| mismatches.into());
        let command = |program: &Program| program.shown(&self.context.places, "");
        let server_logs = self.server.as_ref().map(|_| &self.server_logs);
        let logs = server_logs.into_iter().chain([&self.client_logs]);
        let evidence = Evidence {
            about: self.case.about.clone(),
            expected: vec![expected],
            observed: Some(observed),
            server_command: self.server.as_ref().and_then(command),
            client_command: command(&self.client),
            recorder: Some(Recorder::unavailable(NO_FRAMES)),
            logs: logs.flat_map(Logs::paths).collect(),
            began,
            ..Evidence::default()
        };
        Report { finding, evidence }
    }

    /// Runs both programs and compares their exit status and output.
    fn run(&self, comparison: &mut Comparison) -> Result<(), Finding> {
        let places = &self.context.places;
        let start = |program| {
            RunningServer::start_on(program, places, PORT, self.server_logs.clone())
                .map_err(|error| Finding::SetUpError(format!("the server did not start: {error}")))
        };
        let server = self.server.as_ref().map(start).transpose()?;
        let client = Process::start_program(&self.client, places, "", self.client_logs.clone());
        let mut client = client
            .map_err(|error| Finding::SetUpError(format!("cannot start the client: {error}")))?;
        let end = self.case.client.compare(&mut client, String::new());
        let end = end
            .ok_or_else(|| Finding::Broken(format!("the client did not exit within {LIMIT:?}")))?;
        comparison.extend("client ", end);
        let (Some(mut server), Some(expected)) = (server, &self.case.server) else {
            return Ok(());
        };
        if let Some(exit) = server.process.has_exited() {
            return Err(Finding::Broken(format!(
                "the server exited before it got SIGINT, with {exit}"
            )));
        }
        // CPython loses a signal that arrives after it has last looked for one and before `time.sleep` has entered the
        // kernel: the server would sleep for a day (3.11, on one busy processor).
        group::wait_until_idle(server.process.pid(), LIMIT);
        server.process.interrupt();
        let end = expected.compare(&mut server.process, server.printed).ok_or_else(|| {
            Finding::Broken(format!("the server did not exit within {LIMIT:?} after SIGINT"))
        })?;
        comparison.extend("server ", end);
        Ok(())
    }
}

impl End {
    /// Waits for the end of `process`, which has printed `stdout` so far, and compares it. `None` if the process does
    /// not exit in time.
    fn compare(&self, process: &mut Process, mut stdout: String) -> Option<Comparison> {
        let mut comparison = Comparison::default();
        let (status, exit) = (format!("status {}", self.exit), process.wait(LIMIT, &mut stdout)?);
        let is_match = status == exit.to_string();
        comparison.add("exit", Some(status), Some(exit.to_string()), is_match);
        let quoted = |text: &str| Some(format!("{text:?}"));
        comparison.add("stdout", quoted(&self.stdout), quoted(&stdout), stdout == self.stdout);
        let (lines, stderr) = (&self.stderr_lines, process.logs.stderr());
        let has = |line: &String| stderr.lines().any(|other| other.trim() == line);
        let expected = (!lines.is_empty()).then(|| format!("{lines:?}, among others"));
        comparison.add("stderr", expected, quoted(&stderr), lines.iter().all(has));
        Some(comparison)
    }
}
