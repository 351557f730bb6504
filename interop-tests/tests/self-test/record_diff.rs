//! The comparison of two records, and files that are not records.

use std::path::{Path, PathBuf};

use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("record-diff/lists-every-change", lists_every_change),
        ("record-diff/nothing-changed", nothing_changed),
        ("record-diff/a-run-that-was-stopped", a_run_that_was_stopped),
        ("record-diff/a-record-of-the-first-version", a_record_of_the_first_version),
        ("record-diff/files-that-are-not-records", files_that_are_not_records),
    ])
}

fn trial(case: &str, verdict: &str, duration_ms: f64) -> Value {
    json!({
        "name": format!("calls/a/b/{case}"), "suite": "calls", "server": "a", "client": "b",
        "baseline": "stated", "case": case, "verdict": verdict, "mismatches": [], "duration_ms": duration_ms, "sent": [],
        "expectation": [], "observation": [], "logs": [], "run_again": "make interop",
    })
}

/// The record of a run with these trials.
pub(crate) fn record(trials: &[Value]) -> Value {
    json!({
        "format": "calculator-interop-record", "version": 2, "state": "finished",
        "began": "2026-01-01T00:00:00Z", "duration_ms": 1.0, "arguments": [],
        "machine": { "os": "linux", "architecture": "x86_64", "processors": 1 },
        "peers": [], "goldens": [],
        "selection": { "all": trials.len(), "chosen": trials.len(), "names": "0", "shard": null },
        "counts": { "passed": 0, "failed": 0, "set_up_errors": 0, "known_deviations": 0,
                    "not_supported": 0, "skipped": 0 },
        "readiness": [], "notes": [], "trials": trials,
    })
}

fn write(run: &Run, name: &str, text: &str) -> PathBuf {
    let path = run.path().join(name);
    std::fs::write(&path, text).expect("cannot write a file");
    path
}

fn diff(old: &str, new: &str) -> Ran {
    let files = Run::new();
    let (old, new) = (write(&files, "old.json", old), write(&files, "new.json", new));
    Run::with_records("diff", &[&old, &new]).finish()
}

fn lists_every_change() {
    let old = record(&[
        trial("breaks", "passed", 5.0),
        trial("is-fixed", "set-up-error", 5.0),
        trial("slows-down", "passed", 200.0),
        trial("is-slow-by-chance", "passed", 3.0),
        trial("disappears", "passed", 5.0),
        trial("is-known-now", "passed", 5.0),
        trial("stays", "failed", 5.0),
    ]);
    let new = record(&[
        trial("breaks", "failed", 5.0),
        trial("is-fixed", "passed", 5.0),
        trial("slows-down", "passed", 401.0),
        trial("is-slow-by-chance", "passed", 90.0),
        trial("appears", "passed", 5.0),
        trial("is-new-and-fails", "failed", 5.0),
        trial("is-known-now", "known-deviation", 5.0),
        trial("stays", "failed", 5.0),
    ]);
    let ran = diff(&old.to_string(), &new.to_string());
    ran.ends_with_status(101);
    for text in [
        "new failures: 2\n",
        "  calls/a/b/breaks: failed (was passed)",
        "  calls/a/b/is-new-and-fails: failed (new)",
        "fixed: 1\n  calls/a/b/is-fixed: passed, was set-up error\n",
        "more than twice as slow: 1\n  calls/a/b/slows-down: 401 ms, was 200 ms\n",
        "new: 1\n  calls/a/b/appears: passed\n",
        "lost: 1\n  calls/a/b/disappears: was passed\n",
        "changed verdicts: 1\n  calls/a/b/is-known-now: known deviation, was passed\n",
        "2 new failures, 1 fixed, 1 more than twice as slow, 1 new, 1 lost, 3 unchanged",
    ] {
        ran.prints(text);
    }
}

fn nothing_changed() {
    let same = record(&[trial("stays", "failed", 5.0)]).to_string();
    let ran = diff(&same, &same);
    ran.ends_with_status(0)
        .prints("0 new failures, 0 fixed, 0 more than twice as slow, 0 new, 0 lost, 1 unchanged");
}

fn a_run_that_was_stopped() {
    let whole = record(&[trial("stays", "passed", 5.0), trial("is-missing", "passed", 5.0)]);
    let mut half = record(&[trial("stays", "passed", 5.0)]);
    half["state"] = "interrupted".into();
    half["selection"]["chosen"] = 2.into();
    let ran = diff(&whole.to_string(), &half.to_string());
    ran.ends_with_status(101);
    ran.prints("warning: NEW: the run was stopped when 1 of 2 trials had ended");
    ran.prints("lost: 1\n  calls/a/b/is-missing: was passed\n");
}

/// In the first version a baseline had the place of a peer.
fn a_record_of_the_first_version() {
    let compared = |suite: &str, server: &str, client: &str, verdict| {
        let mut trial = trial("case", verdict, 5.0);
        trial["name"] = format!("{suite}/{server}/{client}/case").into();
        trial["suite"] = suite.into();
        trial["server"] = server.into();
        trial["client"] = client.into();
        trial.as_object_mut().expect("not an object").remove("baseline");
        trial
    };
    let mut old = record(&[
        compared("calls", "python", "rust", "passed"),
        compared("server-parity", "rust", "python", "passed"),
        compared("server-parity", "python", "golden", "passed"),
        compared("client-parity", "golden", "rust", "passed"),
    ]);
    old["version"] = 1.into();
    old["peers"] = json!([{
        "name": "python", "language": "Python", "reference": true, "parity": true, "roles": [],
        "versions": [],
    }]);
    let compared = |name: &str, side: &str, peer: &str, baseline: &str, verdict| {
        let mut trial = trial("case", verdict, 5.0);
        let object = trial.as_object_mut().expect("not an object");
        object.retain(|key, _| !["server", "client"].contains(&&key[..]));
        object.insert(side.to_owned(), peer.into());
        object.insert("name".to_owned(), name.into());
        object.insert("baseline".to_owned(), baseline.into());
        trial
    };
    let mut stated = trial("case", "passed", 5.0);
    stated["name"] = "calls/python/rust/case".into();
    let new = record(&[
        stated,
        compared("server-parity/rust/case", "server", "rust", "live", "passed"),
        compared("server-parity/python/golden/case", "server", "python", "golden", "passed"),
        compared("client-parity/rust/case", "client", "rust", "golden", "failed"),
    ]);
    let ran = diff(&old.to_string(), &new.to_string());
    ran.ends_with_status(101);
    ran.prints("new failures: 1\n  client-parity/rust/case: failed (was passed)");
    ran.prints("1 new failures, 0 fixed, 0 more than twice as slow, 0 new, 0 lost, 3 unchanged");
    let files = Run::new();
    let old = write(&files, "old.json", &old.to_string());
    let merged = Run::with_records("merge", &[&old]).finish();
    merged
        .ends_with_status(2)
        .prints("old.json has format version 1, whose shards contain other trials");
}

fn files_that_are_not_records() {
    let good = record(&[trial("stays", "passed", 5.0)]).to_string();
    let mut other_version = record(&[]);
    other_version["version"] = 3.into();
    let mut wrong = record(&[]);
    wrong["state"] = "asleep".into();
    for (text, message) in [
        (
            &other_version.to_string()[..],
            "new.json has format version 3, but this version of interop reads only 1 and 2",
        ),
        (&good[..good.len() / 2], "new.json:1: the file is incomplete"),
        ("", "new.json:1: the file is incomplete"),
        ("{}", "new.json is not the record of an interop run (missing field `format`"),
        ("[1, 2]", "new.json is not the record of an interop run"),
        ("<html>", "new.json is not the record of an interop run"),
        (&wrong.to_string()[..], "new.json does not match record format version 2"),
    ] {
        diff(&good, text).ends_with_status(2).prints(message);
    }
    let ran = Run::with_records("diff", &[Path::new("no.json"), Path::new("no.json")]).finish();
    ran.ends_with_status(2).prints("cannot read no.json").prints("`make interop` writes it");
}
