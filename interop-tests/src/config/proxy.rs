//! The proxies that the tool starts between clients and servers: how each is started and configured, and what it adds to
//! responses.
//!
//! A proxy is data, like a peer, because each has its own language of configuration. `interop-tests/proxies` has a file
//! for each, and next to it the template of its configuration.

use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use serde::Deserialize;
use toml::Spanned;

use crate::config::places::Places;
use crate::config::program::{CommandError, Inherits, Program};
use crate::config::source::{self, Source};
use crate::config::{embedded, template::Template};

/// The folder with the proxies, and the extension of their files.
const FOLDER: &str = "proxies";
const EXTENSION: &str = "toml";

/// The placeholders that are filled in the configuration.
const IN_CONFIGURATION: [&str; 7] =
    ["address", "host", "port", "upstream", "upstream-host", "upstream-port", "folder"];

/// A proxy.
#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    /// The name in the option `--via` and in the names of trials.
    pub(crate) id: String,
    /// The name for people.
    pub(crate) name: String,
    pub(crate) program: Program,
    /// The program that prints its version.
    pub(crate) versions: Option<Program>,
    /// The template of the configuration, and the name of its file.
    pub(crate) configuration: Template,
    pub(crate) configuration_file: String,
    /// The names of the metadata that it adds to responses, with `*` for any text.
    pub(crate) adds: Vec<String>,
}

/// The file of a proxy.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    configuration: Spanned<String>,
    #[serde(default)]
    adds: Vec<String>,
    program: Program,
    versions: Option<Program>,
}

/// The addresses and the folder of a proxy that is started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProxySettings<'a> {
    /// `HOST:PORT` where the proxy listens.
    pub(crate) address: &'a str,
    /// `HOST:PORT` of the server.
    pub(crate) upstream: &'a str,
    /// A folder of this proxy alone.
    pub(crate) folder: &'a str,
}

impl Proxy {
    /// Reads the proxies with these names, which are names of files in `interop-tests/proxies`, or paths of other files.
    pub(crate) fn read_all(names: &[String], places: &Places) -> anyhow::Result<Vec<Self>> {
        let mut proxies: Vec<Self> = Vec::new();
        for name in names {
            let proxy = Self::read(name, places)?;
            if proxies.iter().any(|other| other.id == proxy.id) {
                bail!("--via {name}: the proxy `{}` is named twice", proxy.id);
            }
            proxies.push(proxy);
        }
        Ok(proxies)
    }

    fn read(name: &str, places: &Places) -> anyhow::Result<Self> {
        let folder = places.project_file(FOLDER);
        let path = Path::new(name);
        let is_file = name.contains('/') || path.extension().is_some_and(|it| it == EXTENSION);
        let path = if is_file {
            path.to_owned()
        } else {
            let known = known(&folder)?;
            if !known.iter().any(|it| it == name) {
                bail!(
                    "--via {name}: there is no proxy `{name}`; the proxies are: {}; the path of a file names another \
                     proxy",
                    known.join(", ")
                );
            }
            folder.join(name).with_extension(EXTENSION)
        };
        let (file, source): (File, _) = Source::read(&path)?;
        let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        source::check_name(&id).map_err(|error| anyhow!("--via {name}: {error}"))?;
        let File { name, configuration, adds, mut program, mut versions } = file;
        let wrong = |message: String| source.error(Some(configuration.span()), message);
        let template = path.with_file_name(configuration.get_ref());
        let text = source::read_text(&template)
            .map_err(|error| wrong(format!("cannot read {}: {error}", template.display())))?;
        let configuration_file = configuration.get_ref().clone();
        let is_project = embedded::contains(&path) || path.starts_with(&folder);
        let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
        for program in std::iter::once(&mut program).chain(&mut versions) {
            program.folder.clone_from(&folder);
            if is_project {
                program.inherits = Inherits::Allowed;
            }
        }
        let template = Template::parse(&text);
        for needed in [&["address", "port"][..], &["upstream", "upstream-port"]] {
            if !needed.iter().any(|placeholder| template.has(placeholder)) {
                let names = needed.iter().map(|it| format!("{{{it}}}")).collect::<Vec<_>>();
                return Err(wrong(format!("the configuration needs {}", names.join(" or "))).into());
            }
        }
        Ok(Self { id, name, program, versions, configuration: template, configuration_file, adds })
    }

    /// Checks that the proxy is installed.
    pub(crate) fn check(&self, places: &Places) -> anyhow::Result<()> {
        let Self { id, name, program, .. } = self;
        let Err(error) = program.command_line(places, "") else { return Ok(()) };
        let advice = program.advice.as_ref().map(ToString::to_string);
        let advice = advice.unwrap_or_else(|| "install it, or correct `command`".to_owned());
        match error {
            CommandError::NotInstalled(program) => {
                bail!(
                    "--via {id}: {name} is not installed: the program `{program}` was not found; {advice}"
                )
            }
            error => bail!("--via {id}: {error}"),
        }
    }

    /// The program with the paths of its configuration and of its folder.
    pub(crate) fn program(&self, configuration: &Path, folder: &str) -> Program {
        let value = |text: &str| Template::of_text(text.to_owned());
        let values = [
            ("configuration".to_owned(), value(&configuration.to_string_lossy())),
            ("folder".to_owned(), value(folder)),
        ];
        let mut program = self.program.clone();
        program.expand(&values.into());
        program
    }

    /// The configuration.
    pub(crate) fn configured(&self, settings: ProxySettings<'_>) -> String {
        let ProxySettings { address, upstream, folder } = settings;
        let [(host, port), (upstream_host, upstream_port)] =
            [address, upstream].map(|it| it.rsplit_once(':').unwrap_or((it, "")));
        let values = [address, host, port, upstream, upstream_host, upstream_port, folder];
        let value = |name: &str| {
            let mut all = IN_CONFIGURATION.iter().zip(values);
            all.find(|(known, _)| **known == name).map(|(_, value)| value.to_owned())
        };
        self.configuration.filled(value).to_string()
    }
}

/// The names of the proxies in `folder`.
fn known(folder: &Path) -> anyhow::Result<Vec<String>> {
    let files = source::tables_in(folder)?;
    let is_proxy = |file: &&PathBuf| file.extension().is_some_and(|it| it == EXTENSION);
    let name = |file: &PathBuf| Some(file.file_stem()?.to_string_lossy().into_owned());
    Ok(files.iter().filter(is_proxy).filter_map(name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The places of this checkout.
    fn places() -> Places {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        Places::new(Some(root.to_owned()), "bin".into())
    }

    fn error(name: &str) -> String {
        Proxy::read_all(&[name.to_owned()], &places()).unwrap_err().to_string()
    }

    #[test]
    fn every_proxy_of_the_project_is_complete() {
        let settings = ProxySettings {
            address: "127.0.0.1:1",
            upstream: "127.0.0.1:2",
            folder: "/tmp/of this proxy",
        };
        let names = known(&places().project_file(FOLDER)).unwrap();
        assert_eq!(names, ["caddy", "envoy", "haproxy", "nginx"]);
        for places in [places(), Places::new(None, "bin".into())] {
            for proxy in Proxy::read_all(&names, &places).unwrap() {
                let text = proxy.configured(settings);
                let left = Template::parse(&text);
                let mut left = left.placeholders().filter(|it| IN_CONFIGURATION.contains(it));
                assert_eq!(left.next(), None, "{}", proxy.id);
                assert!(text.contains('1') && text.contains('2'), "{text}");
                assert!(proxy.program.advice.is_some() && proxy.versions.is_some(), "{}", proxy.id);
                assert!(proxy.program.passes("configuration"), "{}", proxy.id);
            }
        }
    }

    #[test]
    fn a_proxy_that_does_not_exist_is_an_error_with_the_names_of_all() {
        let expected = "--via ngins: there is no proxy `ngins`; the proxies are: caddy, envoy, haproxy, nginx; the path \
                        of a file names another proxy";
        assert_eq!(error("ngins"), expected);
        let twice = ["nginx".to_owned(), "nginx".to_owned()];
        let error = Proxy::read_all(&twice, &places()).unwrap_err().to_string();
        assert_eq!(error, "--via nginx: the proxy `nginx` is named twice");
    }

    #[test]
    fn an_error_names_the_file_of_the_proxy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        let text =
            "name = 'Mine'\nconfiguration = 'mine.conf'\n[program]\ncommand = ['mine-proxy']\n";
        std::fs::write(&path, text).unwrap();
        let name = path.to_string_lossy().into_owned();
        assert!(error(&name).starts_with(&format!("{name}:2: cannot read ")), "{}", error(&name));
        std::fs::write(folder.path().join("mine.conf"), "listen {port}").unwrap();
        let incomplete = error(&name);
        assert!(incomplete.contains(":2: the configuration needs {upstream} or {upstream-port}"));
        std::fs::write(folder.path().join("mine.conf"), "listen {port} {upstream}").unwrap();
        let proxies = Proxy::read_all(&[name], &places()).unwrap();
        let missing = proxies[0].check(&places()).unwrap_err().to_string();
        let expected = "--via mine: Mine is not installed: the program `mine-proxy` was not found; install it, or \
                        correct `command`";
        assert_eq!(missing, expected);
    }
}
