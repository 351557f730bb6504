//! A peer: an implementation of the server, of the client, or of both.
//!
//! One program is enough for a peer, so a language may have a server only, and a mutant of the self-test
//! is a peer like any other.

use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use crate::config::address::Address;
use crate::config::places::Places;
use crate::config::program::Program;

/// One `[[peer]]`: an implementation in some language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// The name in a trial's path.
    pub(crate) name: Spanned<String>,
    /// The language, for reports.
    pub(crate) language: String,
    /// Whether the other peers are compared with it.
    #[serde(default)]
    pub(crate) reference: bool,
    /// Whether it is compared with the reference.
    #[serde(default = "yes")]
    pub(crate) parity: bool,
    /// A server that listens at the address in its command and reports its port.
    pub server: Option<Program>,
    /// A client that makes the calls of the requests on its stdin.
    pub(crate) agent: Option<Program>,
    /// The server as a user starts it, on port 50051.
    pub(crate) server_program: Option<Program>,
    /// The client as a user runs it, which calls port 50051.
    pub(crate) client_program: Option<Program>,
    /// Prints the versions of the libraries of the peer, one a line.
    pub(crate) versions: Option<Program>,
    /// Whether it is in the project's own `peers.toml`, to which the known deviations refer.
    #[serde(skip)]
    pub(crate) is_of_project: bool,
}

fn yes() -> bool {
    true
}

impl Peer {
    /// A peer with an attached server only.
    pub(crate) fn attached(name: &str, server: Address) -> Self {
        Self {
            name: Spanned::new(0..0, name.to_owned()),
            language: format!("the server that listens at {server}"),
            reference: false,
            parity: true,
            server: Some(Program::attached(server)),
            agent: None,
            server_program: None,
            client_program: None,
            versions: None,
            is_of_project: false,
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The server that the user has started, if there is one.
    pub(crate) fn attached_server(&self) -> Option<&Address> {
        self.server.as_ref()?.attach.as_ref()
    }

    /// Whether it has the same libraries as the reference: the same program prints their versions.
    pub(crate) fn is_kin_of_reference(&self, peers: &[Self]) -> bool {
        let command = |peer: &Self| {
            let command = peer.versions.as_ref()?.command.as_ref()?;
            Some(command.get_ref().clone())
        };
        let reference = peers.iter().find(|peer| peer.reference).and_then(command);
        self.reference || reference.is_some() && command(self) == reference
    }

    /// All its programs.
    pub(crate) fn programs(&self) -> impl Iterator<Item = &Program> {
        self.server.iter().chain(self.others())
    }

    /// All its programs.
    pub(crate) fn programs_mut(&mut self) -> impl Iterator<Item = &mut Program> {
        let Self { server, agent, server_program, client_program, versions, .. } = self;
        [server, agent, server_program, client_program, versions].into_iter().flatten()
    }

    /// All its programs but `server`.
    fn others(&self) -> impl Iterator<Item = &Program> {
        [&self.agent, &self.server_program, &self.client_program, &self.versions]
            .into_iter()
            .flatten()
    }

    /// What is wrong with the entry, and where if that is not its name.
    pub(crate) fn check(&self) -> Result<(), (Option<Range<usize>>, &'static str)> {
        let wrong = |message| Err((None, message));
        if self.name().is_empty() || self.name().contains(['/', '*', ' ', '=']) {
            return wrong("a name is a part of a path: not empty, no `/`, `*`, `=` or space");
        }
        if self.programs().next().is_none() {
            return wrong("a peer has a server, an agent, a server-program or a client-program");
        }
        if self.reference && self.server_program.is_none() {
            return wrong("the reference has a server-program");
        }
        if self.reference && !self.parity {
            return wrong("the reference is what others are compared with: no `parity = false`");
        }
        if self.others().any(|program| program.attach.is_some()) {
            return wrong("attach: only the `server` can be there already");
        }
        if self.others().any(|program| program.command.is_none()) {
            return wrong("each program has a `command`");
        }
        self.server.as_ref().map_or(Ok(()), Self::check_server)
    }

    fn check_server(server: &Program) -> Result<(), (Option<Range<usize>>, &'static str)> {
        let Some(command) = &server.command else {
            let message = match &server.attach {
                None => "the server has a `command`, or `attach` says where it listens",
                Some(_) if !server.is_started() => return Ok(()),
                Some(_) => "`attach` stands instead of `ready`, `calls` and `options`",
            };
            return Err((None, message));
        };
        if server.attach.is_some() {
            return Err((Some(command.span()), "`attach` stands instead of `command`"));
        }
        let ready = server.ready.as_ref();
        let has_placeholder = |ready: &Spanned<String>| {
            ["{address}", "{port}"].iter().any(|placeholder| ready.get_ref().contains(placeholder))
        };
        if !ready.is_some_and(has_placeholder) {
            let span = ready.map_or(command.span(), Spanned::span);
            return Err((Some(span), "a server needs `ready`, with {address} or {port} in it"));
        }
        Ok(())
    }

    /// The command lines with which the tool would start the attached server, and in which suite.
    pub(crate) fn ways_to_start(&self, places: &Places) -> Vec<(&'static str, String)> {
        let Some((server, at)) = self.server.as_ref().zip(self.attached_server()) else {
            return Vec::new();
        };
        let line = |program: &Program| program.command_line(places, &at.to_string()).ok();
        let ways = [("calls", server.for_calls()), ("server-parity", server.clone())];
        ways.iter().filter_map(|(suite, way)| Some((*suite, line(way)?.to_string()))).collect()
    }
}
