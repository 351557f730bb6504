//! Invalid files, missing programs and a port in use: each error message names the location and the remedy.
//!
//! No trial may run if a table has an error.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::PoisonError;

use libtest_mimic::Trial;

use crate::mutants::PORT;
use crate::run;
use crate::run::Ran;
use crate::run::Run;
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("bad-input/peers", peers),
        ("bad-input/placeholders", placeholders),
        ("bad-input/variables", variables),
        ("bad-input/a-missing-program", a_missing_program),
        ("bad-input/an-excluded-peer", an_excluded_peer),
        ("bad-input/scenarios", scenarios),
        ("bad-input/behaviours", behaviours),
        ("bad-input/programs", programs),
        ("bad-input/options", options),
        ("bad-input/port-50051-is-in-use", port_50051_is_in_use),
        ("bad-input/list-and-filter", list_and_filter),
    ])
}

/// Asserts that no trial ran, and that this message was printed.
#[track_caller]
fn refused(ran: &Ran, message: &str) {
    ran.ends_with_status(2).prints(message).assert(ran.trials().is_empty(), "no trial should run");
    ran.assert(!ran.stderr.contains("panicked"), "the tool should not panic");
}

fn with_peers(text: &str) -> Ran {
    Run::new().with_file("--peers", "peers.toml", text).finish()
}

const GOOD: &str = "[[peer]]\nname = \"one\"\nlanguage = \"x\"\nagent = { command = [\"sh\"] }\n";

fn peers() {
    let unknown = format!("{GOOD}colour = \"blue\"\n");
    refused(&with_peers(&unknown), "peers.toml:5: unknown field `colour`");
    refused(&with_peers(&format!("{GOOD}{GOOD}")), "peers.toml:6: there is already a peer `one`");
    let nameless = "[[peer]]\nlanguage = \"x\"\n";
    refused(&with_peers(nameless), "peers.toml:1: missing field `name`");
    let idle = "[[peer]]\nname = \"idle\"\nlanguage = \"x\"\n";
    refused(&with_peers(idle), "peers.toml:2: a peer needs a `server`, an `agent`");
    let mute = "[[peer]]\nname = \"mute\"\nlanguage = \"x\"\nserver = { command = [\"sh\"] }\n";
    refused(&with_peers(mute), "peers.toml:4: a server needs {address} or {port} in `command`");
    let unequal = "[[peer]]\nname = \"odd\"\nlanguage = \"x\"\nreference = true\nparity = false\n\
                   server-program = { command = [\"sh\"] }\n";
    refused(&with_peers(unequal), "peers.toml:2: the reference must not have `parity = false`");
    let wings = "[[peer]]\nname = \"x\"\nlanguage = \"x\"\n[peer.agent]\ncommand = [\"sh\"]\n\
                 [peer.agent.options]\nwings = []\n";
    refused(&with_peers(wings), "peers.toml:7: unknown variant `wings`, expected one of `tls`");
    refused(&with_peers("[[peer]\n"), "peers.toml:1: ");
    refused(&Run::new().with("--peers", "no/such.toml").finish(), "cannot read no/such.toml");
}

fn placeholders() {
    let server = |entries: &str| {
        format!(
            "[variables]\nhome = \"x\"\n\n[[peer]]\nname = \"one\"\nlanguage = \"x\"\n[peer.server]\n{entries}\n"
        )
    };
    let unknown = server("command = [\"sh\",\n  \"{prot}\"]\nready = \"at {address}\"");
    let message = "peers.toml:9: unknown placeholder {prot}; known here: {root}, {bin}, {address}, {host}, {port}, \
                   {home}; write {{ for a literal brace\n    \"{prot}\"]\n";
    refused(&with_peers(&unknown), message);
    let of_others = server("command = [\"sh\"]\nready = \"at {bin} {address}\"");
    refused(
        &with_peers(&of_others),
        "peers.toml:9: unknown placeholder {bin}; known here: {address}, {host}, {port}, {home}",
    );
    let agent = GOOD.replace("\"sh\"", "\"sh\", \"{port}\"");
    refused(
        &with_peers(&agent),
        "peers.toml:4: unknown placeholder {port}; known here: {root}, {bin}; write",
    );
}

fn variables() {
    let with = |variables: &str| with_peers(&format!("[variables]\n{variables}\n\n{GOOD}"));
    refused(
        &with("root = \"x\""),
        "peers.toml:2: variable `root`: the placeholder {root} is reserved",
    );
    refused(
        &with("Home = \"x\""),
        "peers.toml:2: variable `Home`: a name begins with a-z and contains only a-z, 0-9 and -",
    );
    refused(&with("home = 1"), "peers.toml:2: invalid type: integer `1`, expected a string");
    let text = "[variables]\nhome = \"x\"\nshell = \"sh\"\n\n[[peer]]\nname = \"one\"\nlanguage = \"x\"\n\
                agent = { command = [\"{shell}\"] }\n";
    let run = || Run::new().with_file("--peers", "peers.toml", text);
    let unknown = run().with("--set", "hume=y").finish();
    refused(&unknown, "--set: there is no variable `hume`; the variables are: home, shell");
    let none = Run::new().with_file("--peers", "peers.toml", GOOD).with("--set", "x=y").finish();
    refused(&none, "--set: there is no variable `x`; the variables are: none");
    run().with("--set", "home").finish().ends_with_status(2).prints("expected NAME=VALUE");
    let missing = run().with("--set", "shell=no-such-program").finish();
    refused(&missing, "peers.toml:8: command: the program `no-such-program` of peer `one`");
    // An agent alone has no trial, but the program is looked for only before a run.
    refused(&run().and("--list").finish(), "no trial is possible");
}

fn a_missing_program() {
    let text = "[[peer]]\nname = \"gone\"\nlanguage = \"x\"\n\
                agent = { command = [\"no-such-program\"], advice = \"brew install it\" }\n";
    let ran = with_peers(text);
    refused(&ran, "peers.toml:4: command: the program `no-such-program` of peer `gone`");
    ran.prints("brew install it").prints("--without gone");
}

fn an_excluded_peer() {
    let ran = Run::of_mutants("calls/rust/cannot/root-of-").with("--without", "cannot").finish();
    refused(&ran, "interop: --without cannot skips all ");
    let ran = Run::of_mutants("x").with("--without", "nobody").finish();
    refused(&ran, "--without: there is no peer `nobody`; the peers are: rust, ");
}

fn with_scenarios(text: &str) -> Ran {
    tables::with_scenarios(Run::of_mutants(""), text).finish()
}

fn scenarios() {
    let scenario = |rest: &str| format!("[[scenario]]\nname = \"mine\"\n{rest}\n");
    let good = scenario("call = { ask = 16.0 }\nexpect = { root = 4.0 }");
    let cases = [
        (scenario("call = { asks = 16.0 }"), "mine.toml:3: unknown field `asks`"),
        (format!("{good}{good}"), "mine.toml:6: there is already a scenario `mine`"),
        (scenario("call = { ask = 16.0 }"), "mine.toml:2: scenario `mine`: a scenario needs"),
        (
            scenario("call = { ask = \"16\" }\nexpect = { root = 4.0 }"),
            "mine.toml:3: invalid value: string \"16\", expected a number, or the bits",
        ),
        (
            scenario("call = { ask = 16.0 }\nexpect = { status = \"FINE\" }"),
            "mine.toml:2: scenario `mine`: status: `FINE` is not a gRPC status code",
        ),
        (
            scenario("call = { ask = 16.0 }\nexpect = { }"),
            "mine.toml:2: scenario `mine`: root: a call that ends with OK needs `root`",
        ),
        (
            scenario("call = { message = \"00\", ask = 1 }\nexpect = { root = 4.0 }"),
            "mine.toml:2: scenario `mine`: a call needs `ask`, `ask` and `size`, or `message`",
        ),
        (
            scenario("call = { method = \"/Abacus/Add\", send = {} }\nexpect = { replies = [] }"),
            "mine.toml:2: scenario `mine`: method: no .proto file has the method `/Abacus/Add`",
        ),
        (
            scenario("call = { send = { valu = 1.0 } }\nexpect = { replies = [] }"),
            "mine.toml:2: scenario `mine`: send: a Number has no field `valu`; its fields are `value`",
        ),
        (
            scenario("call = { send = { value = \"one\" } }\nexpect = { replies = [] }"),
            "mine.toml:2: scenario `mine`: send: Number.value: a float must be a number, or its bits",
        ),
        (
            scenario("call = { send = 16.0 }\nexpect = { replies = [{ root = 4.0 }] }"),
            "mine.toml:2: scenario `mine`: replies: a Number has no field `root`",
        ),
        (
            scenario("call = { send = [1.0, 2.0] }\nexpect = { replies = [] }"),
            "mine.toml:2: scenario `mine`: a call with a single request must begin with `send`",
        ),
        (
            scenario("call = { send = 16.0 }\nexpect = { }"),
            "mine.toml:2: scenario `mine`: replies: a call that ends with OK needs `replies`",
        ),
        (
            scenario("call = { script = [{ sing = 1 }] }\nexpect = { replies = [] }"),
            "mine.toml:3: unknown variant `sing`",
        ),
        (
            scenario("vary = { transport = [\"pigeon\"] }\nsteps = []"),
            "mine.toml:3: unknown variant `pigeon`",
        ),
        (
            scenario(
                "vary = { transport = [\"tls\"] }\ncall = { ask = 1 }\nexpect = { root = 1 }\n\
                 wire = { connections = 1 }",
            ),
            "mine.toml:2: scenario `mine`: wire: vary.transport must contain only `plain`",
        ),
        (
            scenario("call = { ask = 1, tls = { ca = \"other\" } }\nexpect = { root = 1 }"),
            "mine.toml:2: scenario `mine`: tls: vary.transport must contain only `tls` or `mtls`",
        ),
        (
            scenario("calls = [{ ask = 1 }]"),
            "mine.toml:2: scenario `mine`: each of `calls` needs its own `expect`",
        ),
        (
            scenario("call = { ask = 16.0, size = 5 }\nexpect = { root = 4.0 }"),
            "mine.toml:2: scenario `mine`: size: this message cannot be padded to 5 bytes",
        ),
        (scenario("steps = [{ }]"), "mine.toml:2: scenario `mine`: a step needs"),
    ];
    for (text, message) in cases {
        refused(&with_scenarios(&text), message);
    }
}

fn behaviours() {
    let with = |text: &str| {
        let run = Run::of_mutants("");
        let tables = run.path().join("tables");
        for folder in ["calls", "client-parity"] {
            std::fs::create_dir_all(tables.join(folder)).expect("cannot create a folder");
        }
        std::fs::write(tables.join("programs.toml"), "case = []\n").expect("cannot write a file");
        std::fs::write(tables.join("client-parity/mine.toml"), text).expect("cannot write a file");
        run.with("--scenarios", &tables.to_string_lossy()).finish()
    };
    let behaviour = |rest: &str| format!("[[behaviour]]\nname = \"mine\"\n{rest}\n");
    let good = behaviour("");
    let cases = [
        (behaviour("colour = 1"), "mine.toml:3: unknown field `colour`"),
        (format!("{good}{good}"), "mine.toml:5: there is already a behaviour `mine`"),
        (behaviour("actions = [\"dance\"]"), "mine.toml:3: unknown variant `dance`"),
        (behaviour("call = { ask = 1 }"), "mine.toml:3: unknown field `ask`"),
        (
            behaviour("trailers = [{ set = \"x\", value = \"1\" }]"),
            "mine.toml:2: behaviour `mine`: set and remove: the header list has no `x`",
        ),
        (
            behaviour("unstable = \"why\""),
            "mine.toml:2: behaviour `mine`: `unstable` and `also` need each other",
        ),
        (format!("colour = 1\n{good}"), "mine.toml:1: unknown field `colour`"),
        (
            format!("{good}[[behaviour]]\nname = \"x-{{}}\"\nfor = [1, 2]\n\nend = \"{{}}\"\n"),
            "mine.toml:8: ",
        ),
        (
            format!("{good}[[behaviour]]\nname = \"x\"\nfor = [1, 2]\n"),
            "mine.toml:5: there is already a behaviour `x`",
        ),
        (behaviour("for = [true]"), "mine.toml:3: `for` must be a list of strings and integers"),
        (behaviour("for=[1]\nabout = 1"), "mine.toml:4: invalid type: integer `1`"),
        (
            behaviour("actions = [\"next-stream\"]"),
            "mine.toml:2: behaviour `mine`: `next-stream` is an action of a client",
        ),
        (
            "[[behaviour]]\nname = \"program-x\"\n".to_owned(),
            "mine.toml:2: behaviour `program-x`: the prefix `program-` is reserved",
        ),
        (
            behaviour("programs = { run = false, why = \"\" }"),
            "mine.toml:2: behaviour `mine`: programs: needs `why`",
        ),
        (
            behaviour("programs = { why = \"a race\" }"),
            "mine.toml:2: behaviour `mine`: programs: needs `why`",
        ),
        (behaviour("programs = { runs = false }"), "mine.toml:3: unknown field `runs`"),
        (
            behaviour("call = { rounds = [1, 0] }"),
            "mine.toml:2: behaviour `mine`: rounds: list the number",
        ),
        (behaviour("cut = { every = 0 }"), "mine.toml:3: "),
        (behaviour("expect = { status = { is = \"OK\" } }"), "mine.toml:3: "),
    ];
    for (text, message) in cases {
        refused(&with(&text), message);
    }
}

fn programs() {
    let run = Run::of_mutants("");
    let tables = run.path().join("tables");
    std::fs::create_dir_all(tables.join("calls")).expect("cannot create a folder");
    let case = "[[case]]\nname = \"mine\"\nclient = { exit = 0, stdout = \"\" }\n";
    std::fs::write(tables.join("programs.toml"), format!("{case}{case}"))
        .expect("cannot write a file");
    let ran = run.with("--scenarios", &tables.to_string_lossy()).finish();
    refused(&ran, "programs.toml:5: there is already a case `mine`");
}

fn options() {
    let ran = Run::new().and("--no-such-option").finish();
    ran.ends_with_status(2).prints("unexpected argument '--no-such-option'").prints("Usage:");
    let ran = Run::new().and("--help").finish();
    ran.ends_with_status(0);
    for option in ["--peers", "--without", "--list", "--exact", "--deviations", "--set", "[FILTER]"]
    {
        ran.prints(option);
    }
}

fn port_50051_is_in_use() {
    let _alone = PORT.lock().unwrap_or_else(PoisonError::into_inner);
    let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 50051)).expect("port 50051 is in use");
    let ran = Run::of_mutants("programs/rust/rust/root-of-16").finish();
    ran.ends_with_status(2);
    ran.prints(&format!("port 50051 is in use by process {}", std::process::id()));
    ran.prints("interop does not kill it").assert(ran.trials().is_empty(), "no trial should run");
    let address = holder.local_addr().expect("the socket has no address");
    TcpStream::connect(address).expect("the port is no longer in use");
}

fn list_and_filter() {
    let ran = Run::of_command("list").finish();
    ran.ends_with_status(0).prints("calls/python/rust/root-of-16: test");
    let flag = Run::new().and("--list").finish();
    flag.assert(flag.stdout == ran.stdout, "the flag should do the same as the subcommand");
    let pairing = Run::of_command("list").and("rust/python").finish();
    let listed: Vec<_> = pairing.stdout.lines().filter(|line| line.ends_with(": test")).collect();
    pairing.assert(!listed.is_empty(), "the filter should match trials");
    pairing.assert(
        listed.iter().all(|line| line.contains("rust/python")),
        "the filter should match only these trials",
    );
}
