//! What a table states of a behaviour is required, even of a client that does what the reference does.
//!
//! Each table here states something wrong of a client that is right, and its golden is what that does.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("stated/a-status-is-demanded", a_status_is_demanded),
        ("stated/each-call-is-looked-at", each_call_is_looked_at),
        ("stated/requests-of-connections-are-counted", requests_of_connections_are_counted),
        ("stated/requests-at-once-are-counted", requests_at_once_are_counted),
        ("stated/pings-are-counted", pings_are_counted),
        ("stated/a-line-that-is-missing-is-no-other", a_line_that_is_missing_is_no_other),
    ])
}

const OK: &str = "status = OK\nmessage = \nvalue = 4.0 (0x40800000)\nended = before its deadline\nrequests = 1\n";

/// The Rust agent at a behaviour with these keys, of which this is the golden.
fn ran(keys: &str, golden: &str) -> Ran {
    let behaviour = format!(
        "[[behaviour]]\nname = \"mine\"\nprograms = {{ run = false, why = \"agents do\" }}\n{keys}\n"
    );
    let golden = format!("version one\n\n[mine]\n{golden}");
    let run = Run::of_mutants("client-parity/rust/mine").with("--baseline", "golden");
    tables::with(run, &behaviour, &[("client-parity.txt", &golden)]).finish()
}

/// The lines of `calls` that are OK, and those of what was `sent`.
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

fn a_status_is_demanded() {
    ran("expect = { status = \"OK\" }", OK).ends_with_status(0).says("1 passed");
    for (demand, shown) in [("\"NOT_FOUND\"", "NOT_FOUND"), ("{ not = \"OK\" }", "not OK")] {
        let wrong = ran(&format!("expect = {{ status = {demand} }}"), OK);
        wrong.says(&format!("expected   stated status = {shown}"));
        wrong.says("observed   stated status = OK").ends_with_status(101);
    }
}

fn each_call_is_looked_at() {
    let keys = "call = { rounds = [1, 1] }\n\
                then = [\"request\", \"headers\", { block = { fields = [[\"grpc-status\", \"5\"]], \
                end-stream = true } }]\n\
                expect = { status = \"OK\" }";
    let second =
        "call 2: status = NOT_FOUND\ncall 2: message = \ncall 2: ended = before its deadline\n";
    let sent = "requests = 2\nrequests of each connection = 2\nrequests open at once = 1\n";
    let wrong = ran(keys, &several(1, &format!("{second}{sent}")));
    wrong.says("observed   stated status = NOT_FOUND").says("1 failed").ends_with_status(101);
    wrong.assert(wrong.stdout.matches("expected   ").count() == 1, "the first is as it should be");
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
    ran(&keys(goes_away), &golden("1, 1")).ends_with_status(0).says("1 passed");
    let stays = ran(&keys(""), &golden("2"));
    stays.says("observed   stated requests of each connection = 2").says("1 failed");
    stays.assert(!stays.stdout.contains("expected   requests"), "the golden is right");
}

fn requests_at_once_are_counted() {
    let keys = "call = { rounds = [10] }\n\
                actions = [\"preface\", \"request\", { wait-ms = 300 }, \"headers\", \"body\", \"trailers\"]\n\
                then = [\"request\", \"headers\", \"body\", \"trailers\"]\n\
                expect = { \"requests open at once\" = \"1\" }";
    let sent = "requests = 10\nrequests of each connection = 10\nrequests open at once = 10\n";
    let wrong = ran(keys, &several(10, sent));
    wrong.says("observed   stated requests open at once = 10").says("1 failed");
    wrong.assert(!wrong.stdout.contains("expected   requests"), "all are answered");
}

fn pings_are_counted() {
    let keys = |last: &str| {
        format!(
            "actions = [\"preface\", \"request\", {{ ping = 2 }}, \"pings-acknowledged\", {last}]\n\
             expect = {{ \"pings without acknowledgement\" = \"0\" }}"
        )
    };
    let golden = format!("{OK}pings without acknowledgement = 0\n");
    ran(&keys("\"headers\", \"body\", \"trailers\""), &golden).ends_with_status(0).says("1 passed");
    // Nobody reads what comes after a reset.
    let wrong = ran(&keys("{ ping = 1 }, \"abort\""), &golden);
    wrong.says("observed   stated pings without acknowledgement = 1").ends_with_status(101);
}

fn a_line_that_is_missing_is_no_other() {
    let wrong = ran("expect = { \"pings without acknowledgement\" = { not = \"1\" } }", OK);
    wrong.says("observed   stated pings without acknowledgement = (none)").ends_with_status(101);
}
