//! Fuzzes the target that the variable `TARGET` names, with libFuzzer.

#![no_main]

use std::env;
use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let all = [
        calculator::fuzzing::TARGETS,
        grpc_interop::fuzzing::TARGETS,
        grpc_interop_protocol::fuzzing::TARGETS,
    ]
    .concat();
    let wanted = env::var("TARGET").unwrap_or_default();
    let found = all.iter().find(|(name, _)| *name == wanted).map(|(_, target)| *target);
    found.unwrap_or_else(|| {
        let names: Vec<_> = all.iter().map(|(name, _)| *name).collect();
        panic!("TARGET has to be one of: {}", names.join(" "))
    })
});

libfuzzer_sys::fuzz_target!(init: { let _ = LazyLock::force(&TARGET); }, |bytes: &[u8]| TARGET(bytes));
