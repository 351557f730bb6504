//! Records as files.
//!
//! A file is written under another name and then moved to its place, so that a reader never gets a part of one. One
//! that is incomplete all the same has been copied so.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use serde_json::{Map, Value};
use tempfile::NamedTempFile;

use crate::outcome::{BaselineKind, TrialName};
use crate::report::record::format::{FORMAT, Record, VERSION};

/// Where records come from, for the reader of an error.
const ADVICE: &str = "`make interop` writes a record to target/interop/report.json";

/// What every version of the format has.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

/// Reads the record at `path`. One of an older format has the names of trials that this one has.
pub(crate) fn read(path: &Path) -> anyhow::Result<Record> {
    let path_shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow!("{path_shown}: cannot be read: {error}; {ADVICE}"))?;
    let no_record =
        |why: String| anyhow!("{path_shown}: is no record of an interop run ({why}); {ADVICE}");
    let heading: Heading = serde_json::from_str(&text).map_err(|error| match error.line() {
        line if error.is_eof() => anyhow!(
            "{path_shown}: ends too early, in line {line}: only a part of the record is here; copy \
             it again, or run again"
        ),
        _ => no_record(error.to_string()),
    })?;
    let Heading { format, version } = heading;
    if format != FORMAT {
        return Err(no_record(format!("its format is `{format}`")));
    }
    let record = match version {
        VERSION => serde_json::from_str(&text),
        OLD_VERSION => serde_json::from_str(&text).and_then(|mut record| {
            upgrade(&mut record);
            serde_json::from_value(record)
        }),
        _ => bail!(
            "{path_shown}: is a record of format version {version}, and only versions {OLD_VERSION} \
             and {VERSION} can be read here; use the tool that wrote it, or run again"
        ),
    };
    record.map_err(|error| {
        anyhow!("{path_shown}: says that it is a record of format version {version}, and is not: {error}")
    })
}

/// Writes `record` to `path`, whose folder is made if there is none. Each key of the record, and each
/// trial in it, is a line: tools that search and compare lines can be used, and the file is no longer.
pub(crate) fn write(record: &Record, path: &Path) -> anyhow::Result<()> {
    replace(path, |out| {
        let rest = serde_json::to_value(Record { trials: Vec::new(), ..record.clone() })?;
        out.write_all(b"{\n")?;
        for (key, value) in rest.as_object().into_iter().flatten() {
            if key != "trials" {
                writeln!(out, "\"{key}\":{value},")?;
            }
        }
        out.write_all(b"\"trials\":[")?;
        for (index, trial) in record.trials.iter().enumerate() {
            out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
            serde_json::to_writer(&mut *out, trial)?;
        }
        out.write_all(b"]}\n")
    })
}

/// Writes a file with what `write` writes, whole or not at all.
pub(crate) fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&mut NamedTempFile>) -> io::Result<()>,
) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let attempt = || {
        std::fs::create_dir_all(folder)?;
        let mut file = NamedTempFile::new_in(folder)?;
        let mut out = BufWriter::new(&mut file);
        write(&mut out)?;
        out.flush()?;
        drop(out);
        make_readable(&file)?;
        file.persist(path).map_err(|error| error.error)?;
        Ok::<_, io::Error>(())
    };
    attempt().with_context(|| format!("{}: cannot be written", path.display()))
}

/// Only the owner can read a temporary file; all users can read a report.
#[cfg(unix)]
fn make_readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
}

/// The older version of the format that can be read. In its names of trials a baseline has the place of a peer.
/// Two runs are compared by the names of their trials, also across that change.
const OLD_VERSION: u32 = 1;

/// Gives the trials of `record` the names and the keys of the current format. The version stays.
fn upgrade(record: &mut Value) {
    let is_reference = |peer: &&Value| peer.get("reference") == Some(&Value::Bool(true));
    let peers = record.get("peers").and_then(Value::as_array);
    let reference = peers.and_then(|peers| peers.iter().find(is_reference));
    let reference = reference.and_then(|peer| peer.get("name")?.as_str()).map(str::to_owned);
    let trials = record.get_mut("trials").and_then(Value::as_array_mut);
    for trial in trials.into_iter().flatten().filter_map(Value::as_object_mut) {
        let baseline = upgrade_trial(trial, reference.as_deref()).unwrap_or(BaselineKind::Stated);
        trial.insert("baseline".to_owned(), baseline.to_string().into());
    }
}

/// Gives a trial that compares its new name; returns what it is compared with.
fn upgrade_trial(trial: &mut Map<String, Value>, reference: Option<&str>) -> Option<BaselineKind> {
    let text = |key: &str| trial.get(key).and_then(Value::as_str).map(str::to_owned);
    let (suite, peer, other) = match &text("suite")?[..] {
        "server-parity" => ("server-parity", "server", "client"),
        "client-parity" => ("client-parity", "client", "server"),
        _ => return None,
    };
    let is_golden = text(other)? == "golden";
    let baseline = if is_golden { BaselineKind::Golden } else { BaselineKind::Live };
    let name = TrialName {
        suite,
        server: text("server").filter(|_| peer == "server"),
        client: text("client").filter(|_| peer == "client"),
        baseline,
        reference: reference.map(str::to_owned),
        case: text("case")?,
    };
    let name = name.to_string();
    let run_again = text("run_again")?.replace(&text("name")?, &name);
    trial.remove(other);
    trial.insert("name".to_owned(), name.into());
    trial.insert("run_again".to_owned(), run_again.into());
    Some(baseline)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_record_is_read_as_it_was_written_with_a_line_for_each_trial() {
        let trial = |name: &str| {
            json!({ "name": name, "suite": "calls", "server": "a", "client": "b",
                    "baseline": "stated", "case": "c", "verdict": "passed", "mismatches": [],
                    "duration_ms": 1.5, "sent": ["one\ntwo"], "expectation": [], "observation": [],
                    "logs": [], "run_again": "make interop" })
        };
        let record = json!({
            "format": FORMAT, "version": VERSION, "state": "finished",
            "began": "2026-01-01T00:00:00Z", "duration_ms": 0.1, "arguments": ["--exact"],
            "machine": { "os": "linux", "architecture": "x86_64", "processors": 1 },
            "peers": [], "goldens": [],
            "selection": { "all": 2, "chosen": 2, "names": "0", "shard": null },
            "counts": { "passed": 2, "failed": 0, "set_up_errors": 0, "known_deviations": 0,
                        "not_supported": 0, "skipped": 0 },
            "readiness": [], "notes": [], "trials": [trial("a"), trial("b")],
        });
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new/report.json");
        let typed: Record = serde_json::from_value(record.clone()).expect("a record");
        write(&typed, &path).expect("it can be written");
        let again = read(&path).expect("it can be read");
        assert_eq!(serde_json::to_value(again).expect("JSON"), record);
        let text = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(text.lines().filter(|line| line.contains("\"suite\":")).count(), 2, "{text}");
        let error = write(&typed, &path.join("below")).expect_err("a file is no folder");
        assert!(format!("{error:#}").contains("below: cannot be written: "), "{error:#}");
    }

    fn upgraded(suite: &str, server: &str, client: &str) -> Value {
        let name = format!("{suite}/{server}/{client}/case");
        let mut record = json!({
            "version": 1,
            "peers": [{ "name": "rust" }, { "name": "python", "reference": true }],
            "trials": [{
                "name": name, "suite": suite, "server": server, "client": client, "case": "case",
                "run_again": format!("make interop ARGS='--exact {name}'"),
            }],
        });
        upgrade(&mut record);
        record["trials"][0].take()
    }

    #[test]
    fn a_trial_gets_its_new_name() {
        for (suite, server, client, name, baseline) in [
            ("calls", "python", "rust", "calls/python/rust/case", "stated"),
            ("programs", "nobody", "rust", "programs/nobody/rust/case", "stated"),
            ("server-parity", "rust", "python", "server-parity/rust/case", "live"),
            ("server-parity", "rust", "golden", "server-parity/rust/case", "golden"),
            ("server-parity", "python", "python", "server-parity/python/live/case", "live"),
            ("server-parity", "python", "golden", "server-parity/python/golden/case", "golden"),
            ("client-parity", "python", "rust", "client-parity/rust/case", "live"),
            ("client-parity", "golden", "rust", "client-parity/rust/case", "golden"),
            ("client-parity", "python", "python", "client-parity/python/live/case", "live"),
            ("client-parity", "golden", "python", "client-parity/python/golden/case", "golden"),
        ] {
            let trial = upgraded(suite, server, client);
            assert_eq!(trial["name"], name);
            assert_eq!(trial["baseline"], baseline, "{name}");
            assert_eq!(trial["run_again"], format!("make interop ARGS='--exact {name}'"));
        }
    }

    #[test]
    fn a_baseline_is_no_peer_any_more() {
        let trial = upgraded("client-parity", "golden", "rust");
        assert_eq!((trial.get("server"), &trial["client"]), (None, &json!("rust")));
        let trial = upgraded("server-parity", "rust", "python");
        assert_eq!((&trial["server"], trial.get("client")), (&json!("rust"), None));
        let trial = upgraded("calls", "rust", "python");
        assert_eq!((&trial["server"], &trial["client"]), (&json!("rust"), &json!("python")));
    }
}
