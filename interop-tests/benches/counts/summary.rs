//! Parses the summaries of system calls that `perf trace` and `strace` print.
//!
//! `perf trace` prints a table for each thread, so a system call can appear several times.

/// The counted system calls.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    pub(super) all: u64,
    /// System calls that send data.
    pub(super) writes: u64,
    /// Whether the tool reported lost events.
    pub(super) is_incomplete: bool,
}

const WRITES: [&str; 5] = ["write", "writev", "sendto", "sendmsg", "sendmmsg"];

impl Summary {
    pub(super) fn read(text: &str) -> Self {
        let mut summary = Self { is_incomplete: text.contains("LOST"), ..Self::default() };
        for (name, calls) in text.lines().filter_map(row) {
            summary.all += calls;
            if WRITES.contains(&name) {
                summary.writes += calls;
            }
        }
        summary
    }
}

/// The name and the number of calls in a row.
fn row(line: &str) -> Option<(&str, u64)> {
    let words: Vec<_> = line.split_whitespace().collect();
    match words[..] {
        // perf: writev 321 0 7.619 0.012 0.024 0.104 2.15%
        [name, calls, _, _, _, _, _, deviation] if deviation.ends_with('%') => {
            Some((name, calls.parse().ok()?))
        }
        // strace: 63.77 0.001389 4 321 writev, with a column of errors where there are some
        [share, _, _, calls, .., name] if words.len() <= 6 && name != "total" => {
            share.parse::<f64>().ok()?;
            Some((name, calls.parse().ok()?))
        }
        _ => None,
    }
}
