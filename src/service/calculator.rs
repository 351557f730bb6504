//! The service `Calculator`: the Rust counterpart of `CalculatorServicer` in `python/server.py`.
//!
//! The Python servicer catches no exception, so grpcio turns its `ValueError` into UNKNOWN with the
//! text of the exception after a fixed prefix (grpcio 1.85.1, `_server.py`). That text is part of
//! the contract.

use tonic::{Request, Response, Status};

use crate::Number;
use crate::calculator::arithmetic::{DomainError, square_root};
use crate::grpcio::status;
use crate::rpc::calculator_server::Calculator;

/// Implements `Calculator.SquareRoot` with [`square_root`].
#[derive(Clone, Copy, Debug, Default)]
pub struct CalculatorService;

impl CalculatorService {
    /// The response to `number`.
    pub(super) fn respond(number: Number) -> Result<Number, Status> {
        Ok(Number { value: square_root(number.value)? })
    }
}

#[tonic::async_trait]
impl Calculator for CalculatorService {
    async fn square_root(&self, request: Request<Number>) -> Result<Response<Number>, Status> {
        Self::respond(request.into_inner()).map(Response::new)
    }
}

impl From<DomainError> for Status {
    fn from(error: DomainError) -> Self {
        status::exception_calling(error)
    }
}

#[cfg(test)]
mod tests {
    use super::CalculatorService;
    use crate::Number;
    use crate::rpc::calculator_server::Calculator;
    use tonic::{Code, Request};

    #[tokio::test]
    async fn a_negative_number_has_the_status_of_the_python_exception() {
        let request = Request::new(Number { value: -1.0 });
        let status = CalculatorService.square_root(request).await.expect_err("a domain error");
        assert_eq!(status.code(), Code::Unknown);
        assert_eq!(status.message(), "Exception calling application: math domain error");
    }
}
