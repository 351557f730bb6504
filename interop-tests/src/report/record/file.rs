//! Records as files.
//!
//! A file is written beside its place and then moved there, so that a reader never gets a part of one. One
//! that is incomplete all the same has been copied so.

use std::io;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use serde::Deserialize;
use tempfile::NamedTempFile;

use crate::report::record::format::{FORMAT, Record, VERSION};
use crate::report::record::version_1;

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
        version_1::VERSION => serde_json::from_str(&text).and_then(|mut record| {
            version_1::upgrade(&mut record);
            serde_json::from_value(record)
        }),
        _ => bail!(
            "{path_shown}: is a record of format version {version}, and only versions {} and \
             {VERSION} can be read here; use the tool that wrote it, or run again",
            version_1::VERSION
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

/// Temporary files are for their owner alone, and reports are for everybody.
#[cfg(unix)]
fn make_readable(file: &NamedTempFile) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))
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
}
