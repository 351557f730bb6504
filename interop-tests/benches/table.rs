//! A table of the report.

use comfy_table::presets::ASCII_MARKDOWN;
use serde::Serialize;

/// A table of the report.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) title: String,
    /// A description of the measurement and the comparison, in one or two sentences.
    pub(crate) about: String,
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_style(ASCII_MARKDOWN).set_header(&self.columns).add_rows(&self.rows);
        writeln!(f, "## {}\n\n{}\n\n{table}", self.title, self.about)
    }
}
