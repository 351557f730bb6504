//! Attacks every server, and shows what this costs the server and another client of it.
//!
//! Each attack has a server of its own, so that the peak of its memory shows what this attack causes.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::contender::CannotStart;
use super::contender::Contender;
use super::contender::Role;
use super::contender::Running;
use super::contender::Trait;
use super::measurement::Bench;
use super::measurement::NotMeasured;
use super::pinning::Cores;
use super::problems::Problems;
use super::spread::short;
use super::table::Table;
use grpc_interop::attack::{self, Attack, Outcome, table};
use grpc_interop::process::{open_files, peak_memory_mib};

/// How long an attack lasts.
const DURATION: Duration = Duration::from_secs(2);

/// Follows the time of the slowest call if a call failed.
const FAILED: &str = " !";

const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;

/// The reason why an attack on a server has no result.
#[derive(Debug, thiserror::Error)]
enum NotAttacked {
    #[error(transparent)]
    Start(#[from] CannotStart),
    #[error("{0}")]
    Attack(#[from] std::io::Error),
}

/// What an attack did to a server.
#[derive(Clone, Debug, Deserialize, Serialize)]
struct Attacked {
    attack: String,
    server: String,
    /// The peak memory of the server in MiB; `None` if the system does not report it, or if the server exited.
    memory: Option<f64>,
    /// The time of the slowest call of the other client in milliseconds.
    slowest: f64,
    /// Whether a call of the other client failed.
    has_failure: bool,
    /// How many connections the attacker opened.
    connections: usize,
    /// How many MiB the attacker sent.
    sent: f64,
}

/// What all attacks did to all servers.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Attacks {
    /// The servers in order, each with its additional arguments.
    servers: Vec<(String, Vec<String>)>,
    /// The server whose attacker is shown.
    subject: Option<String>,
    /// The names of the attacks in order.
    names: Vec<String>,
    attacked: Vec<Attacked>,
}

impl Attacks {
    /// Runs all attacks on all servers that do not respond the same to everything.
    pub(crate) fn measure(
        bench: &Bench<'_>,
        contenders: &[Contender],
        problems: &mut Problems,
    ) -> anyhow::Result<Self> {
        let folder =
            bench.places.root_for("the benchmark")?.join("interop-tests/scenarios/attacks");
        let contenders: Vec<_> =
            contenders.iter().filter(|one| !one.has(Trait::FixedAnswer)).collect();
        let named = |one: &&Contender| (one.name.clone(), one.attacked_with.clone());
        let subject = contenders.iter().find(|one| one.role == Role::Subject);
        let mut attacks = Self {
            servers: contenders.iter().map(named).collect(),
            subject: subject.map(|one| one.name.clone()),
            ..Self::default()
        };
        for file in table::files_in(&folder)? {
            for attack in table::read(&file)? {
                grpc_interop::output::err!("bench: attack {}", attack.name());
                attacks.names.push(attack.name().to_owned());
                for contender in &contenders {
                    if problems.measures(contender) {
                        attacks.attacked.extend(run(bench, contender, &attack, problems));
                    }
                }
            }
        }
        Ok(attacks)
    }

    /// A table with a row for each attack, or none if no server was attacked.
    pub(crate) fn table(&self) -> Option<Table> {
        if self.attacked.is_empty() {
            return None;
        }
        let of_server =
            |(server, _): &(String, _)| [format!("{server}: MiB"), format!("{server}: ms")];
        let of_attacker = ["connections", "sent MiB"].map(str::to_owned);
        Some(Table {
            title: "The servers under attack".to_owned(),
            about: self.about(),
            columns: std::iter::once("attack".to_owned())
                .chain(self.servers.iter().flat_map(of_server))
                .chain(of_attacker)
                .collect(),
            rows: self.names.iter().map(|attack| self.row(attack)).collect(),
        })
    }

    fn row(&self, attack: &str) -> Vec<String> {
        let of = |server: &str| {
            self.attacked.iter().find(|one| (&one.attack[..], &one.server[..]) == (attack, server))
        };
        let none = || "-".to_owned();
        let mut row = vec![attack.to_owned()];
        for (server, _) in &self.servers {
            let attacked = of(server);
            row.push(attacked.and_then(|one| one.memory).map_or_else(none, short));
            row.push(attacked.map_or_else(none, |one| {
                short(one.slowest) + if one.has_failure { FAILED } else { "" }
            }));
        }
        let shown = self.subject.as_deref().and_then(of);
        row.push(shown.map_or_else(none, |one| one.connections.to_string()));
        row.push(shown.map_or_else(none, |one| short(one.sent)));
        row
    }

    fn about(&self) -> String {
        let measured = format!(
            "The peak memory of each server in MiB, and the slowest call of another client in ms, which makes \
             one call after the other while the attack lasts, {DURATION:?}. An exclamation mark means that \
             one of its calls failed."
        );
        let changed = self.servers.iter().filter(|(_, added)| !added.is_empty());
        let changed =
            changed.map(|(server, added)| format!("{server} runs with `{}`.", added.join(" ")));
        let of_attacker = self.subject.as_ref().map(|subject| {
            format!(
                "The last two columns show how many connections the attacker of {subject} opened, and how \
                 much it sent."
            )
        });
        let sentences: Vec<_> =
            std::iter::once(measured).chain(changed).chain(of_attacker).collect();
        sentences.join(" ")
    }
}

/// Runs an attack on a new process of the server, and prints which calls of the other client failed.
fn run(
    bench: &Bench<'_>,
    contender: &Contender,
    attack: &Attack,
    problems: &mut Problems,
) -> Option<Attacked> {
    match try_run(bench, contender, attack) {
        Ok((attacked, failures)) => {
            for failure in failures {
                grpc_interop::output::err!("bench: {}: {failure}", contender.name);
            }
            Some(attacked)
        }
        Err(NotAttacked::Start(error)) => {
            problems.exclude(contender, &NotMeasured::Start(error));
            None
        }
        Err(NotAttacked::Attack(error)) => {
            problems.fail(format!("{}, {}: {error}", contender.name, attack.name()));
            None
        }
    }
}

/// What the attack did, and the calls of the other client that failed.
fn try_run(
    bench: &Bench<'_>,
    contender: &Contender,
    attack: &Attack,
) -> Result<(Attacked, Vec<String>), NotAttacked> {
    let mut attacked = contender.clone();
    attacked.program = contender.program.with_arguments(contender.attacked_with.clone());
    let Running { server, address } = attacked.start(bench.places, Cores::All, bench.logs)?;
    let pid = server.process.pid();
    if let Some(files) = attack.open_files {
        open_files::limit(pid, files)?;
    }
    let Outcome { connections, sent, slowest, failures, .. } =
        attack::run(attack, address, DURATION)?;
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 bytes")]
    let sent = sent as f64 / BYTES_PER_MIB;
    let attacked = Attacked {
        attack: attack.name().to_owned(),
        server: attacked.name,
        memory: peak_memory_mib(pid),
        slowest: slowest.as_secs_f64() * 1e3,
        has_failure: !failures.is_empty(),
        connections,
        sent,
    };
    Ok((attacked, failures))
}
