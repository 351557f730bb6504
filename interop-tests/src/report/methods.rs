//! The table of the methods of a service: how each compares with the reference, in how many cases, and how fast it is.

use std::collections::BTreeSet;

use comfy_table::{Table, presets};
use serde::Serialize;

use crate::compare;
use crate::outcome::comparison::{CaseCounts, Coverage, Covered, Performance};
use crate::outcome::{MethodComparison, MethodVerdict};
use crate::report::record::Record;

/// How many methods with the verdict `same` a terminal shows. The others are counted.
const SHOWN: usize = 40;

/// All methods of one peer.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Methods<'a> {
    pub(crate) peer: &'a str,
    /// The sources of cases, which are columns.
    pub(crate) sources: Vec<&'a str>,
    pub(crate) rows: Vec<Row<'a>>,
}

/// One method.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row<'a> {
    pub(crate) method: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) verdict: MethodVerdict,
    /// The verdict, and why if it is `untested`.
    pub(crate) verdict_text: String,
    /// The number of cases of each source.
    pub(crate) cases: Vec<String>,
    pub(crate) coverage: String,
    /// The p50 of the reference and of the candidate, and the same for p99 and memory.
    pub(crate) performance: [String; 3],
    /// The names of the trials begin with this.
    pub(crate) group: String,
}

impl<'a> Methods<'a> {
    /// The methods of all peers.
    pub(crate) fn all(record: &'a Record) -> Vec<Self> {
        let peers = record.methods.chunk_by(|one, other| one.peer == other.peer);
        peers.filter_map(Self::of).collect()
    }

    fn of(methods: &'a [MethodComparison]) -> Option<Self> {
        let sources: BTreeSet<_> = methods.iter().flat_map(|it| it.sources.keys()).collect();
        let sources: Vec<_> = sources.into_iter().map(String::as_str).collect();
        let rows = methods.iter().map(|method| row(method, &sources)).collect();
        Some(Self { peer: &methods.first()?.peer, sources, rows })
    }

    /// How many methods have each verdict, in one line.
    pub(crate) fn summary(&self) -> String {
        use MethodVerdict::{Accepted, Differs, Same, Untested};
        let count = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let parts = [Same, Accepted, Differs, Untested].map(|verdict| (count(verdict), verdict));
        let parts = parts.iter().filter(|(number, _)| *number > 0);
        let parts: Vec<_> = parts.map(|(number, verdict)| format!("{number} {verdict}")).collect();
        format!("methods of {}: {}", self.peer, parts.join(", "))
    }

    /// The table for a terminal.
    fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_FULL_CONDENSED);
        let head = [format!("compare: {}", self.peer), "verdict".to_owned()];
        let sources = self.sources.iter().map(|source| (*source).to_owned());
        let rest = ["fields", "p50 ms", "p99 ms", "MiB"].map(str::to_owned);
        table.set_header(head.into_iter().chain(sources).chain(rest));
        let same = self.rows.iter().filter(|row| row.verdict == MethodVerdict::Same).count();
        let hides_same = same > SHOWN;
        for row in self.rows.iter().filter(|row| !hides_same || row.verdict != MethodVerdict::Same)
        {
            let Row { method, verdict_text, cases, coverage, performance, .. } = row;
            let head = [(*method).to_owned(), verdict_text.clone()];
            let rest = [coverage.clone()].into_iter().chain(performance.iter().cloned());
            table.add_row(head.into_iter().chain(cases.iter().cloned()).chain(rest));
        }
        let hidden = if hides_same {
            format!("{same} methods are the same and not listed\n")
        } else {
            String::new()
        };
        format!("{table}\n{hidden}{}\n", self.summary())
    }
}

fn row<'a>(method: &'a MethodComparison, sources: &[&str]) -> Row<'a> {
    let cases =
        |source: &&str| method.sources.get(*source).map_or("-".to_owned(), |it| counted(*it));
    let verdict = method.verdict;
    Row {
        method: &method.method,
        kind: &method.kind,
        verdict,
        verdict_text: verdict.to_string(),
        cases: sources.iter().map(cases).collect(),
        coverage: covered(&method.coverage),
        performance: performance(&method.performance),
        group: group(method),
    }
}

/// The common prefix of the names of the trials of a method.
pub(crate) fn group(method: &MethodComparison) -> String {
    format!("{}/{}/{}", compare::SUITE, method.peer, method.method)
}

fn counted(counts: CaseCounts) -> String {
    let CaseCounts { same, same_value, edge, accepted, different } = counts;
    let parts = [
        (different, "differ"),
        (accepted, "accepted"),
        (edge, "edge"),
        (same_value, "same value, other bytes"),
        (same, "same"),
    ];
    let parts = parts.iter().filter(|(number, what)| *number > 0 || *what == "same");
    parts.map(|(number, what)| format!("{number} {what}")).collect::<Vec<_>>().join("\n")
}

/// How many fields of the request and of the response were exercised.
fn covered(coverage: &Coverage) -> String {
    let part = |of: &Covered| format!("{}/{}", of.number, of.all);
    let Coverage { request_fields, response_fields, .. } = coverage;
    format!("{} in, {} out", part(request_fields), part(response_fields))
}

/// The figures of the reference and of the candidate.
fn performance(performance: &[Performance]) -> [String; 3] {
    let figures = |figure: fn(&Performance) -> Option<f64>, decimals: usize| {
        let figures = performance.iter().map(|of| match figure(of) {
            Some(number) => format!("{number:.decimals$}"),
            None => "-".to_owned(),
        });
        figures.collect::<Vec<_>>().join(" → ")
    };
    [
        figures(|of| Some(of.p50_ms), 2),
        figures(|of| Some(of.p99_ms), 2),
        figures(|of| of.peak_memory_mib, 0),
    ]
}

/// The tables of all peers for a terminal.
pub(crate) fn tables(record: &Record) -> String {
    Methods::all(record).iter().map(Methods::text).collect::<Vec<_>>().join("\n")
}
