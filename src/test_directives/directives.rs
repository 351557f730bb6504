//! Parses the directives in the metadata of a call.
//!
//! An invalid directive fails the call, so that a test with a typing error does not pass.

use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::header::{HeaderMap, HeaderName, HeaderValue};
use tonic::{Code, Status};

const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";
const DELAY: &str = "x-interop-delay-ms";
const STATUS: &str = "x-interop-status";
const MESSAGE: &str = "x-interop-message-bin";
const END_AFTER: &str = "x-interop-end-after";
const COMPRESSION: &str = "x-interop-compression";
const OBSERVE: &str = "x-interop-observe";
const OBSERVED: &str = "x-interop-observed";

/// Base64 with optional padding, as gRPC allows it in metadata.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The prefix of the names that are reserved for directives.
const PREFIX: &str = "x-interop-";

/// All directives of a call.
#[derive(Debug, Default)]
pub(super) struct Directives {
    /// Returned in the initial metadata.
    pub(super) echo_initial: HeaderMap,
    /// Returned in the trailing metadata.
    pub(super) echo_trailing: HeaderMap,
    /// The delay before the method starts.
    pub(super) delay: Duration,
    /// The status of the call if the method succeeds.
    pub(super) status: Option<Status>,
    /// The maximum number of requests that the method receives.
    pub(super) end_after: Option<u64>,
    /// The encoding of the response as a value of `grpc-accept-encoding`; `None` is uncompressed.
    pub(super) compression: Option<HeaderValue>,
    /// The name under which the end of this call is recorded.
    pub(super) observe: Option<String>,
    /// The name of the call whose end is awaited and returned.
    pub(super) observed: Option<String>,
}

/// Why a directive is invalid.
#[derive(Debug, thiserror::Error)]
pub(super) enum DirectiveError {
    /// The value cannot be parsed.
    #[error("the metadata {name} is not {expected}")]
    Value { name: &'static str, expected: &'static str },
    /// There is no directive of this name.
    #[error("the metadata {0} is not known")]
    Name(HeaderName),
}

impl From<DirectiveError> for Status {
    fn from(error: DirectiveError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl Directives {
    /// Parses the directives in `headers`.
    pub(super) fn parse(headers: &HeaderMap) -> Result<Self, DirectiveError> {
        let known = [DELAY, STATUS, MESSAGE, END_AFTER, COMPRESSION, OBSERVE, OBSERVED];
        let is_unknown = |name: &&HeaderName| {
            name.as_str().starts_with(PREFIX) && !known.contains(&name.as_str())
        };
        if let Some(name) = headers.keys().find(is_unknown) {
            return Err(DirectiveError::Name(name.clone()));
        }
        let echo = |name| {
            let values = headers.get_all(name).iter().cloned();
            values.map(|value| (HeaderName::from_static(name), value)).collect()
        };
        Ok(Self {
            echo_initial: echo(ECHO_INITIAL),
            echo_trailing: echo(ECHO_TRAILING),
            delay: Duration::from_millis(number(headers, DELAY)?.unwrap_or_default()),
            status: status(headers)?,
            end_after: number(headers, END_AFTER)?,
            compression: compression(headers)?,
            observe: text(headers, OBSERVE)?.map(str::to_owned),
            observed: text(headers, OBSERVED)?.map(str::to_owned),
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, DirectiveError> {
    let value = headers.get(name).map(HeaderValue::to_str).transpose();
    value.map_err(|_| DirectiveError::Value { name, expected: "ASCII" })
}

fn number<T: FromStr>(
    headers: &HeaderMap,
    name: &'static str,
) -> Result<Option<T>, DirectiveError> {
    let invalid = || DirectiveError::Value { name, expected: "a number from 0 on" };
    let Some(digits) = text(headers, name)? else { return Ok(None) };
    // `parse` alone would accept a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid());
    }
    digits.parse().map(Some).map_err(|_| invalid())
}

fn status(headers: &HeaderMap) -> Result<Option<Status>, DirectiveError> {
    const LAST: u8 = Code::Unauthenticated as u8;
    let message = match headers.get(MESSAGE) {
        None => String::new(),
        Some(value) => {
            let bytes = BASE64.decode(value.as_bytes()).ok();
            let message = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            message.ok_or(DirectiveError::Value { name: MESSAGE, expected: "UTF-8" })?
        }
    };
    match number::<u8>(headers, STATUS)? {
        None => Ok(None),
        Some(code @ 0..=LAST) => Ok(Some(Status::new(Code::from_i32(code.into()), message))),
        Some(_) => Err(DirectiveError::Value { name: STATUS, expected: "the code of a status" }),
    }
}

fn compression(headers: &HeaderMap) -> Result<Option<HeaderValue>, DirectiveError> {
    match text(headers, COMPRESSION)? {
        None | Some("identity") => Ok(None),
        Some("gzip") => Ok(Some(HeaderValue::from_static("gzip"))),
        Some("deflate") => Ok(Some(HeaderValue::from_static("deflate"))),
        Some(_) => {
            Err(DirectiveError::Value { name: COMPRESSION, expected: "gzip, deflate or identity" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Directives;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::time::Duration;
    use tonic::Code;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field =
            |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        fields.iter().copied().map(field).collect()
    }

    #[test]
    fn directives_are_parsed() {
        let directives = Directives::parse(&headers(&[
            ("x-interop-delay-ms", "250"),
            ("x-interop-status", "9"),
            ("x-interop-message-bin", "w6QgYg=="),
            ("x-interop-end-after", "2"),
            ("x-interop-compression", "deflate"),
        ]))
        .expect("valid directives");
        assert_eq!(directives.delay, Duration::from_millis(250));
        let status = directives.status.expect("a status");
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "ä b"));
        assert_eq!(directives.end_after, Some(2));
        assert_eq!(directives.compression.expect("an encoding"), "deflate");
        let directives = Directives::parse(&headers(&[("x-interop-compression", "identity")]));
        assert!(directives.is_ok_and(
            |directives| directives.compression.is_none() && directives.status.is_none()
        ));
    }

    #[test]
    fn an_invalid_directive_is_named_in_the_error() {
        for (name, value) in [
            ("x-interop-delay-ms", "soon"),
            ("x-interop-end-after", "-1"),
            ("x-interop-status", "OK"),
            ("x-interop-status", "17"),
            ("x-interop-status", "+5"),
            ("x-interop-message-bin", "/w=="),
            ("x-interop-compression", "br"),
            ("x-interop-delay", "5"),
        ] {
            let error = Directives::parse(&headers(&[(name, value)])).expect_err(value);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
