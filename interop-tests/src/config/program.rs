//! A program of a peer: how it is started, and what it does not support.
//!
//! The tool does not depend on languages: all differences between peers are in these entries.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use crate::config::address::Address;
use crate::config::capability::{Capability, ServerNeeds, ServerOption};
use crate::config::connection::{Compression, Transport, Variant};
use crate::config::places::{NoRoot, Places};
use crate::config::template::Template;

/// A program of a peer; one table of `peers.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Program {
    /// The program and its arguments; a path is relative to the folder of the file. Optional for an attached server.
    pub(crate) command: Option<Spanned<Vec<Template>>>,
    /// The address of a server that the user started.
    pub(crate) attach: Option<Address>,
    /// Its working directory, relative to the folder of the file.
    pub(crate) directory: Template,
    /// Variables to add to the environment of the tool. Empty ones are ignored.
    pub(crate) environment: BTreeMap<String, Template>,
    /// 0 if a server is to choose its port, which it reports with `ready`. The default is a port that the tool chooses.
    pub(crate) port: Option<Spanned<u16>>,
    /// A text in the line with which a server reports that it is ready, perhaps with its `{address}` or `{port}`.
    pub ready: Option<Template>,
    /// Variables to pass on although they are among those that [`Inherits`] excludes.
    #[serde(rename = "inherit-environment")]
    inherit_environment: BTreeSet<String>,
    /// How long a server may take to start.
    start_limit_ms: Option<u64>,
    /// Advice on how to install the program.
    pub advice: Option<Template>,
    /// Additional arguments of a server for the suite `calls`, which tests more services than the others.
    calls: Vec<Template>,
    /// The capabilities that a server lacks, of those that the suite `calls` tests.
    pub(crate) lacks: BTreeSet<Capability>,
    /// The options of a server, each with its arguments.
    pub(crate) options: BTreeMap<ServerOption, Vec<Template>>,
    /// The transports that an agent supports. The default is all.
    pub(crate) transports: Option<BTreeSet<Transport>>,
    /// The compressions that an agent supports. The default is all.
    pub(crate) compressions: Option<BTreeSet<Compression>>,
    /// Whether an agent reads messages as raw bytes that follow the line.
    pub(crate) raw_messages: bool,
    /// The folder of the file, in which relative paths start. The default is the root.
    #[serde(skip)]
    pub(crate) folder: Option<PathBuf>,
    /// Which variables of the tool it gets.
    #[serde(skip)]
    pub inherits: Inherits,
}

/// Which variables of the environment of the tool a program gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inherits {
    /// All except proxies and the settings of gRPC libraries, such as `GRPC_TRACE`, which would change what is tested. A
    /// user's program may need any other.
    #[default]
    Most,
    /// Only the variables that every program needs. The project's programs need no others, and those that people export,
    /// such as `PYTHONSAFEPATH` and `RUST_LOG`, would change what they do or print.
    Allowed,
}

/// The variables that the project's programs get: where programs, libraries and folders are.
const ALLOWED: [&str; 8] = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "DYLD_FALLBACK_LIBRARY_PATH",
];

/// The placeholders that an entry may contain besides variables.
struct KnownPlaceholders {
    /// In `command`, `directory` and `environment`.
    everywhere: &'static [&'static str],
    /// In `options`, besides those.
    in_options: &'static [&'static str],
    /// In `ready`.
    in_ready: &'static [&'static str],
}

/// The placeholders of a server whose address the tool chooses.
const OF_SERVER: KnownPlaceholders = KnownPlaceholders {
    everywhere: &["root", "bin", "address", "host", "port"],
    in_options: &["certificate", "key", "client-ca", "seconds"],
    in_ready: &["address", "host", "port"],
};

/// The placeholders of all other programs.
const OF_OTHERS: KnownPlaceholders =
    KnownPlaceholders { everywhere: &["root", "bin"], in_options: &[], in_ready: &[] };

/// Placeholders that cannot be variables.
pub(crate) fn reserved_placeholders() -> impl Iterator<Item = &'static str> {
    OF_SERVER.everywhere.iter().chain(OF_SERVER.in_options).copied()
}

/// The reason why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// The program is not installed.
    #[error("the program `{0}` was not found")]
    NotInstalled(String),
    /// The entry has no `command`, because it describes an attached server.
    #[error("its entry in the peers file has no `command`")]
    NoCommand,
    /// The command or the directory is relative to the root, and there is none.
    #[error(transparent)]
    NoRoot(#[from] NoRoot),
}

/// A command line without placeholders. It is displayed in shell syntax.
#[derive(Clone, Debug)]
pub struct CommandLine {
    pub(crate) program: PathBuf,
    arguments: Vec<String>,
    directory: PathBuf,
    environment: BTreeMap<String, String>,
    inherits: Inherits,
    /// Variables that are passed on in any case.
    inherited: BTreeSet<String>,
}

impl Program {
    pub(crate) fn start_limit(&self) -> Duration {
        Duration::from_millis(self.start_limit_ms.unwrap_or(20_000))
    }

    /// A server that the user started, with only the service of the tutorial.
    pub(crate) fn attached(server: Address) -> Self {
        let lacks = BTreeSet::from(Capability::ALL);
        Self { attach: Some(server), lacks, ..Self::default() }
    }

    /// Whether the entry contains keys about starting the server.
    pub(crate) fn is_started(&self) -> bool {
        let Self { command, port, ready, calls, options, .. } = self;
        command.is_some()
            || port.is_some()
            || ready.is_some()
            || !calls.is_empty()
            || !options.is_empty()
    }

    /// Whether the server chooses its port.
    pub(crate) fn chooses_port(&self) -> bool {
        self.port.is_some()
    }

    /// Whether a placeholder passes `{name}` to the program.
    pub(crate) fn passes(&self, name: &str) -> bool {
        let command = self.command.iter().flat_map(Spanned::get_ref);
        let words = command.chain(&self.calls).chain(self.options.values().flatten());
        words.chain(self.environment.values()).any(|template| template.has(name))
    }

    /// The program with the arguments for the suite `calls`.
    pub fn for_calls(&self) -> Self {
        self.with_templates(&self.calls)
    }

    /// The program as an argument of the command `words`, such as a profiler.
    pub fn below(&self, words: impl IntoIterator<Item = String>) -> Self {
        let mut program = self.clone();
        if let Some(command) = &mut program.command {
            command.get_mut().splice(0..0, words.into_iter().map(Template::of_text));
        }
        program
    }

    /// The program with additional `arguments`.
    pub fn with_arguments(&self, arguments: impl IntoIterator<Item = String>) -> Self {
        let arguments: Vec<_> = arguments.into_iter().map(Template::of_text).collect();
        self.with_templates(&arguments)
    }

    /// The program with the arguments of `options`, in which `values` replace the placeholders.
    pub(crate) fn with_options(&self, options: &[ServerOption], values: &[(&str, String)]) -> Self {
        let value = |name: &str| {
            values.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())
        };
        let arguments = options.iter().filter_map(|option| self.options.get(option)).flatten();
        let arguments: Vec<_> = arguments.map(|argument| argument.filled(value)).collect();
        self.with_templates(&arguments)
    }

    fn with_templates(&self, arguments: &[Template]) -> Self {
        let mut program = self.clone();
        if let Some(command) = &mut program.command {
            command.get_mut().extend_from_slice(arguments);
        }
        program
    }

    /// Replaces variables with their values.
    pub(crate) fn expand(&mut self, variables: &BTreeMap<String, Template>) {
        let Self { command, calls, options, directory, environment, ready, advice, .. } = self;
        let command = command.iter_mut().flat_map(|command| command.get_mut().iter_mut());
        let words = command.chain(calls).chain(options.values_mut().flatten());
        let others = environment.values_mut().chain(ready).chain(advice).chain([directory]);
        for template in words.chain(others) {
            template.expand(variables);
        }
    }

    /// The first unknown placeholder, if there is one: its position and an error message. `variables` are the names
    /// of the variables of the file.
    pub(crate) fn unknown_placeholder<'a>(
        &self,
        is_server: bool,
        variables: impl Iterator<Item = &'a str>,
    ) -> Option<(Range<usize>, String)> {
        let known = if is_server { OF_SERVER } else { OF_OTHERS };
        let in_options: Vec<_> = known.everywhere.iter().chain(known.in_options).copied().collect();
        let command = self.command.iter().flat_map(Spanned::get_ref);
        let others = self.calls.iter().chain(self.environment.values()).chain([&self.directory]);
        let everywhere = command.chain(others).map(|template| (template, known.everywhere));
        let options = self.options.values().flatten().map(|template| (template, &in_options[..]));
        let ready = self.ready.iter().map(|template| (template, known.in_ready));
        let (template, name, known) =
            everywhere.chain(options).chain(ready).find_map(|(template, known)| {
                let name = template.placeholders().find(|name| !known.contains(name))?;
                Some((template, name, known))
            })?;
        let known = known.iter().copied().chain(variables).map(|name| format!("{{{name}}}"));
        let known = known.collect::<Vec<_>>().join(", ");
        let message = format!(
            "unknown placeholder {{{name}}}; known here: {known}; write {{{{ for a literal brace"
        );
        Some((template.span(), message))
    }

    /// The command line of a server at `address`, or of a client, whose command does not contain `{address}`.
    pub fn command_line(
        &self,
        places: &Places,
        address: &str,
    ) -> Result<CommandLine, CommandError> {
        let fill = |template: &Template| {
            template.try_fill(|name| match name {
                "root" => {
                    let root = places.root_for(format!("`{template}`"))?;
                    Ok(Some(root.to_string_lossy().into_owned()))
                }
                "bin" => Ok(Some(places.bin().to_string_lossy().into_owned())),
                "address" => Ok(Some(address.to_owned())),
                "host" => Ok(address.rsplit_once(':').map(|(host, _)| host.to_owned())),
                "port" => Ok(address.rsplit_once(':').map(|(_, port)| port.to_owned())),
                _ => Ok(None),
            })
        };
        let command = self.command.as_ref().ok_or(CommandError::NoCommand)?.get_ref();
        let mut words = command.iter().map(fill);
        let program = words.next().ok_or(CommandError::NoCommand)??;
        let path = if program.contains('/') {
            self.absolute(&program, places)?
        } else {
            (&program).into()
        };
        let found = which::which(&path).map_err(|_| CommandError::NotInstalled(program.clone()))?;
        // A path stays unchanged; a name is looked up in PATH.
        let program = if path.is_absolute() { path } else { found };
        let directory = self.absolute(&fill(&self.directory)?, places)?;
        let arguments = words.collect::<Result<_, NoRoot>>()?;
        let mut environment = BTreeMap::new();
        for (key, value) in &self.environment {
            let value = fill(value)?;
            if !value.is_empty() {
                environment.insert(key.clone(), value);
            }
        }
        let inherited = self.inherit_environment.clone();
        let inherits = self.inherits;
        Ok(CommandLine { program, arguments, directory, environment, inherits, inherited })
    }

    /// `path` as an absolute path.
    fn absolute(&self, path: &str, places: &Places) -> Result<PathBuf, NoRoot> {
        match &self.folder {
            Some(folder) => Ok(below(folder, Path::new(path))),
            None => places.absolute(path),
        }
    }

    /// The command line in shell syntax, if the program can be run.
    pub(crate) fn shown(&self, places: &Places, address: &str) -> Option<String> {
        self.command_line(places, address).ok().map(|line| line.to_string())
    }
}

impl CommandLine {
    /// The command line of a system tool; `None` if it is not installed.
    pub fn of_tool(name: &str, arguments: Vec<String>) -> Option<Self> {
        let (program, directory) = (which::which(name).ok()?, PathBuf::from("."));
        let (environment, inherited) = (BTreeMap::new(), BTreeSet::new());
        let inherits = Inherits::default();
        Some(Self { program, arguments, directory, environment, inherits, inherited })
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if !self.inherits.passes_on(&name) && !self.inherited.contains(&*name) {
                command.env_remove(&*name);
            }
        }
        command.args(&self.arguments).current_dir(&self.directory).envs(&self.environment);
        command
    }
}

impl Inherits {
    /// Whether a program gets the variable `name` from the environment of the tool.
    fn passes_on(self, name: &str) -> bool {
        match self {
            Self::Allowed => ALLOWED.contains(&name),
            Self::Most => {
                let name = name.to_ascii_lowercase();
                !name.starts_with("grpc_") && !name.ends_with("_proxy")
            }
        }
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

/// `path`, relative to `folder`, which contains no symbolic links. So leading `..` can be resolved, which makes command
/// lines easier to read.
fn below(folder: &Path, path: &Path) -> PathBuf {
    let mut start = folder.to_owned();
    let mut rest = path;
    while let Ok(shorter) = rest.strip_prefix("..") {
        start.pop();
        rest = shorter;
    }
    // Joining an empty path would append a slash.
    if rest.as_os_str().is_empty() { start } else { start.join(rest) }
}

/// `word` quoted for a shell.
fn quoted(word: &str) -> Cow<'_, str> {
    // Only a null byte cannot be quoted, and command lines contain none.
    shlex::try_quote(word).unwrap_or(Cow::Borrowed(word))
}

/// What a program does not support. A case that needs it is "not supported", which is neither a pass nor a failure.
impl Program {
    /// An option that the server needs for `transport` and `needs` and that its entry lacks.
    pub(crate) fn missing_option(
        &self,
        transport: Transport,
        needs: &ServerNeeds,
    ) -> Option<ServerOption> {
        needs.options(transport).into_iter().find(|option| !self.options.contains_key(option))
    }

    /// The reason why the server of `peer` does not support a case, if it does not. `is_dedicated` is whether the
    /// case kills or measures the server.
    pub(crate) fn unsupported_by_server(
        &self,
        peer: &str,
        transport: Transport,
        needs: &ServerNeeds,
        capabilities: &BTreeSet<Capability>,
        is_dedicated: bool,
    ) -> Option<String> {
        let obstacle = if let Some(attached) = &self.attach {
            // The user started it, with unknown options.
            let age = needs.max_connection_age.map(|_| ServerOption::MaxConnectionAge.to_string());
            let need =
                if attached.transport() == transport { age } else { Some(transport.to_string()) };
            let what = need.map(|need| format!("be started with `{need}`"));
            let what = what.or_else(|| is_dedicated.then(|| "be killed or measured".to_owned()));
            what.map(|what| format!("is attached at {attached}, so it cannot {what}"))
        } else {
            let missing = self.missing_option(transport, needs);
            missing.map(|option| format!("has no option `{option}`"))
        };
        let lacking = || {
            let missing = capabilities.intersection(&self.lacks).next()?;
            Some(format!("lacks `{missing}`"))
        };
        Some(format!("the server of peer `{peer}` {}", obstacle.or_else(lacking)?))
    }

    /// The reason why the agent of `peer` does not support this transport and compression, if it does not.
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
        Some(format!("the agent of peer `{peer}` does not support {unknown}"))
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
    fn proxies_and_settings_of_grpc_are_not_passed_on() {
        for name in ["GRPC_TRACE", "grpc_proxy", "HTTP_PROXY", "https_proxy", "NO_PROXY"] {
            assert!(!Inherits::Most.passes_on(name), "{name}");
        }
        for name in ["PATH", "HOME", "GRPC", "PROXY", "MY_GRPC_X", "PYTHONPATH"] {
            assert!(Inherits::Most.passes_on(name), "{name}");
        }
    }

    #[test]
    fn programs_of_the_project_get_only_what_they_need() {
        for name in
            ["PYTHONPATH", "RUST_LOG", "LC_ALL", "TZ", "GRPC_TRACE", "path", "SSL_CERT_FILE"]
        {
            assert!(!Inherits::Allowed.passes_on(name), "{name}");
        }
        assert!(ALLOWED.iter().all(|name| Inherits::Allowed.passes_on(name)));
    }

    #[test]
    fn a_relative_path_starts_in_the_folder_of_the_file() {
        let below = |path: &str| below(Path::new("/a/b"), Path::new(path));
        assert_eq!(below("bin/x"), Path::new("/a/b/bin/x"));
        assert_eq!(below("../../x"), Path::new("/x"));
        assert_eq!(below("..").as_os_str(), "/a");
        assert_eq!(below("").as_os_str(), "/a/b");
        assert_eq!(below("/x"), Path::new("/x"));
    }

    #[test]
    fn a_server_needs_the_options_of_the_case() {
        let plain = program("");
        assert_eq!(server(&plain, Transport::Plain, ""), None);
        let why = server(&plain, Transport::Tls, "").unwrap();
        assert_eq!(why, "the server of peer `rust` has no option `tls`");
        let why = server(&plain, Transport::Plain, "max-connection-age = 1").unwrap();
        assert_eq!(why, "the server of peer `rust` has no option `max-connection-age`");
        let both = program("options = { tls = [], max-connection-age = [] }");
        assert_eq!(server(&both, Transport::Tls, "max-connection-age = 1"), None);
        assert!(server(&both, Transport::Mtls, "").is_some());
    }

    #[test]
    fn a_server_may_lack_a_service() {
        let why = server(&program("lacks = [\"health\"]"), Transport::Plain, "").unwrap();
        assert_eq!(why, "the server of peer `rust` lacks `health`");
        assert_eq!(server(&program("lacks = [\"reflection\"]"), Transport::Plain, ""), None);
    }

    #[test]
    fn an_attached_server_is_used_as_it_was_started() {
        let mut attached = program("options = { tls = [], max-connection-age = [] }");
        attached.attach = Some("localhost:1".to_owned().try_into().unwrap());
        assert_eq!(server(&attached, Transport::Plain, ""), None);
        let why = server(&attached, Transport::Tls, "").unwrap();
        assert!(
            why.ends_with("is attached at localhost:1, so it cannot be started with `tls`"),
            "{why}"
        );
        let why = server(&attached, Transport::Plain, "max-connection-age = 1").unwrap();
        assert!(why.ends_with("it cannot be started with `max-connection-age`"), "{why}");
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
        let unknown = "the agent of peer `rust` does not support the";
        let tls = why(Transport::Tls, Compression::None).unwrap();
        assert_eq!(tls, format!("{unknown} transport `tls`"));
        let deflate = why(Transport::Plain, Compression::Deflate).unwrap();
        assert_eq!(deflate, format!("{unknown} compression `deflate`"));
        let everything = Variant { transport: Transport::Mtls, compression: Compression::Deflate };
        assert_eq!(program("").unsupported_by_agent("rust", everything), None);
    }
}
