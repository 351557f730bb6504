//! Servers that the tool starts as they are: with its port or their own, with or without a line that reports it.

use libtest_mimic::Trial;

use crate::run::{self, Ran, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("starts/port-of-the-tool", port_of_the_tool),
        ("starts/report-on-stderr", report_on_stderr),
        ("starts/paths-of-the-file", paths_of_the_file),
        ("starts/environment", environment),
        ("starts/exit-before-ready", exit_before_ready),
    ])
}

/// Makes one call to the server with these `entries`, whose script is `server.sh` next to the peers file.
fn run(script: &str, entries: &str, variables: &[(&str, &str)]) -> Ran {
    let peers = format!(
        "with = [\"rust\"]\n\n[[peer]]\nname = \"mine\"\nlanguage = \"x\"\nparity = false\n\n\
         [peer.server]\n{entries}\n"
    );
    let run = Run::new().with_file("--peers", "mine/peers.toml", &peers);
    let path = run.path().join("mine/server.sh");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("cannot write a file");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(path, executable).expect("cannot make a file executable");
    let run = run.with("--exact", "calls/mine/rust/root-of-16");
    run.finish_with(variables)
}

fn port_of_the_tool() {
    let entries = "command = [\"{bin}/calculator-server\", \"--address\", \"{host}:{port}\"]";
    run("", entries, &[]).prints("1 passed").ends_with_status(0);
}

fn report_on_stderr() {
    let script =
        "exec \"$1\" --address 127.0.0.1:0 | sed -u 's/^Address: /12:00:01 INFO bound to /' >&2";
    let entries = "command = [\"./server.sh\", \"{bin}/calculator-server\"]\nport = 0\n\
                   ready = \"INFO bound to {address}\"";
    run(script, entries, &[]).prints("1 passed").ends_with_status(0);
}

fn paths_of_the_file() {
    let script = |test| format!("{test} && exec \"$1\" --address \"$2\"");
    let entries = |command, more| {
        format!("command = [\"{command}\", \"{{bin}}/calculator-server\", \"{{address}}\"]\n{more}")
    };
    let passes = |test, entries: &str| {
        run(&script(test), entries, &[]).prints("1 passed").ends_with_status(0);
    };
    passes("test -f peers.toml", &entries("./server.sh", ""));
    passes("test -f mine/peers.toml", &entries("../mine/server.sh", "directory = \"..\""));
    // A name without a slash is looked up in PATH.
    let ran = run("", &entries("server.sh", ""), &[]);
    ran.prints("the program `server.sh` of peer `mine` was not found").ends_with_status(2);
}

fn environment() {
    let script = "[ -z \"$GRPC_TRACE$http_proxy$NO_PROXY\" ] && [ \"$https_proxy$OTHER\" = ab ] || exit 9\n\
                  exec \"$1\" --address \"$2\"";
    let entries = "command = [\"./server.sh\", \"{bin}/calculator-server\", \"{address}\"]\n\
                   inherit-environment = [\"https_proxy\"]";
    let variables = [
        ("GRPC_TRACE", "all"),
        ("http_proxy", "x"),
        ("NO_PROXY", "x"),
        ("https_proxy", "a"),
        ("OTHER", "b"),
    ];
    run(script, entries, &variables).prints("1 passed").ends_with_status(0);
}

fn exit_before_ready() {
    let entries = "command = [\"./server.sh\", \"{address}\"]";
    let ran = run("echo reading config; echo no database >&2; exit 3", entries, &[]);
    ran.prints("it exited with status 3 before it was ready; the end of its output:");
    ran.prints("no database").prints("reading config").ends_with_status(101);
}
