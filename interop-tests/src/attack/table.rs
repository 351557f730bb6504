//! The entries of `scenarios/attacks`.
//!
//! They use the keys of probes where both mean the same, so that who reads one can read the other.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use crate::config::Source;
use crate::config::source::{self, check_name};
use crate::http2::header_block::changed;
use crate::http2::{Action, Change, Cut, End, Message, Piece, Role, Text, body};
use crate::probe::table::LEGAL;

/// One `[[attack]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Attack {
    name: Spanned<String>,
    about: String,
    /// How many connections the attacker has at once. It replaces those that the server closes.
    #[serde(default = "one")]
    pub(super) connections: usize,
    /// How many files the server may have open, including connections; `None` leaves its limit as it is.
    pub open_files: Option<u64>,
    /// The identifiers and values of the first SETTINGS.
    #[serde(default)]
    settings: Vec<(u16, u32)>,
    /// Sent instead of the preface and SETTINGS.
    preface: Option<Text>,
    /// Changes to the header list of a legal request.
    #[serde(default)]
    headers: Vec<Change>,
    #[serde(default = "body::root_of_16")]
    body: Vec<Piece>,
    #[serde(default)]
    cut: Cut,
    /// The number of padding bytes in each DATA frame.
    pad: Option<u8>,
    /// The size of the fragments of a header block in HEADERS and CONTINUATION.
    fragments: Option<usize>,
    #[serde(default)]
    end: End,
    /// The actions at the start of a connection.
    #[serde(default)]
    pub(super) open: Vec<Action>,
    /// The actions that are repeated.
    #[serde(default)]
    pub(super) round: Vec<Action>,
    /// How often they are repeated on a connection; without it, as long as the attack lasts.
    pub(super) rounds: Option<usize>,
    /// How many bytes the attacker reads in a second, of each connection; without it, everything.
    pub(super) reads_per_second: Option<usize>,
    /// How many bytes the attacker writes in a second, to each connection; without it, as many as possible.
    pub(super) writes_per_second: Option<usize>,
}

fn one() -> usize {
    1
}

impl Attack {
    /// The name.
    pub fn name(&self) -> &str {
        self.name.get_ref()
    }

    /// What the attacker does, in one sentence.
    pub fn about(&self) -> &str {
        &self.about
    }

    /// Whether the attacker sends nothing.
    pub fn is_silent(&self) -> bool {
        let preface = self.preface.as_ref();
        preface.is_some_and(Text::is_empty) && self.open.is_empty() && self.round.is_empty()
    }

    /// The start of a connection and the call that its actions refer to.
    pub(super) fn message(&self) -> Message {
        Message {
            preface: self.preface.clone(),
            settings: self.settings.clone(),
            headers: changed(LEGAL, &self.headers),
            body: body::bytes(&self.body),
            trailers: Vec::new(),
            end: self.end,
            cut: self.cut.clone(),
            pad: self.pad,
            pad_headers: None,
            priority: false,
            fragments: self.fragments,
        }
    }

    fn check(&self) -> Result<(), String> {
        check_name(self.name())?;
        if self.connections == 0 {
            return Err("connections: must be at least 1".to_owned());
        }
        if self.rounds.is_some() && self.round.is_empty() {
            return Err("rounds: there is no `round`".to_owned());
        }
        for action in self.open.iter().chain(&self.round) {
            action.check(Role::Client)?;
            if action.waits() {
                let name: &str = action.into();
                return Err(format!(
                    "`{name}` waits for the server, so it is no action of attacks"
                ));
            }
        }
        self.headers.iter().try_for_each(|change| change.check(LEGAL))?;
        self.body.iter().try_for_each(Piece::check)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    attack: Vec<Attack>,
}

/// The paths of the tables in this folder, sorted by name.
pub fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    source::tables_in(folder)
}

/// Reads the attacks in the table at `path`.
pub fn read(path: &Path) -> anyhow::Result<Vec<Attack>> {
    let parse = |source: &Source| source.parse().map(|file: File| file.attack);
    source::read_cases("attack", [Source::open(path)], parse, |attack| {
        (&attack.name, attack.check())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/attacks");
        let files = files_in(&folder).unwrap();
        assert!(!files.is_empty());
        for file in files {
            assert!(!read(&file).unwrap().is_empty(), "{}", file.display());
        }
    }

    #[test]
    fn an_error_names_the_attack_and_the_key() {
        let error = |text: &str| {
            let attack = format!("name = 'a'\nabout = 'b'\n{text}");
            toml::from_str::<Attack>(&attack).unwrap().check().unwrap_err()
        };
        assert!(error("connections = 0").starts_with("connections: "));
        assert!(error("rounds = 3").starts_with("rounds: "));
        assert!(error("round = ['answer']").starts_with("`answer` waits for the server"));
        assert!(error("round = ['request']").starts_with("`request` is an action of a server"));
        assert!(error("body = [{}]").starts_with("a piece needs"));
    }
}
