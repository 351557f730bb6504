//! Reads a file of callgrind: the number of instructions and of memory allocations.
//!
//! A name appears in a file once as `(7) malloc`, and then as `(7)`. Calls within an allocator are not counted,
//! because some allocators have functions for each size that call the general one.

use std::collections::HashMap;

/// The allocation functions of the C library.
const ENTRIES: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];

/// The prefixes of the allocation functions of mimalloc, which has variants for alignment and heaps.
const ENTRIES_OF_MIMALLOC: [&str; 4] = ["mi_malloc", "mi_zalloc", "mi_calloc", "mi_realloc"];

/// The prefixes of internal functions of allocators.
const INSIDE: [&str; 4] = ["mi_", "_mi_", "_int_", "__libc_"];

/// The contents of a file of callgrind.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Profile {
    pub(super) instructions: u64,
    pub(super) allocations: u64,
}

impl Profile {
    /// Parses the text of a file; `None` if it is not a file of callgrind.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut profile = Self::default();
        let mut names = HashMap::new();
        let (mut caller, mut function) = ("", "");
        let mut has_summary = false;
        for line in text.lines() {
            let Some((key, value)) = line.split_once(['=', ':']) else { continue };
            match key {
                "summary" => {
                    profile.instructions = value.split_whitespace().next()?.parse().ok()?;
                    has_summary = true;
                }
                "fn" => caller = name(value, &mut names),
                "cfn" => function = name(value, &mut names),
                "calls" if is_entry(function) && !is_of_allocator(caller) => {
                    profile.allocations += value.split_whitespace().next()?.parse::<u64>().ok()?;
                }
                _ => {}
            }
        }
        has_summary.then_some(profile)
    }
}

/// The name that `(7) malloc` or `(7)` stands for.
fn name<'a>(value: &'a str, names: &mut HashMap<&'a str, &'a str>) -> &'a str {
    let Some((number, name)) = value.split_once(')') else { return value };
    if !name.is_empty() {
        // The recursion depth follows a quote.
        let name = name.trim_start();
        names.insert(number, name.split_once('\'').map_or(name, |(name, _)| name));
    }
    names.get(number).copied().unwrap_or_default()
}

fn is_entry(function: &str) -> bool {
    ENTRIES.contains(&function)
        || ENTRIES_OF_MIMALLOC.iter().any(|entry| function.starts_with(entry))
}

fn is_of_allocator(function: &str) -> bool {
    ENTRIES.contains(&function) || INSIDE.iter().any(|prefix| function.starts_with(prefix))
}
