//! The service `StreamingCalculator`, as specified in `proto/streaming_calculator.proto`.
//!
//! A field out of range fails the call with a `google.rpc.BadRequest` in addition to the message,
//! so that a program can identify the field without parsing text.

use std::ops::RangeInclusive;
use std::time::Duration;

use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

use super::root_streams::{RepeatedRoots, RootOfEach};
use crate::Number;
use crate::calculator::arithmetic::RootMeanSquare;
use crate::rpc::streaming_calculator_server::StreamingCalculator;
use crate::rpc::{ExchangeRequest, Payload, RepeatedRootsRequest};

/// The valid numbers of responses.
const COUNT: RangeInclusive<i32> = 0..=10_000_000;

/// The valid intervals between responses, in milliseconds.
const INTERVAL_MS: RangeInclusive<i32> = 0..=i32::MAX;

/// The valid sizes of a payload, in bytes.
const RESPONSE_SIZE: RangeInclusive<i32> = 0..=16_777_216;

/// Implements all methods of `StreamingCalculator`.
#[derive(Clone, Copy, Debug, Default)]
pub struct StreamingCalculatorService;

#[tonic::async_trait]
impl StreamingCalculator for StreamingCalculatorService {
    type RepeatedRootsStream = RepeatedRoots;
    type RootOfEachStream = RootOfEach;

    async fn repeated_roots(
        &self,
        request: Request<RepeatedRootsRequest>,
    ) -> Result<Response<RepeatedRoots>, Status> {
        let RepeatedRootsRequest { start, count, interval_ms } = request.into_inner();
        check_range("count", count, &COUNT)?;
        let pause = interval_ms.unwrap_or_default();
        check_range("interval_ms", pause, &INTERVAL_MS)?;
        let pause = Duration::from_millis(u64::from(pause.unsigned_abs()));
        let start = start.unwrap_or_default().value;
        Ok(Response::new(RepeatedRoots::new(start, count.unsigned_abs(), pause)))
    }

    async fn root_mean_square(
        &self,
        request: Request<Streaming<Number>>,
    ) -> Result<Response<Number>, Status> {
        let mut numbers = request.into_inner();
        let mut root = RootMeanSquare::default();
        while let Some(number) = numbers.message().await? {
            root.add(number.value);
        }
        let value = root.value();
        let value = value.ok_or_else(|| Status::invalid_argument("the stream has no number"))?;
        Ok(Response::new(Number { value }))
    }

    async fn root_of_each(
        &self,
        request: Request<Streaming<Number>>,
    ) -> Result<Response<RootOfEach>, Status> {
        Ok(Response::new(RootOfEach::new(request.into_inner())))
    }

    async fn exchange(
        &self,
        request: Request<ExchangeRequest>,
    ) -> Result<Response<Payload>, Status> {
        let size = request.get_ref().response_size;
        check_range("response_size", size, &RESPONSE_SIZE)?;
        let size = usize::try_from(size).unwrap_or_default();
        Ok(Response::new(Payload { payload: vec![0; size] }))
    }
}

/// A field of a request is out of range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {violation}")]
struct OutOfRange {
    field: &'static str,
    violation: String,
}

/// Checks that a field is in `range`, which starts at 0.
fn check_range(
    field: &'static str,
    value: i32,
    range: &RangeInclusive<i32>,
) -> Result<(), OutOfRange> {
    let violation = if value < *range.start() {
        format!("is negative: {value}")
    } else if value > *range.end() {
        format!("is more than {}: {value}", range.end())
    } else {
        return Ok(());
    };
    Err(OutOfRange { field, violation })
}

impl From<OutOfRange> for Status {
    fn from(error: OutOfRange) -> Self {
        let message = error.to_string();
        let details = ErrorDetails::with_bad_request_violation(error.field, error.violation);
        Self::with_error_details(Code::InvalidArgument, message, details)
    }
}

#[cfg(test)]
mod tests {
    use super::StreamingCalculatorService;
    use crate::Number;
    use crate::rpc::streaming_calculator_server::StreamingCalculator;
    use crate::rpc::{ExchangeRequest, RepeatedRootsRequest};
    use tokio_stream::StreamExt;
    use tonic::{Code, Request, Status};
    use tonic_types::StatusExt;

    async fn repeated_roots(
        start: f32,
        count: i32,
        interval_ms: Option<i32>,
    ) -> Result<Vec<f32>, Status> {
        let start = Some(Number { value: start });
        let request = Request::new(RepeatedRootsRequest { start, count, interval_ms });
        let responses = StreamingCalculatorService.repeated_roots(request).await?.into_inner();
        responses.map(|response| response.map(|root| root.value)).collect().await
    }

    async fn exchange(response_size: i32) -> Result<usize, Status> {
        let request = Request::new(ExchangeRequest { payload: vec![1], response_size });
        let response = StreamingCalculatorService.exchange(request).await?.into_inner();
        assert!(response.payload.iter().all(|byte| *byte == 0));
        Ok(response.payload.len())
    }

    fn assert_names_field(status: &Status, field: &str, violation: &str) {
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.message(), format!("{field} {violation}"));
        let details = status.get_details_bad_request().expect("a BadRequest");
        let violations: Vec<_> = details
            .field_violations
            .iter()
            .map(|one| (one.field.as_str(), one.description.as_str()))
            .collect();
        assert_eq!(violations, [(field, violation)]);
    }

    #[tokio::test]
    async fn a_field_out_of_range_is_named() {
        let cases = [
            ((-1.0, -1, Some(-5)), "count", "is negative: -1"),
            ((4.0, 10_000_001, None), "count", "is more than 10000000: 10000001"),
            ((-1.0, 1, Some(-5)), "interval_ms", "is negative: -5"),
        ];
        for ((start, count, interval), field, violation) in cases {
            let status = repeated_roots(start, count, interval).await.expect_err(violation);
            assert_names_field(&status, field, violation);
        }
        for (size, violation) in
            [(-1, "is negative: -1"), (16_777_217, "is more than 16777216: 16777217")]
        {
            let status = exchange(size).await.expect_err(violation);
            assert_names_field(&status, "response_size", violation);
        }
    }

    #[tokio::test]
    async fn the_bounds_of_a_range_are_valid() {
        assert_eq!(
            repeated_roots(-1.0, 0, None).await.expect("no response and no error"),
            [0.0; 0]
        );
        assert_eq!(repeated_roots(256.0, 3, Some(0)).await.expect("roots"), [16.0, 4.0, 2.0]);
        assert_eq!(exchange(0).await.expect("no bytes"), 0);
        assert_eq!(exchange(16_777_216).await.expect("16 MiB"), 16_777_216);
    }
}
