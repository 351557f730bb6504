//! The service `Calculator`: the Rust counterpart of `CalculatorServicer` in `python/server.py`.
//!
//! The Python servicer catches nothing, so grpcio turns its `ValueError` into UNKNOWN with the
//! exception's text behind a fixed prefix (grpcio 1.85.1, `_server.py`). That text is contract.

use tonic::{Request, Response, Status};

use crate::Number;
use crate::arithmetic::{DomainError, square_root};
use crate::parity::containment::CALLING;
use crate::rpc::calculator_server::Calculator;

/// Answers `Calculator.SquareRoot` with [`square_root`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CalculatorService;

impl CalculatorService {
    /// The same for whoever has the message already.
    pub(super) fn answer(asked: Number) -> Result<Number, Status> {
        Ok(Number { value: square_root(asked.value)? })
    }
}

#[tonic::async_trait]
impl Calculator for CalculatorService {
    async fn square_root(&self, request: Request<Number>) -> Result<Response<Number>, Status> {
        Self::answer(request.into_inner()).map(Response::new)
    }
}

impl From<DomainError> for Status {
    fn from(error: DomainError) -> Self {
        Self::unknown(format!("{CALLING}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::CalculatorService;
    use crate::Number;
    use crate::rpc::calculator_server::Calculator;
    use tonic::{Code, Request};

    #[tokio::test]
    async fn a_negative_number_is_the_exception_that_python_reports() {
        let request = Request::new(Number { value: -1.0 });
        let status = CalculatorService.square_root(request).await.expect_err("a domain error");
        assert_eq!(status.code(), Code::Unknown);
        assert_eq!(status.message(), "Exception calling application: math domain error");
    }
}
