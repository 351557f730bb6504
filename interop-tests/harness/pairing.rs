//! A pairing: one server with one client agent, and a scenario played between them.
//!
//! One agent process serves all scenarios of the pairing, one after the other.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::agent::shortened;
use super::agent_slot::AgentSlot;
use super::finding::{Evidence, Finding, Mismatch, Report};
use super::process::Logs;
use super::program::Program;
use super::scenario::{Scenario, ServerAction, Step};
use super::server::RunningServer;
use super::setting::Setting;
use super::slot::{FREE_PORT, ServerSlot};
use super::target;

/// How long a call that is to succeed eventually waits before it is made again.
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(50);

/// A server and an agent.
#[derive(Debug)]
pub(crate) struct Pairing {
    server: Arc<ServerSlot>,
    client: Program,
    agent_logs: Logs,
    agent: Mutex<AgentSlot>,
}

/// What ends a scenario before its last step.
enum Stop {
    Finding(Finding),
    Io(std::io::Error),
}

impl From<std::io::Error> for Stop {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl Pairing {
    pub(crate) fn new(server: Arc<ServerSlot>, client: Program, agent_log: &Path) -> Self {
        let agent = AgentSlot::new(client.clone(), agent_log);
        Self { server, client, agent_logs: agent.logs().clone(), agent: Mutex::new(agent) }
    }

    /// Plays `scenario` and says what was not as expected.
    pub(crate) fn play(&self, scenario: &Scenario, setting: &Setting) -> Report {
        let mut agent = self.agent.lock().unwrap_or_else(PoisonError::into_inner);
        let mut evidence = self.evidence(scenario, setting);
        let mut play =
            Play { pairing: self, setting, own_server: None, own_address: String::new() };
        let finding = match play.steps(scenario, &mut agent, &mut evidence.sent) {
            Ok(mismatches) => mismatches.into(),
            Err(Stop::Finding(finding)) => finding,
            Err(Stop::Io(error)) => Finding::SetUpError(error.to_string()),
        };
        let exit = match &finding {
            Finding::Mismatches(_) => self.server.is_gone(),
            Finding::Match | Finding::NotSupported(_) => self.server.has_exited(),
            Finding::Broken(_) | Finding::SetUpError(_) => None,
        };
        let finding = exit.map_or(finding, |exit| {
            Finding::Broken(format!("the server ended during this case, with {exit}"))
        });
        Report { finding, evidence }
    }

    fn evidence(&self, scenario: &Scenario, setting: &Setting) -> Evidence {
        let command = |program: &Program| {
            program.command_line(&setting.places, FREE_PORT).map(|line| line.to_string())
        };
        let logs = [self.server.logs(), &self.agent_logs];
        Evidence {
            about: scenario.about.clone(),
            server_command: command(self.server.program()),
            client_command: command(&self.client),
            logs: logs.into_iter().flat_map(|l| [l.stdout.clone(), l.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}

/// One scenario while it is played.
struct Play<'a> {
    pairing: &'a Pairing,
    setting: &'a Setting,
    own_server: Option<RunningServer>,
    own_address: String,
}

impl Play<'_> {
    fn steps(
        &mut self,
        scenario: &Scenario,
        agent: &mut AgentSlot,
        sent: &mut Vec<String>,
    ) -> Result<Vec<Mismatch>, Stop> {
        let steps = scenario.steps();
        if scenario.needs_own_server() {
            self.own_address = format!("127.0.0.1:{}", target::port_to_come_back_to()?);
            self.start_own_server()?;
        }
        let mut mismatches = Vec::new();
        for (index, step) in steps.iter().enumerate() {
            let more_calls = steps[index + 1..].iter().any(|step| step.call.is_some());
            let of_step = self.step(step, more_calls, agent, sent)?;
            let labelled = of_step.into_iter().map(|mismatch| match steps.len() {
                1 => mismatch,
                _ => {
                    Mismatch { what: format!("step {}: {}", index + 1, mismatch.what), ..mismatch }
                }
            });
            mismatches.extend(labelled);
        }
        Ok(mismatches)
    }

    fn step(
        &mut self,
        step: &Step,
        keep_channels: bool,
        agent: &mut AgentSlot,
        sent: &mut Vec<String>,
    ) -> Result<Vec<Mismatch>, Stop> {
        match step.server {
            Some(ServerAction::Kill) => self.own_server = None,
            Some(ServerAction::Start) => self.start_own_server()?,
            None => {}
        }
        let (Some(call), Some(expect)) = (&step.call, &step.expect) else { return Ok(Vec::new()) };
        let server = match &self.own_server {
            _ if !self.own_address.is_empty() => self.own_address.clone(),
            _ => self
                .pairing
                .server
                .address(self.setting)
                .map_err(|why| Stop::Finding(Finding::SetUpError(why)))?,
        };
        let request = call.request(&self.setting.address(call.to, &server)?, keep_channels);
        sent.push(shortened(&serde_json::to_string(&request).unwrap_or_default()));
        let until = Instant::now() + Duration::from_millis(step.eventually_ms.unwrap_or(0));
        loop {
            let outcome = agent.perform(&request, self.setting).map_err(Stop::Finding)?;
            if let Some(reason) = outcome.not_supported {
                return Err(Stop::Finding(Finding::NotSupported(reason)));
            }
            let mismatches = expect.mismatches(&outcome.calls, request.calls.len());
            if mismatches.is_empty() || Instant::now() >= until {
                return Ok(mismatches);
            }
            thread::sleep(BETWEEN_ATTEMPTS);
        }
    }

    fn start_own_server(&mut self) -> Result<(), Stop> {
        let program = self.pairing.server.program();
        let logs = self.pairing.server.logs().clone();
        // The old one first: it may still hold the port.
        self.own_server = None;
        let server = RunningServer::start(program, &self.setting.places, &self.own_address, logs)
            .map_err(|error| {
            Stop::Finding(Finding::SetUpError(format!("the server did not start: {error}")))
        })?;
        self.own_server = Some(server);
        Ok(())
    }
}
