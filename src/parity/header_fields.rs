//! Header fields whose values grpcio parses, and refuses when it cannot.
//!
//! The first field that cannot be parsed decides, in the order in which they were sent; it wins
//! over everything else that may be wrong with a request.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::{HeaderName, HeaderValue, TE};
use http::{HeaderMap, Method, Uri};
use tonic::Status;

use super::timeout;

/// grpcio's answer to a field that it cannot parse.
fn unparsable(name: &str) -> Status {
    Status::internal(format!("Error parsing '{name}' metadata"))
}

/// Checks the fields with a leading colon.
///
/// GET and PUT are known methods and no parse error; they are refused later. Probes: `method-*`,
/// `scheme-*`.
pub(super) fn check_pseudo_fields(method: &Method, uri: &Uri) -> Result<(), Status> {
    if !matches!(*method, Method::POST | Method::GET | Method::PUT) {
        return Err(unparsable(":method"));
    }
    match uri.scheme_str() {
        None | Some("http" | "https") => Ok(()),
        Some(_) => Err(unparsable(":scheme")),
    }
}

/// Whether gRPC allows the name; HTTP allows more characters. Probes: `metadata-name-*`.
pub(crate) fn is_legal_name(name: &HeaderName) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    name.as_str().bytes().all(is_legal)
}

/// Checks one field; the number is the length of the value, decoded if it is binary.
pub(crate) fn check(name: &HeaderName, value: &HeaderValue) -> Result<usize, Status> {
    let (text, value) = (name.as_str(), value.as_bytes());
    if !is_legal_name(name) {
        return Err(Status::internal(format!("Illegal header key: {text}")));
    }
    if text.ends_with("-bin") {
        return check_binary(text, value);
    }
    let parses = if name == TE {
        value == b"trailers"
    } else if text.starts_with("grpc") {
        grpc_field_parses(text, value)
    } else {
        true
    };
    if parses { Ok(value.len()) } else { Err(unparsable(text)) }
}

/// Checks trailers, for which the same holds. Probes: `trailers*`.
pub(super) fn check_all(fields: &HeaderMap) -> Result<(), Status> {
    fields.iter().try_for_each(|(name, value)| check(name, value).map(drop))
}

/// Probes: `timeout-*`, `encoding-*`, `metadata-grpc-*`, `te-*`.
fn grpc_field_parses(name: &str, value: &[u8]) -> bool {
    match name {
        timeout::FIELD => timeout::parse(value).is_some(),
        "grpc-encoding" | "grpc-internal-encoding-request" => {
            matches!(value, b"identity" | b"gzip" | b"deflate")
        }
        // The largest number stands for a status that is not known yet.
        "grpc-status" => integer(value).is_some_and(|code: i32| (0..i32::MAX).contains(&code)),
        "grpc-retry-pushback-ms" => integer::<i64>(value).is_some(),
        "grpc-previous-rpc-attempts" => integer::<u32>(value).is_some(),
        // A field that a server only ever gets by a detour within a process.
        "grpclb_client_stats" => false,
        _ => true,
    }
}

fn integer<T: std::str::FromStr>(value: &[u8]) -> Option<T> {
    std::str::from_utf8(value).ok()?.trim_ascii().parse().ok()
}

/// Base64 with any padding or none. Probes: `metadata-binary*`.
fn check_binary(name: &str, value: &[u8]) -> Result<usize, Status> {
    /// `lb-cost-bin` begins with a double.
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
    use super::check;
    use http::{HeaderName, HeaderValue};

    fn message(name: &'static str, value: &'static str) -> Option<String> {
        let name = HeaderName::from_static(name);
        check(&name, &HeaderValue::from_static(value)).err().map(|s| s.message().to_owned())
    }

    #[test]
    fn base64_with_any_padding_or_none() {
        for good in ["", "AAECAw==", "AAECAw", "AA=", "===", "AAA="] {
            assert_eq!(message("x-bin", good), None, "{good:?}");
        }
        for bad in ["!", "A", "A===", "AB", "ABC", "AA==AA==", "-_-_", "AA AA", "AAEC,AAEC"] {
            let expected = "Error parsing 'x-bin' metadata: illegal base64 encoding";
            assert_eq!(message("x-bin", bad).as_deref(), Some(expected), "{bad:?}");
        }
    }

    #[test]
    fn fields_of_grpc_itself() {
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
