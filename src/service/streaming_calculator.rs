//! The service `StreamingCalculator`, as specified in `proto/streaming_calculator.proto`.
//!
//! A field out of range fails the call with a `google.rpc.BadRequest` in addition to the message,
//! so that a program can identify the field without parsing text.

use std::ops::RangeInclusive;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_types::{ErrorDetails, StatusExt};

use super::response::ResponseBody;
use super::root_streams::{RepeatedRoots, RootOfEach};
use crate::Number;
use crate::calculator::arithmetic::RootMeanSquare;
use crate::grpcio::wire::message::{self, PREFIX_LENGTH};
use crate::rpc::streaming_calculator_server::StreamingCalculator;
use crate::rpc::{ExchangeRequest, Payload, RepeatedRootsRequest};

/// The valid numbers of responses.
const COUNT: RangeInclusive<i32> = 0..=10_000_000;

/// The valid intervals between responses, in milliseconds.
const INTERVAL_MS: RangeInclusive<i32> = 0..=i32::MAX;

/// The valid sizes of a payload, in bytes.
const RESPONSE_SIZE: RangeInclusive<i32> = 0..=16_777_216;

/// The number of the only field of `Payload`.
const PAYLOAD_FIELD: u32 = 1;

/// How many bytes of a payload are in the first frame, so that a small response has only one.
const IN_START: usize = 1024;

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
        let size = response_size(request.get_ref())?;
        Ok(Response::new(Payload { payload: vec![0; size] }))
    }
}

impl StreamingCalculatorService {
    /// The same response as that of `exchange`, without memory for the whole payload: a client that
    /// asks for 16 MiB in each of many calls need not have them read.
    pub(super) fn respond_in_parts(request: &ExchangeRequest) -> Result<ResponseBody, Status> {
        let size = response_size(request)?;
        let mut field = Vec::new();
        if size > 0 {
            encode_key(PAYLOAD_FIELD, WireType::LengthDelimited, &mut field);
            encode_varint(u64::try_from(size).unwrap_or(u64::MAX), &mut field);
        }
        let mut start = BytesMut::with_capacity(PREFIX_LENGTH + field.len() + size.min(IN_START));
        start.put_slice(&message::uncompressed_prefix(field.len() + size));
        start.put_slice(&field);
        start.put_bytes(0, size.min(IN_START));
        Ok(ResponseBody::ending_with_zeros(start.freeze(), size.saturating_sub(IN_START)))
    }
}

/// The size of the payload that a request asks for, in bytes.
fn response_size(request: &ExchangeRequest) -> Result<usize, Status> {
    check_range("response_size", request.response_size, &RESPONSE_SIZE)?;
    Ok(usize::try_from(request.response_size).unwrap_or_default())
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
    use crate::grpcio::wire::message;
    use crate::rpc::streaming_calculator_server::StreamingCalculator;
    use crate::rpc::{ExchangeRequest, Payload, RepeatedRootsRequest};
    use http_body_util::BodyExt;
    use prost::Message;
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
    async fn a_response_in_parts_has_the_same_bytes_and_small_frames() {
        for response_size in [0, 1, 1_024, 1_025, 100_000, 16_777_216] {
            let request = ExchangeRequest { payload: Vec::new(), response_size };
            let mut body =
                StreamingCalculatorService::respond_in_parts(&request).expect("a response");
            let mut sent = Vec::new();
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.expect("a frame").into_data() {
                    assert!(data.len() <= 16 * 1024);
                    sent.extend_from_slice(&data);
                }
            }
            let payload = vec![0; usize::try_from(response_size).expect("not negative")];
            let message = Payload { payload }.encode_to_vec();
            assert!(sent == message::frame_uncompressed(&message), "{response_size}");
        }
        let request = ExchangeRequest { payload: Vec::new(), response_size: -1 };
        let status = StreamingCalculatorService::respond_in_parts(&request);
        assert_names_field(&status.expect_err("out of range"), "response_size", "is negative: -1");
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
