//! A program of a peer: how it is started.
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
use crate::config::axes::{Compression, Transport};
use crate::config::capability::{Capability, ServerOption};
use crate::config::places::{NoRoot, Places};
use crate::config::variables::Variables;

/// How a program is started; one table of `peers.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    /// The program and its arguments; a relative path starts at the root. An attached server need not
    /// have it.
    pub command: Option<Spanned<Vec<String>>>,
    /// The address of a server that somebody else has started.
    pub attach: Option<Address>,
    /// Its working directory; a relative path starts at the root.
    pub directory: String,
    /// Variables that are added to the environment of the tool, but for empty ones.
    pub environment: BTreeMap<String, String>,
    /// The line on stdout with which a server reports its `{address}` or its `{port}`.
    pub ready: Option<Spanned<String>>,
    /// How long a server may take to start.
    start_limit_ms: Option<u64>,
    /// How to install the program.
    pub advice: Option<String>,
    /// Arguments of a server for the suite `calls`, which tests more than the others.
    calls: Vec<String>,
    /// What a server does not have of that which the suite `calls` tests.
    pub lacks: BTreeSet<Capability>,
    /// What else a server can do, each with the arguments for it.
    pub options: BTreeMap<ServerOption, Vec<String>>,
    /// The transports that an agent knows; without it, all of them.
    pub transports: Option<BTreeSet<Transport>>,
    /// The compressions that an agent knows; without it, all of them.
    pub compressions: Option<BTreeSet<Compression>>,
}

/// Why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The program is not installed.
    #[error("the program `{0}` is not on this machine")]
    NotInstalled(String),
    /// The entry has no `command`: an attached server is started by somebody else.
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
    pub fn start_limit(&self) -> Duration {
        Duration::from_millis(self.start_limit_ms.unwrap_or(20_000))
    }

    /// A server that somebody else has started and that has the service of the tutorial only.
    pub fn attached(server: Address) -> Self {
        let lacks = BTreeSet::from(Capability::ALL);
        Self { attach: Some(server), lacks, ..Self::default() }
    }

    /// Whether the entry states how it is started.
    pub fn is_started(&self) -> bool {
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
    pub fn with_options(&self, options: &[ServerOption], values: &[(&str, String)]) -> Self {
        let fill = |word: &String| {
            values.iter().fold(word.clone(), |word, (name, value)| word.replace(name, value))
        };
        let arguments = options.iter().filter_map(|option| self.options.get(option)).flatten();
        self.with_arguments(arguments.map(fill))
    }

    /// Replaces the variables by their values.
    pub fn fill(&mut self, variables: &Variables) {
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
    pub fn shown(&self, places: &Places, address: &str) -> Option<String> {
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

    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(&self.directory).envs(&self.environment);
        command
    }

    pub fn program(&self) -> &Path {
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
