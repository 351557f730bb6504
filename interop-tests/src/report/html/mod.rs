//! The record as one HTML file, for people who look for the byte that is wrong.
//!
//! It needs nothing but itself: no network, no other file. What matters most can be read without
//! JavaScript: whether the switch is safe, the matrices, the failures. The other trials, thousands of
//! them, are rendered by the same template as the failures, and packed: a cell of a matrix is unpacked
//! when somebody looks into it, so that the file stays small enough to be sent around.
//!
//! Peers say what they like, so every text of theirs is escaped, also in what is packed, and the page
//! allows no script but its own. A fragment names what is shown, `#suite/peer/case`, so that a
//! link to it can be shared.
//!
//! - [`page`]: what can be read at once
//! - [`cell`], [`packed`]: the trials, by cell of the matrix
//! - [`case`], [`comparison`], [`bytes`], [`wire`]: one trial
//! - [`shown`]: verdicts and numbers as they are written

pub(crate) mod bytes;
pub(crate) mod case;
pub(crate) mod cell;
pub(crate) mod comparison;
pub(crate) mod packed;
pub(crate) mod page;
pub(crate) mod shown;
pub(crate) mod wire;

use std::io::{self, Write};

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};

use crate::report::html::case::Renderer;
use crate::report::record::Record;

const PAGE: &str = include_str!("../templates/report.html");
const CASE: &str = include_str!("../templates/case.html");
const STYLE: &str = include_str!("../templates/report.css");
const SCRIPT: &str = include_str!("../templates/report.js");

/// Writes it.
pub(crate) fn write(record: &Record, out: &mut impl Write) -> io::Result<()> {
    let environment = environment().map_err(io::Error::other)?;
    let renderer = Renderer::of(&environment).map_err(io::Error::other)?;
    let page = environment.get_template("report.html").map_err(io::Error::other)?;
    let context = page::context(record, &renderer)?;
    page.render_captured_to(context, &mut *out).map_err(io::Error::other)?;
    writeln!(out)
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?;
    environment.set_syntax(syntax);
    environment.add_filter("fragment", shown::fragment);
    environment.add_template("case.html", CASE)?;
    environment.add_template("report.html", PAGE)?;
    Ok(environment)
}
