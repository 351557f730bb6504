//! The languages besides Python and Rust: each has a folder in `interop-tests/peers`.
//!
//! `make interop` has to work without their toolchains, so their peers take part only if the user chooses them. Such a
//! folder has everything about its language, so that another one changes no other file.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};

use crate::config::places::Places;

/// The folder of the languages, in the folder `interop-tests`.
const FOLDER: &str = "peers";

/// The peers file in the folder of a language.
const PEERS: &str = "peer.toml";

/// The known deviations in the folder of a language, which need not exist.
const DEVIATIONS: &str = "deviations.toml";

/// What the user chooses: one language, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LanguageChoice {
    /// Every language that has a folder.
    All,
    /// The language with this name.
    Named(String),
}

impl FromStr for LanguageChoice {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(if text == "all" { Self::All } else { Self::Named(text.to_owned()) })
    }
}

/// Which scenarios run with a server of one language and a client of another.
///
/// With many languages, most pairs are of two languages besides Python and Rust. All scenarios with these would take most
/// of the time of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Pairs {
    /// Those with `essential = true`. All others run with the peers of peers.toml, and within a language.
    #[default]
    Essential,
    /// All.
    All,
}

/// A language with its folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Language {
    pub(crate) name: String,
    folder: PathBuf,
}

impl Language {
    /// The language called `name`, if it has a folder.
    pub(crate) fn find(name: &str, places: &Places) -> Option<Self> {
        let folder = folder(places)?.join(name);
        let is_name = !name.is_empty() && !name.contains('/') && !name.starts_with('.');
        (is_name && folder.join(PEERS).is_file()).then(|| Self { name: name.to_owned(), folder })
    }

    /// The peers file.
    pub(crate) fn peers(&self) -> PathBuf {
        self.folder.join(PEERS)
    }

    /// The known deviations, if it has any.
    pub(crate) fn deviations(&self) -> Option<PathBuf> {
        Some(self.folder.join(DEVIATIONS)).filter(|path| path.exists())
    }

    /// Whether a peer with this name may be in its folder: then a name shows where the peer is from.
    pub(crate) fn may_have(&self, peer: &str) -> bool {
        let rest = peer.strip_prefix(&self.name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    }
}

/// All languages, sorted by name; none without a checkout.
pub(crate) fn all(places: &Places) -> anyhow::Result<Vec<Language>> {
    let Some(folder) = folder(places).filter(|folder| folder.exists()) else {
        return Ok(Vec::new());
    };
    let read = || std::fs::read_dir(&folder)?.map(|entry| Ok(entry?.file_name())).collect();
    let names: std::io::Result<BTreeSet<_>> = read();
    let names = names.with_context(|| format!("cannot read the folder {}", folder.display()))?;
    let names = names.iter().filter_map(|name| name.to_str());
    Ok(names.filter_map(|name| Language::find(name, places)).collect())
}

/// The chosen languages, each once.
pub(crate) fn chosen(
    choices: &[LanguageChoice],
    places: &Places,
) -> anyhow::Result<BTreeSet<Language>> {
    let mut chosen = BTreeSet::new();
    for choice in choices {
        match choice {
            LanguageChoice::All => chosen.extend(all(places)?),
            LanguageChoice::Named(name) => {
                chosen.insert(named(name, places)?);
            }
        }
    }
    Ok(chosen)
}

fn named(name: &str, places: &Places) -> anyhow::Result<Language> {
    if let Some(language) = Language::find(name, places) {
        return Ok(language);
    }
    places.root_for(format!("--language {name}"))?;
    let all = all(places)?;
    let names: Vec<_> = all.iter().map(|language| &*language.name).collect();
    bail!(
        "--language {name}: there is no interop-tests/{FOLDER}/{name}/{PEERS}; the languages are: {}",
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    )
}

fn folder(places: &Places) -> Option<PathBuf> {
    places.root().map(|root| root.join("interop-tests").join(FOLDER))
}
