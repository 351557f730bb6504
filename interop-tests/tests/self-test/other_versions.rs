//! If the reference has other versions than the goldens, a peer that agrees with the goldens does not fail.
//!
//! The reference of these tests is a client that differs from the Rust client and has a made-up version. The goldens
//! agree with the Rust client, or with no client.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("other-versions/a-peer-like-the-goldens-is-not-supported", a_peer_like_the_goldens),
        ("other-versions/with-the-same-versions-it-fails", with_the_same_versions_it_fails),
        ("other-versions/a-peer-unlike-both-fails", a_peer_unlike_both_fails),
        ("other-versions/with-an-unchanged-reference-it-fails", unchanged_reference),
        ("other-versions/a-known-deviation-from-the-goldens", a_known_deviation),
        ("other-versions/goldens-that-accept-any-text", goldens_that_accept_any_text),
        ("other-versions/a-reference-that-hangs", a_reference_that_hangs),
        ("other-versions/a-reference-that-does-not-start", a_reference_that_does_not_start),
        ("other-versions/a-peer-of-the-same-versions", a_peer_of_the_same_versions),
        ("other-versions/a-deviation-for-some-versions", a_deviation_for_some_versions),
    ])
}

/// The only behaviour of the tests.
const BEHAVIOUR: &str = "[[behaviour]]\nname = \"page\"\nend = \"last-frame\"\n\
    headers = [{ set = \":status\", value = \"503\" }, { set = \"content-type\", value = \"text/html\" }]\n\
    body = [{ raw = \"3c68313e\" }]\n";

/// The outcome of the Rust client.
const RIGHT: &str = "status = UNAVAILABLE\nmessage = Received http2 header with status: 503\n\
                     ended = before its deadline\nrequests = 1\n";

/// The outcome of a plain tonic client.
const TONIC: &str =
    "status = UNAVAILABLE\nmessage = (any)\nended = before its deadline\nrequests = 1\n";

const RUST: &str = "{bin}/calculator-agent";

/// A run with this `agent` of the reference, whose version is `one 2`, a second peer, and a golden.
fn run(agent: &str, more: &str, golden_version: &str, golden: &str) -> Run {
    let peers = format!(
        "[[peer]]\nname = \"one\"\nlanguage = \"the reference\"\nreference = true\n\
         server-program = {{ command = [\"{{bin}}/calculator-server\"] }}\n\
         agent = {{ command = {agent} }}\nversions = {{ command = [\"echo\", \"one 2\"] }}\n\n\
         [[peer]]\nname = \"two\"\nlanguage = \"a peer\"\n{more}"
    );
    let goldens = format!("version {golden_version}\n\n[page]\n{golden}");
    let run = Run::new().and("client-parity/").with_file("--peers", "peers.toml", &peers);
    let run = run.with("--skip", "program-");
    let files = [("client-programs.txt", ""), ("client-parity.txt", &goldens[..])];
    tables::with(run, BEHAVIOUR, &files)
}

fn agent(words: &[&str]) -> String {
    format!("{words:?}")
}

fn tonic() -> String {
    agent(&["{bin}/interop-mutants", "plain-tonic-agent"])
}

fn rust() -> String {
    format!("agent = {{ command = [\"{RUST}\"] }}\n")
}

const TRIAL: &str = "client-parity/two/page";
const NOT_SUPPORTED: &str = "ignored (not supported: the reference ";

/// Asserts that the result of the trial begins with this text.
fn has_result(ran: &Ran, beginning: &str) {
    let found = ran.trials().get(TRIAL).is_some_and(|result| result.starts_with(beginning));
    ran.assert(found, &format!("the result of {TRIAL} should begin with: {beginning}"));
}

fn a_peer_like_the_goldens() {
    let ran = run(&tonic(), &rust(), "one 1", RIGHT).finish();
    has_result(&ran, NOT_SUPPORTED);
    ran.prints("the reference differs from its golden in ");
    ran.prints("it is one 2, but the goldens were recorded from one 1").ends_with_status(0);
}

fn with_the_same_versions_it_fails() {
    let ran = run(&tonic(), &rust(), "one 2", RIGHT).finish();
    has_result(&ran, "FAILED");
    ran.ends_with_status(101);
}

fn a_peer_unlike_both_fails() {
    let ran =
        run(&tonic(), &rust(), "one 1", &RIGHT.replace("requests = 1", "requests = 2")).finish();
    has_result(&ran, "FAILED");
    ran.ends_with_status(101);
}

/// The peer differs from the reference and from the golden, which agree.
fn unchanged_reference() {
    let says_unknown = agent(&["{bin}/interop-mutants", "agent", "says-unknown"]);
    let more = format!("agent = {{ command = {says_unknown} }}\n");
    let ran = run(&agent(&[RUST]), &more, "one 1", RIGHT).finish();
    has_result(&ran, "FAILED");
    ran.prints("observed   status = UNKNOWN").ends_with_status(101);
}

fn entry(versions: &str, status: &str) -> String {
    format!(
        "[[deviation]]\ntrials = [{TRIAL:?}]\nobserved = {{ status = '{status}' }}\n{versions}\
         reason = \"it is known\"\nlink = \"https://grpc.io\"\n"
    )
}

/// The peer agrees with the reference, and its difference from the golden is a known deviation.
fn a_known_deviation() {
    let golden = RIGHT.replace("UNAVAILABLE", "INTERNAL");
    let run = |version| {
        let run = run(&agent(&[RUST]), &rust(), version, &golden);
        run.with_file("--deviations", "deviations.toml", &entry("", "UNAVAILABLE")).finish()
    };
    let other = run("one 1");
    has_result(&other, NOT_SUPPORTED);
    other.ends_with_status(0);
    let same = run("one 2");
    has_result(&same, "FAILED");
    same.prints("it passed, but deviations.toml lists it as a known deviation")
        .ends_with_status(101);
}

/// The reference has a text that the golden does not specify.
fn goldens_that_accept_any_text() {
    let says_unknown = agent(&["{bin}/interop-mutants", "agent", "says-unknown"]);
    let golden = RIGHT.replace("UNAVAILABLE", "(any)");
    let ran = run(&says_unknown, &rust(), "one 1", &golden).finish();
    has_result(&ran, NOT_SUPPORTED);
    ran.ends_with_status(0);
}

fn a_reference_that_hangs() {
    let hangs = agent(&["{bin}/interop-mutants", "agent", "hangs"]);
    let other = run(&hangs, &rust(), "one 1", RIGHT).finish();
    has_result(&other, NOT_SUPPORTED);
    other.prints("the reference reports no outcome: the agent hangs");
    other.ends_with_status(0);
    let same = run(&hangs, &rust(), "one 2", RIGHT).finish();
    has_result(&same, "FAILED");
    same.prints("set-up error: the reference: the agent hangs").ends_with_status(101);
}

fn a_reference_that_does_not_start() {
    let ran = run(&agent(&["false"]), &rust(), "one 1", RIGHT).finish();
    has_result(&ran, "FAILED");
    ran.ends_with_status(101);
}

/// The goldens do not show how such a peer may differ from the reference.
fn a_peer_of_the_same_versions() {
    let same_versions = format!("{}versions = {{ command = [\"echo\", \"one 2\"] }}\n", rust());
    let golden = TONIC.replace("UNAVAILABLE", "INTERNAL");
    let ran = run(&tonic(), &same_versions, "one 1", &golden).finish();
    has_result(&ran, NOT_SUPPORTED);
    ran.ends_with_status(0);
}

fn a_deviation_for_some_versions() {
    let says_unknown = agent(&["{bin}/interop-mutants", "agent", "says-unknown"]);
    let more = format!("agent = {{ command = {says_unknown} }}\n");
    let run = |versions: &str| {
        let deviations = entry(&format!("versions = {versions:?}\n"), "UNKNOWN");
        let run = run(&agent(&[RUST]), &more, "one 2", RIGHT);
        run.with_file("--deviations", "deviations.toml", &deviations).finish()
    };
    for versions in ["one < 2.1", "one < 10", "one >= 2", "one >= 1.9.9"] {
        has_result(&run(versions), "ignored (known deviation: it is known)");
    }
    for versions in ["one < 2", "one >= 2.0.1", "one (python)"] {
        has_result(&run(versions), "FAILED");
    }
    let wrong = |versions: &str, message: &str| {
        let ran = run(versions);
        ran.ends_with_status(2)
            .prints(message)
            .assert(ran.trials().is_empty(), "no trial should run");
    };
    wrong("one 2", "deviations.toml:4: versions: `one 2` must have the form `NAME < VERSION`,");
    wrong(
        "two < 2",
        "deviations.toml:4: versions: the reference reports no version of `two`; it reports: one 2",
    );
}
