//! `interop fuzz` for a service: a fault must be found and reduced, and the service without a fault has no finding.

use libtest_mimic::Trial;

use crate::compare::{peer, peers_file};
use crate::programs;
use crate::run::{self, Ran, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("fuzz/a-service-does-not-differ-from-itself", a_service_does_not_differ_from_itself),
        ("fuzz/a-fault-is-found-and-reduced", a_fault_is_found_and_reduced),
        ("fuzz/a-seed-repeats-its-requests", a_seed_repeats_its_requests),
        ("fuzz/a-fault-below-messages-is-found", a_fault_below_messages_is_found),
        ("fuzz/the-filter-selects-methods", the_filter_selects_methods),
    ])
}

/// Sends random calls to the calculator, which starts faster than the Python service, and to `candidate`.
fn fuzz_calculator(candidate: &str, arguments: &str) -> Ran {
    let program = |name: &str, keys: &str, command: &str| {
        format!(
            "[[peer]]\nname = \"{name}\"\n{keys}\n[peer.server]\ncommand = [{command}, \"{{address}}\"]\n"
        )
    };
    let proto = std::path::Path::new(programs::ROOT).join("proto");
    let proto = proto.canonicalize().expect("it exists");
    let proto = proto.display();
    let calculator = "\"{bin}/calculator-server\", \"--address\"";
    let peers = format!(
        "protos = [\"{proto}/calculator.proto\"]\ninclude = [\"{proto}\"]\n[compare]\n\
         sources = [\"generated\"]\n{}{}",
        program("rust", "reference = true", calculator),
        program("candidate", "", candidate)
    );
    fuzz_peers(&peers, arguments)
}

/// Sends random requests to the servers of this peers file.
fn fuzz_peers(peers: &str, arguments: &str) -> Ran {
    let run = Run::of_command("fuzz").with_file("--peers", "peers.toml", peers);
    arguments.split_whitespace().fold(run, Run::and).finish()
}

/// Sends random requests of these sources to the service with this fault. `keys` are more keys of `[compare]`.
fn fuzz(sources: &str, keys: &str, fault: Option<&str>, arguments: &str) -> Ran {
    fuzz_peers(&peers_file(sources, keys, &peer("candidate", "", fault)), arguments)
}

const CALLS: &str = "\"generated\"";

const CHAT: &str = "methods = [\"sample.Sample.Chat\"]";

fn a_service_does_not_differ_from_itself() {
    // Few probes, which take long. All kinds of calls.
    let keys = "methods = [\"sample.Sample.Divide\"]";
    let ran = fuzz("\"generated\", \"wire\"", keys, None, "--count 80 --seed 1");
    ran.ends_with_status(0).prints("interop: candidate: 80 requests, ").prints(" 0 findings");
    let ran = fuzz(CALLS, "", None, "--count 300 --seed 1");
    ran.ends_with_status(0).prints("interop: candidate: 300 requests, ").prints(" 0 findings");
}

/// The lines of the only finding, and of its entry.
fn finding(ran: &Ran) -> Vec<&str> {
    ran.ends_with_status(101).prints(", 1 finding\n");
    let lines = ran.stdout.lines().skip_while(|line| !line.starts_with("finding 1 of candidate"));
    lines.collect()
}

fn a_fault_is_found_and_reduced() {
    // The server counts UTF-16 units, so one character beyond the first plane is enough.
    let ran = fuzz(CALLS, CHAT, Some("utf16-length"), "--count 300 --seed 1");
    let lines = finding(&ran);
    let title = lines.first().copied().unwrap_or_default();
    ran.assert(title.starts_with("finding 1 of candidate: characters ("), "the field differs");
    ran.prints("  reference  characters = 1\n").prints("  candidate  characters = 2\n");
    let entry = lines.iter().skip_while(|line| **line != "[[case]]").copied().take(5);
    let entry: Vec<_> = entry.collect();
    let [_, name, method, request, ""] = entry[..] else { panic!("{entry:?}") };
    ran.assert(name.starts_with("name = \"fuzz-1-"), "it has a name");
    ran.assert(method == "method = \"sample.Sample.Chat\"", "it has a method");
    // A text of one character, which has four bytes.
    let hex = request.strip_prefix("requests = [\"hex: 0a04f0").expect("it is one message");
    ran.assert(hex.len() == "9f9888\"]".len(), "nothing else is left");
    let again = lines.iter().find_map(|line| line.trim().strip_prefix("run again")).expect("text");
    let case = again.rsplit(' ').next().expect("a number");
    let repeated = fuzz(CALLS, CHAT, Some("utf16-length"), &format!("--seed 1 --case {case}"));
    repeated.ends_with_status(101).prints("interop: candidate: 1 request,").prints(request);
}

/// The output without times and the path of the peers file.
fn stable(ran: &Ran) -> Vec<&str> {
    let lines = ran.stdout.lines();
    lines
        .filter(|line| {
            !["run again", "interop: seed 5, ", " GMT\""].iter().any(|it| line.contains(it))
        })
        .collect()
}

fn a_seed_repeats_its_requests() {
    let run = |seed: u64| {
        let plain_tonic = "\"{bin}/interop-mutants\", \"plain-tonic-server\"";
        fuzz_calculator(plain_tonic, &format!("--count 100 --seed {seed}"))
    };
    let [one, other, different] = [5, 5, 6].map(run);
    one.assert(one.stdout.contains("finding 2 of candidate"), "there are several findings");
    assert_eq!(stable(&one), stable(&other));
    assert_ne!(stable(&one), stable(&different));
}

fn a_fault_below_messages_is_found() {
    let keys = "methods = [\"sample.Store.Put\"]";
    let ran = fuzz("\"wire\"", keys, Some("extra-header"), "--count 20 --seed 1");
    let lines = finding(&ran);
    ran.prints("finding 1 of candidate: initial metadata x-served-by: ");
    ran.assert(lines.contains(&"# to sample.Store.Put"), "the entry names the method");
    let entry: Vec<_> = lines.iter().skip_while(|line| **line != "[[probe]]").collect();
    ran.assert(entry.get(3).is_some_and(|line| line.starts_with("body = ")), "it has a body");
    ran.assert(entry.get(4).is_some_and(|line| line.is_empty()), "nothing else is left");
}

fn the_filter_selects_methods() {
    let fault = Some("utf16-length");
    let ran = fuzz(CALLS, "", fault, "--count 100 --seed 1 candidate/sample.Store");
    ran.ends_with_status(0).prints("interop: candidate: 100 requests, ");
    let none = fuzz(CALLS, "", fault, "--count 100 candidate/sample.Nothing");
    none.ends_with_status(2).prints("no PEER/METHOD has a name with `candidate/sample.Nothing`");
}
