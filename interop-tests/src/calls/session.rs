//! A pairing: one server with one client agent, and a scenario played between them.

use std::sync::Arc;
use std::time::Instant;

use crate::calls::case_run::{Play, Told};
use crate::calls::scenario::Scenario;
use crate::capture::recorder::Recorder;
use crate::config::axes::Variant;
use crate::outcome::finding::{Evidence, Finding, Report};
use crate::process::context::RunContext;
use crate::process::crew::Crew;
use crate::process::server_config::ServerConfig;
use crate::process::server_pool::ServerPool;
use crate::process::server_slot::ServerSlot;

/// A server and the agents of a client.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) fleet: Arc<ServerPool>,
    pub(crate) crew: Arc<Crew>,
    pub(crate) context: Arc<RunContext>,
}

impl Session {
    /// Plays `scenario` at this point of the axes and says what was not as expected.
    pub(crate) fn play(&self, scenario: &Scenario, variant: Variant) -> Report {
        let arrangement = ServerConfig::new(variant, scenario.server);
        let slot = self.fleet.slot(arrangement);
        let mut evidence = self.evidence(scenario, &slot);
        let (offerings, is_own) = (scenario.offerings(variant), scenario.needs_own_server());
        let unsupported = self.fleet.not_supported(&arrangement, &offerings, is_own);
        if let Some(why) = unsupported.or_else(|| self.crew.not_supported(variant)) {
            return Report { finding: Finding::NotSupported(why), evidence };
        }
        let waits = scenario.waits();
        let agent = self.crew.lend(waits);
        let pass = (!waits).then(|| self.context.gate.enter());
        evidence.began = Some(Instant::now());
        let mut play = Play::new(self, variant, arrangement, &slot, agent);
        let tape = evidence.tape.insert(Recorder::default());
        let mut told = Told::default();
        let finding = match play.all(scenario, &mut told, tape) {
            Ok(mismatches) => mismatches.into(),
            Err(finding) => finding,
        };
        evidence.sent = told.sent;
        evidence.right = vec![told.right];
        evidence.observed = Some(told.observed);
        let ended = match &finding {
            Finding::Mismatches(_) => slot.is_gone(),
            Finding::Match | Finding::NotSupported(_) => slot.has_exited(),
            Finding::Broken(_)
            | Finding::Hung(_)
            | Finding::ReferenceHung(_)
            | Finding::SetUpError(_) => None,
        };
        // Not before: the next case of this client would start a server that is gone again.
        drop((play, pass));
        let finding = ended.map_or(finding, |how| {
            Finding::Broken(format!("the server ended during this case, {how}"))
        });
        Report { finding, evidence }
    }

    fn evidence(&self, scenario: &Scenario, slot: &ServerSlot) -> Evidence {
        let client = self.crew.program().command_line(&self.context.places, "");
        let logs = std::iter::once(slot.logs()).chain(self.crew.logs(scenario.waits()));
        Evidence {
            about: scenario.about.clone(),
            server_command: slot.shown(&self.context),
            client_command: client.ok().map(|line| line.to_string()),
            logs: logs.flat_map(|l| [l.stdout.clone(), l.stderr.clone()]).collect(),
            ..Evidence::default()
        }
    }
}
