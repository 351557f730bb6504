//! A program of a peer: how it is started, and what it cannot do.
//!
//! The tool knows no language: everything in which two peers differ is in these entries.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::config::address::Address;
use crate::config::capability::{Capability, ServerNeeds, ServerOption};
use crate::config::connection::{Compression, Transport, Variant};
use crate::config::places::{NoRoot, Places, Variables};

/// How a program is started; one table of `peers.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    /// The program and its arguments; a relative path starts at the root. An attached server need not
    /// have it.
    pub(crate) command: Option<Spanned<Vec<String>>>,
    /// The address of a server that the user has started.
    pub(crate) attach: Option<Address>,
    /// Its working directory; a relative path starts at the root.
    pub(crate) directory: String,
    /// Variables that are added to the environment of the tool, but for empty ones.
    pub(crate) environment: BTreeMap<String, String>,
    /// The line on stdout with which a server reports its `{address}` or its `{port}`.
    pub ready: Option<Spanned<String>>,
    /// How long a server may take to start.
    start_limit_ms: Option<u64>,
    /// How to install the program.
    pub advice: Option<String>,
    /// Arguments of a server for the suite `calls`, which tests more than the others.
    calls: Vec<String>,
    /// What a server does not have of that which the suite `calls` tests.
    pub(crate) lacks: BTreeSet<Capability>,
    /// What else a server can do, each with the arguments for it.
    pub(crate) options: BTreeMap<ServerOption, Vec<String>>,
    /// The transports that an agent knows; without it, all of them.
    pub(crate) transports: Option<BTreeSet<Transport>>,
    /// The compressions that an agent knows; without it, all of them.
    pub(crate) compressions: Option<BTreeSet<Compression>>,
}

/// Why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The program is not installed.
    #[error("the program `{0}` is not on this machine")]
    NotInstalled(String),
    /// The entry has no `command`: the user starts an attached server.
    #[error("it has no `command`")]
    NoCommand,
    /// The command or the directory is relative to the root, and there is none.
    #[error(transparent)]
    NoRoot(#[from] NoRoot),
}

/// A command line without placeholders; it is displayed as a user would type it.
#[derive(Clone, Debug)]
pub struct CommandLine {
    program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    environment: BTreeMap<String, String>,
}

impl Program {
    pub(crate) fn start_limit(&self) -> Duration {
        Duration::from_millis(self.start_limit_ms.unwrap_or(20_000))
    }

    /// A server that the user has started and that has the service of the tutorial only.
    pub(crate) fn attached(server: Address) -> Self {
        let lacks = BTreeSet::from(Capability::ALL);
        Self { attach: Some(server), lacks, ..Self::default() }
    }

    /// Whether the entry states how it is started.
    pub(crate) fn is_started(&self) -> bool {
        let Self { command, ready, calls, options, .. } = self;
        command.is_some() || ready.is_some() || !calls.is_empty() || !options.is_empty()
    }

    /// The program with the arguments for the suite `calls`.
    pub fn for_calls(&self) -> Self {
        self.with_arguments(self.calls.iter().cloned())
    }

    /// The program as `words` run it, such as a tool that observes it, which then looks up its name.
    pub fn below(&self, words: impl IntoIterator<Item = String>) -> Self {
        let mut program = self.clone();
        if let Some(command) = &mut program.command {
            command.get_mut().splice(0..0, words);
        }
        program
    }

    /// The program with more arguments.
    pub fn with_arguments(&self, arguments: impl IntoIterator<Item = String>) -> Self {
        let mut program = self.clone();
        if let Some(command) = &mut program.command {
            command.get_mut().extend(arguments);
        }
        program
    }

    /// The program with the arguments of `options`, whose placeholders are replaced by `values`.
    pub(crate) fn with_options(&self, options: &[ServerOption], values: &[(&str, String)]) -> Self {
        let fill = |word: &String| {
            values.iter().fold(word.clone(), |word, (name, value)| word.replace(name, value))
        };
        let arguments = options.iter().filter_map(|option| self.options.get(option)).flatten();
        self.with_arguments(arguments.map(fill))
    }

    /// Replaces the variables by their values.
    pub(crate) fn fill(&mut self, variables: &Variables) {
        let options = self.options.values_mut().flatten();
        let command = self.command.iter_mut().flat_map(|command| command.get_mut().iter_mut());
        let words = command.chain(&mut self.calls).chain(options);
        let texts = words.chain(self.environment.values_mut()).chain(&mut self.advice);
        for text in texts.chain([&mut self.directory]) {
            *text = variables.fill(text);
        }
    }

    /// The command line for a server at `address`, or for a client, whose command does not contain
    /// `{address}`.
    pub fn command_line(
        &self,
        places: &Places,
        address: &str,
    ) -> Result<CommandLine, CommandError> {
        let fill = |text: &str| Ok(places.fill(text)?.replace("{address}", address));
        let command = self.command.as_ref().ok_or(CommandError::NoCommand)?.get_ref();
        let mut words = command.iter().map(|word| fill(word));
        let program = words.next().ok_or(CommandError::NoCommand)??;
        let path =
            if program.contains('/') { places.absolute(&program)? } else { (&program).into() };
        let found = which::which(&path).map_err(|_| CommandError::NotInstalled(program.clone()))?;
        // A path stays as it was given; a name is looked up.
        let program = if path.is_absolute() { path } else { found };
        let directory = places.absolute(&fill(&self.directory)?)?;
        let arguments = words.collect::<Result<_, CommandError>>()?;
        let mut environment = BTreeMap::new();
        for (key, value) in &self.environment {
            let value = fill(value)?;
            if !value.is_empty() {
                environment.insert(key.clone(), value);
            }
        }
        Ok(CommandLine { program, arguments, directory, environment })
    }

    /// The command line as a person would type it, if the program can be run.
    pub(crate) fn shown(&self, places: &Places, address: &str) -> Option<String> {
        self.command_line(places, address).ok().map(|line| line.to_string())
    }
}

impl CommandLine {
    /// The command line of a tool of the system; `None` when it is not on this machine.
    pub fn of_tool(name: &str, arguments: Vec<String>) -> Option<Self> {
        Some(Self {
            program: which::which(name).ok()?,
            arguments,
            directory: PathBuf::from("."),
            environment: BTreeMap::new(),
        })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).envs(&self.environment);
        command
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }
}

impl fmt::Display for CommandLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "(cd {} &&", quoted(&self.directory.to_string_lossy()))?;
        for (key, value) in &self.environment {
            write!(f, " {key}={}", quoted(value))?;
        }
        write!(f, " {}", quoted(&self.program.to_string_lossy()))?;
        for argument in &self.arguments {
            write!(f, " {}", quoted(argument))?;
        }
        write!(f, ")")
    }
}

/// `word`, quoted for a shell.
fn quoted(word: &str) -> Cow<'_, str> {
    // Only a null byte cannot be quoted, and no command line has one.
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

/// What a program cannot do. A case that needs it is "not supported", which is neither a pass nor a failure.
impl Program {
    /// The option that a server needs for this and that the entry does not have.
    pub(crate) fn missing_option(
        &self,
        transport: Transport,
        needs: &ServerNeeds,
    ) -> Option<ServerOption> {
        needs.options(transport).into_iter().find(|option| !self.options.contains_key(option))
    }

    /// Why the server of `peer` cannot be used for a case, if it cannot. A dedicated server is killed or
    /// measured.
    pub(crate) fn unsupported_by_server(
        &self,
        peer: &str,
        transport: Transport,
        needs: &ServerNeeds,
        capabilities: &BTreeSet<Capability>,
        is_dedicated: bool,
    ) -> Option<String> {
        let obstacle = if let Some(attached) = &self.attach {
            // It was started outside of the tool, with unknown options.
            let age = needs.max_connection_age.map(|_| ServerOption::MaxConnectionAge.to_string());
            let need =
                if attached.transport() == transport { age } else { Some(transport.to_string()) };
            let what = need.map(|need| format!("be asked for `{need}`"));
            let what = what.or_else(|| is_dedicated.then(|| "be killed or measured".to_owned()));
            what.map(|what| format!("is attached at {attached}: it cannot {what}"))
        } else {
            let missing = self.missing_option(transport, needs);
            missing.map(|option| format!("has no option `{option}`"))
        };
        let lacking = || {
            let missing = capabilities.intersection(&self.lacks).next()?;
            Some(format!("lacks `{missing}`"))
        };
        Some(format!("the server of {peer} {}", obstacle.or_else(lacking)?))
    }

    /// Why the agent of `peer` cannot make calls at this point of the axes, if it cannot.
    pub(crate) fn unsupported_by_agent(&self, peer: &str, variant: Variant) -> Option<String> {
        let Variant { transport, compression } = variant;
        let Self { transports, compressions, .. } = self;
        let unknown = if transports.as_ref().is_some_and(|all| !all.contains(&transport)) {
            format!("the transport `{transport}`")
        } else {
            compression.encoding()?;
            compressions.as_ref().filter(|all| !all.contains(&compression))?;
            format!("the compression `{}`", compression.name())
        };
        Some(format!("the agent of {peer} does not know {unknown}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::connection::Compression;

    fn program(table: &str) -> Program {
        toml::from_str(&format!("command = [\"server\"]\n{table}")).unwrap()
    }

    fn server(program: &Program, transport: Transport, needs: &str) -> Option<String> {
        let needs = toml::from_str(needs).unwrap();
        let capabilities = BTreeSet::from([Capability::Health]);
        program.unsupported_by_server("rust", transport, &needs, &capabilities, false)
    }

    #[test]
    fn a_server_needs_the_options_of_the_case() {
        let plain = program("");
        assert_eq!(server(&plain, Transport::Plain, ""), None);
        let why = server(&plain, Transport::Tls, "").unwrap();
        assert_eq!(why, "the server of rust has no option `tls`");
        let why = server(&plain, Transport::Plain, "max-connection-age = 1").unwrap();
        assert_eq!(why, "the server of rust has no option `max-connection-age`");
        let both = program("options = { tls = [], max-connection-age = [] }");
        assert_eq!(server(&both, Transport::Tls, "max-connection-age = 1"), None);
        assert!(server(&both, Transport::Mtls, "").is_some());
    }

    #[test]
    fn a_server_may_lack_a_service() {
        let why = server(&program("lacks = [\"health\"]"), Transport::Plain, "").unwrap();
        assert_eq!(why, "the server of rust lacks `health`");
        assert_eq!(server(&program("lacks = [\"reflection\"]"), Transport::Plain, ""), None);
    }

    #[test]
    fn an_attached_server_is_used_as_it_was_started() {
        let mut attached = program("options = { tls = [], max-connection-age = [] }");
        attached.attach = Some("localhost:1".to_owned().try_into().unwrap());
        assert_eq!(server(&attached, Transport::Plain, ""), None);
        let why = server(&attached, Transport::Tls, "").unwrap();
        assert!(why.ends_with("is attached at localhost:1: it cannot be asked for `tls`"), "{why}");
        let why = server(&attached, Transport::Plain, "max-connection-age = 1").unwrap();
        assert!(why.ends_with("it cannot be asked for `max-connection-age`"), "{why}");
        let needs = ServerNeeds::default();
        let killed = |transport| {
            attached.unsupported_by_server("x", transport, &needs, &BTreeSet::new(), true)
        };
        assert!(killed(Transport::Plain).unwrap().ends_with("it cannot be killed or measured"));
    }

    #[test]
    fn an_agent_states_its_transports_and_compressions() {
        let agent = program("transports = [\"plain\"]\ncompressions = [\"gzip\"]");
        let why = |transport, compression| {
            agent.unsupported_by_agent("rust", Variant { transport, compression })
        };
        assert_eq!(why(Transport::Plain, Compression::Gzip), None);
        assert_eq!(why(Transport::Plain, Compression::None), None);
        let unknown = "the agent of rust does not know the";
        let tls = why(Transport::Tls, Compression::None).unwrap();
        assert_eq!(tls, format!("{unknown} transport `tls`"));
        let deflate = why(Transport::Plain, Compression::Deflate).unwrap();
        assert_eq!(deflate, format!("{unknown} compression `deflate`"));
        let everything = Variant { transport: Transport::Mtls, compression: Compression::Deflate };
        assert_eq!(program("").unsupported_by_agent("rust", everything), None);
    }
}
