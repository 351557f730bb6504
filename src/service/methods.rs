//! The methods of all services of the calculator's server, with their paths and kinds.
//!
//! The descriptors have them, too. A client that starts for one call does without parsing those, so
//! they are listed here; a test compares the list with the descriptors.

use crate::grpcio::services::{HEALTH, Method, REFLECTION};
use crate::grpcio::wire::method::MethodKind::{
    Bidirectional, ClientStreaming, ServerStreaming, Unary,
};
use crate::grpcio::wire::method::Methods;

/// The methods in `proto/`.
const CALCULATORS: [Method; 5] = [
    (SQUARE_ROOT, Unary),
    ("/StreamingCalculator/RepeatedRoots", ServerStreaming),
    ("/StreamingCalculator/RootMeanSquare", ClientStreaming),
    ("/StreamingCalculator/RootOfEach", Bidirectional),
    (EXCHANGE, Unary),
];

pub(crate) const SQUARE_ROOT: &str = "/Calculator/SquareRoot";

pub(crate) const EXCHANGE: &str = "/StreamingCalculator/Exchange";

/// The methods of the calculators, of health checking and of reflection.
#[must_use]
pub fn methods() -> Methods {
    Methods::new(CALCULATORS.into_iter().chain(HEALTH).chain(REFLECTION))
}

#[cfg(test)]
mod tests {
    use super::CALCULATORS;
    use crate::grpcio::wire::method::Methods;
    use crate::rpc::DESCRIPTORS;

    #[test]
    fn the_methods_match_the_descriptors() {
        let described =
            Methods::from_descriptors(DESCRIPTORS, &["Calculator", "StreamingCalculator"]);
        assert_eq!(described.expect("methods"), Methods::new(CALCULATORS));
    }
}
