//! Records of runs, which a user passes to `interop diff` and `interop merge`.

use std::io;
use std::path::{Path, PathBuf};

use crate::report::difference::Difference;
use crate::report::record::{Record, VERSION, file, merge};
use crate::report::{html, junit, matrix, methods, summary};

/// What separates the records of an input (RFC 7464).
const SEPARATOR: char = '\x1e';

/// A record is written as it was read, all reports can be made of it, and it differs in nothing from itself. Records
/// are merged, or there is an error.
pub(super) fn records(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut records: Vec<(PathBuf, Record)> = Vec::new();
    for (number, text) in text.split(SEPARATOR).enumerate() {
        let name = format!("{number}.json");
        match file::of_text(Path::new(&name), text) {
            Ok(record) => records.push((name.into(), record)),
            Err(error) => assert!(error.to_string().starts_with(&name), "{error}"),
        }
    }
    for (path, record) in &records {
        // A record of an older format is converted, and never written.
        if record.version == VERSION {
            let written = text_of(|out| file::write_to(record, out));
            let again = file::of_text(path, &written).expect("its own text");
            assert_eq!(text_of(|out| file::write_to(&again, out)), written);
        }
        assert!(!Difference::between(record, record).is_worse());
        all_reports(record);
    }
    if let Ok(merged) = merge::merge(records) {
        all_reports(&merged);
    }
}

fn all_reports(record: &Record) {
    for report in [html::write, junit::write, summary::write] {
        assert!(!text_of(|out| report(record, out)).is_empty());
    }
    let tables = [matrix::tables, matrix::legend, methods::tables].map(|table| table(record));
    assert!(record.trials.is_empty() || !tables[0].is_empty() || !tables[2].is_empty());
    record.warning();
}

fn text_of(write: impl FnOnce(&mut Vec<u8>) -> io::Result<()>) -> String {
    let mut text = Vec::new();
    write(&mut text).expect("into memory");
    String::from_utf8(text).expect("text")
}
