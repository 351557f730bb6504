//! .proto files of a user: an error says where it is, and requests can be made for each method.

use std::collections::BTreeSet;
use std::path::Path;

use prost_reflect::DynamicMessage;
use protox::Compiler;
use protox::file::{File, FileResolver, GoogleFileResolver};

use crate::compare::generated::{self, Bounds, RandomCases};
use crate::compare::message::{MessageComparison, compare};
use crate::config::descriptors::{Descriptors, open};

/// What separates the files of an input.
const SEPARATOR: &str = "\n====\n";

/// Small, because a target makes the cases of all methods.
const BOUNDS: Bounds = Bounds { depth: 2, groups: 20, pairs: 5, many: 3, long: 10 };

/// The files `0.proto`, `1.proto` and so on, and those of protobuf.
struct Files(Vec<String>);

impl FileResolver for Files {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let number = name.strip_suffix(".proto").and_then(|number| number.parse::<usize>().ok());
        match number.and_then(|number| self.0.get(number)) {
            Some(text) => File::from_source(name, text),
            None => GoogleFileResolver::new().open_file(name),
        }
    }
}

/// The first file is the one that a peers file names. It can import the others.
pub(super) fn protos(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let files: Vec<_> = text.split(SEPARATOR).map(str::to_owned).collect();
    // The compiler counts a carriage return as the end of a line, too.
    let lines = files.iter().map(|file| file.split(['\n', '\r']).count()).max();
    let mut compiler = Compiler::with_file_resolver(Files(files));
    compiler.include_imports(true);
    if let Err(error) = open(&mut compiler, Path::new("0.proto")) {
        assert!(!error.is_empty());
        let place = error.split_once(".proto:").and_then(|(_, rest)| rest.split_once(':'));
        let line = place.and_then(|(line, _)| line.parse::<usize>().ok());
        assert!(line.is_none_or(|line| line > 0 && Some(line) <= lines), "{error}");
        return;
    }
    let Descriptors { pool, imports } = Descriptors::of(&compiler);
    assert!(!imports.contains("0.proto") && pool.get_file_by_name("0.proto").is_some());
    for method in pool.services().flat_map(|it| it.methods().collect::<Vec<_>>()) {
        let random = Some(RandomCases { seed: 1, count: 5 });
        let mut names = BTreeSet::new();
        for group in generated::groups(&method, &BOUNDS, random).groups {
            for case in group.cases() {
                assert!(names.insert((group.name.clone(), case.name.clone())), "{case:?}");
            }
        }
        let sample = generated::sample(&method.input());
        DynamicMessage::decode(method.input(), &sample[..]).expect("its own encoding");
        assert_eq!(compare(&method.input(), &sample, &sample), MessageComparison::Same);
    }
}
