//! What a call's metadata asks for.
//!
//! A value that cannot be read ends the call, so that a test with a slip in it does not pass.

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

/// Base64 with padding or without, as gRPC allows it in metadata.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the names begin with that are ours.
const PREFIX: &str = "x-interop-";

/// All that a call can ask for.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Sent back in the initial metadata.
    pub(super) echo_initial: HeaderMap,
    /// Sent back in the trailing metadata.
    pub(super) echo_trailing: HeaderMap,
    /// Before the method begins.
    pub(super) delay: Duration,
    /// Ends the call if the method has not failed.
    pub(super) status: Option<Status>,
    /// So many requests the method sees at the most.
    pub(super) end_after: Option<u64>,
    /// How the answer is compressed, as `grpc-accept-encoding` names it; `None` is not at all.
    pub(super) compression: Option<HeaderValue>,
    /// The name under which this call is kept in mind.
    pub(super) observe: Option<String>,
    /// The name of the call to wait for.
    pub(super) observed: Option<String>,
}

/// What makes no sense.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskedError {
    /// A value cannot be read.
    #[error("the metadata {name} is not {expected}")]
    Value { name: &'static str, expected: &'static str },
    /// Nothing of this name can be asked for.
    #[error("the metadata {0} is not known")]
    Name(HeaderName),
}

impl From<AskedError> for Status {
    fn from(error: AskedError) -> Self {
        Self::invalid_argument(error.to_string())
    }
}

impl Asked {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, AskedError> {
        let known = [DELAY, STATUS, MESSAGE, END_AFTER, COMPRESSION, OBSERVE, OBSERVED];
        let is_unknown = |name: &&HeaderName| {
            name.as_str().starts_with(PREFIX) && !known.contains(&name.as_str())
        };
        if let Some(name) = headers.keys().find(is_unknown) {
            return Err(AskedError::Name(name.clone()));
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

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, AskedError> {
    let value = headers.get(name).map(HeaderValue::to_str).transpose();
    value.map_err(|_| AskedError::Value { name, expected: "ASCII" })
}

fn number<T: FromStr>(headers: &HeaderMap, name: &'static str) -> Result<Option<T>, AskedError> {
    let wrong = || AskedError::Value { name, expected: "a number from 0 on" };
    let Some(digits) = text(headers, name)? else { return Ok(None) };
    // A sign in front would be read as well.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    digits.parse().map(Some).map_err(|_| wrong())
}

fn status(headers: &HeaderMap) -> Result<Option<Status>, AskedError> {
    const LAST: u8 = Code::Unauthenticated as u8;
    let message = match headers.get(MESSAGE) {
        None => String::new(),
        Some(value) => {
            let bytes = BASE64.decode(value.as_bytes()).ok();
            let message = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
            message.ok_or(AskedError::Value { name: MESSAGE, expected: "UTF-8" })?
        }
    };
    match number::<u8>(headers, STATUS)? {
        None => Ok(None),
        Some(code @ 0..=LAST) => Ok(Some(Status::new(Code::from_i32(code.into()), message))),
        Some(_) => Err(AskedError::Value { name: STATUS, expected: "the code of a status" }),
    }
}

fn compression(headers: &HeaderMap) -> Result<Option<HeaderValue>, AskedError> {
    match text(headers, COMPRESSION)? {
        None | Some("identity") => Ok(None),
        Some("gzip") => Ok(Some(HeaderValue::from_static("gzip"))),
        Some("deflate") => Ok(Some(HeaderValue::from_static("deflate"))),
        Some(_) => {
            Err(AskedError::Value { name: COMPRESSION, expected: "gzip, deflate or identity" })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Asked;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use std::time::Duration;
    use tonic::Code;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field =
            |(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        fields.iter().copied().map(field).collect()
    }

    #[test]
    fn what_is_asked_for() {
        let asked = Asked::read(&headers(&[
            ("x-interop-delay-ms", "250"),
            ("x-interop-status", "9"),
            ("x-interop-message-bin", "w6QgYg=="),
            ("x-interop-end-after", "2"),
            ("x-interop-compression", "deflate"),
        ]))
        .expect("it can be read");
        assert_eq!(asked.delay, Duration::from_millis(250));
        let status = asked.status.expect("a status");
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "ä b"));
        assert_eq!(asked.end_after, Some(2));
        assert_eq!(asked.compression.expect("one"), "deflate");
        let asked = Asked::read(&headers(&[("x-interop-compression", "identity")]));
        assert!(asked.is_ok_and(|asked| asked.compression.is_none() && asked.status.is_none()));
    }

    #[test]
    fn what_cannot_be_read_is_named() {
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
            let error = Asked::read(&headers(&[(name, value)])).expect_err(value);
            assert!(error.to_string().contains(name), "{error}");
        }
    }
}
