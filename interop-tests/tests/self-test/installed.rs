//! The installed tool: a single file outside a checkout, with the built-in tables of the project.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use assert_cmd::Command;
use grpc_interop::report::record;
use libtest_mimic::Trial;
use tempfile::TempDir;

use crate::attach::{ANY, Mine};
use crate::run::{Run, read_record};
use crate::{programs, run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("installed/own-programs", own_programs),
        ("installed/an-attached-server", an_attached_server),
        ("installed/lists-what-is-built-in", lists_what_is_built_in),
        ("installed/what-needs-the-checkout", what_needs_the_checkout),
        ("installed/documents", documents),
    ])
}

/// A copy of the tool in an otherwise empty folder.
struct Installed(TempDir);

impl Installed {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        std::fs::copy(programs::interop(), folder.path().join("interop"))
            .expect("cannot copy the tool");
        Self(folder)
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Runs the tool, which must exit with this status, and returns its output.
    #[track_caller]
    fn run<S: AsRef<OsStr>>(&self, status: i32, arguments: impl IntoIterator<Item = S>) -> String {
        let run = Command::new(self.folder().join("interop"))
            .args(arguments)
            .current_dir(self.folder())
            .timeout(Duration::from_secs(60))
            .output();
        let Output { status: exit, stdout, stderr } = run.expect("cannot run the tool");
        let printed = [stdout, stderr].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        assert_eq!(exit.code(), Some(status), "{printed}");
        printed
    }
}

fn own_programs() {
    let installed = Installed::new();
    let bin = programs::places().bin().to_string_lossy().into_owned();
    let peers = format!(
        "[[peer]]\nname = \"mine\"\nlanguage = \"x\"\nagent = {{ command = [\"{bin}/calculator-agent\"] }}\n\
         server = {{ command = [\"{bin}/interop-mutants\", \"server\", \"one-wrong-answer\", \
         \"{{address}}\"], ready = \"Listening on {{address}}\" }}\n"
    );
    std::fs::write(installed.folder().join("my.toml"), peers).expect("cannot write a file");
    let printed = installed.run(101, ["run", "--peers", "my.toml", "calls/mine/mine/root-of-2"]);
    let again =
        "run again  interop run --peers my.toml --exact calls/mine/mine/root-of-2-is-rounded\n";
    assert!(printed.contains(again), "{printed}");
    let record = read_record(&installed.folder().join("interop-report/report.json"));
    assert_eq!(record["trials"][0]["verdict"], "failed");
    assert_eq!(record["trials"][0]["name"], "calls/mine/mine/root-of-2-is-rounded");
}

fn an_attached_server() {
    let (installed, server) = (Installed::new(), Mine::start("rust", ANY));
    let places = programs::places();
    let python = ["--without", "python", "--without", "python-asyncio"];
    let bin = places.bin().to_string_lossy();
    let attached = ["--attach", server.address(), "--bin", &bin, "--output", "here"];
    // It is compared with the built-in goldens.
    let golden = ["--baseline", "golden", "root-of-2"];
    let printed = installed.run(0, [&["run"][..], &python, &attached, &golden].concat());
    for trial in ["server-parity/attached/root-of-2", "calls/attached/rust/root-of-2-is-rounded"] {
        let passed = |line: &str| line.contains(&format!("test {trial} ")) && line.ends_with("ok");
        assert!(printed.lines().any(passed), "{trial} should pass: {printed}");
    }
    assert!(installed.folder().join("here/report.html").is_file(), "reports should be written");
}

fn lists_what_is_built_in() {
    let installed = Installed::new();
    // Without this, the names would depend on whether Python is installed.
    let list = ["list", "--baseline", "live"];
    let checkout = Run::of_command("list").with("--baseline", "live").finish();
    assert_eq!(installed.run(0, list), checkout.stdout);
    let listed = installed.run(0, ["list", "server-parity/rust/root-of-2"]);
    assert_eq!(listed, "server-parity/rust/root-of-2: test\n");
}

fn what_needs_the_checkout() {
    let installed = Installed::new();
    let printed = installed.run(2, ["run", "calls/python/python/root-of-16"]);
    for text in
        ["(built-in)/peers.toml:", "needs the root directory", "--without python", "--root DIR"]
    {
        assert!(printed.contains(text), "{text} is missing in {printed}");
    }
    let printed = installed.run(2, ["record-goldens"]);
    assert!(printed.contains("record-goldens without --goldens needs the root dir"), "{printed}");
    let printed = installed.run(2, ["schema", "--write"]);
    assert!(printed.contains("schema --write needs the root dir"), "{printed}");
}

fn documents() {
    let installed = Installed::new();
    assert_eq!(installed.run(0, ["schema"]), record::schema());
    for shell in ["bash", "zsh", "fish"] {
        let script = installed.run(0, ["completions", shell]);
        assert!(script.contains("record-goldens"), "{script}");
    }
    let page = installed.run(0, ["man"]);
    assert!(page.contains(".SH SUBCOMMANDS"), "{page}");
    installed.run(0, ["man", "pages"]);
    let page = std::fs::read_to_string(installed.folder().join("pages/interop-fuzz.1"));
    assert!(
        page.expect("cannot read the page").contains("\\-\\-seed"),
        "the page should have the options"
    );
    let help = installed.run(0, ["--help"]);
    for text in ["Commands:", "record-goldens", "--attach", "[FILTER]", "Exit status:"] {
        assert!(help.contains(text), "{text} is missing in {help}");
    }
}
