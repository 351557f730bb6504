//! The results of the suite `compare` as values for the templates of the HTML page and the Markdown summary.
//!
//! Both show them before the failed trials, because one finding explains many of these.

use std::collections::BTreeMap;

use minijinja::{Value, context, value::Serde};

use crate::outcome::MethodVerdict;
use crate::outcome::comparison::{Judgement, Unstable};
use crate::report::findings::Finding;
use crate::report::methods::{Methods, Row};
use crate::report::record::Record;

/// The methods of a peer.
pub(crate) fn methods(methods: &Methods<'_>) -> Value {
    let row = |row: &Row<'_>| {
        let (class, symbol) = match row.verdict {
            MethodVerdict::Same => ("passed", "✓"),
            MethodVerdict::Accepted => ("known-deviation", "✓"),
            MethodVerdict::Untested => ("skipped", "?"),
            MethodVerdict::Differs => ("failed", "✗"),
        };
        context! {
            class,
            symbol,
            method => row.method,
            kind => row.kind,
            verdict => &*row.verdict_text,
            cases => Serde(&row.cases),
            coverage => &*row.coverage,
            performance => Serde(&row.performance),
            group => &*row.group,
        }
    };
    context! {
        peer => methods.peer,
        summary => methods.summary(),
        sources => Serde(&methods.sources),
        rows => methods.rows.iter().map(row).collect::<Value>(),
    }
}

/// A finding.
pub(crate) fn finding(finding: &Finding<'_>) -> Value {
    let (class, symbol, judgement) = match finding.judgement {
        Judgement::Different => ("failed", "✗", "differs"),
        Judgement::Accepted { .. } => ("known-deviation", "✓", "accepted"),
        Judgement::Reported => ("skipped", "!", "reported"),
    };
    context! {
        class,
        symbol,
        judgement,
        peer => finding.peer,
        title => finding.title(),
        note => finding.note(),
        example => Serde(finding.example),
        grpcurl => finding.example.grpcurl.as_deref(),
        remedy => &*finding.remedy,
        run_again => finding.run_again,
        methods => Serde(&finding.methods),
    }
}

/// What is unstable in each method, with the peers that were compared when it was seen.
pub(crate) fn unstable(record: &Record) -> Value {
    let mut all: BTreeMap<(&str, &str), (Vec<&str>, &Unstable)> = BTreeMap::new();
    for method in &record.methods {
        for unstable in &method.unstable {
            let key = (&*method.method, &*unstable.subject);
            all.entry(key).or_insert((Vec::new(), unstable)).0.push(&method.peer);
        }
    }
    let one = |((method, subject), (peers, unstable)): ((&str, &str), (Vec<&str>, &Unstable))| {
        let Unstable { values, case, entry, .. } = unstable;
        let peers = format!("compared with {}", peers.join(", "));
        context! { method, subject, peers, values => Serde(values), case => &**case, entry => entry.as_deref() }
    };
    all.into_iter().map(one).collect()
}
