//! The suite `client-parity` finds the differences between clients.
//!
//! Compared with the goldens, so that it needs no Python. What the Rust client makes of a behaviour is
//! no concern here, only that a fault is seen where there is none without it.

use std::collections::BTreeSet;

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("client-parity/plain-tonic-is-told-apart", plain_tonic_is_told_apart),
        ("client-parity/a-wrong-status-is-found", a_wrong_status_is_found),
        ("client-parity/a-dropped-trailer-is-found", a_dropped_trailer_is_found),
        ("client-parity/a-late-end-is-found", a_late_end_is_found),
        ("client-parity/an-agent-that-hangs-is-no-difference", an_agent_that_hangs),
        ("client-parity/a-recorded-difference-is-excused", a_recorded_difference_is_excused),
        ("client-parity/a-peer-without-parity-is-not-compared", a_peer_without_parity),
        ("client-parity/every-kind-of-behaviour-is-there", every_kind_of_behaviour_is_there),
    ])
}

fn with_goldens(filter: &str) -> Run {
    Run::of_mutants(filter).with("--baseline", "golden").with("--goldens", "interop-tests/goldens")
}

fn exactly(client: &str, case: &str) -> Ran {
    with_goldens(&format!("client-parity/{client}/{case}")).and("--exact").finish()
}

/// Cases that a plain tonic client gets wrong, one for each kind of difference.
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

fn plain_tonic_is_told_apart() {
    let ran = with_goldens("client-parity/plain-tonic/").finish();
    let failed: BTreeSet<_> = ran.failed_cases().into_iter().collect();
    let missed: Vec<_> = DIFFERENCES.iter().filter(|case| !failed.contains(**case)).collect();
    ran.assert(missed.is_empty(), &format!("{missed:?} should differ; what does is {failed:?}"));
    ran.assert(ran.trials().len() - failed.len() >= 100, "not everything can differ");
    ran.assert(!failed.contains("ok"), "it can calculate").ends_with_status(101);
}

fn a_wrong_status_is_found() {
    exactly("rust", "status-14-trailers-only").ends_with_status(0);
    let ran = exactly("says-unknown", "status-14-trailers-only");
    ran.says("expected   status = UNAVAILABLE").says("observed   status = UNKNOWN");
    ran.ends_with_status(101);
}

fn a_dropped_trailer_is_found() {
    exactly("rust", "metadata-with-an-error").ends_with_status(0);
    let ran = exactly("drops-trailers", "metadata-with-an-error");
    ran.says("expected   trailing metadata = x-last: 2").ends_with_status(101);
}

fn a_late_end_is_found() {
    let ran = exactly("tells-late", "never-answers");
    ran.says("expected   ended = at its deadline");
    ran.says("observed   ended = more than 2s after its deadline").ends_with_status(101);
}

fn an_agent_that_hangs() {
    let ran = exactly("hangs", "says-nothing");
    ran.says("the agent hangs: it reported no outcome within")
        .says("1 failed")
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
        run(excused).ends_with_status(0).says("1 known deviation");
    }
    for other in ["observed = { status = 'INTERNAL' }", &answer("INTERNAL")] {
        run(other)
            .ends_with_status(101)
            .says("it differs from the known deviation in deviations.toml, which is:");
    }
}

fn a_peer_without_parity() {
    let ran = with_goldens("/not-compared/").and("--list").finish();
    let suites: BTreeSet<_> =
        ran.stdout.lines().filter_map(|line| line.split('/').next()).collect();
    ran.assert(suites.contains("calls"), "it calls, and is called");
    ran.assert(suites.contains("programs"), "its client program is run");
    ran.assert(!suites.contains("server-parity"), "its server is not compared");
    let is_behaviour = |line: &&str| line.starts_with("client-parity/");
    let behaviours: Vec<_> = ran.stdout.lines().filter(is_behaviour).collect();
    let own = "client-parity/not-compared/goaway: test";
    ran.assert(behaviours.contains(&own), "what is right by itself is so for its clients too");
    ran.assert(behaviours.len() == 8, "in nothing else are they compared");
}

fn every_kind_of_behaviour_is_there() {
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
