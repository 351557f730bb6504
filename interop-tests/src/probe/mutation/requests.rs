//! The requests of a method that mutations use: its paths and its messages.
//!
//! Everything that is specific to a method is here, so that the same mutations can be made for any method.

use std::fmt;

use crate::probe::mutation::random::Random;

/// Paths that the servers of the calculator may know.
const CALCULATOR: [&str; 6] = [
    "/Calculator/SquareRoot",
    "/Calculator/SquareRoot",
    "/Calculator/CubeRoot",
    "/",
    "/Calculator/Square%52oot",
    "/grpc.health.v1.Health/Check",
];

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

    /// The requests of the calculator's method.
    pub(crate) fn of_calculator() -> Self {
        Self::new(CALCULATOR.map(str::to_owned).to_vec(), number)
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

/// Field 1 with any float.
fn number(random: &mut Random) -> Vec<u8> {
    const SPECIAL: [f32; 8] =
        [0.0, -0.0, 1.0, 16.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE];
    let mut bits = random.rng.u32(..);
    if random.one_in(3) {
        let flipped = if random.one_in(2) { 1 << random.below(32) } else { 0 };
        bits = random.pick(&SPECIAL).to_bits() ^ flipped;
    }
    [&[0x0d][..], &bits.to_le_bytes()].concat()
}
