//! Proxies between clients and servers: what a proxy does to all calls fails no server, and hides no fault of one.
//!
//! Most tests use the proxy of the mutants, which adds metadata and rejects requests of more than 1 MiB. The proxies of the
//! project are tested where they are installed.

use libtest_mimic::Trial;
use serde_json::Value;
use tempfile::TempDir;

use crate::attach::{ANY, Mine};
use crate::mutants::with_tables;
use crate::programs;
use crate::run;
use crate::run::{Ran, Run};
use crate::tables;
use grpc_interop::config::{Program, Source};
use grpc_interop::process::{Logs, RunningServer};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("via/installed-proxies", installed_proxies),
        ("via/calls-go-through-the-proxy", calls_go_through_the_proxy),
        ("via/what-a-proxy-does-fails-no-server", what_a_proxy_does_fails_no_server),
        ("via/a-proxy-hides-no-fault", a_proxy_hides_no_fault),
        ("via/without-the-reference-nothing-is-excused", without_the_reference),
        ("via/cases-that-need-a-direct-connection", direct_connections),
        ("via/a-proxy-that-exits", a_proxy_that_exits),
        ("via/invalid-arguments", invalid_arguments),
        ("via/a-server-that-is-attached-behind-a-proxy", attached_behind_a_proxy),
        ("via/entries-for-services-only", entries_for_services_only),
    ])
}

/// The proxies of these tests.
const FORWARDER: &str = "interop-tests/tests/self-test/proxy/forwarder.toml";
const MISSING: &str = "interop-tests/tests/self-test/proxy/missing.toml";

/// A reference, and servers with faults.
const PEERS: &str = r#"
[[peer]]
name = "rust"
language = "Rust, without a fault"
reference = true
server = { command = ["{bin}/calculator-server", "--address", "{address}"], ready = "Address: {address}", calls = ["--streaming", "--health", "--reflection", "--test-behaviour"] }
agent = { command = ["{bin}/calculator-agent"] }

[[peer]]
name = "wrong"
language = "a server whose square root of 2 has one wrong bit"
server = { command = ["{bin}/interop-mutants", "server", "one-wrong-answer", "{address}"], ready = "Listening on {address}" }

[[peer]]
name = "confused"
language = "a server that responds with 0 to calls that a proxy has forwarded"
server = { command = ["{bin}/interop-mutants", "server", "confused-by-a-proxy", "{address}"], ready = "Listening on {address}" }
"#;

/// The root of 4 and of 2, as small requests and as requests that the proxy rejects.
const CASES: &str = "
[[scenario]]
name = 'small'
call = { ask = 4.0 }
expect = { root = 2.0 }

[[scenario]]
name = 'small-2'
call = { ask = 2.0 }
expect = { root = \"0x3fb504f3\" }

[[scenario]]
name = 'large'
call = { ask = 4.0, size = 2_000_000 }
expect = { root = 2.0 }

[[scenario]]
name = 'large-2'
call = { ask = 2.0, size = 2_000_000 }
expect = { root = \"0x3fb504f3\" }
";

/// A run of the calls of all servers in [`PEERS`] through the proxy of the mutants.
fn run(filter: &str) -> Run {
    let run = Run::new().with_file("--peers", "peers.toml", PEERS).with("--via", FORWARDER);
    tables::with_scenarios(run, CASES).and(filter)
}

#[track_caller]
fn result_is(ran: &Ran, trial: &str, result: &str) {
    let name = format!("calls-via-forwarder/{trial}");
    let found = ran.trials().get(&*name).copied().unwrap_or("missing").to_owned();
    ran.assert(found.starts_with(result), &format!("{name} should be {result}, not {found}"));
}

/// The record of the trial with this name.
fn record<'a>(record: &'a Value, trial: &str) -> &'a Value {
    let trials = record["trials"].as_array().expect("a list");
    let name = format!("calls-via-forwarder/{trial}");
    trials.iter().find(|it| it["name"] == name).expect("there is no such trial")
}

fn calls_go_through_the_proxy() {
    let ran = run("/rust/rust/small").and("--trace").finish();
    result_is(&ran, "rust/rust/small", "ok");
    ran.assert(ran.trials().len() == 2, "only the calls of these peers should run");
    ran.prints("interop: forwarder is the proxy of the tests: ").ends_with_status(0);
    let record_of_run = ran.record();
    let trial = record(&record_of_run, "rust/rust/small");
    assert_eq!(
        (trial["suite"].as_str(), trial["via"].as_str()),
        (Some("calls-via-forwarder"), Some("forwarder"))
    );
    let command = trial["proxy_command"].as_str().expect("a command");
    // A path with a space is quoted.
    assert!(command.replace('\'', "").contains("interop-mutants proxy "), "{command}");
    // The metadata shows that the call went through the proxy, and is not compared.
    let wire = ran.reports().join("logs/calls-via-forwarder/rust/rust/small/wire.txt");
    let wire = std::fs::read_to_string(wire).expect("cannot read the trace");
    assert!(wire.contains("2 forwarder"), "{wire}");
}

fn what_a_proxy_does_fails_no_server() {
    let ran = run("/large").and("--skip").and("large-2").finish();
    for server in ["rust", "wrong", "confused"] {
        let known = "ignored (known deviation: forwarder changes these calls in the same way for the rust server)";
        result_is(&ran, &format!("{server}/rust/large"), known);
    }
    ran.prints("What proxies do, whatever the server:").ends_with_status(0);
    let summary = std::fs::read_to_string(ran.reports().join("summary.md"));
    let summary = summary.expect("cannot read the summary");
    let row = summary.lines().find(|line| line.starts_with("| forwarder | large | "));
    let row = row.unwrap_or_else(|| panic!("there is no row of the proxy in\n{summary}"));
    assert!(row.ends_with("| confused, rust, wrong | rust |"), "{row}");
    let page = std::fs::read_to_string(ran.reports().join("report.html"));
    assert!(page.expect("cannot read the report").contains("<section id=\"proxies\">"));
}

fn a_proxy_hides_no_fault() {
    let ran = run("").finish();
    result_is(&ran, "rust/rust/small-2", "ok");
    // The fault has nothing to do with the proxy, and is there behind it, too.
    result_is(&ran, "wrong/rust/small-2", "FAILED");
    ran.prints("without forwarder, the outcome is not as expected either");
    // The proxy rejects this request for every server. So only the same call without it shows the fault.
    result_is(&ran, "wrong/rust/large-2", "FAILED");
    result_is(&ran, "wrong/rust/large", "ignored (known deviation");
    // The fault is there only behind the proxy, and only in this server.
    result_is(&ran, "confused/rust/small", "FAILED");
    ran.prints("without forwarder, the outcome is as expected; behind forwarder, the rust server is as expected in 10");
    ran.prints("proxy      (cd ").prints("run again  make interop ARGS='--peers ");
    ran.prints(&format!("--via {FORWARDER} --exact calls-via-forwarder/confused/rust/small'"));
    ran.ends_with_status(101);
    let failed = ran.record()["counts"]["failed"].clone();
    assert_eq!(failed, 4, "small and small-2 of confused, small-2 and large-2 of wrong");
}

fn without_the_reference() {
    let ran = run("/large").with("--without", "rust").finish();
    ran.ends_with_status(2).prints("--without rust skips all");
    let peers = PEERS.replace("reference = true\n", "");
    let run = Run::new().with_file("--peers", "peers.toml", &peers).with("--via", FORWARDER);
    let ran = tables::with_scenarios(run, CASES).and("confused/rust/large").finish();
    result_is(&ran, "confused/rust/large", "FAILED");
    ran.prints("the reference does not take part, so it is not known whether forwarder does this");
}

fn direct_connections() {
    let cases = "vary = { transport = ['plain', 'tls'] }\n[[scenario]]\nname = 'a'\ncall = { ask = 4.0 }\n\
                 expect = { root = 2.0 }\n";
    let run = Run::new().with_file("--peers", "peers.toml", PEERS).with("--via", FORWARDER);
    let ran = tables::with_scenarios(run, cases).and("/rust/rust/").finish();
    result_is(&ran, "rust/rust/a", "ok");
    let why = "ignored (not supported: the case needs a direct connection to the server: TLS ends at the proxy";
    result_is(&ran, "rust/rust/tls/a", why);
    ran.ends_with_status(0);
}

/// A configuration of nothing makes the proxy exit.
fn a_proxy_that_exits() {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let file = folder.path().join("exits.toml");
    let text = "name = 'Exits'\nconfiguration = 'exits.conf'\n[program]\n\
                command = ['sh', '-c', 'echo no such port >&2; exit 4', '{configuration}']\n";
    std::fs::write(&file, text).expect("cannot write a file");
    std::fs::write(folder.path().join("exits.conf"), "{address} {upstream}")
        .expect("cannot write a file");
    let run = Run::new().with_file("--peers", "peers.toml", PEERS);
    let run = run.with("--via", &file.to_string_lossy());
    let ran = tables::with_scenarios(run, CASES).and("/rust/rust/small").finish();
    ran.prints(
        "set-up error: the proxy exits did not start: it exited with status 4 before it was ready",
    );
    ran.prints("no such port").ends_with_status(101);
}

fn invalid_arguments() {
    let refused = |via: &[&str], message: &str| {
        let run = Run::new().with_file("--peers", "peers.toml", PEERS);
        let run = tables::with_scenarios(run, CASES);
        let ran = via.iter().fold(run, |run, proxy| run.with("--via", proxy)).finish();
        ran.ends_with_status(2).prints(message);
        ran.assert(ran.trials().is_empty(), "no trial should run");
    };
    let known =
        "--via ngins: there is no proxy `ngins`; the proxies are: caddy, envoy, haproxy, nginx";
    refused(&["ngins"], known);
    let missing = "--via missing: Missing is not installed: the program `proxy-that-does-not-exist` was not found; run \
                   `make proxy`";
    refused(&[MISSING], missing);
    refused(&[FORWARDER, FORWARDER], "the proxy `forwarder` is named twice");
    refused(&["here/none.toml"], "cannot read here/none.toml");
    let services = Run::new().with("--peers", "interop-tests/examples/shop/shop.toml");
    services
        .with("--via", FORWARDER)
        .finish()
        .ends_with_status(2)
        .prints("--via: no trial of the suite calls");
}

/// A proxy that a test has started in front of a server.
struct Started {
    proxy: RunningServer,
    _server: Mine,
    _folder: TempDir,
}

impl Started {
    fn in_front_of(server: Mine) -> Self {
        let folder = tempfile::tempdir().expect("cannot create a folder");
        let file = folder.path().join("addresses");
        // The system chooses the port, and the proxy reports it.
        std::fs::write(&file, format!("127.0.0.1:0 {}", server.address())).expect("cannot write");
        let program = format!(
            "command = [\"{{bin}}/interop-mutants\", \"proxy\", {}]\nready = \"Listening on {{address}}\"",
            serde_json::json!(file)
        );
        let program: Program = toml::from_str(&program).expect("the program is invalid");
        let at = Logs::at(&folder.path().join("proxy"));
        let proxy = RunningServer::start(&program, &programs::places(), ANY, at);
        Self { proxy: proxy.expect("the proxy did not start"), _server: server, _folder: folder }
    }
}

fn attached_behind_a_proxy() {
    let started = Started::in_front_of(Mine::start("rust", ANY));
    let address = &started.proxy.address;
    let run = |ignore: &str, filter: &str| {
        let peers = format!(
            "with = [\"python\", \"rust\"]\n[[peer]]\nname = \"mine\"\n[peer.server]\nattach = \"{address}\"\n\
             lacks = [\"health\", \"reflection\", \"streaming-calculator\", \"test-behaviour\"]\n{ignore}"
        );
        let run =
            Run::new().with_file("--peers", "peers.toml", &peers).with("--baseline", "golden");
        run.with("--goldens", "interop-tests/goldens")
            .with("--without", "python")
            .and(filter)
            .finish()
    };
    let is = |ignore: &str, name: &str, result: &str| {
        let ran = run(ignore, name);
        let found = ran.trials().get(name).copied().unwrap_or("missing").to_owned();
        ran.assert(found == result, &format!("{name} should be {result}, not {found}"));
        ran
    };
    let (call, probe) = ("calls/mine/rust/root-of-16", "server-parity/mine/root-of-16");
    // The metadata that the proxy adds is a difference.
    is("", call, "FAILED").prints("initial metadata = server: 2 forwarder");
    is("", probe, "FAILED").prints("server: 2 forwarder");
    let preset = "[[ignore]]\npreset = \"proxy\"\npeer = \"mine\"\n";
    is(preset, call, "ok");
    is(preset, probe, "ok");
    let ran = run(preset, "server-parity/mine/pad");
    let direct = "ignored (not supported: an [[ignore]] entry says that the server is behind a proxy, but the probe \
                  needs a direct connection: ";
    let is_direct = ran.trials().values().all(|result| result.starts_with(direct));
    ran.assert(!ran.trials().is_empty() && is_direct, "no proxy forwards padding");
    // Another name, and another peer.
    let named = "[[ignore]]\nmetadata = \"server\"\nreason = \"of the proxy\"\n";
    is(named, call, "ok");
    is(named, probe, "ok");
    is("[[ignore]]\npreset = \"proxy\"\npeer = \"other\"\n", probe, "FAILED");
}

fn entries_for_services_only() {
    let peers = format!("{PEERS}\n[[ignore]]\npart = \"status\"\nreason = \"x\"\n");
    let ran = Run::new().with_file("--peers", "peers.toml", &peers).finish();
    ran.ends_with_status(2).prints("`status`: without `protos`, `descriptors` or `reflection`, an");
}

/// The Rust server and the Rust client through each proxy of the project that is installed.
fn installed_proxies() {
    let all = ["haproxy", "nginx", "caddy", "envoy"];
    let (here, missing): (Vec<_>, Vec<_>) = all.into_iter().partition(|proxy| is_installed(proxy));
    for proxy in missing {
        eprintln!("{proxy} is not installed, so no call was made through it");
    }
    if here.is_empty() {
        return;
    }
    let run = Run::new().with_file("--peers", "peers.toml", PEERS);
    let run = here.iter().fold(run, |run, proxy| run.with("--via", proxy));
    let ran = with_tables(run, &["official.toml", "messages.toml"]).and("/rust/rust/").finish();
    for proxy in here {
        // All kinds of RPC, metadata, statuses, compression, and the largest message that a server accepts.
        for case in [
            "empty_unary",
            "large_unary",
            "client_streaming",
            "server_streaming",
            "ping_pong",
            "custom_metadata",
            "special_status_message",
            "gzip/client_compressed_unary",
            "message-of-4-mib",
        ] {
            let name = format!("calls-via-{proxy}/rust/rust/{case}");
            let result = ran.trials().get(&*name).copied().unwrap_or("missing").to_owned();
            ran.assert(result == "ok", &format!("{name} should be ok, not {result}"));
        }
        ran.prints(&format!("interop: {proxy} is "));
    }
    ran.ends_with_status(0);
}

/// Whether the program of this proxy of the project is in PATH.
fn is_installed(proxy: &str) -> bool {
    let path = programs::in_package(&format!("proxies/{proxy}.toml"));
    let (file, _): (toml::Table, Source) = Source::read(&path).expect("the file is invalid");
    let program = file["program"]["command"][0].as_str().expect("a program");
    which::which(program).is_ok()
}
