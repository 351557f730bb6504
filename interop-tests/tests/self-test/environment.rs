//! Variables that people export for other purposes change neither what make does nor the result of a run.

use std::fs;
use std::process::Command;

use libtest_mimic::Trial;

use crate::programs;
use crate::run::{self, Run};

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([
        ("environment/make", make),
        ("environment/setup", setup),
        ("environment/own-peers", own_peers),
        ("environment/peers-of-a-user", peers_of_a_user),
    ])
}

/// Variables of the arguments of make and of its scripts, each with a value that would change a run.
const OF_MAKE: [&str; 22] = [
    "ARGS",
    "CARGO",
    "COUNT",
    "DENY",
    "ENVIRONMENT",
    "EXAMPLE",
    "FUZZ",
    "GRPCIO",
    "INPUT",
    "INTEROP",
    "NEW",
    "OLD",
    "PEERS",
    "PROGRAMS",
    "PYTHON",
    "RECORDS",
    "REQUIREMENTS",
    "ROWS",
    "SEED",
    "SHARD",
    "TARGET",
    "VIA",
];

/// Targets that read arguments of make.
const TARGETS: [&str; 9] = [
    "setup",
    "interop",
    "interop-example",
    "interop-versions",
    "interop-merge",
    "interop-diff",
    "fuzz-parity",
    "fuzz",
    "bench",
];

/// The commands that make would run for `target`, with these variables.
fn commands(target: &str, variables: &[(&str, &str)]) -> String {
    let mut make = Command::new("make");
    // Those of a make that runs this test.
    for name in ["MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"] {
        make.env_remove(name);
    }
    let output = make
        .args(["--dry-run", target])
        .envs(variables.iter().copied())
        .current_dir(programs::ROOT)
        .output()
        .expect("cannot run make");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "make --dry-run {target} failed: {stderr}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn make() {
    let mut exported = OF_MAKE.map(|name| (name, "/not/meant/for/make")).to_vec();
    exported.extend([("SECONDS", "99"), ("CARGO_BUILD_TARGET", "wasm32-unknown-unknown")]);
    for target in TARGETS {
        let plain = commands(target, &[]);
        assert!(!plain.is_empty());
        assert_eq!(commands(target, &exported), plain, "make {target}");
    }
    // Arguments and variables of cargo that are set on purpose do have an effect.
    assert!(
        commands("interop", &[("CARGO_TARGET_DIR", "/elsewhere")]).contains("/elsewhere/debug")
    );
}

/// `setup.sh` creates nothing in a folder that an exported variable names, and ignores the settings of Python.
fn setup() {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let other = folder.path().join("production").to_string_lossy().into_owned();
    let output = Command::new("python/setup.sh")
        .envs([("ENVIRONMENT", &*other), ("REQUIREMENTS", "none.txt"), ("PYTHONHOME", "/none")])
        .env("PYTHONSAFEPATH", "1")
        .env_remove("PYTHON")
        .current_dir(programs::ROOT)
        .output()
        .expect("cannot run python/setup.sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read_dir(&folder).expect("it exists").count(), 0, "nothing should be created");
}

/// What people export, each with a value that would break a peer or change what it prints.
const EXPORTED: [(&str, &str); 9] = [
    ("PYTHONSAFEPATH", "1"),
    ("PYTHONHOME", "/none"),
    ("PYTHONWARNINGS", "error"),
    ("PYTHONIOENCODING", "utf-16"),
    ("GRPC_TRACE", "all"),
    ("RUST_LOG", "trace"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("TZ", "Pacific/Kiritimati"),
    ("SSL_CERT_FILE", "/none"),
];

fn own_peers() {
    let run = Run::new().and("calls/python/python/root-of-16");
    run.finish_with(&EXPORTED).ends_with_status(0).prints("1 passed");
    let run = Run::new().and("client-parity/rust/message-empty").with("--baseline", "golden");
    run.finish_with(&EXPORTED).ends_with_status(0).prints("0 failed");
}

/// A user's program may need any variable; `inherit-environment` is for those that it does not get by default.
fn peers_of_a_user() {
    let server = |inherited: &str| {
        let peers = format!(
            "with = [\"rust\"]\n[[peer]]\nname = \"mine\"\nlanguage = \"x\"\n[peer.server]\n\
             command = [\"sh\", \"-c\", \"env | grep =mine >&2; exit 1\", \"{{address}}\"]\n{inherited}\n"
        );
        let run = Run::new().with_file("--peers", "peers.toml", &peers);
        run.with("--exact", "calls/mine/rust/root-of-16").finish_with(&[
            ("PYTHONPATH", "mine"),
            ("GRPC_TRACE", "mine"),
            ("HTTPS_PROXY", "mine"),
        ])
    };
    let ran = server("");
    ran.prints("PYTHONPATH=mine")
        .assert(!ran.stdout.contains("GRPC_TRACE=mine"), "it is not passed on");
    let ran = server("inherit-environment = [\"GRPC_TRACE\"]");
    ran.prints("GRPC_TRACE=mine").assert(!ran.stdout.contains("HTTPS_PROXY=mine"), "the same");
}
