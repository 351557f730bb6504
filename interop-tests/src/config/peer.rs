//! A peer: an implementation of the server, of the client, or of both.
//!
//! A peer needs only one program. So a language can have only a server, and the mutants of the self-test are ordinary
//! peers.

use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::config::{
    IgnoredMetadata, address::Address, capability::ServerOption, languages::Language,
    places::Places, program::Program, source::Source, template::Template, variables::Variables,
};

/// One `[[peer]]`: an implementation in some language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// The name, which is part of the names of its trials.
    pub(crate) name: Spanned<String>,
    /// The language, for reports. It may be empty.
    #[serde(default)]
    pub(crate) language: String,
    /// Whether it is the reference, with which other peers are compared.
    #[serde(default)]
    pub(crate) reference: bool,
    /// Whether it is compared with the reference.
    #[serde(default = "yes")]
    pub(crate) parity: bool,
    /// A server that listens at the address in its command and reports it.
    pub server: Option<Program>,
    /// An agent: a client that reads requests on stdin and makes their calls.
    pub(crate) agent: Option<Program>,
    /// The server as a user starts it, on port 50051.
    pub(crate) server_program: Option<Program>,
    /// The client as a user runs it, which calls port 50051.
    pub(crate) client_program: Option<Program>,
    /// A program that prints the versions of the peer's libraries, one per line.
    pub(crate) versions: Option<Program>,
    /// Whether it is from one of the project's peers files, to which the known deviations apply.
    #[serde(skip)]
    pub(crate) is_of_project: bool,
    /// The language in whose folder it is, if it is not from `peers.toml`.
    #[serde(skip)]
    pub(crate) language_folder: Option<Language>,
    /// The file with its entry.
    #[serde(skip)]
    pub(crate) file: Option<Arc<Source>>,
    /// The metadata in the responses of its server that the calculator's suites do not compare.
    #[serde(skip)]
    pub(crate) ignored: IgnoredMetadata,
}

fn yes() -> bool {
    true
}

impl Peer {
    /// A peer that only has an attached server.
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
            language_folder: None,
            file: None,
            ignored: IgnoredMetadata::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// The address of the server that the user started, if there is one.
    pub(crate) fn attached_server(&self) -> Option<&Address> {
        self.server.as_ref()?.attach.as_ref()
    }

    /// Whether it uses the same libraries as the reference, that is, has the same `versions` program.
    pub(crate) fn has_reference_libraries(&self, peers: &[Self]) -> bool {
        let command = |peer: &Self| {
            let command = peer.versions.as_ref()?.command.as_ref()?.get_ref();
            Some(command.iter().map(ToString::to_string).collect::<Vec<_>>())
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

    /// All its programs except `server`.
    fn others(&self) -> impl Iterator<Item = &Program> {
        [&self.agent, &self.server_program, &self.client_program, &self.versions]
            .into_iter()
            .flatten()
    }

    /// Checks the entry. The error is a message, and its position if that is not the name.
    pub(crate) fn check(&self) -> Result<(), (Option<Range<usize>>, &'static str)> {
        let wrong = |message| Err((None, message));
        if self.name().is_empty() || self.name().contains(['/', '*', ' ', '=']) {
            return wrong("a name must not be empty or contain `/`, `*`, `=` or a space");
        }
        if self.programs().next().is_none() {
            return wrong(
                "a peer needs a `server`, an `agent`, a `server-program` or a `client-program`",
            );
        }
        if self.reference && self.server.is_none() && self.server_program.is_none() {
            return wrong("the reference needs a `server` or a `server-program`");
        }
        if self.reference && !self.parity {
            return wrong("the reference must not have `parity = false`");
        }
        if self.others().any(|program| program.attach.is_some()) {
            return wrong("attach: allowed only in `server`");
        }
        if self.others().any(|program| program.port.is_some()) {
            return wrong("port: allowed only in `server`");
        }
        if self.others().any(|program| program.command.is_none()) {
            return wrong("each program except an attached server needs a `command`");
        }
        self.server.as_ref().map_or(Ok(()), Self::check_server)
    }

    fn check_server(server: &Program) -> Result<(), (Option<Range<usize>>, &'static str)> {
        let Some(command) = &server.command else {
            let message = match &server.attach {
                None => "a server needs `command`, or `attach` with the address of a running one",
                Some(_) if !server.is_started() => return Ok(()),
                Some(_) => "`attach` and `port`, `ready`, `calls` or `options` exclude each other",
            };
            return Err((None, message));
        };
        if server.attach.is_some() {
            return Err((Some(command.span()), "`attach` and `command` exclude each other"));
        }
        let ready = server.ready.as_ref();
        if let Some(port) = &server.port {
            if *port.get_ref() != 0 {
                let message =
                    "`port` can only be 0: the server chooses its port and reports it with `ready`";
                return Err((Some(port.span()), message));
            }
            if !ready.is_some_and(|ready| ready.has("address") || ready.has("port")) {
                let span = ready.map_or(port.span(), Template::span);
                let message = "a server with `port = 0` needs `ready`: a text in the line that reports its \
                               {address} or {port}";
                return Err((Some(span), message));
            }
        } else if !server.passes("address") && !server.passes("port") {
            let message = "a server needs {address} or {port} in `command` or `environment`, so that it listens at \
                           the port that the tool chooses; or `port = 0`, if it chooses a port itself";
            return Err((Some(command.span()), message));
        }
        if server.options.contains_key(&ServerOption::Unix) && !server.passes("address") {
            let message =
                "a server with the option `unix` needs {address} in `command` or `environment`";
            return Err((Some(command.span()), message));
        }
        Ok(())
    }

    /// The first unknown placeholder, if there is one: its position and an error message.
    pub(crate) fn unknown_placeholder(
        &self,
        variables: &Variables,
    ) -> Option<(Range<usize>, String)> {
        let check = |program: &Program, is_server| {
            program.unknown_placeholder(is_server, variables.names())
        };
        let in_server = self.server.as_ref().and_then(|server| check(server, true));
        in_server.or_else(|| self.others().find_map(|program| check(program, false)))
    }

    /// The command lines with which the tool would start the attached server, each with its suite.
    pub(crate) fn ways_to_start(&self, places: &Places) -> Vec<(&'static str, String)> {
        let Some((server, at)) = self.server.as_ref().zip(self.attached_server()) else {
            return Vec::new();
        };
        let line = |program: &Program| program.command_line(places, &at.to_string()).ok();
        let ways = [("calls", server.for_calls()), ("server-parity", server.clone())];
        ways.iter().filter_map(|(suite, way)| Some((*suite, line(way)?.to_string()))).collect()
    }
}
