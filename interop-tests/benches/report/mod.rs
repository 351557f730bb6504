//! The record as one HTML file that needs nothing but itself.
//!
//! It has no script, so that it can be read where scripts are not run: in a mail, or among the files of a
//! build. Names come from files that people write, so every text is escaped.

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

/// What the template knows.
#[derive(Serialize)]
struct Page<'a> {
    /// What the browser tells the page's own style by.
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

/// A table, and the figure above it.
#[derive(Serialize)]
struct Section {
    id: usize,
    figure: Option<String>,
    #[serde(flatten)]
    table: Table,
}

/// Writes it to `path`.
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
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
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
