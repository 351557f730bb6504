//! Runs trials with libtest-mimic, and writes its output.
//!
//! libtest-mimic panics if it cannot write, which would end a run without its reports. So it writes to a pipe, and a
//! thread copies that to stdout or to the file of `--logfile`.

use std::fs::{File, OpenOptions};
use std::io::{PipeReader, Read, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::thread;

use anstream::{AutoStream, ColorChoice};
use anyhow::Context;
use libtest_mimic::{Arguments, ColorSetting, Conclusion, Trial};

use crate::output::{file::Unwritten, print};

/// The result of running trials.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) conclusion: Conclusion,
    /// Why the file of `--logfile` could not be written, if so.
    pub(crate) unwritten: Option<Unwritten>,
}

/// Runs or lists `trials`.
pub(crate) fn run(arguments: &Arguments, trials: Vec<Trial>) -> anyhow::Result<Ran> {
    let mut arguments = arguments.clone();
    let file = arguments.logfile.take().map(PathBuf::from);
    let target = match &file {
        Some(path) => Target::File(File::create(path).map_err(not_begun(path))?),
        None => Target::Stdout,
    };
    let (reader, writer) = std::io::pipe().context("cannot create a pipe")?;
    let path = format!("/dev/fd/{}", writer.as_raw_fd());
    OpenOptions::new().write(true).open(&path).map_err(not_begun(Path::new(&path)))?;
    if arguments.color.is_none_or(|color| color == ColorSetting::Auto) {
        let has_colors =
            file.is_none() && !matches!(AutoStream::choice(&std::io::stdout()), ColorChoice::Never);
        arguments.color = Some(if has_colors { ColorSetting::Always } else { ColorSetting::Never });
    }
    arguments.logfile = Some(path);
    let copying = thread::spawn(move || copy(reader, target));
    let conclusion = libtest_mimic::run(&arguments, trials);
    drop(writer);
    let copied = copying.join().unwrap_or(Ok(()));
    let unwritten = copied.map_err(|error| Unwritten::new(file.unwrap_or_default(), error)).err();
    Ok(Ran { conclusion, unwritten })
}

/// The error if a file cannot be opened, so that no trial has run.
fn not_begun(path: &Path) -> impl Fn(std::io::Error) -> anyhow::Error + '_ {
    |error| anyhow::anyhow!("cannot write {}: {error}", path.display())
}

/// Where the output goes.
enum Target {
    Stdout,
    File(File),
}

/// Copies everything that can be read. After an error it reads on, so that the trials are not held up.
fn copy(mut reader: PipeReader, mut target: Target) -> std::io::Result<()> {
    let mut bytes = [0; 8192];
    let mut result = Ok(());
    while let Ok(length @ 1..) = reader.read(&mut bytes) {
        match &mut target {
            Target::Stdout => print::raw(&bytes[..length]),
            Target::File(file) => result = result.and_then(|()| file.write_all(&bytes[..length])),
        }
    }
    result
}
