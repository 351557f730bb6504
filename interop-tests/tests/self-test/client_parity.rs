//! The suite `client-parity` finds the differences between clients.
//!
//! The clients are compared with the goldens, so the tests need no Python. They test only that a mutant with a fault
//! fails where a client without the fault passes.

use std::collections::BTreeSet;

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("client-parity/plain-tonic-differs", plain_tonic_differs),
        ("client-parity/a-wrong-status-is-found", a_wrong_status_is_found),
        ("client-parity/a-dropped-trailer-is-found", a_dropped_trailer_is_found),
        ("client-parity/a-late-end-is-found", a_late_end_is_found),
        ("client-parity/an-agent-that-hangs-is-no-difference", an_agent_that_hangs),
        ("client-parity/a-recorded-difference-is-excused", a_recorded_difference_is_excused),
        ("client-parity/a-peer-without-parity-is-not-compared", a_peer_without_parity),
        ("client-parity/all-kinds-of-behaviour-exist", all_kinds_of_behaviour_exist),
    ])
}

fn with_goldens(filter: &str) -> Run {
    Run::of_mutants(filter).with("--baseline", "golden").with("--goldens", "interop-tests/goldens")
}

fn exactly(client: &str, case: &str) -> Ran {
    with_goldens(&format!("client-parity/{client}/{case}")).and("--exact").finish()
}

/// Cases in which a plain tonic client differs from grpcio, one for each kind of difference.
const DIFFERENCES: [&str; 25] = [
    "http-401-with-a-page",
    "http-403-with-nothing",
    "http-404-with-a-page",
    "http-429-with-nothing",
    "http-503-with-a-page",
    "http-interim-103",
    "never-answers",
    "answers-after-the-deadline",
    "close-after-the-request",
    "abort-after-the-request",
    "reset-0-before-headers",
    "reset-2-before-headers",
    "reset-3-after-headers",
    "reply-of-4-mib-and-1",
    "encoding-gzip",
    "encoding-deflate",
    "encoding-br-uncompressed",
    "end-after-headers",
    "end-after-the-message",
    "message-bytes-rubbish",
    "message-bytes-wrong-wire-type",
    "closes-at-once",
    "status-a-word",
    "bin-not-base64-in-trailers",
    "sent-for-a-number",
];

fn plain_tonic_differs() {
    let ran = with_goldens("client-parity/plain-tonic/").finish();
    let failed: BTreeSet<_> = ran.failed_cases().into_iter().collect();
    let missed: Vec<_> = DIFFERENCES.iter().filter(|case| !failed.contains(**case)).collect();
    ran.assert(missed.is_empty(), &format!("{missed:?} should differ; these differ: {failed:?}"));
    ran.assert(ran.trials().len() - failed.len() >= 100, "at least 100 cases should not differ");
    ran.assert(!failed.contains("ok"), "the calculation itself should not differ")
        .ends_with_status(101);
}

fn a_wrong_status_is_found() {
    exactly("rust", "status-14-trailers-only").ends_with_status(0);
    let ran = exactly("says-unknown", "status-14-trailers-only");
    ran.prints("expected   status = UNAVAILABLE").prints("observed   status = UNKNOWN");
    ran.ends_with_status(101);
}

fn a_dropped_trailer_is_found() {
    exactly("rust", "metadata-with-an-error").ends_with_status(0);
    let ran = exactly("drops-trailers", "metadata-with-an-error");
    ran.prints("expected   trailing metadata = x-last: 2").ends_with_status(101);
}

fn a_late_end_is_found() {
    let ran = exactly("tells-late", "never-answers");
    ran.prints("expected   ended = at its deadline");
    ran.prints("observed   ended = more than 2s after its deadline").ends_with_status(101);
}

fn an_agent_that_hangs() {
    let ran = exactly("hangs", "says-nothing");
    ran.prints("the agent hangs: it reported no outcome within")
        .prints("1 failed")
        .ends_with_status(101);
}

fn a_recorded_difference_is_excused() {
    let trial = "client-parity/says-unknown/status-14-trailers-only";
    let run = |what: &str| {
        let deviations = format!(
            "[[deviation]]\ntrials = [{trial:?}]\n{what}\n\
             reason = \"it is a mutant\"\nlink = \"https://grpc.io\"\n"
        );
        with_goldens(trial).with_file("--deviations", "deviations.toml", &deviations).finish()
    };
    let answer = |status: &str| {
        format!(
            "answers = [\"\"\"\nstatus = {status}\nmessage = because\n\
             ended = before its deadline\nrequests = 1\n\"\"\"]"
        )
    };
    for excused in ["observed = { status = 'UNKNOWN' }", &answer("UNKNOWN")] {
        run(excused).ends_with_status(0).prints("1 known deviation");
    }
    for other in ["observed = { status = 'INTERNAL' }", &answer("INTERNAL")] {
        run(other)
            .ends_with_status(101)
            .prints("it differs from the known deviation in deviations.toml, which is:");
    }
}

fn a_peer_without_parity() {
    let ran = with_goldens("/not-compared/").and("--list").finish();
    let suites: BTreeSet<_> =
        ran.stdout.lines().filter_map(|line| line.split('/').next()).collect();
    ran.assert(suites.contains("calls"), "it should take part in calls");
    ran.assert(suites.contains("programs"), "its client program should run");
    ran.assert(!suites.contains("server-parity"), "its server should not be compared");
    let is_behaviour = |line: &&str| line.starts_with("client-parity/");
    let behaviours: Vec<_> = ran.stdout.lines().filter(is_behaviour).collect();
    let own = "client-parity/not-compared/goaway: test";
    ran.assert(behaviours.contains(&own), "behaviours with their own expectation should run");
    ran.assert(behaviours.len() == 8, "no other behaviours should run");
}

fn all_kinds_of_behaviour_exist() {
    let ran = with_goldens("client-parity/rust/").and("--list").finish();
    let names: Vec<_> = ran
        .stdout
        .lines()
        .filter_map(|line| line.strip_suffix(": test")?.rsplit('/').next())
        .collect();
    ran.assert(names.len() >= 150, &format!("{} behaviours are too few", names.len()));
    let numbered = |pattern: &str, numbers: &mut dyn Iterator<Item = u32>| {
        for number in numbers {
            let name = pattern.replace("{}", &number.to_string());
            ran.assert(names.contains(&&name[..]), &format!("there should be {name}"));
        }
    };
    numbered("status-{}", &mut (1..=17));
    numbered("goaway-{}-then-close", &mut (0..=12));
    let places = ["before-headers", "after-headers", "after-the-message", "after-trailers"];
    for place in places {
        numbered(&format!("reset-{{}}-{place}"), &mut (0..=14));
    }
    for with in ["with-a-page", "with-nothing"] {
        let codes = [400, 401, 403, 404, 405, 408, 413, 415, 429, 431, 500, 501, 502, 503, 504];
        numbered(&format!("http-{{}}-{with}"), &mut codes.into_iter());
    }
}
