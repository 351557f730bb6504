//! The explicit expectation of a behaviour applies even to a client that agrees with the reference.
//!
//! The tables of these tests have wrong expectations, but their goldens agree with the client.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("stated/a-status-is-required", a_status_is_required),
        ("stated/each-call-is-checked", each_call_is_checked),
        ("stated/requests-of-connections-are-counted", requests_of_connections_are_counted),
        ("stated/requests-at-once-are-counted", requests_at_once_are_counted),
        ("stated/pings-are-counted", pings_are_counted),
        ("stated/a-missing-line-does-not-match-not", a_missing_line_does_not_match_not),
    ])
}

const OK: &str = "status = OK\nmessage = \nvalue = 4.0 (0x40800000)\nended = before its deadline\nrequests = 1\n";

/// A run of the Rust agent with a behaviour that has these keys and this golden.
fn ran(keys: &str, golden: &str) -> Ran {
    let behaviour = format!(
        "[[behaviour]]\nname = \"mine\"\nprograms = {{ run = false, why = \"agents do\" }}\n{keys}\n"
    );
    let golden = format!("version one\n\n[mine]\n{golden}");
    let run = Run::of_mutants("client-parity/rust/mine").with("--baseline", "golden");
    tables::with(run, &behaviour, &[("client-parity.txt", &golden)]).finish()
}

/// The lines of successful `calls`, followed by the lines in `sent`.
fn several(calls: usize, sent: &str) -> String {
    let call = |number| {
        format!(
            "call {number}: status = OK\ncall {number}: message = \n\
             call {number}: value = 4.0 (0x40800000)\n\
             call {number}: ended = before its deadline\n"
        )
    };
    (1..=calls).map(call).collect::<String>() + sent
}

fn a_status_is_required() {
    ran("expect = { status = \"OK\" }", OK).ends_with_status(0).prints("1 passed");
    for (required, shown) in [("\"NOT_FOUND\"", "NOT_FOUND"), ("{ not = \"OK\" }", "not OK")] {
        let wrong = ran(&format!("expect = {{ status = {required} }}"), OK);
        wrong.prints(&format!("expected   stated status = {shown}"));
        wrong.prints("observed   stated status = OK").ends_with_status(101);
    }
}

fn each_call_is_checked() {
    let keys = "call = { rounds = [1, 1] }\n\
                then = [\"request\", \"headers\", { block = { fields = [[\"grpc-status\", \"5\"]], \
                end-stream = true } }]\n\
                expect = { status = \"OK\" }";
    let second =
        "call 2: status = NOT_FOUND\ncall 2: message = \ncall 2: ended = before its deadline\n";
    let sent = "requests = 2\nrequests of each connection = 2\nrequests open at once = 1\n";
    let wrong = ran(keys, &several(1, &format!("{second}{sent}")));
    wrong.prints("observed   stated status = NOT_FOUND").prints("1 failed").ends_with_status(101);
    wrong.assert(
        wrong.stdout.matches("expected   stated").count() == 1,
        "the first call should not differ",
    );
}

fn requests_of_connections_are_counted() {
    let golden = |each: &str| {
        let sent = format!(
            "requests = 2\nrequests of each connection = {each}\nrequests open at once = 1\n"
        );
        several(2, &sent)
    };
    let keys = |actions: &str| {
        format!(
            "call = {{ rounds = [1, 1] }}\n{actions}\n\
             expect = {{ \"requests of each connection\" = \"1, 1\" }}"
        )
    };
    let goes_away = "actions = [\"preface\", \"request\", \"headers\", \"body\", \"trailers\", \
                     { goaway = { code = 0 } }]";
    ran(&keys(goes_away), &golden("1, 1")).ends_with_status(0).prints("1 passed");
    let stays = ran(&keys(""), &golden("2"));
    stays.prints("observed   stated requests of each connection = 2").prints("1 failed");
    stays.assert(!stays.stdout.contains("expected   requests"), "the golden should not differ");
}

fn requests_at_once_are_counted() {
    let keys = "call = { rounds = [10] }\n\
                actions = [\"preface\", \"request\", { wait-ms = 300 }, \"headers\", \"body\", \"trailers\"]\n\
                then = [\"request\", \"headers\", \"body\", \"trailers\"]\n\
                expect = { \"requests open at once\" = \"1\" }";
    let sent = "requests = 10\nrequests of each connection = 10\nrequests open at once = 10\n";
    let wrong = ran(keys, &several(10, sent));
    wrong.prints("observed   stated requests open at once = 10").prints("1 failed");
    wrong.assert(!wrong.stdout.contains("expected   requests"), "the golden should not differ");
}

fn pings_are_counted() {
    let keys = |last: &str| {
        format!(
            "actions = [\"preface\", \"request\", {{ ping = 2 }}, \"pings-acknowledged\", {last}]\n\
             expect = {{ \"pings without acknowledgement\" = \"0\" }}"
        )
    };
    let golden = format!("{OK}pings without acknowledgement = 0\n");
    ran(&keys("\"headers\", \"body\", \"trailers\""), &golden)
        .ends_with_status(0)
        .prints("1 passed");
    // The client does not read a ping before a reset.
    let wrong = ran(&keys("{ ping = 1 }, \"abort\""), &golden);
    wrong.prints("observed   stated pings without acknowledgement = 1").ends_with_status(101);
}

fn a_missing_line_does_not_match_not() {
    let wrong = ran("expect = { \"pings without acknowledgement\" = { not = \"1\" } }", OK);
    wrong.prints("observed   stated pings without acknowledgement = (none)").ends_with_status(101);
}
