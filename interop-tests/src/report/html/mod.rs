//! The record as one HTML file, down to the bytes that differ.
//!
//! The file needs no network and no other file. The most important parts work without JavaScript: the readiness
//! of replacements, the matrices, and the failures. The thousands of other trials are rendered with the same
//! template as the failures and then compressed.
//!
//! Peers can send any text. So all text is escaped, also in the compressed parts, and the content security policy
//! allows only the script of the page. The fragment of the address selects the view, such as
//! `#suite/server/client/case`, so that links can be shared.
//!
//! - [`page`]: the visible page, and the index and details of all other trials
//! - [`case`], [`bytes`], [`wire`]: one trial
//! - [`mod@format`]: formats verdicts and numbers

pub(crate) mod bytes;
pub(crate) mod case;
pub(crate) mod format;
pub(crate) mod page;
pub(crate) mod wire;

use std::io::{self, Write};

use minijinja::{AutoEscape, Environment, UndefinedBehavior, syntax::SyntaxConfig};

use crate::report::{html::case::Renderer, record::Record};

const PAGE: &str = include_str!("../templates/report.html");
const CASE: &str = include_str!("../templates/case.html");

/// Writes the page.
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
    environment.add_filter("fragment", format::fragment);
    environment.add_template("case.html", CASE)?;
    environment.add_template("report.html", PAGE)?;
    Ok(environment)
}
