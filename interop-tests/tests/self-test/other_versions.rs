//! A reference of other versions than the goldens: a peer that is as the goldens say does not fail.
//!
//! The reference here is a client that answers otherwise than the Rust one, and says of which version it
//! is; what the goldens say is what the Rust client does, or something that nobody does.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("other-versions/a-peer-like-the-goldens-is-not-supported", a_peer_like_the_goldens),
        ("other-versions/of-these-versions-it-fails", of_these_versions_it_fails),
        ("other-versions/a-peer-unlike-both-fails", a_peer_unlike_both_fails),
        ("other-versions/where-the-reference-has-not-moved-it-fails", not_moved),
        ("other-versions/a-known-deviation-from-the-goldens", a_known_deviation),
        ("other-versions/where-the-goldens-take-any-text", where_the_goldens_take_any_text),
        ("other-versions/a-reference-that-hangs", a_reference_that_hangs),
        ("other-versions/a-reference-that-does-not-start", a_reference_that_does_not_start),
        ("other-versions/a-peer-of-the-same-versions", a_peer_of_the_same_versions),
        ("other-versions/a-deviation-for-some-versions", an_entry_for_some),
    ])
}

const BEHAVIOUR: &str = "[[behaviour]]\nname = \"page\"\nend = \"last-frame\"\n\
    headers = [{ set = \":status\", value = \"503\" }, { set = \"content-type\", value = \"text/html\" }]\n\
    body = [{ raw = \"3c68313e\" }]\n";

/// What the Rust client makes of it.
const RIGHT: &str = "status = UNAVAILABLE\nmessage = Received http2 header with status: 503\n\
                     ended = before its deadline\nrequests = 1\n";

/// What a plain tonic client makes of it.
const TONIC: &str =
    "status = UNAVAILABLE\nmessage = (any)\nended = before its deadline\nrequests = 1\n";

const RUST: &str = "{bin}/calculator-agent";

/// The `agent` of the reference is of the version `one 2`.
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

/// What is said of the peer's trial begins so.
fn told(ran: &Ran, beginning: &str) {
    let said = ran.trials().get(TRIAL).is_some_and(|said| said.starts_with(beginning));
    ran.assert(said, &format!("of {TRIAL} it should be said: {beginning}"));
}

fn a_peer_like_the_goldens() {
    let ran = run(&tonic(), &rust(), "one 1", RIGHT).finish();
    told(&ran, NOT_SUPPORTED);
    ran.says("the reference differs from its golden in ");
    ran.says("it is one 2, but the goldens were recorded from one 1").ends_with_status(0);
}

fn of_these_versions_it_fails() {
    let ran = run(&tonic(), &rust(), "one 2", RIGHT).finish();
    told(&ran, "FAILED");
    ran.ends_with_status(101);
}

fn a_peer_unlike_both_fails() {
    let ran =
        run(&tonic(), &rust(), "one 1", &RIGHT.replace("requests = 1", "requests = 2")).finish();
    told(&ran, "FAILED");
    ran.ends_with_status(101);
}

/// The peer differs from both, which do the same.
fn not_moved() {
    let says_unknown = agent(&["{bin}/interop-mutants", "agent", "says-unknown"]);
    let more = format!("agent = {{ command = {says_unknown} }}\n");
    let ran = run(&agent(&[RUST]), &more, "one 1", RIGHT).finish();
    told(&ran, "FAILED");
    ran.says("observed   status = UNKNOWN").ends_with_status(101);
}

fn entry(versions: &str, status: &str) -> String {
    format!(
        "[[deviation]]\ntrials = [{TRIAL:?}]\nobserved = {{ status = '{status}' }}\n{versions}\
         reason = \"it is known\"\nlink = \"https://grpc.io\"\n"
    )
}

/// It is as the reference of these versions, and known to be otherwise than the goldens.
fn a_known_deviation() {
    let golden = RIGHT.replace("UNAVAILABLE", "INTERNAL");
    let run = |version| {
        let run = run(&agent(&[RUST]), &rust(), version, &golden);
        run.with_file("--deviations", "deviations.toml", &entry("", "UNAVAILABLE")).finish()
    };
    let other = run("one 1");
    told(&other, NOT_SUPPORTED);
    other.ends_with_status(0);
    let same = run("one 2");
    told(&same, "FAILED");
    same.says("it passed, but deviations.toml lists it as a known deviation").ends_with_status(101);
}

/// The reference has a text there that a client of its version has to have.
fn where_the_goldens_take_any_text() {
    let says_unknown = agent(&["{bin}/interop-mutants", "agent", "says-unknown"]);
    let golden = RIGHT.replace("UNAVAILABLE", "(any)");
    let ran = run(&says_unknown, &rust(), "one 1", &golden).finish();
    told(&ran, NOT_SUPPORTED);
    ran.ends_with_status(0);
}

fn a_reference_that_hangs() {
    let hangs = agent(&["{bin}/interop-mutants", "agent", "hangs"]);
    let other = run(&hangs, &rust(), "one 1", RIGHT).finish();
    told(&other, NOT_SUPPORTED);
    other.says("the reference reports no outcome: the agent hangs");
    other.ends_with_status(0);
    let same = run(&hangs, &rust(), "one 2", RIGHT).finish();
    told(&same, "FAILED");
    same.says("set-up error: the reference: the agent hangs").ends_with_status(101);
}

fn a_reference_that_does_not_start() {
    let ran = run(&agent(&["false"]), &rust(), "one 1", RIGHT).finish();
    told(&ran, "FAILED");
    ran.ends_with_status(101);
}

/// Nobody knows what else such a peer does, and the goldens do not tell.
fn a_peer_of_the_same_versions() {
    let kin = format!("{}versions = {{ command = [\"echo\", \"one 2\"] }}\n", rust());
    let golden = TONIC.replace("UNAVAILABLE", "INTERNAL");
    let ran = run(&tonic(), &kin, "one 1", &golden).finish();
    told(&ran, NOT_SUPPORTED);
    ran.ends_with_status(0);
}

fn an_entry_for_some() {
    let says_unknown = agent(&["{bin}/interop-mutants", "agent", "says-unknown"]);
    let more = format!("agent = {{ command = {says_unknown} }}\n");
    let run = |versions: &str| {
        let deviations = entry(&format!("versions = {versions:?}\n"), "UNKNOWN");
        let run = run(&agent(&[RUST]), &more, "one 2", RIGHT);
        run.with_file("--deviations", "deviations.toml", &deviations).finish()
    };
    for versions in ["one < 2.1", "one < 10", "one >= 2", "one >= 1.9.9"] {
        told(&run(versions), "ignored (known deviation: it is known)");
    }
    for versions in ["one < 2", "one >= 2.0.1", "one (python)"] {
        told(&run(versions), "FAILED");
    }
    let wrong = |versions: &str, message: &str| {
        let ran = run(versions);
        ran.ends_with_status(2).says(message).assert(ran.trials().is_empty(), "nothing runs");
    };
    wrong("one 2", "deviations.toml:4: versions: `one 2` must have the form `NAME < VERSION`,");
    wrong(
        "two < 2",
        "deviations.toml:4: versions: the reference reports no version of `two`; it reports: one 2",
    );
}
