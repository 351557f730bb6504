//! A clone has the same bytes whatever git is configured to do with the ends of lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Trial;

use crate::programs;
use crate::run;

pub(crate) fn tests() -> Vec<Trial> {
    run::trials([("line-endings/a-clone-has-the-same-bytes", a_clone_has_the_same_bytes)])
}

/// Folders that are built or installed, and the repository itself.
const NOT_SOURCES: [&str; 3] = ["target", ".git", "__pycache__"];

/// Runs git in `folder`, without the configuration and the variables of the user.
fn git(folder: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    let output = command.current_dir(folder).args(arguments).output().expect("cannot run git");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "git {arguments:?} failed: {stderr}");
}

/// The files below `folder`, with paths relative to it.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(relative) = folders.pop() {
        for entry in fs::read_dir(folder.join(&relative)).expect("cannot read a folder") {
            let entry = entry.expect("cannot read a folder");
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = relative.join(&name);
            let kind = entry.file_type().expect("cannot read a folder");
            let is_source = !NOT_SOURCES.contains(&&*name) && !name.starts_with(".venv");
            if kind.is_dir() && is_source {
                folders.push(path);
            } else if kind.is_file() && is_source {
                found.push(path);
            }
        }
    }
    found
}

/// The checkout is copied to a new repository, because it may have none.
fn a_clone_has_the_same_bytes() {
    let root = Path::new(programs::ROOT);
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let (copy, clone) = (folder.path().join("copy"), folder.path().join("clone"));
    for file in files(root) {
        let target = copy.join(&file);
        fs::create_dir_all(target.parent().expect("it is in the copy")).expect("cannot create it");
        fs::copy(root.join(&file), target).expect("cannot copy a file");
    }
    git(&copy, &["init", "--quiet"]);
    // `add` would convert files that have CRs, and the clone would then differ from the checkout.
    git(&copy, &["add", "."]);
    let identity = ["-c", "user.name=x", "-c", "user.email=x@localhost"];
    git(&copy, &[&identity[..], &["commit", "--quiet", "--message", "x"]].concat());
    for convert in ["core.autocrlf=true", "core.eol=crlf"] {
        let _ = fs::remove_dir_all(&clone);
        git(folder.path(), &["-c", convert, "clone", "--quiet", "-c", convert, "copy", "clone"]);
        let cloned = files(&clone);
        assert!(cloned.len() > 500, "only {} files were cloned", cloned.len());
        for file in cloned {
            let read = |folder: &Path| fs::read(folder.join(&file)).expect("cannot read a file");
            assert!(read(&clone) == read(root), "{convert} changes {}", file.display());
        }
    }
}
