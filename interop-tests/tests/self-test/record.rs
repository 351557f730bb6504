//! The record of a run: it matches its schema, agrees with all other reports, and shows whether the run was stopped
//! early.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use grpc_interop::report::record;
use libtest_mimic::Trial;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::run::{Ran, Run};
use crate::{run, tables};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("record/follows-its-schema", follows_its_schema),
        ("record/the-schema-file-is-current", the_schema_file_is_current),
        ("record/all-reports-agree", all_reports_agree),
        ("record/a-trial-is-complete", a_trial_is_complete),
        ("record/a-run-that-is-stopped", a_run_that_is_stopped),
        ("record/a-run-that-is-killed", a_run_that_is_killed),
        ("record/a-folder-that-cannot-be-written", a_folder_that_cannot_be_written),
    ])
}

/// A run in which every verdict occurs.
fn mixed() -> Ran {
    let scenario = "[[scenario]]\nname = \"root-of-2\"\ncall = { ask = 2.0 }\n\
                    expect = { root = 1.4142135381698608 }\n";
    let deviations = "[[deviation]]\ntrials = [\"calls/one-wrong-answer/rust/root-of-2\"]\n\
                  observed = { root = '1.4142137 (0x3fb504f4)' }\n\
                  reason = \"it is a <mutant> | & no mistake\"\nlink = \"https://grpc.io\"\n";
    let run = tables::with_scenarios(Run::of_mutants(""), scenario);
    let run = run.skipping(&["hangs", "tells-late"]).with("--without", "says-unknown");
    run.with_file("--deviations", "deviations.toml", deviations).finish()
}

/// The violations of the schema in the repository by `record`.
fn errors(record: &Value) -> Vec<String> {
    let path = crate::programs::in_package(record::SCHEMA_FILE);
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string(path).expect("cannot read the schema"))
            .expect("invalid JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is invalid");
    validator.iter_errors(record).map(|error| error.to_string()).collect()
}

fn follows_its_schema() {
    let mut record = mixed().record();
    assert_eq!(errors(&record), Vec::<String>::new());
    record["trials"][0]["verdict"] = "splendid".into();
    assert_eq!(errors(&record).len(), 1, "an unknown verdict should violate the schema");
    record["trials"][0]["verdict"] = "passed".into();
    record["colour"] = "blue".into();
    assert_eq!(errors(&record).len(), 1, "an unknown key should violate the schema");
}

fn the_schema_file_is_current() {
    let path = crate::programs::in_package(record::SCHEMA_FILE);
    let text = std::fs::read_to_string(path).expect("cannot read the schema");
    assert!(text == record::schema(), "record.schema.json is outdated: run `make record-schema`");
}

fn count(record: &Value, verdict: &str) -> usize {
    let trials = record["trials"].as_array().expect("not an array");
    trials.iter().filter(|trial| trial["verdict"] == verdict).count()
}

fn all_reports_agree() {
    let ran = mixed();
    ran.ends_with_status(101);
    let record = ran.record();
    assert_eq!(record["state"], "finished");
    let names = [
        ("passed", "passed"),
        ("failed", "failed"),
        ("set_up_errors", "set-up-error"),
        ("known_deviations", "known-deviation"),
        ("not_supported", "not-supported"),
        ("skipped", "skipped"),
    ];
    for (key, verdict) in names {
        let number = count(&record, verdict);
        assert!(number > 0, "at least one trial should be {verdict}");
        assert_eq!(record["counts"][key], number, "{verdict}");
    }
    let [passed, failed, errors, known, unsupported, skipped] =
        names.map(|(_, verdict)| count(&record, verdict));
    let line = format!(
        "{passed} passed, {failed} failed, {errors} set-up errors, {known} known deviation, \
         {unsupported} not supported, {skipped} skipped"
    );
    ran.prints(&format!("interop: {line}\n"));
    let trials = record["trials"].as_array().expect("not an array");
    assert_eq!(record["selection"]["chosen"], trials.len());

    let read =
        |name: &str| std::fs::read(ran.reports().join(name)).expect("cannot read the report");
    let junit = junit_parser::from_reader(&read("junit.xml")[..]).expect("invalid JUnit XML");
    let totals = (junit.tests, junit.failures, junit.errors);
    let as_numbers = |number: usize| u64::try_from(number).expect("the number is too large");
    let (all, failed, errors) = (as_numbers(trials.len()), as_numbers(failed), as_numbers(errors));
    assert_eq!(totals, (all, failed, errors), "the totals of JUnit");
    let of_suites: u64 = junit.suites.iter().map(|suite| suite.skipped).sum();
    assert_eq!(of_suites, as_numbers(known + unsupported + skipped), "the skipped tests of JUnit");
    let in_junit: BTreeSet<_> = junit
        .suites
        .iter()
        .flat_map(|suite| {
            suite.cases.iter().map(|case| format!("{}/{}", suite.name, case.original_name))
        })
        .collect();
    let in_record: BTreeSet<_> = trials
        .iter()
        .map(|trial| trial["name"].as_str().expect("not a string").to_owned())
        .collect();
    assert_eq!(in_junit, in_record);

    let summary = String::from_utf8(read("summary.md")).expect("the report is not UTF-8");
    assert!(summary.contains(&line), "{summary}");
    assert!(summary.contains(r"it is a &lt;mutant> \| &amp; no mistake"), "escaped: {summary}");

    let html = String::from_utf8(read("report.html")).expect("the report is not UTF-8");
    assert!(html.contains("it is a &lt;mutant&gt; | &amp; no mistake"), "escaped");
    assert_eq!(in_html(&html), in_record);
}

/// The trials that the HTML report can show, each with its details.
fn in_html(html: &str) -> BTreeSet<String> {
    let packed = |opening: &str| {
        let (_, rest) = html.split_once(opening).expect("the page has no such data");
        let (text, _) = rest.split_once('<').expect("the data has no end");
        let packed = STANDARD.decode(text).expect("invalid Base64");
        serde_json::from_reader::<_, Value>(GzDecoder::new(&packed[..])).expect("invalid JSON")
    };
    let index = packed("id=\"index\">");
    let mut names = BTreeSet::new();
    for cell in index["cells"].as_array().expect("not an array") {
        let (cell, trials) = (cell[0].as_str().expect("not a string"), cell[1].as_array());
        let trials = trials.expect("not an array");
        let details = packed(&format!("data-cell=\"{}\">", cell.replace('/', "&#x2f;")));
        assert_eq!(details.as_array().map(Vec::len), Some(trials.len()), "{cell}");
        for (trial, details) in trials.iter().zip(details.as_array().expect("not an array")) {
            let name = format!("{cell}/{}", trial[0].as_str().expect("not a string"));
            let again = format!("--exact {}&#x27;", name.replace('/', "&#x2f;"));
            assert!(details.as_str().expect("not a string").contains(&again), "{details}");
            names.insert(name);
        }
    }
    names
}

fn a_trial_is_complete() {
    let ran =
        Run::of_mutants("--exact").and("calls/one-wrong-answer/rust/root-of-2-is-rounded").finish();
    let record = ran.record();
    let trial = &record["trials"][0];
    assert_eq!(trial["why"], "not as expected");
    let mismatch = &trial["mismatches"][0];
    assert_eq!(mismatch["bytes"]["expected"], "0df304b53f");
    assert_eq!(mismatch["bytes"]["observed"], "0df404b53f");
    let line = |what: &str, value: &str| serde_json::json!({ "what": what, "value": value });
    let has = |lines: &Value, line: &Value| lines.as_array().is_some_and(|all| all.contains(line));
    assert!(has(&trial["expectation"][0], &line("root", "1.4142135 (0x3fb504f3) [0df304b53f]")));
    assert!(has(&trial["observation"], &line("root", "1.4142137 (0x3fb504f4) [0df404b53f]")));
    for key in ["server_command", "client_command"] {
        let command = trial[key].as_str().unwrap_or_default();
        // A path with a space is quoted.
        assert!(command.replace('\'', "").starts_with("(cd /"), "{key}: {command}");
    }
    let logs = trial["logs"].as_array().expect("not an array");
    assert!(logs.iter().all(|log| Path::new(log.as_str().expect("not a string")).exists()));
    assert!(trial["duration_ms"].as_f64().is_some_and(|duration| duration > 0.0));
    ran.prints(trial["run_again"].as_str().expect("not a string"));
    let peers = record["peers"].as_array().expect("not an array");
    assert!(peers.iter().any(|peer| peer["name"] == "one-wrong-answer"));
}

/// A scenario that ends immediately, and one whose server never responds.
const TWO: &str = "[[scenario]]\nname = \"quick\"\ncall = { ask = 16.0 }\nexpect = { root = 4.0 }\n\
                   [[scenario]]\nname = \"slow\"\ncall = { ask = 4.0, to = \"silent-port\", timeout_ms = 60000 }\n\
                   expect = { status = \"DEADLINE_EXCEEDED\" }\n";

/// Sends `signal` to a run after its first trial. Returns the run with its folder, the exit status and the output.
fn ended_by(signal: Signal) -> (Run, Option<i32>, String) {
    let run = tables::with_scenarios(Run::of_mutants("calls/one-wrong-answer/rust/"), TWO);
    let mut child = run
        .command()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("cannot start the tool");
    let mut stdout =
        std::io::BufReader::new(child.stdout.take().expect("the stream is not a pipe"));
    let mut printed = String::new();
    while !printed.contains("/quick") {
        let read = std::io::BufRead::read_line(&mut stdout, &mut printed)
            .expect("the output is not UTF-8");
        assert!(read > 0, "the first trial should end: {printed}");
    }
    kill_process(Pid::from_child(&child), signal).expect("cannot send the signal");
    std::io::Read::read_to_string(&mut stdout, &mut printed).expect("the output is not UTF-8");
    let status = child.wait().expect("cannot wait for the tool").code();
    (run, status, printed)
}

/// The record of a run that has ended.
fn record_of(run: &Run) -> PathBuf {
    run.path().join("output/report.json")
}

fn a_run_that_is_stopped() {
    let begin = Instant::now();
    let (run, status, printed) = ended_by(Signal::INT);
    let record = run::read_record(&record_of(&run));
    assert!(begin.elapsed() < Duration::from_secs(30), "the run should not wait for its trials");
    assert_eq!(status, Some(130));
    assert_eq!(record["state"], "interrupted");
    assert_eq!(record["counts"]["passed"], 1, "the trial that had ended should be recorded");
    assert_eq!(
        record["counts"]["failed"], 0,
        "an interrupted trial should not be recorded as failed"
    );
    assert_eq!(record["selection"]["chosen"], 2);
    assert_eq!(errors(&record), Vec::<String>::new());
    assert!(
        printed.contains("interop: the run was stopped when 1 of 2 trials had ended"),
        "{printed}"
    );
}

fn a_run_that_is_killed() {
    let (run, status, _) = ended_by(Signal::KILL);
    let path = record_of(&run);
    let record = run::read_record(&path);
    assert_eq!(status, None);
    assert_eq!(record["state"], "running");
    assert_eq!(record["selection"]["chosen"], 2);
    assert_eq!(errors(&record), Vec::<String>::new());
    let diff = Run::with_records("diff", &[&path, &path]).finish();
    diff.prints("warning: OLD: the run was cut off (its process was killed) when ");
}

fn a_folder_that_cannot_be_written() {
    let run = Run::of_mutants("calls/rust/rust/root-of-16");
    std::fs::write(run.path().join("output"), "").expect("cannot write a file");
    let ran = run.finish();
    ran.ends_with_status(2)
        .prints("/output: ")
        .assert(ran.trials().is_empty(), "no trial should run");
}
