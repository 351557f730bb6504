//! The tap sees what no agent reports, and axes that a peer lacks are neither passed nor failed.

use libtest_mimic::Trial;

use crate::run;
use crate::run::Ran;
use crate::run::Run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("tap/what-is-right-passes", what_is_right_passes),
        ("tap/an-uncompressed-message-is-found", an_uncompressed_message_is_found),
        ("tap/a-second-connection-is-found", a_second_connection_is_found),
        ("tap/an-axis-that-a-server-lacks-is-not-supported", a_server_lacks_an_axis),
        ("tap/an-axis-that-an-agent-lacks-is-not-supported", an_agent_lacks_an_axis),
        ("tap/what-a-server-says-that-it-lacks-is-not-supported", a_server_lacks_behaviour),
    ])
}

/// The trials of one scenario between a server and an agent without a fault that have no options.
fn with_scenario(rest: &str, agent: &str) -> Ran {
    with_server(rest, "", agent)
}

/// The same with more to say of the server.
fn with_server(rest: &str, server: &str, agent: &str) -> Ran {
    let peers = format!(
        "[[peer]]\nname = \"rust\"\nlanguage = \"x\"\n\
         server = {{ command = [\"{{bin}}/calculator-server\", \"--address\", \"{{address}}\"], \
         ready = \"Address: {{address}}\"{server} }}\n\
         agent = {{ command = [\"{{bin}}/calculator-agent\"]{agent} }}\n"
    );
    let run = Run::new().with_file("--peers", "peers.toml", &peers);
    let tables = run.path().join("tables");
    std::fs::create_dir_all(tables.join("calls")).expect("a folder");
    std::fs::write(tables.join("programs.toml"), "case = []\n").expect("a file");
    let scenario = format!("[[scenario]]\nname = \"mine\"\n{rest}\n");
    std::fs::write(tables.join("calls/mine.toml"), scenario).expect("a file");
    run.with("--scenarios", &tables.to_string_lossy()).finish()
}

fn what_is_right_passes() {
    let ran = with_scenario(
        "call = { ask = [1, 4, 9], times = 4 }\nexpect = { root = [1, 2, 3] }\n\
         wire = { request_flags = [0], response_flags = [0], request_encoding = \"identity\", \
         response_encoding = \"identity\", connections = 1, goaways = 0, client_resets = 0, \
         streams_at_once = [1, 12] }",
        "",
    );
    ran.says("1 passed").ends_with_status(0);
}

fn an_uncompressed_message_is_found() {
    let ran = with_scenario(
        "call = { ask = 16.0 }\nexpect = { root = 4.0 }\n\
         wire = { request_flags = [1], request_encoding = \"gzip\" }",
        "",
    );
    ran.says("expected   wire: compressed flags of request messages = 1");
    ran.says("observed   wire: compressed flags of request messages = 0 (1 times)");
    ran.says("expected   wire: grpc-encoding of requests = gzip");
    ran.says("observed   wire: grpc-encoding of requests = identity (1 times)");
    ran.ends_with_status(101);
}

fn a_second_connection_is_found() {
    let ran = with_scenario(
        "steps = [{ repeat = 2, keep_channels = false, call = { ask = 16.0 }, \
         expect = { root = 4.0 } }]\nwire = { connections = 1 }",
        "",
    );
    ran.says("expected   wire: connections = 1").says("observed   wire: connections = 2");
    ran.ends_with_status(101);
}

const EVERYWHERE: &str = "vary = { transport = [\"plain\", \"tls\", \"unix\"], \
    compression = [\"none\", \"gzip\"] }\ncall = { ask = 16.0 }\nexpect = { root = 4.0 }";

fn a_server_lacks_an_axis() {
    let ran = with_scenario(EVERYWHERE, ", compressions = []");
    let said = |case: &str| ran.trials().get(&format!("calls/rust/rust/{case}")[..]).copied();
    ran.assert(said("mine") == Some("ok"), "plain and uncompressed is no option");
    let lacks = Some("ignored (not supported: the server of peer `rust` has no option `tls`)");
    ran.assert(said("tls/mine") == lacks, "nobody passes what it cannot do");
    ran.assert(said("tls+gzip/mine") == lacks, "also with something else that it cannot do");
    ran.says("not supported").ends_with_status(0);
}

fn an_agent_lacks_an_axis() {
    let ran = with_scenario(EVERYWHERE, ", compressions = [\"deflate\"], transports = [\"plain\"]");
    let said = |case: &str| ran.trials().get(&format!("calls/rust/rust/{case}")[..]).copied();
    let lacks =
        "ignored (not supported: the agent of peer `rust` does not support the compression `gzip`)";
    ran.assert(said("gzip/mine") == Some(lacks), "nobody passes what it cannot do");
    ran.assert(said("mine") == Some("ok"), "what it can do it does").ends_with_status(0);
}

fn a_server_lacks_behaviour() {
    let asks = "vary = { compression = [\"none\", \"gzip\"] }\nexpect = { root = 4.0 }\n\
                call = { ask = 16.0, metadata = [[\"x-interop-delay-ms\", \"1\"]] }";
    let ran = with_server(asks, ", lacks = [\"test-behaviour\"]", "");
    let lacks = "ignored (not supported: the server of peer `rust` lacks `test-behaviour`)";
    ran.assert(ran.trials().values().all(|said| *said == lacks), "nobody passes what it cannot do");
    let plain = "call = { ask = 16.0 }\nexpect = { root = 4.0 }";
    with_server(plain, ", lacks = [\"test-behaviour\"]", "").says("1 passed").ends_with_status(0);
    let unknown = with_server(plain, ", lacks = [\"wings\"]", "");
    unknown.says("unknown variant `wings`").ends_with_status(2);
}
