//! The peers of a run: those of a file, those that it takes from the project's own, and servers that
//! are attached.
//!
//! A list of somebody's own need not copy the project's entries, which would be old by the next change
//! of them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use crate::config::attachment::Attachment;
use crate::config::peer::Peer;
use crate::config::places::Places;
use crate::config::program::CommandError;
use crate::config::source::{ConfigError, Source};
use crate::config::variables::{Assignment, Variables};

/// The name of a server of which only the address is known.
const ATTACHED: &str = "attached";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Peers that are taken from the project's own file.
    #[serde(default)]
    with: Vec<Spanned<String>>,
    #[serde(default)]
    variables: Variables,
    #[serde(default)]
    peer: Vec<Peer>,
}

/// All peers of a run, with their files for errors found later.
#[derive(Clone, Debug)]
pub struct Peers {
    pub all: Vec<Peer>,
    /// The project's own file, where another takes peers from it.
    project: Option<Source>,
    source: Source,
}

impl Peers {
    /// Reads the peers in the file at `path` and those that it takes from the `project`'s own file, with
    /// `set` of their variables, and checks everything that needs no program to be there.
    ///
    /// Without a `path` that is the project's own file.
    pub fn read(path: Option<&Path>, places: &Places, set: &[Assignment]) -> anyhow::Result<Self> {
        let project = places.project_file("peers.toml");
        let path = path.unwrap_or(&project);
        let is_project = path == project;
        let (mut file, source): (File, _) = Source::read(path)?;
        if let Some((name, message)) = file.variables.wrong_name() {
            return Err(source.error(Some(name.span()), message).into());
        }
        // Those that the file does not have are those of the project's, if it takes peers from there.
        let (own, others): (Vec<_>, Vec<_>) = set
            .iter()
            .cloned()
            .partition(|set| file.with.is_empty() || file.variables.has(&set.name));
        file.variables.set(&own).map_err(|error| anyhow::anyhow!("--set: {error}"))?;
        let mut peers = Self { all: Vec::new(), project: None, source };
        if let Some(first) = file.with.first() {
            if is_project {
                let message = "with: it takes peers from this file, for another";
                return Err(peers.source.error(Some(first.span()), message).into());
            }
            peers.take(&file.with, Self::read(None, places, &others)?, &project)?;
        } else if file.peer.is_empty() {
            let message = "a `[[peer]]` is missing, or `with` takes some";
            return Err(peers.source.error(None, message).into());
        }
        for mut peer in file.peer {
            let wrong = |span: Option<_>, message: &str| {
                let span = span.or_else(|| Some(peer.name.span()));
                Err(peers.source.error(span, message).into())
            };
            if peers.all.iter().any(|other| other.name() == peer.name()) {
                return wrong(None, &format!("there already is a peer `{}`", peer.name()));
            }
            if let Err((span, message)) = peer.check() {
                return wrong(span, message);
            }
            if peer.reference && peers.all.iter().any(|other| other.reference) {
                return wrong(None, "there is one reference at most");
            }
            peer.is_of_project = is_project;
            peer.programs_mut().for_each(|program| program.fill(&file.variables));
            peers.all.push(peer);
        }
        Ok(peers)
    }

    /// Takes those of `names` from the peers of the `project`.
    fn take(
        &mut self,
        names: &[Spanned<String>],
        from: Self,
        project: &Path,
    ) -> Result<(), ConfigError> {
        for name in names {
            let wrong = |message: String| Err(self.source.error(Some(name.span()), message));
            let peer = match from.named(name.get_ref()) {
                Ok(peer) => peer.clone(),
                Err(error) => return wrong(format!("with: {}: {error}", project.display())),
            };
            if self.named(peer.name()).is_ok() {
                return wrong(format!("with: `{}` is taken already", peer.name()));
            }
            self.all.push(peer);
        }
        self.project = Some(from.source);
        Ok(())
    }

    /// The peer called `name`; the error lists those that there are.
    pub fn named(&self, name: &str) -> Result<&Peer, String> {
        self.all.iter().find(|peer| peer.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.all.iter().map(Peer::name).collect();
            format!("there is no peer `{name}`; there are: {}", names.join(", "))
        })
    }

    /// The names of those that are not the project's own.
    pub fn strangers(&self) -> BTreeSet<String> {
        let strangers = self.all.iter().filter(|peer| !peer.is_of_project);
        strangers.map(|peer| peer.name().to_owned()).collect()
    }

    /// Puts servers that are there already in the places of those that would be started.
    pub fn attach(&mut self, attachments: &[Attachment]) -> anyhow::Result<()> {
        let mut names = BTreeSet::new();
        for Attachment { peer, server, text } in attachments {
            let name = peer.as_deref().unwrap_or(ATTACHED);
            anyhow::ensure!(names.insert(name), "--attach {text}: `{name}` is attached already");
            if peer.is_none() {
                let is_free = self.named(name).is_err();
                anyhow::ensure!(is_free, "--attach {text}: a peer is called `{name}` already");
                self.all.push(Peer::attached(name, server.clone()));
                continue;
            }
            self.named(name).map_err(|error| anyhow::anyhow!("--attach {text}: {error}"))?;
            let program = self.all.iter_mut().find(|peer| peer.name() == name);
            let Some(program) = program.and_then(|peer| peer.server.as_mut()) else {
                anyhow::bail!("--attach {text}: the peer `{name}` has no `server`");
            };
            program.attach = Some(server.clone());
        }
        Ok(())
    }

    /// Checks that every server that is attached is there, except those of the peers that are left out.
    pub fn check_attached(
        &self,
        places: &Places,
        left_out: &BTreeSet<String>,
    ) -> anyhow::Result<()> {
        for peer in self.all.iter().filter(|peer| !left_out.contains(peer.name())) {
            let Some(server) = peer.attached_server() else { continue };
            let (name, mut told) = (peer.name(), String::new());
            for (suite, line) in peer.ways_to_start(places) {
                let _ = write!(told, "\n  for {suite}: {line}");
            }
            if let Err(error) = server.is_there() {
                let how =
                    if told.is_empty() { "" } else { "; the harness would have started it so:" };
                anyhow::bail!(
                    "the server of `{name}` is not there: nobody answers at {server} ({error}): \
                     start it and run again, or leave the peer out with --without {name}{how}{told}"
                );
            }
            let how = if told.is_empty() { "" } else { "; the harness would have started it" };
            println!("interop: the server of {name} is attached at {server}{how}{told}");
        }
        Ok(())
    }

    /// Checks that every program is on this machine, except those of the peers that are left out and
    /// of the servers that are attached.
    pub fn check_programs(
        &self,
        places: &Places,
        left_out: &BTreeSet<String>,
    ) -> Result<(), ConfigError> {
        for peer in self.all.iter().filter(|peer| !left_out.contains(peer.name())) {
            for program in peer.programs().filter(|program| program.attach.is_none()) {
                let Some(command) = &program.command else { continue };
                let Err(error) = program.command_line(places, "") else { continue };
                let name = command.get_ref().first().map_or("", String::as_str);
                let advice = program.advice.as_deref().unwrap_or("install it or mend the command");
                let (peer_name, why) = (
                    peer.name(),
                    match error {
                        CommandError::NoRoot(error) => format!("peer `{}`: {error}", peer.name()),
                        _ => format!(
                            "the program `{name}` of peer `{}` is not on this machine: {advice}",
                            peer.name()
                        ),
                    },
                );
                let message =
                    format!("command: {why}, or leave the peer out with --without {peer_name}");
                let project = self.project.as_ref().filter(|_| peer.is_of_project);
                return Err(project.unwrap_or(&self.source).error(Some(command.span()), message));
            }
        }
        Ok(())
    }
}
