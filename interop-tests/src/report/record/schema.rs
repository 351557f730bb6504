//! The JSON Schema of records, for other programs. It is made from the types.
//!
//! The repository contains it, so that a change of the format shows as a change of a file.

use std::path::Path;

use crate::report::record::file;
use crate::report::record::format::Record;

/// The file's name, below `interop-tests`.
pub const FILE: &str = "record.schema.json";

/// The schema's text.
pub fn text() -> String {
    let schema = schemars::schema_for!(Record);
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text + "\n"
}

/// Writes the schema into `folder`.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    use std::io::Write;
    file::replace(&folder.join(FILE), |out| out.write_all(text().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_from_the_types() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILE);
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(written, text(), "run `make record-schema`");
    }
}
