//! The example service: the guide `equivalence.md` step by step, and what each server of the example differs in.
//!
//! Complete comparisons take more than a minute. So these tests call one method with the cases about whole messages,
//! and all methods with the cases of the user.

use std::collections::BTreeSet;
use std::path::Path;

use libtest_mimic::Trial;
use serde_json::Value;

use crate::run::{self, Ran, Run};
use crate::{guides, programs};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("example/the-guide-step-by-step", the_guide_step_by_step),
        ("example/all-methods", all_methods),
    ])
}

/// The folder of the example.
fn example() -> String {
    let folder = programs::in_package("examples/shop").canonicalize().expect("it exists");
    folder.to_string_lossy().into_owned()
}

/// What differs between the reference and `peer`, and is neither accepted nor only reported.
fn different(ran: &Ran, peer: &str) -> BTreeSet<String> {
    let record = ran.record();
    let methods = record["methods"].as_array().expect("there are methods").iter();
    let differences = methods
        .filter(|method| method["peer"] == peer)
        .flat_map(|method| method["differences"].as_array().expect("it is a list").clone());
    let different = differences.filter(|it| it["judgement"]["is"] == "different");
    different.map(|it| subject(&it)).collect()
}

/// What differs, or how, if any field may differ in this way.
fn subject(difference: &Value) -> String {
    let text = |key: &str| difference[key].as_str().unwrap_or_default().to_owned();
    if difference["part"] == "response-field" { text("how") } else { text("subject") }
}

/// Compares the servers in `peers` as the guide does, in CreateProduct.
fn compared(peers: &str) -> Ran {
    let run = Run::new().with_file("--peers", "port.toml", peers);
    for (link, of) in [
        ("proto", format!("{}/proto", example())),
        ("python", format!("{}/python", example())),
        ("target/debug", programs::places().bin().to_string_lossy().into_owned()),
    ] {
        let link = run.path().join(link);
        std::fs::create_dir_all(link.parent().expect("it has one"))
            .expect("cannot create a folder");
        std::os::unix::fs::symlink(of, link).expect("cannot create a link");
    }
    // The cases of each field would take most of the time; pairs of fields contain -0.0, too.
    run.and("shop.v1.Shop.CreateProduct/generated.").skipping(&["generated.product."]).finish()
}

fn the_guide_step_by_step() {
    let blocks = guides::snippets("equivalence.md", "toml");
    let [peers, ignored] = &blocks[..] else { panic!("two examples: {blocks:?}") };
    let python = Path::new(programs::ROOT).join(".venv/bin/python");
    let python = python.to_string_lossy();
    let plain = guides::replaced(peers, "\"python3\"", &format!("\"{python}\""));

    let ran = compared(&plain);
    ran.ends_with_status(101).prints("calculator::grpcio::serve");
    let found = different(&ran, "rust");
    for subject in [
        "encoding of the status message",
        "initial metadata date",
        "initial metadata grpc-accept-encoding",
        "status",
        "status message",
    ] {
        ran.assert(found.contains(subject), subject);
    }

    let grpcio = guides::replaced(&plain, "shop-plain-tonic", "shop-grpcio");
    let ran = compared(&grpcio);
    let found = different(&ran, "rust");
    let of_prost = ["missing-unknown-field", "sign-of-zero", "status"].map(str::to_owned);
    ran.ends_with_status(101).assert(found == BTreeSet::from(of_prost), &format!("{found:?}"));
    ran.prints("protobuf-libraries.md");

    // The entries have to come before the first table of an array.
    let (head, tables) = grpcio.split_once("[[peer]]").expect("there are peers");
    let ran = compared(&format!("{head}{ignored}\n[[peer]]{tables}"));
    ran.ends_with_status(0).assert(different(&ran, "rust").is_empty(), "all are accepted");
}

fn all_methods() {
    let peers = std::fs::read_to_string(format!("{}/shop.toml", example())).expect("it exists");
    let peers = guides::replaced(
        &peers,
        "[compare]\n",
        "[compare]\nsources = [\"user\"]\nrestart = \"run\"\n",
    );
    let (peers, _) = peers.split_once("# What remains").expect("there are entries");
    let peers = ["proto/shop", "\"proto\"", "\"cases\"", "python/server.py"].iter().fold(
        peers.to_owned(),
        |peers, path| {
            let absolute = format!("{}/{}", example(), path.trim_matches('"'));
            let quote = if path.starts_with('"') { "\"" } else { "" };
            guides::replaced(&peers, path, &format!("{quote}{absolute}{quote}"))
        },
    );
    let ran = Run::new().with_file("--peers", "shop.toml", &peers).finish();
    ran.ends_with_status(101);
    let none = different(&ran, "python-again");
    ran.assert(none.is_empty(), &format!("{none:?}"));
    // Two cases show what prost loses.
    let of_prost = ["missing-unknown-field", "sign-of-zero"].map(str::to_owned);
    let found = different(&ran, "grpcio");
    ran.assert(found == BTreeSet::from(of_prost), &format!("{found:?}"));
    let of_tonic = [
        "encoding of the status message",
        "initial metadata date",
        "initial metadata grpc-accept-encoding",
        "trailing metadata date",
    ];
    let of_tonic = BTreeSet::from(of_tonic.map(str::to_owned));
    let found = different(&ran, "plain-tonic");
    ran.assert(found.is_superset(&of_tonic), &format!("{found:?}"));
}
