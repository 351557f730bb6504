//! A user's own peers file that takes peers from the project's file by `with`.
//!
//! Compared with the goldens, so that nobody needs Python.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("with/peers-are-taken", peers_are_taken),
        ("with/only-of-those-are-deviations-known", only_of_those_are_deviations_known),
        ("with/wrong-names", wrong_names),
    ])
}

/// An agent that does what the project's own does, but is another's.
const MINE: &str = "[[peer]]\nname = \"mine\"\nlanguage = \"x\"\n\
                    agent = { command = [\"{bin}/calculator-agent\"] }\n";

fn run(with: &str, arguments: &[&str]) -> Ran {
    let text = format!("with = [{with}]\n\n{MINE}");
    let run = Run::new().with_file("--peers", "peers.toml", &text);
    arguments.iter().fold(run, |run, argument| run.and(argument)).finish()
}

fn peers_are_taken() {
    let ran = run("\"rust\"", &["--exact", "calls/rust/mine/root-of-16"]);
    ran.says("1 passed").says("rust: Rust (tonic)").says("mine: x").ends_with_status(0);
    let listed = run("\"rust\"", &["--list"]);
    listed.assert(!listed.stdout.contains("python"), "no others are taken");
    let listed = run("\"python\", \"rust\"", &["--list"]).stdout;
    for trial in ["server-parity/rust/root-of-2:", "client-parity/mine/messages-two:"] {
        assert!(listed.contains(trial), "there should be {trial}");
    }
}

fn only_of_those_are_deviations_known() {
    let run = |with: &str, own: &str| {
        let text = format!("with = [{with}]\n\n{}", MINE.replace("mine", own));
        let run = Run::new().with_file("--peers", "peers.toml", &text);
        let run = run.with("--baseline", "golden").with("--without", "python").and("--exact");
        run.and("client-parity/rust/message-padded").finish()
    };
    let ours = run("\"python\", \"rust\"", "mine");
    ours.says("1 known deviation").ends_with_status(0);
    // Called like one of the project's, and does the same, but is not known.
    let anothers = run("\"python\"", "rust");
    anothers.says("not as expected").says("1 failed").ends_with_status(101);
}

fn wrong_names() {
    let refused = |text: &str, message: &str| {
        let ran = Run::new().with_file("--peers", "peers.toml", text).finish();
        ran.ends_with_status(2).says(message).assert(ran.trials().is_empty(), "nothing runs");
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
