//! Reads and writes records as files.
//!
//! A record is replaced as a whole, so that a reader never gets a part of it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::outcome::{BaselineKind, TrialName};
use crate::output::file::{Unwritten, replace};
use crate::process::file_lock::FileLock;
use crate::report::record::check::{Numbers, check};
use crate::report::record::format::{FORMAT, Record, State, VERSION};

/// The advice in errors about files that are not records.
const ADVICE: &str =
    "the record of a run is report.json; `make interop` writes it to target/interop";

/// The keys that every version of the format has.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

/// Reads the record at `path`. A record of an older format is converted.
pub(crate) fn read(path: &Path) -> anyhow::Result<Record> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow!("cannot read {}: {error}; {ADVICE}", path.display()))?;
    let mut record = of_text(path, &text)?;
    // The process of a run holds the lock of its folder until it ends, however it ends.
    if record.state == State::Running && FileLock::is_held(&lock_beside(path)) == Some(false) {
        record.state = State::CutOff;
    }
    Ok(record)
}

/// The file that the process locks which writes the record at `path`.
pub(crate) fn lock_beside(path: &Path) -> PathBuf {
    path.with_file_name(".lock")
}

/// Reads the record in `text`, the content of the file at `path`.
pub(crate) fn of_text(path: &Path, text: &str) -> anyhow::Result<Record> {
    let path_shown = path.display();
    let no_record =
        |why: String| anyhow!("{path_shown} is not the record of an interop run ({why}); {ADVICE}");
    let heading: Heading = serde_json::from_str(text).map_err(|error| match error.line() {
        line if error.is_eof() => anyhow!(
            "{path_shown}:{line}: the file is incomplete: it ends in the middle of the record; copy \
             it again or repeat the run"
        ),
        _ => no_record(error.to_string()),
    })?;
    let Heading { format, version } = heading;
    if format != FORMAT {
        return Err(no_record(format!("its format is `{format}`")));
    }
    let parse: fn(&str) -> serde_json::Result<Record> = match version {
        VERSION => |text| serde_json::from_str(text),
        OLD_VERSION => |text| {
            let mut record = serde_json::from_str(text)?;
            upgrade(&mut record);
            serde_json::from_value(record)
        },
        _ => bail!(
            "{path_shown} has format version {version}, but this version of interop reads only {OLD_VERSION} and \
             {VERSION}; use the version of interop that wrote it, or repeat the run"
        ),
    };
    let record = serde_json::from_str(text).and_then(|Numbers| parse(text)).map_err(|error| {
        anyhow!("{path_shown} does not match record format version {version}: {error}")
    })?;
    check(&record).map_err(|why| anyhow!("{path_shown} is damaged: {why}"))?;
    Ok(record)
}

/// Writes `record` to `path` and creates the folder if necessary.
pub(crate) fn write(record: &Record, path: &Path) -> Result<(), Unwritten> {
    replace(path, |out| write_to(record, out))
}

/// Writes `record` as JSON. Each key of the record and each trial has its own line, so that line-based tools such as
/// `grep` and `diff` work on the file.
pub(crate) fn write_to(record: &Record, out: &mut impl Write) -> io::Result<()> {
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
}

/// The older format version that can be read. In it, the names of trials contain the baseline in the place of a
/// peer. Names are converted, so that old and new records can be compared.
const OLD_VERSION: u32 = 1;

/// Converts the trials of `record` to the names and keys of the current format. The version stays.
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

/// Converts the name of a trial that compares a peer with a baseline; returns the baseline.
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
        via: None,
        suite,
        server: text("server").filter(|_| peer == "server"),
        client: text("client").filter(|_| peer == "client"),
        baseline,
        reference: reference.map(str::to_owned),
        method: None,
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
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let path = folder.path().join("new/report.json");
        let typed: Record = serde_json::from_value(record.clone()).expect("the record is invalid");
        write(&typed, &path).expect("cannot serialize it");
        let again = read(&path).expect("cannot parse it");
        assert_eq!(serde_json::to_value(again).expect("invalid JSON"), record);
        let text = std::fs::read_to_string(&path).expect("cannot read the file");
        assert_eq!(text.lines().filter(|line| line.contains("\"suite\":")).count(), 2, "{text}");
        let error = write(&typed, &path.join("below")).expect_err("the parent is a file");
        assert!(format!("{error:#}").contains("cannot write "), "{error:#}");
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
    fn an_old_trial_name_is_converted() {
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
    fn old_server_and_client_keys_are_converted() {
        let trial = upgraded("client-parity", "golden", "rust");
        assert_eq!((trial.get("server"), &trial["client"]), (None, &json!("rust")));
        let trial = upgraded("server-parity", "rust", "python");
        assert_eq!((&trial["server"], trial.get("client")), (&json!("rust"), None));
        let trial = upgraded("calls", "rust", "python");
        assert_eq!((&trial["server"], &trial["client"]), (&json!("rust"), &json!("python")));
    }
}
