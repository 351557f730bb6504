//! A peers file of a user that includes peers of the project's file by `with`.
//!
//! The peers are compared with the goldens, so the tests need no Python.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("with/peers-are-included", peers_are_included),
        ("with/deviations-apply-only-to-included-peers", deviations_apply_only_to_included_peers),
        ("with/invalid-names", invalid_names),
    ])
}

/// A peer of the user, which has the agent of the project.
const MINE: &str = "[[peer]]\nname = \"mine\"\nlanguage = \"x\"\n\
                    agent = { command = [\"{bin}/calculator-agent\"] }\n";

fn run(with: &str, arguments: &[&str]) -> Ran {
    let text = format!("with = [{with}]\n\n{MINE}");
    let run = Run::new().with_file("--peers", "peers.toml", &text);
    arguments.iter().fold(run, |run, argument| run.and(argument)).finish()
}

fn peers_are_included() {
    let ran = run("\"rust\"", &["--exact", "calls/rust/mine/root-of-16"]);
    ran.prints("1 passed").prints("rust: Rust (tonic)").prints("mine: x").ends_with_status(0);
    let listed = run("\"rust\"", &["--list"]);
    listed.assert(!listed.stdout.contains("python"), "no other peers should be included");
    let listed = run("\"python\", \"rust\"", &["--list"]).stdout;
    for trial in ["server-parity/rust/root-of-2:", "client-parity/mine/messages-two:"] {
        assert!(listed.contains(trial), "there should be {trial}");
    }
}

fn deviations_apply_only_to_included_peers() {
    let run = |with: &str, own: &str| {
        let text = format!("with = [{with}]\n\n{}", MINE.replace("mine", own));
        let run = Run::new().with_file("--peers", "peers.toml", &text);
        let run = run.with("--baseline", "golden").with("--without", "python").and("--exact");
        run.and("client-parity/rust/message-padded").finish()
    };
    let ours = run("\"python\", \"rust\"", "mine");
    ours.prints("1 known deviation").ends_with_status(0);
    // A peer of the user with the same name, to which the entry does not apply.
    let anothers = run("\"python\"", "rust");
    anothers.prints("not as expected").prints("1 failed").ends_with_status(101);
}

fn invalid_names() {
    let refused = |text: &str, message: &str| {
        let ran = Run::new().with_file("--peers", "peers.toml", text).finish();
        ran.ends_with_status(2)
            .prints(message)
            .assert(ran.trials().is_empty(), "no trial should run");
    };
    let unknown = format!("with = [\n  \"rust\",\n  \"rest\",\n]\n{MINE}");
    refused(&unknown, "peers.toml:3: with: ");
    refused(&unknown, "interop-tests/peers.toml: there is no peer `rest`; the peers are: python, ");
    refused("with = [\"rust\", \"rust\"]\n", "peers.toml:1: with: `rust` is listed twice");
    let same = format!("with = [\"rust\"]\n{}", MINE.replace("mine", "rust"));
    refused(&same, "peers.toml:3: there is already a peer `rust`");
    let two = format!(
        "with = [\"python\"]\n{MINE}reference = true\nserver-program = {{ command = [\"sh\"] }}\n"
    );
    refused(&two, "peers.toml:3: there is already a reference");
    refused("", "peers.toml: the file has no peer");
}
