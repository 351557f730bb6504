//! The tables of this project, built into the tool for use outside a checkout.
//!
//! They have paths below a root that does not exist in any file system. So other code need not know where a table
//! comes from, and errors name built-in files like all others.

use std::path::{Path, PathBuf};

/// The path below the root and the text of each file.
const FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

const ROOT: &str = "(built-in)";

/// The path of the file or folder called `name`.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(ROOT).join(name)
}

/// Whether `path` is the path of a built-in file or folder.
pub(crate) fn contains(path: &Path) -> bool {
    path.starts_with(ROOT)
}

/// The text of the file at `path`.
pub(crate) fn text(path: &Path) -> Option<&'static str> {
    let path = path.strip_prefix(ROOT).ok()?;
    FILES.iter().find(|(name, _)| Path::new(name) == path).map(|(_, text)| *text)
}

/// The files in the folder at `path`, sorted by name.
pub(crate) fn files_in(path: &Path) -> Vec<PathBuf> {
    let paths = FILES.iter().map(|(name, _)| self::path(name));
    paths.filter(|file| file.parent() == Some(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_of_the_project_is_built_in() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["peers.toml", "deviations.toml", "goldens/server-parity.txt"] {
            let text = std::fs::read_to_string(project.join(name)).unwrap();
            assert_eq!(self::text(&path(name)), Some(&*text));
        }
        for name in ["scenarios", "scenarios/calls", "scenarios/server-parity"] {
            let on_disk = std::fs::read_dir(project.join(name)).unwrap();
            let on_disk = on_disk.filter(|entry| entry.as_ref().unwrap().path().is_file()).count();
            assert_eq!(files_in(&path(name)).len(), on_disk, "{name}");
        }
        assert_eq!(text(&project.join("peers.toml")), None);
        assert_eq!(text(&path("none.toml")), None);
    }
}
