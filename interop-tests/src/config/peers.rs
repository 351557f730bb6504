//! The peers of a run: those of a peers file, those that it takes from the project's files, those of the chosen
//! languages, and attached servers.
//!
//! A file takes peers from the project's files with `with`, so that it need not copy their entries.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{anyhow, bail, ensure};
use serde::Deserialize;
use toml::Spanned;

use crate::config::comparison::{CompareSettings, Ignore, IgnoreEntry, IgnoredPart};
use crate::config::descriptors::{DescriptorSources, Descriptors};
use crate::config::languages::{self, Language, LanguageChoice};
use crate::config::places::Places;
use crate::config::program::{CommandError, Inherits, Program};
use crate::config::source::{ConfigError, Source};
use crate::config::variables::{Assignment, Variables};
use crate::config::{IgnoredMetadata, address::Attachment, embedded, peer::Peer};

/// The name of the peer for an attached server without an entry.
const ATTACHED: &str = "attached";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// The names of peers to take from the project's files.
    #[serde(default)]
    with: Vec<Spanned<String>>,
    #[serde(default)]
    variables: Variables,
    #[serde(default)]
    protos: Vec<Spanned<String>>,
    #[serde(default)]
    include: Vec<Spanned<String>>,
    descriptors: Option<Spanned<String>>,
    reflection: Option<Spanned<bool>>,
    #[serde(default)]
    compare: CompareSettings,
    #[serde(default)]
    ignore: Vec<IgnoreEntry>,
    #[serde(default)]
    peer: Vec<Peer>,
}

impl File {
    /// Reads the file at `path`.
    fn read(path: &Path) -> Result<(Self, Arc<Source>), ConfigError> {
        let source = Arc::new(Source::open(path)?);
        Ok((Self::parse(&source)?, source))
    }

    fn parse(source: &Source) -> Result<Self, ConfigError> {
        let file: Self = source.parse()?;
        match file.variables.wrong_name() {
            Some((name, message)) => Err(source.error(Some(name.span()), message)),
            None => Ok(file),
        }
    }

    /// Checks that a file of the project has only peers and variables.
    fn has_only_peers(&self, source: &Source) -> Result<(), ConfigError> {
        let message = "only the peers file of a user can take peers with `with` or name services";
        let names = self.with.iter().chain(&self.protos).chain(&self.descriptors);
        let mut spans = names.map(Spanned::span).chain(self.reflection.iter().map(Spanned::span));
        spans.next().map_or(Ok(()), |span| Err(source.error(Some(span), message)))
    }
}

/// Whose file an entry is in.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Owner {
    User,
    /// `peers.toml` of the project.
    Project,
    /// The folder of a language in the project.
    Language(Language),
}

/// All peers of a run, with their files for error messages.
#[derive(Clone, Debug)]
pub struct Peers {
    pub(crate) all: Vec<Peer>,
    /// The descriptors of the user's services.
    pub(crate) descriptors: Option<Descriptors>,
    /// How these services are compared, and the differences that are accepted.
    pub(crate) compare: CompareSettings,
    pub(crate) ignored: Vec<Ignore>,
    /// Where the file says that the descriptors are those of the reference's reflection service.
    reflection: Option<Range<usize>>,
    source: Arc<Source>,
}

impl Peers {
    /// Reads the file at `path`, or else the project's file, and those of the chosen `languages`; assigns the
    /// variables in `set`, and checks everything that does not depend on installed programs.
    pub fn read(
        path: Option<&Path>,
        places: &Places,
        set: &[Assignment],
        languages: &[LanguageChoice],
    ) -> anyhow::Result<Self> {
        let chosen = languages::chosen(languages, places)?;
        let Some(path) = path.filter(|path| *path != places.project_file("peers.toml")) else {
            return Self::of_project(places, set, &chosen);
        };
        let (mut file, source) = File::read(path)?;
        let mut languages = languages::all(places)?;
        languages.retain(|language| {
            let has = |name: &Spanned<String>| language.may_have(name.get_ref());
            chosen.contains(language) || file.with.iter().any(has)
        });
        let languages = BTreeSet::from_iter(languages);
        // A variable that the file does not have belongs to the project's files.
        let (own, others): (Vec<_>, Vec<_>) = set.iter().cloned().partition(|set| {
            let takes_others = !file.with.is_empty() || !chosen.is_empty();
            !takes_others || file.variables.names().any(|name| name == set.name)
        });
        file.variables.set(&own).map_err(|error| anyhow!("--set: {error}"))?;
        let folder = folder_of(path);
        let sources = DescriptorSources {
            protos: std::mem::take(&mut file.protos),
            include: std::mem::take(&mut file.include),
            descriptors: file.descriptors.take(),
        };
        let here = Path::new("");
        let descriptors = sources.read(&source, folder.as_deref().unwrap_or(here))?;
        let reflection = file.reflection.take().filter(|it| *it.get_ref()).map(|it| it.span());
        if let Some(span) = reflection.clone().filter(|_| descriptors.is_some()) {
            let message = "`reflection` and `protos` or `descriptors` exclude each other";
            return Err(source.error(Some(span), message).into());
        }
        let ignored = std::mem::take(&mut file.ignore).into_iter();
        let ignored = ignored.map(|entry| entry.check(&source)).collect::<Result<Vec<_>, _>>()?;
        let mut compare = std::mem::take(&mut file.compare);
        compare.find_cases(&source, folder.as_deref().unwrap_or(here))?;
        if let Some(first) = compare.cases.first()
            && descriptors.is_none()
            && reflection.is_none()
        {
            let message = "cases: case files need `protos`, `descriptors` or `reflection`";
            return Err(source.error(Some(first.span()), message).into());
        }
        if descriptors.is_none() && reflection.is_none() {
            check_without_services(&ignored)?;
        }
        if file.with.is_empty() && file.peer.is_empty() {
            let message = "the file has no peer; add a `[[peer]]`, or take peers from the project's files with `with`";
            return Err(source.error(None, message).into());
        }
        let all = Vec::new();
        let mut peers = Self { all, descriptors, compare, ignored, reflection, source };
        if !file.with.is_empty() || !chosen.is_empty() {
            let project = Self::of_project(places, &others, &languages)?;
            peers.take(&file.with, &project)?;
            let is_chosen = |peer: &Peer| {
                peer.language_folder.as_ref().is_some_and(|language| chosen.contains(language))
            };
            for peer in project.all.into_iter().filter(is_chosen) {
                if peers.named(peer.name()).is_err() {
                    peers.all.push(peer);
                }
            }
        }
        let source = Arc::clone(&peers.source);
        peers.add(file, &source, folder.as_deref(), &Owner::User)?;
        peers.ignore_metadata();
        Ok(peers)
    }

    /// Reads the project's file, and those of these languages.
    fn of_project(
        places: &Places,
        set: &[Assignment],
        languages: &BTreeSet<Language>,
    ) -> anyhow::Result<Self> {
        let path = places.project_file("peers.toml");
        let (mut file, source) = File::read(&path)?;
        file.has_only_peers(&source)?;
        let mut of_languages = Vec::new();
        let mut rest = set.to_vec();
        for language in languages {
            let path = language.peers();
            let (mut file, source) = File::read(&path)?;
            file.has_only_peers(&source)?;
            let (own, others): (Vec<_>, Vec<_>) = rest
                .into_iter()
                .partition(|set| file.variables.names().any(|name| name == set.name));
            rest = others;
            file.variables.set(&own).map_err(|error| anyhow!("--set: {error}"))?;
            of_languages.push((language, path, file, source));
        }
        file.variables.set(&rest).map_err(|error| anyhow!("--set: {error}"))?;
        let mut peers = Self {
            all: Vec::new(),
            descriptors: None,
            compare: CompareSettings::default(),
            ignored: Vec::new(),
            reflection: None,
            source: Arc::clone(&source),
        };
        peers.add(file, &source, folder_of(&path).as_deref(), &Owner::Project)?;
        for (language, path, file, source) in of_languages {
            let owner = Owner::Language(language.clone());
            peers.add(file, &source, folder_of(&path).as_deref(), &owner)?;
        }
        Ok(peers)
    }

    /// Reads the text of a peers file as far as that takes no other file.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn of_text(text: &str) -> Result<Self, ConfigError> {
        let source = Arc::new(Source::new("peers.toml", text));
        let mut file = File::parse(&source)?;
        let ignored = std::mem::take(&mut file.ignore).into_iter();
        let ignored = ignored.map(|entry| entry.check(&source)).collect::<Result<_, _>>()?;
        let (all, compare) = (Vec::new(), std::mem::take(&mut file.compare));
        let (descriptors, reflection) = (None, None);
        let mut peers =
            Self { all, descriptors, compare, ignored, reflection, source: Arc::clone(&source) };
        peers.add(file, &source, None, &Owner::User)?;
        Ok(peers)
    }

    /// Adds the entries of a file in this folder, and checks them.
    fn add(
        &mut self,
        File { peer: entries, variables, .. }: File,
        source: &Arc<Source>,
        folder: Option<&Path>,
        owner: &Owner,
    ) -> Result<(), ConfigError> {
        let values = variables.values();
        for mut peer in entries {
            for program in peer.programs_mut() {
                program.folder = folder.map(Path::to_owned);
                if *owner != Owner::User {
                    program.inherits = Inherits::Allowed;
                }
                program.expand(&values);
            }
            if let Some((span, message)) = peer.unknown_placeholder(&variables) {
                return Err(source.error(Some(span), message));
            }
            let wrong = |span: Option<_>, message: &str| {
                let span = span.or_else(|| Some(peer.name.span()));
                Err(source.error(span, message))
            };
            if let Owner::Language(language) = owner {
                if !language.may_have(peer.name()) {
                    let name = &language.name;
                    let message = format!("the name has to be `{name}`, or begin with `{name}-`");
                    return wrong(None, &message);
                }
                if peer.reference {
                    return wrong(None, "the reference has to be in interop-tests/peers.toml");
                }
                peer.language_folder = Some(language.clone());
            }
            if self.all.iter().any(|other| other.name() == peer.name()) {
                return wrong(None, &format!("there is already a peer `{}`", peer.name()));
            }
            if let Err((span, message)) = peer.check() {
                return wrong(span, message);
            }
            if peer.reference && self.all.iter().any(|other| other.reference) {
                let message =
                    "there is already a reference; only one peer may have `reference = true`";
                return wrong(None, message);
            }
            peer.is_of_project = *owner != Owner::User;
            peer.file = Some(Arc::clone(source));
            self.all.push(peer);
        }
        Ok(())
    }

    /// Adds the peers with these names; `from` are the peers of the project's files.
    fn take(&mut self, names: &[Spanned<String>], from: &Self) -> Result<(), ConfigError> {
        for name in names {
            let wrong = |message: String| Err(self.source.error(Some(name.span()), message));
            let peer = match from.named(name.get_ref()) {
                Ok(peer) => peer.clone(),
                Err(error) => {
                    return wrong(format!("with: {}: {error}", from.source.path().display()));
                }
            };
            if self.named(peer.name()).is_ok() {
                return wrong(format!("with: `{}` is listed twice", peer.name()));
            }
            self.all.push(peer);
        }
        Ok(())
    }

    /// The peer called `name`. The error lists all names.
    pub fn named(&self, name: &str) -> Result<&Peer, String> {
        self.all.iter().find(|peer| peer.name() == name).ok_or_else(|| {
            let names: Vec<_> = self.all.iter().map(Peer::name).collect();
            format!("there is no peer `{name}`; the peers are: {}", names.join(", "))
        })
    }

    /// Tells each peer which metadata of its responses the calculator's suites do not compare.
    fn ignore_metadata(&mut self) {
        for peer in &mut self.all {
            peer.ignored = IgnoredMetadata::of_peer(&self.ignored, peer.name());
        }
    }

    /// Whether the file names the services of a user.
    pub(crate) fn has_services(&self) -> bool {
        self.descriptors.is_some() || self.reflection.is_some()
    }

    /// The server whose reflection service describes the user's services, with its peer; `None` if the file does not
    /// say so.
    pub(crate) fn reflecting_server(&self) -> Result<Option<(&Peer, &Program)>, ConfigError> {
        let Some(span) = self.reflection.clone() else { return Ok(None) };
        let reference = self.all.iter().find(|peer| peer.reference);
        let server = reference.and_then(|peer| Some((peer, peer.server.as_ref()?)));
        server.map(Some).ok_or_else(|| {
            let message = "`reflection` needs a peer with `reference = true` and a `server`";
            self.source.error(Some(span), message)
        })
    }

    /// An error about the key `reflection`.
    pub(crate) fn reflection_error(&self, why: impl Display) -> ConfigError {
        self.source.error(self.reflection.clone(), format!("reflection: {why}"))
    }

    /// Whether the reference is from the project's file.
    pub(crate) fn has_project_reference(&self) -> bool {
        self.all.iter().any(|peer| peer.reference && peer.is_of_project)
    }

    /// The languages whose folders have peers of the run.
    pub(crate) fn languages(&self) -> BTreeSet<Language> {
        self.all.iter().filter_map(|peer| peer.language_folder.clone()).collect()
    }

    /// The names of the peers that are not from the project's file.
    pub(crate) fn foreign_peers(&self) -> BTreeSet<String> {
        let foreign_peers = self.all.iter().filter(|peer| !peer.is_of_project);
        foreign_peers.map(|peer| peer.name().to_owned()).collect()
    }

    /// Replaces servers with attached ones, and adds a peer for an attached server without an entry.
    pub(crate) fn attach(&mut self, attachments: &[Attachment]) -> anyhow::Result<()> {
        let mut names = BTreeSet::new();
        for Attachment { peer, server, text } in attachments {
            let name = peer.as_deref().unwrap_or(ATTACHED);
            ensure!(
                names.insert(name),
                "--attach {text}: a server is already attached for the peer `{name}`"
            );
            if peer.is_none() {
                ensure!(
                    self.named(name).is_err(),
                    "--attach {text}: the peers file already has a peer `{name}`; use PEER=ADDRESS"
                );
                self.all.push(Peer::attached(name, server.clone()));
                continue;
            }
            self.named(name).map_err(|error| anyhow!("--attach {text}: {error}"))?;
            let program = self.all.iter_mut().find(|peer| peer.name() == name);
            let Some(program) = program.and_then(|peer| peer.server.as_mut()) else {
                bail!("--attach {text}: the peer `{name}` has no `server` in the peers file");
            };
            program.attach = Some(server.clone());
        }
        self.ignore_metadata();
        Ok(())
    }

    /// Checks that every program is installed, except attached servers and the programs of peers in `left_out`.
    pub(crate) fn check_programs(
        &self,
        places: &Places,
        left_out: &BTreeSet<String>,
    ) -> Result<(), ConfigError> {
        for peer in self.all.iter().filter(|peer| !left_out.contains(peer.name())) {
            for program in peer.programs().filter(|program| program.attach.is_none()) {
                let Some(command) = &program.command else { continue };
                let Err(error) = program.command_line(places, "") else { continue };
                let name = command.get_ref().first().map(ToString::to_string).unwrap_or_default();
                let advice = match (&program.advice, &peer.language_folder) {
                    (Some(advice), _) => advice.to_string(),
                    (None, Some(language)) => {
                        format!("run `make setup LANGUAGES={}`", language.name)
                    }
                    (None, None) => "install it, or correct `command`".to_owned(),
                };
                let peer_name = peer.name();
                let why = match error {
                    CommandError::NoRoot(error) => format!("peer `{peer_name}`: {error}"),
                    _ => format!(
                        "the program `{name}` of peer `{peer_name}` was not found: {advice}"
                    ),
                };
                let message =
                    format!("command: {why}; or exclude the peer with --without {peer_name}");
                let file = peer.file.as_ref().unwrap_or(&self.source);
                return Err(file.error(Some(command.span()), message));
            }
        }
        Ok(())
    }
}

/// Checks that the entries apply to the calculator's suites, which are the only ones without services.
fn check_without_services(ignored: &[Ignore]) -> anyhow::Result<()> {
    let applies = |entry: &Ignore| {
        let is_metadata = matches!(entry.what, IgnoredPart::Metadata(_) | IgnoredPart::OfProxy);
        is_metadata && entry.is_unconditional()
    };
    match ignored.iter().find(|entry| !applies(entry)) {
        None => Ok(()),
        Some(entry) => bail!(
            "{}: without `protos`, `descriptors` or `reflection`, an [[ignore]] entry can only have `metadata` or \
             `preset`, and `peer`",
            entry.place
        ),
    }
}

/// The folder of the file at `path`, without symbolic links. A built-in file has none.
fn folder_of(path: &Path) -> Option<PathBuf> {
    if embedded::contains(path) {
        return None;
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new(".")).canonicalize().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const PROJECT: &str = "[variables]\nshell = \"sh\"\n\n[[peer]]\nname = \"first\"\nlanguage = \"x\"\n\
                           agent = { command = [\"{shell}\"] }\n";

    /// A checkout whose file has the peer `first`, and another file with this text.
    struct Files {
        folder: TempDir,
        places: Places,
    }

    impl Files {
        fn new(text: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("interop-tests")).unwrap();
            std::fs::write(folder.path().join("interop-tests/peers.toml"), PROJECT).unwrap();
            std::fs::write(folder.path().join("mine.toml"), text).unwrap();
            let places = Places::new(Some(folder.path().to_owned()), "bin".into());
            Self { folder, places }
        }

        fn read(&self, set: &[&str]) -> Result<Peers, String> {
            let set: Vec<_> = set.iter().map(|text| text.parse().unwrap()).collect();
            let path = self.folder.path().join("mine.toml");
            Peers::read(Some(&path), &self.places, &set, &[]).map_err(|error| {
                let folder = format!("{}/", self.folder.path().display());
                error.to_string().replace(&folder, "")
            })
        }
    }

    fn names(peers: &Peers) -> Vec<&str> {
        peers.all.iter().map(Peer::name).collect()
    }

    fn entry(name: &str) -> String {
        format!("[[peer]]\nname = \"{name}\"\nlanguage = \"x\"\nagent = {{ command = [\"sh\"] }}\n")
    }

    #[test]
    fn a_file_may_include_peers_of_the_project() {
        let files = Files::new(&format!("with = [\"first\"]\n{}", entry("second")));
        let peers = files.read(&[]).unwrap();
        assert_eq!(names(&peers), ["first", "second"]);
        assert_eq!(peers.foreign_peers().into_iter().collect::<Vec<_>>(), ["second"]);
        let error = |text: &str| Files::new(text).read(&[]).unwrap_err();
        let unknown = error("with = [\"third\"]");
        assert!(
            unknown.starts_with("mine.toml:1: with: interop-tests/peers.toml: there is no peer")
        );
        assert!(error("with = [\"first\", \"first\"]").contains("with: `first` is listed twice"));
        assert!(
            error(&format!("with = [\"first\"]\n{}", entry("first")))
                .starts_with("mine.toml:3: there is already a peer `first`")
        );
        assert!(error("").starts_with("mine.toml: the file has no peer; add a `[[peer]]`"));
    }

    #[test]
    fn a_chosen_language_adds_the_peers_of_its_folder() {
        let files = Files::new(&format!("with = [\"first\"]\n{}", entry("second")));
        let language = |name: &str, text: &str| {
            let folder = files.folder.path().join("interop-tests/peers").join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join("peer.toml"), text).unwrap();
        };
        let read = |path: Option<&str>, set: &[&str], choices: &[&str]| {
            let path = path.map(|name| files.folder.path().join(name));
            let set: Vec<_> = set.iter().map(|text| text.parse().unwrap()).collect();
            let choices: Vec<_> = choices.iter().map(|text| text.parse().unwrap()).collect();
            let peers = Peers::read(path.as_deref(), &files.places, &set, &choices);
            peers.map_err(|error| error.to_string())
        };
        assert_eq!(
            read(None, &[], &["go"]).unwrap_err(),
            "--language go: there is no interop-tests/peers/go/peer.toml; the languages are: none"
        );
        let go = entry("go") + &entry("go-connect");
        language("go", &format!("[variables]\nshell = \"sh\"\nmine = \"\"\n{go}"));
        language("node", &entry("node"));
        language("scripts", "");
        std::fs::remove_file(files.folder.path().join("interop-tests/peers/scripts/peer.toml"))
            .unwrap();
        assert_eq!(names(&read(None, &[], &[]).unwrap()), ["first"]);
        let all = read(None, &[], &["node", "all"]).unwrap();
        assert_eq!(names(&all), ["first", "go", "go-connect", "node"]);
        assert!(all.foreign_peers().is_empty(), "the known deviations apply to them");
        assert_eq!(
            all.languages().iter().map(|language| &*language.name).collect::<Vec<_>>(),
            ["go", "node"]
        );
        assert!(
            read(None, &[], &["java"])
                .unwrap_err()
                .ends_with("java/peer.toml; the languages are: go, node")
        );
        let mine = read(Some("mine.toml"), &[], &["node"]).unwrap();
        assert_eq!(names(&mine), ["first", "node", "second"]);
        let text = "with = [\"go-connect\", \"first\"]";
        std::fs::write(files.folder.path().join("mine.toml"), text).unwrap();
        assert_eq!(names(&read(Some("mine.toml"), &[], &[]).unwrap()), ["go-connect", "first"]);
        let set = read(None, &["mine=1", "shell=dash"], &["go"]).unwrap();
        assert_eq!(set.languages().len(), 1);
        assert!(read(None, &["mine=1"], &["node"]).unwrap_err().contains("no variable `mine`"));

        language("node", &entry("deno"));
        assert!(
            read(None, &[], &["node"])
                .unwrap_err()
                .contains("node/peer.toml:2: the name has to be `node`, or begin with `node-`")
        );
        language("node", &format!("with = [\"first\"]\n{}", entry("node")));
        assert!(
            read(None, &[], &["node"]).unwrap_err().contains("peer.toml:1: only the peers file")
        );
    }

    #[test]
    fn without_a_root_the_file_of_the_project_is_built_in() {
        let mut files = Files::new("with = [\"first\"]");
        files.places = Places::new(None, "bin".into());
        let error = files.read(&[]).unwrap_err();
        assert!(
            error.starts_with("mine.toml:1: with: (built-in)/peers.toml: there is no"),
            "{error}"
        );
        let peers = Peers::read(None, &files.places, &[], &[]).unwrap();
        assert!(peers.all.iter().all(|peer| peer.is_of_project));
    }

    #[test]
    fn a_variable_is_set_in_the_file_that_has_it() {
        let text = format!("with = [\"first\"]\n[variables]\nmine = \"1\"\n{}", entry("second"));
        let peers = Files::new(&text).read(&["shell=dash", "mine=2"]).unwrap();
        let command = peers.all[0].agent.as_ref().unwrap().command.as_ref().unwrap();
        assert_eq!(command.get_ref()[0].to_string(), "dash");
        let error = Files::new(&text).read(&["other=1"]).unwrap_err();
        assert_eq!(error, "--set: there is no variable `other`; the variables are: shell");
    }

    #[test]
    fn an_attached_server_replaces_one_or_is_a_peer_of_its_own() {
        let server = "server = { command = [\"sh\"], port = 0, ready = \"{address}\" }\n";
        let files = Files::new(&format!("{}{server}{}", entry("first"), entry("second")));
        let attach = |texts: &[&str]| {
            let mut peers = files.read(&[]).unwrap();
            let attachments: Vec<_> = texts.iter().map(|text| text.parse().unwrap()).collect();
            peers.attach(&attachments).map_err(|error| error.to_string())?;
            Ok::<_, String>(peers)
        };
        let peers = attach(&["first=localhost:1", "localhost:2"]).unwrap();
        assert_eq!(names(&peers), ["first", "second", "attached"]);
        let addresses = peers.all.iter().map(|peer| Some(peer.attached_server()?.to_string()));
        let expected = [Some("localhost:1".to_owned()), None, Some("localhost:2".to_owned())];
        assert_eq!(addresses.collect::<Vec<_>>(), expected);
        let error = |texts| attach(texts).unwrap_err();
        assert!(
            error(&["second=localhost:1"])
                .ends_with("the peer `second` has no `server` in the peers file")
        );
        assert!(error(&["third=localhost:1"]).contains("there is no peer `third`"));
        assert!(
            error(&["localhost:1", "localhost:2"])
                .ends_with("already attached for the peer `attached`")
        );
    }

    #[test]
    fn a_missing_program_is_an_error_unless_its_peer_is_excluded() {
        let files = Files::new(&entry("first").replace("\"sh\"", "\"no-such-program\""));
        let peers = files.read(&[]).unwrap();
        let error = peers.check_programs(&files.places, &BTreeSet::new()).unwrap_err().to_string();
        assert!(
            error.contains(":4: command: the program `no-such-program` of peer `first` was not")
        );
        assert!(error.contains("or exclude the peer with --without first"), "{error}");
        let left_out = BTreeSet::from(["first".to_owned()]);
        assert!(peers.check_programs(&files.places, &left_out).is_ok());
    }

    #[test]
    fn a_path_starts_in_the_folder_of_the_file() {
        let files = Files::new(&entry("first").replace("\"sh\"", "\"bin/sh\""));
        let places = Places::new(None, "bin".into());
        let peers = files.read(&[]).unwrap();
        let error = peers.check_programs(&places, &BTreeSet::new()).unwrap_err().to_string();
        assert!(error.contains("the program `bin/sh` of peer `first` was not found"), "{error}");
        std::fs::create_dir(files.folder.path().join("bin")).unwrap();
        std::os::unix::fs::symlink("/bin/sh", files.folder.path().join("bin/sh")).unwrap();
        peers.check_programs(&places, &BTreeSet::new()).unwrap();
    }

    #[test]
    fn an_entry_is_checked_as_a_whole() {
        let error = |rest: &str| {
            let text = format!("[[peer]]\nname = \"one\"\nlanguage = \"x\"\n{rest}");
            Files::new(&text).read(&[]).unwrap_err()
        };
        assert!(error("").starts_with("mine.toml:2: a peer needs a `server`, an `agent`"));
        let server = |rest: &str| error(&format!("server = {{ command = [\"sh\"]{rest} }}"));
        let message = "mine.toml:4: a server needs {address} or {port} in `command`";
        assert!(server(", ready = \"at {address}\"").starts_with(message));
        assert!(server(", port = 5").starts_with("mine.toml:4: `port` can only be 0"));
        for rest in [", port = 0", ", port = 0, ready = \"ready\""] {
            assert!(
                server(rest).starts_with("mine.toml:4: a server with `port = 0` needs `ready`")
            );
        }
        let unix = error("server = { command = [\"sh\", \"{port}\"], options = { unix = [] } }");
        assert!(unix.starts_with("mine.toml:4: a server with the option `unix` needs {address}"));
        assert!(
            error("agent = { command = [\"sh\"], port = 0 }")
                .starts_with("mine.toml:2: port: allowed")
        );
        assert!(
            error("agent = {}")
                .starts_with("mine.toml:2: each program except an attached server needs")
        );
        assert!(
            error("reference = true\nagent = { command = [\"sh\"] }")
                .contains("needs a `server` or a `server-program`")
        );
        let attached = "agent = { command = [\"sh\"], attach = \"localhost:1\" }";
        assert!(error(attached).starts_with("mine.toml:2: attach: allowed only in `server`"));
        let both = "server = { command = [\"sh\"], attach = \"localhost:1\" }";
        assert!(error(both).starts_with("mine.toml:4: `attach` and `command` exclude each other"));
    }
}
