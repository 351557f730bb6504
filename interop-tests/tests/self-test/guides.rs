//! Executes the examples of the guides: writes each file and runs each command.
//!
//! The examples are read from the guides, so every example is tested.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::PoisonError;

use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::mutants::PORT;
use crate::run::Run;
use crate::{programs, run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("guides/a-language", a_language),
        ("guides/a-complete-peer", a_complete_peer),
        ("guides/a-server", a_server),
        ("guides/a-scenario", a_scenario),
        ("guides/a-method-of-another-service", a_method_of_another_service),
        ("guides/services", services),
        ("guides/cases", cases),
        ("guides/a-probe", a_probe),
        ("guides/a-behaviour", a_behaviour),
        ("guides/commands-exist", commands_exist),
    ])
}

/// The text of a file in the workspace.
fn document(path: &str) -> String {
    std::fs::read_to_string(Path::new(programs::ROOT).join(path)).expect("cannot read the document")
}

/// The code blocks in `language` of a guide, in their order, without their indentation.
pub(crate) fn snippets(guide: &str, language: &str) -> Vec<String> {
    let text = document(&format!("interop-tests/docs/{guide}"));
    let (mut found, mut block) = (Vec::new(), None);
    for line in text.lines() {
        match &mut block {
            None => {
                let indent = line.len() - line.trim_start().len();
                if line.trim_start().strip_prefix("```") == Some(language) {
                    block = Some((indent, String::new()));
                }
            }
            Some((_, code)) if line.trim_start() == "```" => found.extend([std::mem::take(code)]),
            Some((indent, code)) => {
                code.push_str(line.get(*indent..).unwrap_or_default());
                code.push('\n');
            }
        }
        if line.trim_start() == "```" {
            block = None;
        }
    }
    found
}

/// The first code block in `language` of a guide.
#[track_caller]
fn first_snippet(guide: &str, language: &str) -> String {
    snippets(guide, language).into_iter().next().expect("the guide has no such code block")
}

/// Replaces `from` in `text`, which must contain it.
#[track_caller]
pub(crate) fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is missing in {text}");
    text.replace(from, to)
}

/// A folder with tables that contain only `entry`, in the folder `suite`.
fn tables(suite: &str, entry: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    for name in ["calls", "server-parity", "client-parity"] {
        std::fs::create_dir(folder.path().join(name)).expect("cannot create a folder");
    }
    std::fs::write(folder.path().join("programs.toml"), "case = []\n")
        .expect("cannot write a file");
    // The known deviations of the project belong to its own cases.
    std::fs::write(folder.path().join("deviations.toml"), "").expect("cannot write a file");
    std::fs::write(folder.path().join(suite).join("mine.toml"), entry)
        .expect("cannot write a file");
    folder
}

const RUST: &str = "with = [\"rust\"]\n";

fn a_language() {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let agent = folder.path().join("agent.py");
    std::fs::write(&agent, first_snippet("peers.md", "python")).expect("cannot write a file");
    let peers = first_snippet("peers.md", "toml");
    let peers = replaced(&peers, "/home/me/first/agent.py", &agent.to_string_lossy());
    let run = Run::new().with_file("--peers", "my-peers.toml", &peers).and("calls/rust/first");
    let ran = run.finish();
    ran.prints(" 0 failed").ends_with_status(0);
    let results = ran.trials();
    let with = |result: &str| results.values().filter(|found| found.starts_with(result)).count();
    ran.assert(with("ok") >= 30, "unary calls should pass");
    ran.assert(with("ignored") >= 30, "other calls should be not supported");
}

/// The names that `interop list` prints with these peers.
fn listed(peers: &str) -> String {
    let run = Run::of_command("list").with("--baseline", "golden");
    let ran = run.with_file("--peers", "my-peers.toml", peers).finish();
    ran.ends_with_status(0);
    ran.stdout
}

fn a_complete_peer() {
    let entry = snippets("peers.md", "toml").swap_remove(1);
    let names = listed(&format!("with = [\"python\", \"rust\"]\n{entry}"));
    let expected =
        ["calls/kotlin/kotlin/root-of-16:", "calls/rust/kotlin/tls/", "calls/kotlin/rust/tls/"];
    for name in expected {
        assert!(names.contains(name), "{name} is missing");
    }
    assert!(!names.contains("parity/kotlin/root-of-2:"), "`parity = false` should be respected");
}

fn a_server() {
    let peers = first_snippet("your-server.md", "toml");
    let names = listed(&peers);
    for name in ["calls/mine/rust/root-of-16:", "server-parity/mine/root-of-2:"] {
        assert!(names.contains(name), "{name} is missing");
    }
    // Uses the server of this project instead of the reader's.
    let server = programs::places().bin().join("calculator-server");
    let peers = replaced(
        &peers,
        "[\"/home/me/shop/target/debug/calculator\", \"--listen\", \"{address}\"]",
        &format!("[\"{}\", \"--address\", \"{{address}}\"]", server.display()),
    );
    let peers = replaced(&peers, "listening on {address}", "Address: {address}");
    let run = Run::new().with("--baseline", "golden").with("--without", "python");
    let run = run.with_file("--peers", "my-peers.toml", &peers).and("mine/root-of-2");
    run.finish()
        .prints("test server-parity/mine/root-of-2 ")
        .prints(" 0 failed")
        .ends_with_status(0);
}

fn a_scenario() {
    let scenarios = snippets("scenarios.md", "toml");
    let [first, varied, ..] = &scenarios[..] else { panic!("two examples: {scenarios:?}") };
    let tables = tables("calls", &format!("{first}\n{varied}"));
    let run = Run::new().with("--scenarios", &tables.path().to_string_lossy());
    let ran = run.with_file("--peers", "peers.toml", RUST).finish();
    let trials =
        ["root-of-ten-thousand", "tls+gzip/a-root-and-an-error", "gzip/requests-are-compressed"];
    for name in trials {
        let result = ran.trials().get(&*format!("calls/rust/rust/{name}")).copied();
        ran.assert(result == Some("ok"), &format!("{name} should pass"));
    }
    ran.prints(" 0 failed").ends_with_status(0);
}

fn a_method_of_another_service() {
    let snippets = snippets("scenarios.md", "toml");
    let [.., peers, scenario] = &snippets[..] else { panic!("two examples: {snippets:?}") };
    let tables = tables("calls", scenario);
    let run = Run::of_command("list").with("--scenarios", &tables.path().to_string_lossy());
    let run = run.with_file("--peers", "shop.toml", peers);
    let proto = run.path().join("proto");
    std::fs::create_dir(&proto).expect("cannot create a folder");
    let text = "syntax = \"proto3\";\npackage shop;\nmessage Item { string name = 1; }\n\
                service Shop { rpc Watch(Item) returns (stream Item); }\n";
    std::fs::write(proto.join("shop.proto"), text).expect("cannot write a file");
    run.finish().prints("calls/rust/rust/nothing-to-watch: ").ends_with_status(0);
}

fn services() {
    let peers = snippets("services.md", "toml");
    assert_eq!(peers.len(), 3, "{peers:?}");
    for peers in peers {
        let run = Run::of_command("list").with_file("--peers", "shop.toml", &peers);
        for (file, text) in [
            ("proto/shop.proto", first_snippet("cases.md", "proto")),
            ("cases/pen.toml", "[[case]]\nname = \"pen\"\nmethod = \"shop.Shop.Get\"\n".to_owned()),
        ] {
            let path = run.path().join(file);
            std::fs::create_dir_all(path.parent().expect("it has one"))
                .expect("cannot create a folder");
            std::fs::write(path, text).expect("cannot write a file");
        }
        let ran = run.finish();
        for case in ["generated.name", "wire.timeout-passes"] {
            ran.prints(&format!("compare/rust/shop.Shop.Get/{case}: "));
        }
        let has_cases = peers.contains("cases = [");
        ran.assert(ran.stdout.contains("Get/user.pen: ") == has_cases, "the user's cases")
            .ends_with_status(0);
    }
}

fn cases() {
    let toml = snippets("cases.md", "toml");
    let [peers, files @ ..] = &toml[..] else { panic!("several examples: {toml:?}") };
    assert_eq!(files.len(), 4, "{files:?}");
    let run = Run::of_command("list").with_file("--peers", "shop.toml", peers);
    let folder = run.path().join("cases");
    std::fs::create_dir(&folder).expect("cannot create a folder");
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("cannot write a file");
    write(&run.path().join("shop.proto"), &first_snippet("cases.md", "proto"));
    for (index, file) in files.iter().enumerate() {
        write(&folder.join(format!("{index}.toml")), file);
    }
    write(&folder.join("other.json"), &first_snippet("cases.md", "json"));
    let ran = run.finish();
    for case in [
        "Get/user.a-pen",
        "Buy/user.three-items",
        "Get/user.create-then-get",
        "Watch/user.watch-a-pen",
        "Get/user.some-ink",
        "Get/generated.name",
    ] {
        ran.prints(&format!("compare/rust/shop.Shop.{case}: "));
    }
    ran.ends_with_status(0);
}

/// Adds the first example of `guide` to the tables of `suite`, records its goldens, and compares the Rust peer with
/// them. `trial` must pass.
fn recorded_and_compared(guide: &str, suite: &str, trial: &str) {
    let tables = tables(suite, &first_snippet(guide, "toml"));
    let goldens = tempfile::tempdir().expect("cannot create a folder");
    let run = |command: &str| {
        let run = Run::of_command(command);
        let run = run.with("--scenarios", &tables.path().to_string_lossy());
        run.with("--goldens", &goldens.path().to_string_lossy())
    };
    let compare = || {
        let deviations = tables.path().join("deviations.toml");
        run("run").with("--deviations", &deviations.to_string_lossy())
    };
    // The reference listens on this port.
    let port = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    run("record-goldens").finish().ends_with_status(0);
    let live = compare().with("--baseline", "live").with("--exact", trial).finish();
    live.prints("1 passed").ends_with_status(0);
    drop(port);
    let golden = compare().with("--baseline", "golden").with("--without", "python");
    let golden = golden.with("--exact", trial).finish();
    golden.prints("1 passed").ends_with_status(0);
}

fn a_probe() {
    recorded_and_compared(
        "probes.md",
        "server-parity",
        "server-parity/rust/timeout-of-a-fortnight",
    );
}

fn a_behaviour() {
    recorded_and_compared(
        "behaviours.md",
        "client-parity",
        "client-parity/rust/http-503-with-a-page",
    );
}

/// The options in a text: words that begin with two dashes.
fn options(text: &str) -> BTreeSet<&str> {
    let of_an_option = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let words = text.split(|c: char| !of_an_option(c));
    let is_option = |word: &&str| {
        word.strip_prefix("--")
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    };
    words.filter(is_option).collect()
}

/// The words after each `make` in code.
fn make_targets(text: &str) -> BTreeSet<&str> {
    let calls = text.split("make ").skip(1);
    let words = calls.filter_map(|call| call.split([' ', '`', '\n', '\'', '.', ',']).next());
    words.filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase())).collect()
}

/// Options of cargo, of the benchmark and of the reader's server.
const OTHER_OPTIONS: [&str; 7] =
    ["--locked", "--path", "--bin", "--test", "--only", "--servers", "--listen"];

fn commands_exist() {
    let bin = programs::places().bin().to_owned();
    let help = |program: PathBuf, arguments: &[&str]| {
        let output = Command::new(&program).args(arguments).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        assert!(output.status.success(), "{} {arguments:?}", program.display());
        String::from_utf8(output.stdout).expect("the output is not UTF-8")
    };
    let interop = programs::interop;
    let mut known = help(interop(), &["--help"]);
    for subcommand in ["run", "list", "fuzz", "diff", "merge", "table", "record-goldens", "schema"]
    {
        known += &help(interop(), &[subcommand, "--help"]);
    }
    for program in ["calculator-server", "calculator-client"] {
        known += &help(bin.join(program), &["--help"]);
    }
    let known: BTreeSet<_> = options(&known).into_iter().chain(OTHER_OPTIONS).collect();
    let makefile = document("Makefile");
    let is_target = |word: &str| makefile.lines().any(|line| line.starts_with(&format!("{word}:")));
    let guides = std::fs::read_dir(Path::new(programs::ROOT).join("interop-tests/docs"));
    let guides = guides
        .expect("cannot read the folder of the guides")
        .map(|entry| entry.expect("cannot read the folder").path());
    let documents =
        ["README.md", "CONTRIBUTING.md"].map(|name| Path::new(programs::ROOT).join(name));
    for path in guides.chain(documents) {
        let text = std::fs::read_to_string(&path).expect("cannot read the document");
        for option in options(&text) {
            assert!(known.contains(option), "{}: there is no option {option}", path.display());
        }
        let code: Vec<_> = text.split('`').skip(1).step_by(2).collect();
        for target in code.iter().flat_map(|code| make_targets(code)) {
            assert!(is_target(target), "{}: there is no target {target}", path.display());
        }
    }
}
