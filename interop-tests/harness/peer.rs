//! The peers: who is on the two sides of a pairing, read from `peers.toml`.
//!
//! A peer is whatever offers one of the four programs, so a language can come as a server alone,
//! and a mutant of the self-test is a peer like any other.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize;
use toml::Spanned;

use super::config::{ConfigError, Source};
use super::program::{Places, Program};

/// One `[[peer]]`: an implementation in some language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Peer {
    /// The name in a trial's path.
    pub(crate) name: Spanned<String>,
    /// The language, for people.
    pub(crate) language: String,
    /// Whether its programs are what those of other peers are compared with.
    #[serde(default)]
    pub(crate) reference: bool,
    /// Whether it is compared with the reference in the suites that compare.
    #[serde(default = "yes")]
    pub(crate) parity: bool,
    /// A server that takes the address it is given and says which port it got.
    pub(crate) server: Option<Program>,
    /// A client that is driven by lines of JSON.
    pub(crate) agent: Option<Program>,
    /// The server as a person starts it, on port 50051.
    pub(crate) server_program: Option<Program>,
    /// The client as a person runs it, which asks port 50051.
    pub(crate) client_program: Option<Program>,
    /// Prints what the peer is made of, a line each.
    pub(crate) versions: Option<Program>,
}

fn yes() -> bool {
    true
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    peer: Vec<Peer>,
}

/// All peers of a file, with the file for errors found later.
#[derive(Clone, Debug)]
pub(crate) struct Peers {
    pub(crate) all: Vec<Peer>,
    source: Source,
}

impl Peer {
    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    fn programs(&self) -> impl Iterator<Item = &Program> {
        [&self.server, &self.agent, &self.server_program, &self.client_program, &self.versions]
            .into_iter()
            .flatten()
    }
}

impl Peers {
    /// Reads the peers and checks everything that needs no program to be there.
    pub(crate) fn read(path: &Path) -> Result<Self, ConfigError> {
        let (file, source): (File, _) = Source::read(path)?;
        let mut names = BTreeSet::new();
        for peer in &file.peer {
            let wrong = |message: &str| Err(source.error(Some(peer.name.span()), message));
            if !names.insert(peer.name()) {
                return wrong(&format!("there already is a peer `{}`", peer.name()));
            }
            if peer.name().is_empty() || peer.name().contains(['/', '*', ' ']) {
                return wrong("a name is a part of a path: not empty, no `/`, `*` or space");
            }
            if peer.programs().next().is_none() {
                return wrong(
                    "a peer has a server, an agent, a server-program or a client-program",
                );
            }
            if peer.reference && peer.server_program.is_none() {
                return wrong("the reference has a server-program");
            }
            if peer.reference && !peer.parity {
                return wrong(
                    "the reference is what others are compared with: no `parity = false`",
                );
            }
            if peer.reference && file.peer.iter().filter(|peer| peer.reference).count() > 1 {
                return wrong("there is one reference at most");
            }
            if let Some(server) = &peer.server {
                let placeholder = server.ready.as_ref().is_some_and(|ready| {
                    ready.get_ref().contains("{address}") || ready.get_ref().contains("{port}")
                });
                if !placeholder {
                    let span = server.ready.as_ref().map_or(server.command.span(), Spanned::span);
                    let message = "a server needs `ready`, with {address} or {port} in it";
                    return Err(source.error(Some(span), message));
                }
            }
        }
        Ok(Self { all: file.peer, source })
    }

    /// The peer called `name`; the error lists those that there are.
    pub(crate) fn named(&self, name: &str) -> Result<&Peer, String> {
        self.all.iter().find(|peer| peer.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.all.iter().map(Peer::name).collect();
            format!("there is no peer `{name}`; there are: {}", names.join(", "))
        })
    }

    /// Checks that every program is on this machine, except those of the peers that are left out.
    pub(crate) fn check_programs(
        &self,
        places: &Places,
        left_out: &BTreeSet<String>,
    ) -> Result<(), ConfigError> {
        for peer in self.all.iter().filter(|peer| !left_out.contains(peer.name())) {
            for program in peer.programs() {
                if program.command_line(places, "").is_some() {
                    continue;
                }
                let command = program.command.get_ref();
                let name = command.first().map_or("", String::as_str);
                let advice = program.advice.as_deref().unwrap_or("install it or mend the command");
                let message = format!(
                    "command: the program `{name}` of peer `{peer}` is not on this machine: \
                     {advice}, or leave the peer out with --without {peer}",
                    peer = peer.name()
                );
                return Err(self.source.error(Some(program.command.span()), message));
            }
        }
        Ok(())
    }
}
