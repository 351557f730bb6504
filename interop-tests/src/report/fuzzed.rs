//! The output of `interop fuzz` for a service: the findings, each with a request that can be pasted into a file.

use anstyle::Style;

use crate::compare::fuzz::Finding;
use crate::compare::fuzz::state::{PeerSummary, Summary};
use crate::outcome::comparison::Example;
use crate::output::out;
use crate::report::findings;

/// Prints the result of a run. `run_again` is the command that repeats the request with a number, alone or after all
/// requests before it.
pub(crate) fn print(summary: &Summary, run_again: &dyn Fn(&Finding) -> String) {
    let mut number = 0;
    for peer in &summary.peers {
        for finding in &peer.findings.all {
            number += 1;
            print_finding(number, &peer.peer, finding, &run_again(finding));
        }
    }
    for PeerSummary { peer, requests, ok, accepted, findings } in &summary.peers {
        let not_repeated = &findings.not_repeated;
        if !not_repeated.is_empty() {
            out!(
                "interop: {peer}: not counted: requests {not_repeated:?} differed only among others"
            );
        }
        let counted = |number: u64, what: &str| {
            format!("{number} {what}{}", if number == 1 { "" } else { "s" })
        };
        let found = counted(findings.all.len().try_into().unwrap_or(u64::MAX), "finding");
        let accepted = counted(*accepted, "difference");
        out!(
            "interop: {peer}: {}, {ok} of the calls ended with OK, {accepted} accepted, {found}",
            counted(*requests, "request")
        );
    }
}

fn print_finding(number: usize, peer: &str, finding: &Finding, run_again: &str) {
    let all: Vec<_> = finding.differences.iter().map(|(method, it)| (&**method, it)).collect();
    let Some(of_cause) = findings::of_cause(peer, &all) else { return };
    let bold = Style::new().bold();
    out!("\n{bold}finding {number} of {peer}: {}{bold:#}", of_cause.title());
    let line = |label: &str, text: &str| out!("  {label:<10} {text}");
    if let Some(note) = of_cause.note() {
        line("note", &note);
    }
    if !finding.is_alone {
        line("note", "it shows only after the calls before it");
    }
    let Example { place, reference, candidate, grpcurl, .. } = &finding.example;
    line("reference", &format!("{place} = {reference}"));
    line("candidate", &format!("{place} = {candidate}"));
    line("remedy", &of_cause.remedy);
    line("run again", run_again);
    if let Some(command) = grpcurl {
        line("or", command);
    }
    out!("\n{}", finding.entry);
}
