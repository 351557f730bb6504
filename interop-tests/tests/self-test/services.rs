//! Services of a user: a peers file names their .proto files, and scenarios call their methods.

use libtest_mimic::Trial;

use crate::run::{self, Ran, Run};
use crate::tables;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("services/methods-can-be-called", methods_can_be_called),
        ("services/messages-are-checked", messages_are_checked),
        ("services/errors-in-files", errors_in_files),
        ("services/reflection", reflection),
    ])
}

const SHOP: &str = "syntax = \"proto3\";\npackage shop;\nimport \"item.proto\";\n\n\
                    service Shop {\n  rpc Watch(Item) returns (stream Item);\n}\n";

const ITEM: &str = "syntax = \"proto3\";\npackage shop;\n\nmessage Item {\n  string name = 1;\n}\n";

/// Runs a scenario with this call, and with these keys in the peers file.
fn run(keys: &str, call: &str) -> Ran {
    let peers = format!("{keys}\nwith = [\"rust\"]\n");
    let run = Run::new().with_file("--peers", "mine/peers.toml", &peers);
    for (name, text) in [("shop.proto", SHOP), ("item.proto", ITEM)] {
        let folder = run.path().join("mine/proto");
        std::fs::create_dir_all(&folder).expect("cannot create a folder");
        std::fs::write(folder.join(name), text).expect("cannot write a file");
    }
    let scenario = format!(
        "[[scenario]]\nname = \"mine\"\ncall = {{ method = \"/shop.Shop/Watch\", {call} }}\n\
         expect = {{ status = \"UNIMPLEMENTED\" }}\n"
    );
    tables::with_scenarios(run, &scenario).finish()
}

const KEYS: &str = "protos = [\"proto/shop.proto\"]\ninclude = [\"proto\"]";

fn methods_can_be_called() {
    run(KEYS, "send = { name = \"pen\" }").prints("1 passed").ends_with_status(0);
}

#[track_caller]
fn refused(keys: &str, call: &str, message: &str) {
    let ran = run(keys, call);
    ran.ends_with_status(2).prints(message).assert(ran.trials().is_empty(), "no trial should run");
}

fn messages_are_checked() {
    let message = "mine.toml:2: scenario `mine`: send: a shop.Item has no field `price`; its fields are `name`";
    refused(KEYS, "send = { price = 1 }", message);
    let message = "scenario `mine`: kind: a .proto file declares the method with another kind";
    refused(KEYS, "kind = \"unary\", send = \"0a00\"", message);
    refused("", "send = { name = \"pen\" }", "no .proto file has the method `/shop.Shop/Watch`");
}

fn errors_in_files() {
    let call = "send = { name = \"pen\" }";
    let message = "peers.toml:1: protos: proto/shop.proto:3: import 'item.proto' not found";
    refused("protos = [\"proto/shop.proto\"]", call, message);
    refused("protos = [\"none.proto\"]", call, "peers.toml:1: protos: ");
    let message = "peers.toml:1: descriptors: ";
    refused("descriptors = \"proto/shop.proto\"", call, message);
    refused("include = [\"proto\"]", call, "peers.toml:1: `include` needs `protos`");
}

fn reflection() {
    let run = |keys: &str, arguments: &str| {
        let peers = format!(
            "{keys}\n[[peer]]\nname = \"mine\"\nreference = true\n\
             agent = {{ command = [\"{{bin}}/calculator-agent\"] }}\n\
             [peer.server]\ncommand = [\"{{bin}}/calculator-server\", \"--address\", \"{{address}}\"{arguments}]\n"
        );
        let run = Run::new().with_file("--peers", "peers.toml", &peers);
        let scenario =
            "[[scenario]]\nname = \"mine\"\ncall = { ask = 16.0 }\nexpect = { root = 4.0 }\n";
        tables::with_scenarios(run, scenario).and("calls/").finish()
    };
    let with = "reflection = true";
    run(with, ", \"--reflection\"").prints("1 passed").ends_with_status(0);
    run("reflection = false", "").prints("1 passed").ends_with_status(0);
    let refused = |keys: &str, arguments: &str, message: &str| {
        let ran = run(keys, arguments);
        ran.ends_with_status(2)
            .prints(message)
            .assert(ran.trials().is_empty(), "no trial should run");
    };
    let message =
        "peers.toml:1: reflection: the server of peer `mine`: the server has no reflection service";
    refused(with, "", message);
    let message = "peers.toml:1: reflection: the server of peer `mine`: the server did not start: it exited with";
    refused(with, ", \"--no-such-option\"", message);
    // The server has a newer definition of a service that the project's scenarios call.
    let python = Run::of_command("list").with("--scenarios", "interop-tests/scenarios");
    let python =
        python.with_file("--peers", "peers.toml", "reflection = true\nwith = [\"python\"]\n");
    python.finish().prints("calls/python/python/health-list: ").ends_with_status(0);
    let without =
        Run::new().with_file("--peers", "peers.toml", "reflection = true\nwith = [\"rust\"]\n");
    without
        .finish()
        .prints("peers.toml:1: `reflection` needs a peer with `reference = true` and a `server`");
}
