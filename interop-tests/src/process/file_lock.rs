//! Locks between runs of the tool: only one at a time uses port 50051, and only one writes to a folder.
//!
//! The kernel releases a lock when its process ends, even if it is killed. So the file stays, and only its lock counts.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, flock};

/// A lock that this process holds until it is dropped.
#[derive(Debug)]
pub struct FileLock {
    _file: File,
}

/// The process that holds a lock, as it has described itself in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockHolder(String);

impl fmt::Display for LockHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FileLock {
    /// Locks the file at `path`, and creates it if necessary; `Err` with the holder in `Ok` if another process holds it.
    pub fn try_acquire(path: &Path) -> io::Result<Result<Self, LockHolder>> {
        let mut file = open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Ok(Self::held(file))),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(Err(holder(&mut file))),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a process holds the lock of the file at `path`; `None` if there is no such file.
    pub(crate) fn is_held(path: &Path) -> Option<bool> {
        let file = File::open(path).ok()?;
        Some(flock(&file, FlockOperation::NonBlockingLockShared).is_err())
    }

    /// Locks the file at `path`. If another process holds it, calls `waits` with it and waits.
    pub fn acquire(path: &Path, waits: impl FnOnce(&LockHolder)) -> io::Result<Self> {
        match Self::try_acquire(path)? {
            Ok(lock) => return Ok(lock),
            Err(holder) => waits(&holder),
        }
        let file = open(path)?;
        rustix::io::retry_on_intr(|| flock(&file, FlockOperation::LockExclusive))?;
        Ok(Self::held(file))
    }

    /// Describes this process in the file, for those who wait.
    fn held(mut file: File) -> Self {
        let folder = std::env::current_dir().unwrap_or_default();
        let text = format!("process {} (in {})", std::process::id(), folder.display());
        // Only a hint: the file may belong to another user.
        let _ = file.set_len(0).and_then(|()| file.write_all(text.as_bytes()));
        Self { _file: file }
    }
}

/// Opens the file for all users. A file of another user can be locked even if it is not writable.
fn open(path: &Path) -> io::Result<File> {
    match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o666)
            .open(path),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => File::open(path),
        opened => opened,
    }
}

fn holder(file: &mut File) -> LockHolder {
    let mut text = String::new();
    let read = file.rewind().and_then(|()| file.take(4096).read_to_string(&mut text));
    LockHolder(match read {
        Ok(length) if length > 0 => text,
        _ => "another process".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_lock_names_its_holder_and_is_released() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        assert_eq!(FileLock::is_held(&path), None);
        let lock = FileLock::try_acquire(&path).expect("a file").expect("nobody holds it");
        assert_eq!(FileLock::is_held(&path), Some(true));
        // `flock` also excludes other open files of the same process.
        let holder = FileLock::try_acquire(&path).expect("a file").expect_err("it is held");
        let expected = format!("process {} (in ", std::process::id());
        assert!(holder.to_string().starts_with(&expected), "{holder}");
        let (sender, waits) = mpsc::channel();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let said = |holder: &LockHolder| sender.send(holder.clone()).expect("received");
                FileLock::acquire(&path, said).expect("a file")
            });
            assert_eq!(waits.recv_timeout(Duration::from_secs(20)).expect("it waits"), holder);
            assert!(!waiting.is_finished(), "the lock is held");
            drop(lock);
            drop(waiting.join().expect("no panic"));
        });
        assert_eq!(FileLock::is_held(&path), Some(false));
        FileLock::try_acquire(&path).expect("a file").expect("nobody holds it");
    }

    #[test]
    fn a_file_without_text_has_an_unknown_holder() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let lock = FileLock::try_acquire(&path).expect("a file");
        std::fs::write(&path, "").expect("a file");
        let holder = FileLock::try_acquire(&path).expect("a file").expect_err("it is held");
        assert_eq!(holder.to_string(), "another process");
        drop(lock);
    }

    #[test]
    fn a_folder_that_does_not_exist_is_an_error() {
        assert!(FileLock::try_acquire(Path::new("/does/not/exist")).is_err());
    }
}
