//! The tap detects differences that no agent reports, and combinations that a peer lacks are not supported.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("tap/a-correct-call-passes", a_correct_call_passes),
        ("tap/an-uncompressed-message-is-found", an_uncompressed_message_is_found),
        ("tap/a-second-connection-is-found", a_second_connection_is_found),
        ("tap/an-axis-that-a-server-lacks-is-not-supported", a_server_lacks_an_axis),
        ("tap/an-axis-that-an-agent-lacks-is-not-supported", an_agent_lacks_an_axis),
        ("tap/a-feature-that-a-server-lacks-is-not-supported", a_server_lacks_behaviour),
    ])
}

/// A run of one scenario with a server and an agent that have no fault and no options.
fn with_scenario(rest: &str, agent: &str) -> Ran {
    with_server(rest, "", agent)
}

/// The same with additional keys of the server.
fn with_server(rest: &str, server: &str, agent: &str) -> Ran {
    let peers = format!(
        "[[peer]]\nname = \"rust\"\nlanguage = \"x\"\n\
         server = {{ command = [\"{{bin}}/calculator-server\", \"--streaming\", \"--address\", \
         \"{{address}}\"], \
         ready = \"Address: {{address}}\"{server} }}\n\
         agent = {{ command = [\"{{bin}}/calculator-agent\"]{agent} }}\n"
    );
    let run = Run::new().with_file("--peers", "peers.toml", &peers);
    let tables = run.path().join("tables");
    std::fs::create_dir_all(tables.join("calls")).expect("cannot create a folder");
    std::fs::write(tables.join("programs.toml"), "case = []\n").expect("cannot write a file");
    let scenario = format!("[[scenario]]\nname = \"mine\"\n{rest}\n");
    std::fs::write(tables.join("calls/mine.toml"), scenario).expect("cannot write a file");
    run.with("--scenarios", &tables.to_string_lossy()).finish()
}

fn a_correct_call_passes() {
    let ran = with_scenario(
        "call = { ask = [1, 4, 9], times = 4 }\nexpect = { root = [1, 2, 3] }\n\
         wire = { request_flags = [0], response_flags = [0], request_encoding = \"identity\", \
         response_encoding = \"identity\", connections = 1, goaways = 0, client_resets = 0, \
         streams_at_once = [1, 12] }",
        "",
    );
    ran.prints("1 passed").ends_with_status(0);
}

fn an_uncompressed_message_is_found() {
    let ran = with_scenario(
        "call = { ask = 16.0 }\nexpect = { root = 4.0 }\n\
         wire = { request_flags = [1], request_encoding = \"gzip\" }",
        "",
    );
    ran.prints("expected   wire: compressed flags of request messages = 1");
    ran.prints("observed   wire: compressed flags of request messages = 0 (1 times)");
    ran.prints("expected   wire: grpc-encoding of requests = gzip");
    ran.prints("observed   wire: grpc-encoding of requests = identity (1 times)");
    ran.ends_with_status(101);
}

fn a_second_connection_is_found() {
    let ran = with_scenario(
        "steps = [{ repeat = 2, keep_channels = false, call = { ask = 16.0 }, \
         expect = { root = 4.0 } }]\nwire = { connections = 1 }",
        "",
    );
    ran.prints("expected   wire: connections = 1").prints("observed   wire: connections = 2");
    ran.ends_with_status(101);
}

const EVERYWHERE: &str = "vary = { transport = [\"plain\", \"tls\", \"unix\"], \
    compression = [\"none\", \"gzip\"] }\ncall = { ask = 16.0 }\nexpect = { root = 4.0 }";

fn a_server_lacks_an_axis() {
    let ran = with_scenario(EVERYWHERE, ", compressions = []");
    let result = |case: &str| ran.trials().get(&format!("calls/rust/rust/{case}")[..]).copied();
    ran.assert(result("mine") == Some("ok"), "plain and uncompressed calls need no option");
    let lacks = Some("ignored (not supported: the server of peer `rust` has no option `tls`)");
    ran.assert(result("tls/mine") == lacks, "TLS should be not supported");
    ran.assert(result("tls+gzip/mine") == lacks, "TLS with gzip should be not supported");
    ran.prints("not supported").ends_with_status(0);
}

fn an_agent_lacks_an_axis() {
    let ran = with_scenario(EVERYWHERE, ", compressions = [\"deflate\"], transports = [\"plain\"]");
    let result = |case: &str| ran.trials().get(&format!("calls/rust/rust/{case}")[..]).copied();
    let lacks =
        "ignored (not supported: the agent of peer `rust` does not support the compression `gzip`)";
    ran.assert(result("gzip/mine") == Some(lacks), "gzip should be not supported");
    ran.assert(result("mine") == Some("ok"), "an uncompressed call should pass")
        .ends_with_status(0);
}

fn a_server_lacks_behaviour() {
    let asks = "vary = { compression = [\"none\", \"gzip\"] }\nexpect = { root = 4.0 }\n\
                call = { ask = 16.0, metadata = [[\"x-interop-delay-ms\", \"1\"]] }";
    let ran = with_server(asks, ", lacks = [\"test-behaviour\"]", "");
    let lacks = "ignored (not supported: the server of peer `rust` lacks `test-behaviour`)";
    ran.assert(
        ran.trials().values().all(|result| *result == lacks),
        "all trials should be not supported",
    );
    let plain = "call = { ask = 16.0 }\nexpect = { root = 4.0 }";
    with_server(plain, ", lacks = [\"test-behaviour\"]", "").prints("1 passed").ends_with_status(0);
    let unknown = with_server(plain, ", lacks = [\"wings\"]", "");
    unknown.prints("unknown variant `wings`").ends_with_status(2);
}
