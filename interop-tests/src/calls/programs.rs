//! The suite `programs`: each server program with each client program, as a user runs them.
//!
//! They are the programs that are deployed. They have no arguments and use the port of the tutorial, so
//! the cases run one after the other, and no other process may use that port.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use toml::Spanned;

use crate::capture::recorder::Recorder;
use crate::config::peer::Peer;
use crate::config::program::Program;
use crate::config::source::{ConfigError, Source};
use crate::outcome::evidence::{Evidence, Report};
use crate::outcome::finding::{Finding, Mismatch};
use crate::outcome::observation::Observation;
use crate::outcome::trial::{PortUser, Trial, TrialName};
use crate::process::child::{Logs, Process};
use crate::process::context::RunContext;
use crate::process::net::tutorial_port::PORT;
use crate::process::server::RunningServer;

pub(crate) const SUITE: &str = "programs";

/// Why there is no trace.
const NO_FRAMES: &str = "both programs know no port but 50051, so no tap can be between them";

/// How long a program may take to end.
const LIMIT: Duration = Duration::from_secs(10);

/// In the place of the server in the name of a trial without a server.
pub(crate) const NO_SERVER: &str = "nobody";

/// One `[[case]]` of `programs.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    name: Spanned<String>,
    about: Option<String>,
    /// The expected end of the client.
    client: End,
    /// That of the server, on Ctrl-C after the client has ended; without it there is no server.
    server: Option<End>,
}

/// The expected end of a program.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct End {
    exit: i32,
    stdout: String,
    /// Lines of stderr, which may have others.
    #[serde(default)]
    stderr_lines: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    case: Vec<Case>,
}

/// Reads the suite's table.
pub(crate) fn read(path: &Path) -> Result<Vec<Case>, ConfigError> {
    let (file, source): (File, _) = Source::read(path)?;
    for (index, case) in file.case.iter().enumerate() {
        if file.case[..index].iter().any(|earlier| earlier.name == case.name) {
            let message = format!("there already is a case `{}`", case.name.get_ref());
            return Err(source.error(Some(case.name.span()), message));
        }
    }
    Ok(file.case)
}

/// All trials of the suite.
pub(crate) fn trials(peers: &[Peer], cases: &[Case], context: &Arc<RunContext>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in cases {
        let servers: Vec<_> = match case.server {
            None => vec![(NO_SERVER, None)],
            Some(_) => peers
                .iter()
                .filter_map(|p| Some((p.name(), Some(p.server_program.as_ref()?))))
                .collect(),
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
                let run = move || {
                    let _permit = run.context.busy_permits.acquire();
                    let began = Some(Instant::now());
                    let mut observed = Observation::default();
                    let finding = run.run(&mut observed);
                    let evidence = Evidence { began, observed: Some(observed), ..run.evidence() };
                    Report { finding, evidence }
                };
                let port_user = Some(PortUser::Programs);
                trials.push(Trial { port_user, ..Trial::new(name, run) });
            }
        }
    }
    trials
}

/// One trial.
struct CaseRun {
    case: Case,
    server: Option<Program>,
    client: Program,
    server_logs: Logs,
    client_logs: Logs,
    context: Arc<RunContext>,
}

impl CaseRun {
    /// Runs both programs; how they end is added to `lines`.
    fn run(&self, lines: &mut Observation) -> Finding {
        let places = &self.context.places;
        let running = match &self.server {
            None => None,
            Some(program) => {
                match RunningServer::start_on(program, places, PORT, self.server_logs.clone()) {
                    Ok(server) => Some(server),
                    Err(error) => {
                        return Finding::SetUpError(format!("the server did not start: {error}"));
                    }
                }
            }
        };
        let mut mismatches = match self.client_end(lines) {
            Ok(mismatches) => mismatches,
            Err(finding) => return finding,
        };
        if let (Some(mut server), Some(expected)) = (running, &self.case.server) {
            if let Some(exit) = server.process.has_exited() {
                return Finding::Broken(format!("the server ended by itself, with {exit}"));
            }
            server.process.interrupt();
            match end(&mut server.process, server.printed) {
                Some(observed) => {
                    observed.add_to(lines, "server");
                    mismatches.extend(expected.mismatches("server", &observed));
                }
                None => {
                    return Finding::Broken(format!(
                        "the server did not end {LIMIT:?} after Ctrl-C"
                    ));
                }
            }
        }
        mismatches.into()
    }

    fn client_end(&self, lines: &mut Observation) -> Result<Vec<Mismatch>, Finding> {
        let command_line = self
            .client
            .command_line(&self.context.places, "")
            .map_err(|error| Finding::SetUpError(format!("the client cannot be run: {error}")))?;
        let mut client = Process::start(&command_line, self.client_logs.clone())
            .map_err(|error| Finding::SetUpError(format!("the client cannot be run: {error}")))?;
        let observed = end(&mut client, String::new())
            .ok_or_else(|| Finding::Broken(format!("the client did not end after {LIMIT:?}")))?;
        observed.add_to(lines, "client");
        Ok(self.case.client.mismatches("client", &observed))
    }

    fn evidence(&self) -> Evidence {
        let command = |program: &Program| {
            program.command_line(&self.context.places, "").ok().map(|line| line.to_string())
        };
        let server_logs = self.server.as_ref().map(|_| &self.server_logs);
        let logs = server_logs.into_iter().chain([&self.client_logs]);
        Evidence {
            about: self.case.about.clone(),
            expected: vec![self.case.lines()],
            server_command: self.server.as_ref().and_then(command),
            client_command: command(&self.client),
            recorder: Some(Recorder::unavailable(NO_FRAMES)),
            logs: logs.flat_map(|logs| [logs.stdout.clone(), logs.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}

/// The observed end of a program.
struct Observed {
    exit: String,
    stdout: String,
    stderr: String,
}

/// Waits for the end of a program; `None` when it does not end in time.
fn end(process: &mut Process, mut stdout: String) -> Option<Observed> {
    let exit = process.wait(LIMIT, &mut stdout)?.to_string();
    let stderr = std::fs::read(&process.logs().stderr).unwrap_or_default();
    Some(Observed { exit, stdout, stderr: String::from_utf8_lossy(&stderr).into_owned() })
}

impl Observed {
    fn add_to(&self, lines: &mut Observation, who: &str) {
        lines.add(format!("{who} exit"), &self.exit);
        lines.add(format!("{who} stdout"), format!("{:?}", self.stdout));
        lines.add(format!("{who} stderr"), format!("{:?}", self.stderr));
    }
}

impl Case {
    /// The expected ends of both programs.
    fn lines(&self) -> Observation {
        let mut lines = Observation::default();
        for (who, end) in [("client", Some(&self.client)), ("server", self.server.as_ref())] {
            let Some(end) = end else { continue };
            lines.add(format!("{who} exit"), format!("status {}", end.exit));
            lines.add(format!("{who} stdout"), format!("{:?}", end.stdout));
            if !end.stderr_lines.is_empty() {
                lines.add(format!("{who} stderr"), format!("{:?}, among others", end.stderr_lines));
            }
        }
        lines
    }
}

impl End {
    fn mismatches(&self, who: &str, observed: &Observed) -> Vec<Mismatch> {
        let mut mismatches = Vec::new();
        let mut compare = |what: &str, expected: String, observed: String| {
            if expected != observed {
                mismatches.push(Mismatch::new(&format!("{who} {what}"), expected, observed));
            }
        };
        compare("exit", format!("status {}", self.exit), observed.exit.clone());
        compare("stdout", format!("{:?}", self.stdout), format!("{:?}", observed.stdout));
        for line in &self.stderr_lines {
            let found = observed.stderr.lines().any(|candidate| candidate.trim() == line);
            let observed = if found { line } else { &observed.stderr };
            compare("stderr", format!("{line:?}"), format!("{observed:?}"));
        }
        mismatches
    }
}
