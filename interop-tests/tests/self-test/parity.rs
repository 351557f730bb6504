//! The suite `server-parity` finds the differences between servers, and the comments in the Rust server name existing
//! probes.
//!
//! The servers are compared with the goldens, so the tests need neither Python nor port 50051.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::Trial;

use crate::run;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("parity/plain-tonic-differs", plain_tonic_differs),
        ("parity/a-dropped-sign-of-zero-is-found", a_dropped_sign_of_zero_is_found),
        ("parity/a-server-that-never-starts-is-a-set-up-error", a_server_that_never_starts),
        ("parity/only-the-probe-that-ends-a-server-is-blamed", only_the_culprit_is_blamed),
        ("parity/every-probe-that-a-rule-names-exists", every_probe_that_a_rule_names_exists),
    ])
}

fn with_goldens(filter: &str) -> Run {
    Run::of_mutants(filter).with("--baseline", "golden").with("--goldens", "interop-tests/goldens")
}

fn plain_tonic_differs() {
    let ran = with_goldens("server-parity/plain-tonic/").finish();
    let differences = ran.failed_cases().len();
    ran.assert(differences >= 400, &format!("{differences} differences are too few"));
    ran.assert(ran.trials().len() - differences >= 10, "at least 10 probes should not differ");
    // The calculation itself does not differ, but tonic does not list the encodings that it accepts.
    let encodings = "initial metadata = content-type: application/grpc instead of content-type: application/grpc; \
                     grpc-accept-encoding: identity, deflate, gzip";
    let of = |probe: &str| {
        let record = ran.record();
        let trials = record["trials"].as_array().expect("there are trials").clone();
        let trial = trials.into_iter().find(|trial| trial["case"] == probe).expect(probe);
        let whats = trial["mismatches"].as_array().expect("a list").clone();
        whats
            .iter()
            .map(|it| it["what"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(of("root-of-2"), ["stream 1: initial metadata", "next call"]);
    ran.prints(encodings);
    for probe in ["unknown-method", "encoding-gzip", "timeout-rubbish", "length-4-mib-and-1"] {
        let statuses = ["stream 1: grpc-status", "stream 1: grpc-message"];
        let differs = of(probe).iter().any(|what| statuses.contains(&&**what));
        ran.assert(differs, &format!("the status of {probe} should differ"));
    }
    ran.ends_with_status(101);
}

fn a_dropped_sign_of_zero_is_found() {
    let ran = with_goldens("server-parity/drops-the-sign-of-zero/negative-zero").finish();
    ran.assert(ran.failed_cases() == ["negative-zero"], "it should differ");
    ran.prints("expected   stream 1: messages = 0d00000080");
}

fn a_server_that_never_starts() {
    let ran = with_goldens("server-parity/never-listens/root-of-").finish();
    ran.assert(ran.trials().values().all(|result| *result == "FAILED"), "no trial should pass");
    ran.prints("set-up error: the server did not start").prints("0 failed");
}

fn only_the_culprit_is_blamed() {
    let ran = with_goldens("server-parity/dies/root-of-").finish();
    let culprit = "the server exited during this probe, with status 3";
    ran.prints(&format!("server-parity/dies/root-of-a-tenth: {culprit}\n"));
    let record = ran.record();
    let trials = record["trials"].as_array().expect("there are trials");
    let of_server = |trial: &&serde_json::Value| {
        trial["why"].as_str().is_some_and(|why| why.contains("server"))
    };
    let blamed: Vec<_> = trials.iter().filter(of_server).map(|trial| &trial["case"]).collect();
    assert_eq!(blamed, ["root-of-a-tenth"], "the server starts again for the others");
}

/// The names between backticks after `Probes:` in the comments of a file.
fn probes_named_in(text: &str) -> Vec<String> {
    let comments = text.lines().map(|line| match line.trim_start().strip_prefix("//") {
        Some(comment) => comment.trim_start_matches(['/', '!']).to_owned() + " ",
        None => "\n".to_owned(),
    });
    let comments: String = comments.collect();
    let mentions = comments.split("Probes: ").skip(1);
    let names = mentions.flat_map(|mention| {
        let list = mention.split(['\n', '.']).next().unwrap_or_default();
        list.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>()
    });
    names.collect()
}

fn every_probe_that_a_rule_names_exists() {
    let listed = with_goldens("server-parity/rust/").and("--list").finish();
    let probes: BTreeSet<_> = listed
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test")?.rsplit('/').next())
        .collect();
    assert!(probes.len() >= 120, "{} probes are too few", probes.len());
    let rules = Path::new(crate::programs::ROOT).join("src/grpcio");
    let folders = ["server", "wire"].map(|folder| rules.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("cannot read the folder of the rules"));
    let mut named = 0;
    for file in files {
        let path = file.expect("cannot read the folder of the rules").path();
        let text = std::fs::read_to_string(&path).expect("cannot read the file");
        for name in probes_named_in(&text) {
            named += 1;
            let found = match name.split_once('*') {
                None => probes.contains(name.as_str()),
                Some((start, end)) => {
                    probes.iter().any(|probe| probe.starts_with(start) && probe.ends_with(end))
                }
            };
            assert!(found, "{}: there is no probe {name}", path.display());
        }
    }
    assert!(named >= 25, "only {named} probes are named by the rules");
}
