//! Tests that imports between the modules of the tool follow the order of the layers and have no cycles.
//!
//! The test reads the sources, because the compiler allows cycles. The imports of a file are its `use` declarations
//! and every path that begins with `crate`, `self`, `super` or an imported module.

#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from top to bottom. A module may import only modules of lower layers.
const LAYERS: [&[&str]; 10] = [
    &["cli", "fuzzing"],
    &["report"],
    &["attack", "calls", "compare", "parity"],
    &["probe"],
    &["process"],
    &["outcome"],
    &["capture"],
    &["http2"],
    &["config"],
    &["output"],
];

/// The path of a module as segments, such as `["http2", "frame"]`.
type Module = Vec<String>;

/// The imports of each module.
#[derive(Debug)]
struct Sources {
    imports: BTreeMap<Module, BTreeSet<Module>>,
}

impl Sources {
    fn read(folder: &Path) -> Self {
        let mut files = BTreeMap::new();
        find(folder, folder, &mut files);
        let known: BTreeSet<_> = files.keys().cloned().collect();
        let imports = files.iter().map(|(module, path)| {
            let text = fs::read_to_string(path).expect("cannot read a source file");
            (module.clone(), imports(&text, module, &known))
        });
        Self { imports: imports.collect() }
    }

    /// The imports of modules that are not in a lower layer.
    fn upward(&self) -> Vec<String> {
        let height = |module: &Module| {
            LAYERS.iter().position(|layer| layer.contains(&module.first().map_or("", |it| it)))
        };
        let pairs = self.imports.iter().flat_map(|(from, to)| to.iter().map(move |to| (from, to)));
        pairs
            .filter(|(from, to)| !from.is_empty() && from.first() != to.first())
            .filter(|(from, to)| height(from) >= height(to))
            .map(|(from, to)| format!("{} imports {}", from.join("::"), to.join("::")))
            .collect()
    }

    /// The groups of modules that import each other, directly or indirectly.
    fn cycles(&self) -> Vec<String> {
        let reachable = |start: &Module| {
            let mut seen = BTreeSet::new();
            let mut next = vec![start];
            while let Some(module) = next.pop() {
                next.extend(self.imports[module].iter().filter(|to| seen.insert((*to).clone())));
            }
            seen
        };
        let reachable: BTreeMap<_, _> =
            self.imports.keys().map(|module| (module, reachable(module))).collect();
        let mut cycles: Vec<BTreeSet<&Module>> = Vec::new();
        for (module, from_here) in &reachable {
            if from_here.contains(*module) && !cycles.iter().any(|cycle| cycle.contains(module)) {
                let is_in_it = |other: &&&Module| {
                    from_here.contains(**other) && reachable[**other].contains(*module)
                };
                cycles.push(reachable.keys().filter(is_in_it).copied().collect());
            }
        }
        let names = |cycle: BTreeSet<&Module>| {
            let names: Vec<_> = cycle.into_iter().map(|module| module.join("::")).collect();
            names.join(", ")
        };
        cycles.into_iter().map(names).collect()
    }
}

/// Adds the modules whose files are in `folder`.
fn find(root: &Path, folder: &Path, files: &mut BTreeMap<Module, PathBuf>) {
    for entry in fs::read_dir(folder).expect("cannot read the source folder") {
        let path = entry.expect("cannot read the folder").path();
        if path.is_dir() {
            find(root, &path, files);
            continue;
        }
        let Some(name) = path.file_name().and_then(|name| name.to_str()?.strip_suffix(".rs"))
        else {
            continue;
        };
        let parent = path.parent().and_then(|parent| parent.strip_prefix(root).ok());
        let mut module: Module = parent
            .into_iter()
            .flatten()
            .map(|segment| segment.to_string_lossy().into_owned())
            .collect();
        match name {
            "main" | "tests" => continue,
            "lib" | "mod" => {}
            name => module.push(name.to_owned()),
        }
        files.insert(module, path);
    }
}

/// The modules that `text`, the source of `module`, imports outside its tests.
fn imports(text: &str, module: &Module, known: &BTreeSet<Module>) -> BTreeSet<Module> {
    let code = text.split("\n#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join("\n");
    let mut names: BTreeMap<String, Module> = BTreeMap::new();
    let mut imported = BTreeSet::new();
    let mut rest = String::new();
    for statement in code.split_inclusive(';') {
        let declaration = statement.rfind("use ").filter(|at| {
            let line = statement[..*at].rsplit('\n').next().unwrap_or_default().trim();
            line.is_empty() || line.starts_with("pub")
        });
        let Some(at) = declaration else {
            rest.push_str(statement);
            continue;
        };
        rest.push_str(&statement[..at]);
        for (path, alias) in leaves(statement[at + 4..].trim_end_matches(';')) {
            let Some(path) = absolute(&path, module, &BTreeMap::new()) else { continue };
            let (found, is_module) = longest(&path, known);
            if is_module {
                let name = alias.or_else(|| path.last().cloned()).unwrap_or_default();
                names.insert(name, found.clone());
            } else {
                imported.insert(found);
            }
        }
    }
    // An imported module counts only by the paths that use it.
    for path in paths(&rest) {
        if let Some(path) = absolute(&path, module, &names) {
            imported.insert(longest(&path, known).0);
        }
    }
    imported.remove(module);
    imported
}

/// The paths of a `use` tree, each with its `as` name.
fn leaves(tree: &str) -> Vec<(Module, Option<String>)> {
    let tree = tree.trim();
    let Some((prefix, group)) = tree.split_once('{') else {
        let (path, alias) = match tree.split_once(" as ") {
            Some((path, alias)) => (path, Some(alias.trim().to_owned())),
            None => (tree, None),
        };
        let path = path.split("::").map(|segment| segment.trim().to_owned()).collect();
        return vec![(path, alias)];
    };
    let group = group.trim_end().trim_end_matches('}');
    let prefix: Module =
        prefix.split("::").map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).collect();
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        match (c, depth) {
            (',', 0) => parts.push(String::new()),
            _ => parts.last_mut().expect("there is at least one part").push(c),
        }
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts
        .flat_map(|part| leaves(part))
        .map(|(path, alias)| {
            let own = path.into_iter().filter(|segment| segment != "self");
            (prefix.iter().cloned().chain(own).collect(), alias)
        })
        .collect()
}

/// The absolute form of `path`, if it begins with `crate`, `self`, `super` or one of `names`.
fn absolute(path: &[String], module: &Module, names: &BTreeMap<String, Module>) -> Option<Module> {
    let (first, rest) = path.split_first()?;
    let parent = || module[..module.len().saturating_sub(1)].to_vec();
    let mut base = match &first[..] {
        "crate" => Module::new(),
        "self" => module.clone(),
        "super" => parent(),
        name => names.get(name)?.clone(),
    };
    for segment in rest {
        if segment == "super" {
            base.pop();
        } else {
            base.push(segment.clone());
        }
    }
    Some(base)
}

/// The longest prefix of `path` that is a module, and whether it is the entire path.
fn longest(path: &[String], known: &BTreeSet<Module>) -> (Module, bool) {
    let length = (0..=path.len()).rev().find(|length| known.contains(&path[..*length]));
    let length = length.unwrap_or_default();
    (path[..length].to_vec(), length == path.len())
}

/// Everything in `code` that looks like a path of at least two segments.
fn paths(code: &str) -> Vec<Module> {
    let is_in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = code.split(|c| !is_in_path(c)).filter(|word| word.contains("::"));
    words
        .map(|word| word.split("::").map(str::to_owned).collect::<Module>())
        .filter(|path| !path[0].contains(':'))
        .collect()
}

fn sources() -> Sources {
    Sources::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../src"))
}

#[test]
fn every_module_is_in_a_layer() {
    let sources = sources();
    assert!(sources.imports.len() >= 50, "only {} source files were found", sources.imports.len());
    for module in sources.imports.keys().filter_map(|module| module.first()) {
        assert!(
            LAYERS.iter().any(|layer| layer.contains(&&module[..])),
            "add the module {module} to LAYERS"
        );
    }
}

#[test]
fn no_module_imports_a_higher_layer() {
    let upward = sources().upward();
    assert!(
        upward.is_empty(),
        "imports of modules that are not in a lower layer:\n{}",
        upward.join("\n")
    );
}

#[test]
fn there_are_no_import_cycles() {
    let cycles = sources().cycles();
    assert!(
        cycles.is_empty(),
        "groups of files that import each other, one per line:\n{}",
        cycles.join("\n")
    );
}

#[test]
fn an_upward_import_and_a_cycle_are_found() {
    let module = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
    let known = ["config", "config::peer", "http2::frame", "cli", "report", "report::html::case"];
    let known = known.map(module).into();
    let text = "use crate::{cli::{self, main}, report::{Record, html::case::{self as c, Renderer}}};\n\
                use super::super::http2::frame as it;\n\
                // crate::config::nothing\nfn f() { it::kind(); crate::config::peer::f() }\n\
                #[cfg(test)]\nmod tests { use crate::unknown; }";
    let found = imports(text, &module("config::peer"), &known);
    assert_eq!(found, ["cli", "http2::frame", "report", "report::html::case"].map(module).into());
    let imports = [("config", "cli"), ("cli", "report"), ("report", "config")];
    let imports = imports.map(|(from, to)| (module(from), [module(to)].into()));
    let sources = Sources { imports: imports.into() };
    assert_eq!(sources.upward(), ["config imports cli"]);
    assert_eq!(sources.cycles(), ["cli, config, report"]);
}
