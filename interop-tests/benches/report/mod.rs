//! The record as one self-contained HTML file.
//!
//! It has no script, so that it can be viewed where scripts are disabled, for example in an e-mail or in the
//! artifacts of a CI system. Names come from user files, so all text is escaped.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::record::Record;
use super::table::Table;

const PAGE: &str = include_str!("../report.html");
const STYLE: &str = include_str!("../../src/report/templates/report.css");

/// The values of the template.
#[derive(Serialize)]
struct Page<'a> {
    /// The nonce of the style sheet, for the content security policy.
    nonce: String,
    style: &'static str,
    date: &'a str,
    machine: &'a str,
    command: &'a str,
    rounds: usize,
    stolen: usize,
    problems: &'a [String],
    sections: Vec<Section>,
}

/// A table with the figure above it.
#[derive(Serialize)]
struct Section {
    id: usize,
    figure: Option<String>,
    #[serde(flatten)]
    table: Table,
}

/// Writes the report of `record` to `path`.
pub(crate) fn write(record: &Record, path: &Path) -> anyhow::Result<()> {
    let mut figures = BTreeMap::new();
    for figure in record.figures() {
        figures.insert(figure.above.clone(), figure.svg()?);
    }
    let sections = record.tables().into_iter().enumerate().map(|(id, table)| Section {
        id,
        figure: figures.remove(&table.title),
        table,
    });
    let page = Page {
        nonce: format!("{:032x}", fastrand::u128(..)),
        style: STYLE,
        date: &record.date,
        machine: &record.machine,
        command: &record.command,
        rounds: record.rounds,
        stolen: record.stolen(),
        problems: &record.problems,
        sections: sections.collect(),
    };
    let text = environment()?.get_template("report.html")?.render(Serde(page))?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.add_template("report.html", PAGE)?;
    Ok(environment)
}
