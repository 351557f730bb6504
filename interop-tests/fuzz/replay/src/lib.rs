//! Runs fuzz targets in an ordinary test: with every file of their corpus, and with mutations of these files.
//!
//! The mutations are drawn from a fixed seed, so that a failure happens again in the next run, and on stable Rust, which
//! has no coverage. `cargo fuzz` runs the same targets for longer, and finds what this does not.

use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use fastrand::Rng;

/// The name of a target, and the function that it is. A panic is a finding.
pub type Target = (&'static str, fn(&[u8]));

/// The longest mutation. It is longer than the pieces in which parsers read, such as a block of decompressed bytes.
const LONGEST: usize = 2048;

/// The most changes of one mutation.
const CHANGES: usize = 6;

/// Bytes that are limits or flags in one of the formats.
const SPECIAL: &[u8] =
    b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0f\x10\x1f\x20\x3f\x40\x7f\x80\x81\xfe\xff\n\"#%'(),-./0:=[]_{}";

/// Runs every target with its corpus, and then with `mutations` mutations of it.
///
/// # Panics
///
/// If a target panics or has no corpus. The message has the input as hex digits.
pub fn replay(targets: &[Target], mutations: usize) {
    for (name, target) in targets {
        let corpus = read_corpus(name);
        for (path, bytes) in &corpus {
            run((name, *target), bytes, &path.display().to_string());
        }
        let mut random = Rng::with_seed(seed(name));
        for number in 0..mutations {
            let mutation = mutated(&corpus, &mut random);
            run((name, *target), &mutation, &format!("mutation {number} of its corpus"));
        }
    }
}

fn run((name, target): Target, bytes: &[u8], input: &str) {
    let ended = panic::catch_unwind(AssertUnwindSafe(|| target(bytes)));
    let digits = || bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    assert!(
        ended.is_ok(),
        "the fuzz target {name} panics with {input}; keep the input as a file in \
         interop-tests/fuzz/corpus/{name}: echo {} | xxd -r -p",
        digits()
    );
}

/// The files of a corpus with their paths, sorted by name.
fn read_corpus(name: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let shown = folder.display();
    let entries = fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut paths: Vec<_> = match entries {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(error) => panic!("{shown} has to have files: {error}"),
    };
    paths.sort();
    assert!(!paths.is_empty(), "{shown} has to have files");
    let read = |path: PathBuf| match fs::read(&path) {
        Ok(bytes) => (path, bytes),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    paths.into_iter().map(read).collect()
}

/// A seed for each target, so that another target changes no mutations (FNV-1a).
fn seed(name: &str) -> u64 {
    let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    name.bytes().fold(0xcbf2_9ce4_8422_2325, hash)
}

/// A file of the corpus with a few changes.
fn mutated(corpus: &[(PathBuf, Vec<u8>)], random: &mut Rng) -> Vec<u8> {
    let any = |random: &mut Rng| random.choice(corpus).map_or(&[][..], |(_, bytes)| bytes);
    let mut bytes = any(random).to_vec();
    for _ in 0..random.usize(1..=CHANGES) {
        let at = random.usize(0..=bytes.len());
        let end = bytes.len().min(at + random.usize(0..=16));
        match random.u8(0..8) {
            0 => bytes.truncate(at),
            1 => drop(bytes.drain(at..end)),
            2 => bytes.insert(at, random.u8(..)),
            3 => bytes.insert(at, random.choice(SPECIAL).copied().unwrap_or_default()),
            4 => {
                let repeated = bytes[at..end].repeat(random.usize(1..8));
                bytes.splice(at..at, repeated);
            }
            5 => {
                let other = any(random);
                let from = random.usize(0..=other.len());
                let to = other.len().min(from + random.usize(0..=64));
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            change => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = match change {
                        6 => *byte ^ 1 << random.u8(0..8),
                        _ => random.choice(SPECIAL).copied().unwrap_or_default(),
                    };
                }
            }
        }
    }
    bytes.truncate(LONGEST);
    bytes
}
