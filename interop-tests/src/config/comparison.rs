//! How the suite `compare` runs: the table `[compare]` and the `[[ignore]]` entries of a peers file.
//!
//! An entry has a reason, because it hides a difference from everyone who reads the verdict.

use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex_lite::Regex;
use serde::Deserialize;
use toml::Spanned;

use crate::config::source::{ConfigError, Source};

/// The table `[compare]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct CompareSettings {
    #[serde(default)]
    pub(crate) restart: Restart,
    /// The sources of cases. The default is all.
    pub(crate) sources: Option<Vec<CaseSource>>,
    /// Case files, and folders of them. Paths are relative to the folder of the peers file.
    #[serde(default)]
    pub(crate) cases: Vec<Spanned<String>>,
    /// All case files, in order.
    #[serde(skip)]
    pub(crate) case_files: Vec<PathBuf>,
    /// The methods that are compared, with `*` for any text. The default is all.
    pub(crate) methods: Option<Vec<String>>,
    /// How long a server may take for a call, in milliseconds.
    pub(crate) call_limit_ms: Option<u64>,
    /// The number of random cases of each method.
    #[serde(default)]
    pub(crate) random_cases: usize,
    /// The largest message that the servers accept, in bytes.
    pub(crate) size_limit: Option<NonZero<usize>>,
    /// The seed of the random cases.
    #[serde(default)]
    pub(crate) seed: u64,
    /// The methods that may be called at attached servers, with `*` for any text.
    #[serde(default)]
    pub(crate) safe: Vec<String>,
}

/// When the servers are started again, so that they forget earlier calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Restart {
    /// For each case.
    Case,
    /// For each method.
    #[default]
    Method,
    /// Only once, for all methods of a peer.
    Run,
}

/// Where cases come from.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Deserialize,
    strum::Display,
    strum::VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum CaseSource {
    /// Requests made from the descriptors.
    Generated,
    /// Requests that differ below the level of messages: headers, frames, prefixes.
    Wire,
    /// The user's case files.
    User,
}

impl CompareSettings {
    /// How long a server may take for a call.
    pub(crate) fn call_limit(&self) -> Duration {
        const DEFAULT: Duration = Duration::from_secs(5);
        self.call_limit_ms.map_or(DEFAULT, Duration::from_millis)
    }

    /// Finds the case files. `source` is the peers file, in `folder`.
    pub(crate) fn find_cases(&mut self, source: &Source, folder: &Path) -> Result<(), ConfigError> {
        for name in &self.cases {
            let wrong =
                |message: String| source.error(Some(name.span()), format!("cases: {message}"));
            let path = folder.join(name.get_ref());
            if !path.is_dir() {
                if !path.is_file() {
                    return Err(wrong(format!("there is no file or folder {}", path.display())));
                }
                if !is_case_file(&path) {
                    return Err(wrong("the name of a case file ends in .toml or .json".to_owned()));
                }
                self.case_files.push(path);
                continue;
            }
            let entries = std::fs::read_dir(&path).and_then(|entries| {
                entries.map(|entry| entry.map(|it| it.path())).collect::<Result<Vec<_>, _>>()
            });
            let mut files = entries.map_err(|error| wrong(error.to_string()))?;
            files.retain(|path| is_case_file(path));
            if files.is_empty() {
                return Err(wrong(format!("the folder {} has no case files", path.display())));
            }
            files.sort();
            self.case_files.append(&mut files);
        }
        Ok(())
    }

    /// Whether cases of this source run.
    pub(crate) fn has(&self, source: CaseSource) -> bool {
        self.sources.as_ref().is_none_or(|sources| sources.contains(&source))
    }
}

fn is_case_file(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml" || extension == "json")
}

/// One `[[ignore]]`: a difference that is accepted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct IgnoreEntry {
    /// The path of a field in the response or in the status details, without indices and keys.
    pub(crate) field: Option<Spanned<String>>,
    /// The name of metadata, initial or trailing.
    pub(crate) metadata: Option<Spanned<String>>,
    /// A part of the response that is neither.
    pub(crate) part: Option<Spanned<ResponsePart>>,
    /// How the values of any field of the response or of the status details differ.
    pub(crate) kind: Option<Spanned<DifferenceKind>>,
    /// Several names of metadata at once.
    pub(crate) preset: Option<Spanned<Preset>>,
    /// The cases to which it applies, as the last part of the name of their trial, with `*` for any text. The default is
    /// all.
    pub(crate) cases: Option<Spanned<String>>,
    /// The methods to which it applies, with `*` for any text. The default is all.
    pub(crate) method: Option<String>,
    /// The peer to which it applies. The default is all.
    pub(crate) peer: Option<String>,
    /// A regular expression that must match a part of both values, unless a value is absent.
    pub(crate) pattern: Option<Spanned<String>>,
    /// Why the difference is accepted. Optional for a preset, which has a reason of its own.
    pub(crate) reason: Option<String>,
}

/// Names of metadata that an entry need not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum Preset {
    /// What proxies add to responses.
    Proxy,
}

/// An `[[ignore]]` entry that has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Ignore {
    pub(crate) what: IgnoredPart,
    pub(crate) cases: Option<String>,
    pub(crate) method: Option<String>,
    pub(crate) peer: Option<String>,
    pub(crate) pattern: Option<Regex>,
    pub(crate) reason: String,
    /// The file and line, and what it names, for messages.
    pub(crate) place: String,
}

/// What an entry names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IgnoredPart {
    Field(String),
    Metadata(String),
    /// Metadata that proxies add.
    OfProxy,
    Part(ResponsePart),
    /// This kind of difference in any field.
    Kind(DifferenceKind),
    /// Any difference in the cases of the entry.
    Any,
}

/// A part of the response without a name of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum ResponsePart {
    HttpStatus,
    ContentType,
    Status,
    StatusMessage,
    /// `grpc-status-details-bin` as a whole.
    StatusDetails,
    MessageCount,
    MessageOrder,
    Compression,
    /// Other bytes for equal values, which matter with `--strict-bytes`.
    Encoding,
}

/// How two values of a field of the response differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, strum::Display)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case")]
pub(crate) enum DifferenceKind {
    /// Another value.
    Value,
    /// A field with presence is set on one side only, perhaps to its default.
    Presence,
    /// 0.0 and -0.0.
    SignOfZero,
    /// NaN with other bits.
    NanPayload,
    /// Another number of an enum.
    EnumNumber,
    /// Another field of a oneof is set.
    OneofCase,
    /// A repeated field has more or fewer elements.
    Length,
    /// A repeated field has the same elements in another order.
    Order,
    /// The candidate lacks an entry of a map.
    MissingMapEntry,
    /// The candidate has an entry of a map that the reference lacks.
    AdditionalMapEntry,
    /// The candidate lacks an unknown field, so it loses data of newer peers.
    MissingUnknownField,
    /// The candidate has an unknown field that the reference lacks.
    AdditionalUnknownField,
    /// An unknown field has another value.
    ChangedUnknownField,
    /// A `google.protobuf.Any` has another type URL.
    AnyType,
}

impl Ignore {
    /// Whether it applies to all calls of a peer, whatever their values.
    pub(crate) fn is_unconditional(&self) -> bool {
        self.cases.is_none() && self.method.is_none() && self.pattern.is_none()
    }
}

impl IgnoreEntry {
    /// Checks the entry, which is in the peers file `source`.
    pub(crate) fn check(self, source: &Source) -> Result<Ignore, ConfigError> {
        let Self { field, metadata, part, kind, preset, cases, method, peer, pattern, reason } =
            self;
        let spans = [
            field.as_ref().map(Spanned::span),
            metadata.as_ref().map(Spanned::span),
            part.as_ref().map(Spanned::span),
            kind.as_ref().map(Spanned::span),
            preset.as_ref().map(Spanned::span),
            cases.as_ref().map(Spanned::span),
        ];
        let span = spans.into_iter().flatten().next();
        let wrong = |message: &str| Err(source.error(span.clone(), message));
        let (what, name) = match (field, metadata, part, kind, preset) {
            (Some(name), None, None, None, None) => {
                (IgnoredPart::Field(name.get_ref().clone()), name.into_inner())
            }
            (None, Some(name), None, None, None) => {
                let name = name.into_inner().to_ascii_lowercase();
                (IgnoredPart::Metadata(name.clone()), name)
            }
            (None, None, Some(part), None, None) => {
                (IgnoredPart::Part(*part.get_ref()), part.get_ref().to_string())
            }
            (None, None, None, Some(kind), None) => {
                (IgnoredPart::Kind(*kind.get_ref()), kind.get_ref().to_string())
            }
            (None, None, None, None, Some(preset)) => {
                (IgnoredPart::OfProxy, preset.get_ref().to_string())
            }
            (None, None, None, None, None) if cases.is_some() => {
                let name = cases.as_ref().map(|cases| cases.get_ref().clone());
                (IgnoredPart::Any, name.unwrap_or_default())
            }
            _ => {
                return wrong(
                    "ignore: an entry needs exactly one of `field`, `metadata`, `part`, `kind` and `preset`, or only \
                     `cases`",
                );
            }
        };
        let of_preset = (what == IgnoredPart::OfProxy).then(|| "a proxy adds it".to_owned());
        let Some(reason) = reason.or(of_preset).filter(|reason| !reason.trim().is_empty()) else {
            return wrong("ignore: an entry needs a `reason`");
        };
        let pattern = match pattern {
            None => None,
            Some(pattern) => Some(Regex::new(pattern.get_ref()).map_err(|error| {
                source.error(Some(pattern.span()), format!("ignore: pattern: {error}"))
            })?),
        };
        let cases = cases.map(Spanned::into_inner);
        let place = source.error(span.clone(), format!("`{name}`")).to_string();
        let place = place.lines().next().unwrap_or_default().to_owned();
        Ok(Ignore { what, cases, method, peer, pattern, reason, place })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(entry: &str) -> Result<Ignore, String> {
        #[derive(Deserialize)]
        struct File {
            ignore: Vec<IgnoreEntry>,
        }
        let source = Source::new("peers.toml", format!("[[ignore]]\n{entry}\n"));
        let file: File = source.parse().map_err(|error| error.to_string())?;
        let entry = file.ignore.into_iter().next().expect("there is one");
        entry.check(&source).map_err(|error| error.to_string())
    }

    #[test]
    fn an_entry_names_one_part_of_the_response() {
        let ignore = checked("metadata = 'Date'\nreason = 'the time'").expect("it is valid");
        assert_eq!(ignore.what, IgnoredPart::Metadata("date".to_owned()));
        assert_eq!(ignore.place, "peers.toml:2: `date`");
        let preset = checked("preset = 'proxy'").expect("it is valid");
        assert_eq!((preset.what, &*preset.reason), (IgnoredPart::OfProxy, "a proxy adds it"));
        for (entry, message) in [
            ("reason = 'x'", "peers.toml: ignore: an entry needs exactly one of"),
            ("field = 'a'\npart = 'status'\nreason = 'x'", "peers.toml:2: ignore: an entry needs"),
            ("part = 'body'\nreason = 'x'", "peers.toml:2: unknown variant `body`"),
            (
                "cases = 'a'\nmethod = 'b'\nreason = ' '",
                "peers.toml:2: ignore: an entry needs a `reason`",
            ),
            ("kind = 'sign'\nreason = 'x'", "peers.toml:2: unknown variant `sign`"),
            ("kind = 'value'\nfield = 'a'\nreason = 'x'", "ignore: an entry needs exactly one of"),
            ("field = 'a'\nreason = ' '", "peers.toml:2: ignore: an entry needs a `reason`"),
            ("field = 'a'\nreason = 'x'\npattern = '('", "peers.toml:4: ignore: pattern: "),
            ("field = 'a'", "peers.toml:2: ignore: an entry needs a `reason`"),
            ("preset = 'cache'", "peers.toml:2: unknown variant `cache`"),
            ("preset = 'proxy'\nmetadata = 'a'", "ignore: an entry needs exactly one of"),
        ] {
            let error = checked(entry).expect_err(entry);
            assert!(error.contains(message), "{entry}: {error}");
        }
    }

    /// The case files that `[compare]` with these cases names, relative to a folder with some.
    fn found(cases: &str) -> Result<Vec<String>, String> {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        for name in ["cases", "none"] {
            std::fs::create_dir(folder.path().join(name)).expect("cannot create a folder");
        }
        for name in ["cases/b.toml", "cases/a.json", "cases/a.txtpb", "more.toml"] {
            std::fs::write(folder.path().join(name), "").expect("cannot write a file");
        }
        let source = Source::new("peers.toml", format!("cases = [{cases}]"));
        let mut settings: CompareSettings = source.parse().expect("it is valid");
        let shown = |text: String| text.replace(&format!("{}/", folder.path().display()), "");
        settings.find_cases(&source, folder.path()).map_err(|error| shown(error.to_string()))?;
        Ok(settings.case_files.iter().map(|it| shown(it.display().to_string())).collect())
    }

    #[test]
    fn case_files_are_files_and_those_in_folders() {
        let expected = ["more.toml", "cases/a.json", "cases/b.toml"].map(str::to_owned);
        assert_eq!(found("'more.toml', 'cases'").as_deref(), Ok(&expected[..]));
        for (cases, message) in [
            ("'more.toml', 'x.toml'", "peers.toml:1: cases: there is no file or folder x.toml"),
            ("'none'", "peers.toml:1: cases: the folder none has no case files"),
            ("'cases/a.txtpb'", "peers.toml:1: cases: the name of a case file ends in"),
        ] {
            let error = found(cases).expect_err(cases);
            assert!(error.starts_with(message), "{error}");
        }
    }
}
