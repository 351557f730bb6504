//! The requests of a method that mutations use: its paths and its messages.
//!
//! Everything that is specific to a method is here, so that the same mutations can be made for any method.

use std::fmt;

use crate::probe::mutation::random::Random;

/// Draws a message.
type Draw = Box<dyn Fn(&mut Random) -> Vec<u8> + Send + Sync>;

/// What mutations put into the requests of a method.
pub(crate) struct Requests {
    /// Paths that servers may know.
    paths: Vec<String>,
    message: Draw,
}

impl Requests {
    /// The requests of a method that is called at one of `paths`, which must not be empty.
    pub(crate) fn new(
        paths: Vec<String>,
        message: impl Fn(&mut Random) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        Self { paths, message: Box::new(message) }
    }

    /// A path that servers may know.
    pub(crate) fn path(&self, random: &mut Random) -> &str {
        self.paths.get(random.below(self.paths.len())).map_or("/", |path| path)
    }

    /// A message of the type of the request, which may be malformed.
    pub(crate) fn message(&self, random: &mut Random) -> Vec<u8> {
        (self.message)(random)
    }
}

impl fmt::Debug for Requests {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Requests").field("paths", &self.paths).finish_non_exhaustive()
    }
}
