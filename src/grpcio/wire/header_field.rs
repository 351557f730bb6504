//! Checks single header fields, whose values grpcio parses.
//!
//! A field that grpcio cannot parse fails the call with INTERNAL, before anything else that may be
//! wrong with it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE, USER_AGENT};
use tonic::Status;

use super::timeout::{self, GRPC_TIMEOUT};

/// The status for a field that grpcio cannot parse.
pub(crate) fn unparsable(name: &str) -> Status {
    Status::internal(format!("Error parsing '{name}' metadata"))
}

/// Whether gRPC allows each byte in a name. A table, because every name of every call is checked.
const IS_VALID_IN_NAME: [bool; 256] = {
    let allowed = b"-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut is_valid = [false; 256];
    let mut index = 0;
    while index < allowed.len() {
        is_valid[allowed[index] as usize] = true;
        index += 1;
    }
    is_valid
};

/// Whether gRPC allows the name. HTTP allows more characters. Probes: `metadata-name-*`.
pub(crate) fn is_valid_name(name: &HeaderName) -> bool {
    is_valid(name.as_str())
}

fn is_valid(name: &str) -> bool {
    name.bytes().all(|byte| IS_VALID_IN_NAME[usize::from(byte)])
}

/// Checks a field. Returns the length of its value, which is decoded if it is binary.
pub(crate) fn check(name: &HeaderName, value: &HeaderValue) -> Result<usize, Status> {
    check_text(name, name.as_str(), value)
}

/// The same for a caller that has the `text` of the name, whose look-up takes time.
#[inline]
pub(crate) fn check_text(
    name: &HeaderName,
    text: &str,
    value: &HeaderValue,
) -> Result<usize, Status> {
    // Nearly every call has these fields. The names are known, so comparing them takes less than reading them.
    if name == CONTENT_TYPE || name == USER_AGENT || text == "grpc-accept-encoding" {
        return Ok(value.len());
    }
    let value = value.as_bytes();
    if name == TE {
        return if value == b"trailers" { Ok(value.len()) } else { Err(unparsable(text)) };
    }
    if !is_valid(text) {
        return Err(Status::internal(format!("Illegal header key: {text}")));
    }
    if text.ends_with("-bin") {
        return check_binary(text, value);
    }
    let parses = !text.starts_with("grpc") || grpc_field_parses(text, value);
    if parses { Ok(value.len()) } else { Err(unparsable(text)) }
}

/// Checks all fields of the trailers. Probes: `trailers*`.
pub(crate) fn check_trailers(fields: &HeaderMap) -> Result<(), Status> {
    fields.iter().try_for_each(|(name, value)| check(name, value).map(drop))
}

/// Probes: `timeout-*`, `encoding-*`, `metadata-grpc-*`, `te-*`.
fn grpc_field_parses(name: &str, value: &[u8]) -> bool {
    match name {
        GRPC_TIMEOUT => timeout::parse(value).is_some(),
        "grpc-encoding" | "grpc-internal-encoding-request" => {
            matches!(value, b"identity" | b"gzip" | b"deflate")
        }
        // grpcio reserves the largest number for an unknown status.
        "grpc-status" => integer(value).is_some_and(|code: i32| (0..i32::MAX).contains(&code)),
        "grpc-retry-pushback-ms" => integer::<i64>(value).is_some(),
        "grpc-previous-rpc-attempts" => integer::<u32>(value).is_some(),
        // grpcio accepts this field only from within its own process.
        "grpclb_client_stats" => false,
        _ => true,
    }
}

fn integer<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim_ascii().parse().ok()
}

/// Checks base64 with any amount of padding. Probes: `metadata-binary*`.
fn check_binary(name: &str, value: &[u8]) -> Result<usize, Status> {
    /// The value of `lb-cost-bin` starts with a double.
    const COST: usize = size_of::<f64>();
    let padding = value.iter().rev().take_while(|byte| **byte == b'=').count();
    let Ok(decoded) = STANDARD_NO_PAD.decode(&value[..value.len() - padding]) else {
        let message = format!("Error parsing '{name}' metadata: illegal base64 encoding");
        return Err(Status::internal(message));
    };
    if name == "lb-cost-bin" && decoded.len() < COST {
        return Err(unparsable(name));
    }
    Ok(decoded.len())
}

#[cfg(test)]
mod tests {
    use super::{check, is_valid_name};
    use http::{HeaderName, HeaderValue};

    fn message(name: &'static str, value: &'static str) -> Option<String> {
        let name = HeaderName::from_static(name);
        check(&name, &HeaderValue::from_static(value)).err().map(|s| s.message().to_owned())
    }

    #[test]
    fn base64_may_have_any_padding() {
        for good in ["", "AAECAw==", "AAECAw", "AA=", "===", "AAA="] {
            assert_eq!(message("x-bin", good), None, "{good:?}");
        }
        for bad in ["!", "A", "A===", "AB", "ABC", "AA==AA==", "-_-_", "AA AA", "AAEC,AAEC"] {
            let expected = "Error parsing 'x-bin' metadata: illegal base64 encoding";
            assert_eq!(message("x-bin", bad).as_deref(), Some(expected), "{bad:?}");
        }
    }

    #[test]
    fn a_name_has_only_letters_digits_and_three_other_characters() {
        let allowed: String = (' '..='~')
            .filter(|one| {
                HeaderName::try_from(one.to_string()).is_ok_and(|name| is_valid_name(&name))
            })
            .collect();
        assert_eq!(allowed, "-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz");
    }

    #[test]
    fn fields_of_grpc_are_parsed() {
        let bad = [
            ("te", "gzip"),
            ("grpc-timeout", "soon"),
            ("grpc-encoding", "br"),
            ("grpc-status", "fine"),
            ("grpc-status", "-1"),
            ("grpc-status", "2147483647"),
            ("grpc-previous-rpc-attempts", "-1"),
            ("lb-cost-bin", "AAAA"),
        ];
        for (name, value) in bad {
            assert_eq!(message(name, value), Some(format!("Error parsing '{name}' metadata")));
        }
        for (name, value) in [("te", "trailers"), ("grpc-encoding", "gzip"), ("grpc-status", "99")]
        {
            assert_eq!(message(name, value), None);
        }
    }
}
