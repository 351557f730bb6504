//! The handshake with an HTTP proxy: a CONNECT request, and the header of its response.
//!
//! A server may send its SETTINGS as soon as the proxy has connected to it, and they may arrive
//! together with the response. So the connection is read through a buffer, which keeps them.

use std::fmt;
use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader,
};

/// The name of the client, which a proxy may have on a list. It is that of grpcio.
const USER_AGENT: &str = "grpc-httpcli/0.0";

/// The longest line of a response that grpcio reads, with its end.
const MAX_LINE: u64 = 4096;

/// The user and the password for a proxy, `USER:PASSWORD`.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Credentials(pub(super) Vec<u8>);

impl fmt::Debug for Credentials {
    /// Hides the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(..)")
    }
}

/// A request to a proxy for a connection to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ConnectRequest {
    /// The host and the port of the server.
    pub(super) server: String,
    /// What the proxy is to know the client by.
    pub(super) credentials: Option<Credentials>,
}

/// Why a proxy has made no connection to the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFailure {
    #[error("HTTP proxy returned response code {0}")]
    Refused(u16),
    #[error("expected the response of an HTTP proxy, got other bytes: no HTTP proxy listens here")]
    NotHttp,
    #[error("a header line in the response of the HTTP proxy is invalid")]
    InvalidHeader,
    #[error("a line in the response of the HTTP proxy has more than {MAX_LINE} bytes")]
    LongLine,
    #[error("Socket closed by the HTTP proxy")]
    Closed,
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ConnectRequest {
    /// The bytes that grpcio sends.
    fn encode(&self) -> String {
        let Self { server, credentials } = self;
        let authorization = credentials.as_ref().map_or_else(String::new, |Credentials(bytes)| {
            format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(bytes))
        });
        format!(
            "CONNECT {server} HTTP/1.1\r\nHost: {server}\r\nUser-Agent: {USER_AGENT}\r\n\
             {authorization}\r\n"
        )
    }
}

/// Lets the proxy at the other end of `io` connect to the server. What is then read and written is
/// exchanged with the server.
pub(super) async fn connect<IO>(
    io: IO,
    request: &ConnectRequest,
) -> Result<BufReader<IO>, ConnectFailure>
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut io = BufReader::new(io);
    io.write_all(request.encode().as_bytes()).await?;
    io.flush().await?;
    let status = status(&line(&mut io).await?).ok_or(ConnectFailure::NotHttp)?;
    loop {
        let line = line(&mut io).await?;
        if line.is_empty() {
            break;
        }
        // Like grpcio, which also accepts an empty name, but no line that continues the previous.
        if line.starts_with(b" ") || line.starts_with(b"\t") || !line.contains(&b':') {
            return Err(ConnectFailure::InvalidHeader);
        }
    }
    match status {
        200..300 => Ok(io),
        _ => Err(ConnectFailure::Refused(status)),
    }
}

/// The next line, without its end.
async fn line(io: &mut (impl AsyncBufRead + Unpin)) -> Result<Vec<u8>, ConnectFailure> {
    let mut line = Vec::new();
    io.take(MAX_LINE).read_until(b'\n', &mut line).await?;
    match line.strip_suffix(b"\n") {
        Some(line) => Ok(line.strip_suffix(b"\r").unwrap_or(line).to_owned()),
        None if line.len() as u64 == MAX_LINE => Err(ConnectFailure::LongLine),
        None => Err(ConnectFailure::Closed),
    }
}

/// The status code in the first line of a response of HTTP/1.0 or 1.1.
fn status(line: &[u8]) -> Option<u16> {
    let line = line.strip_prefix(b"HTTP/1.0 ").or_else(|| line.strip_prefix(b"HTTP/1.1 "))?;
    let (code, rest) = line.split_at_checked(3)?;
    let is_code = matches!(code, [b'1'..=b'9', b'0'..=b'9', b'0'..=b'9']);
    (is_code && rest.starts_with(b" ")).then(|| std::str::from_utf8(code).ok()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{ConnectFailure, ConnectRequest, Credentials, connect};
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    fn request(credentials: Option<&str>) -> ConnectRequest {
        let credentials = credentials.map(|text| Credentials(text.as_bytes().to_owned()));
        ConnectRequest { server: "a.example:7".to_owned(), credentials }
    }

    /// What follows the response, or the error, if the proxy sends the parts of `response` and then
    /// closes the connection.
    async fn result(response: &[&[u8]]) -> Result<Vec<u8>, ConnectFailure> {
        let (client, mut proxy) = duplex(64);
        let serve = async {
            let mut request = vec![0; super::ConnectRequest::encode(&request(None)).len()];
            proxy.read_exact(&mut request).await.expect("a request");
            for part in response {
                // The client may have given up.
                let _ = proxy.write_all(part).await;
                tokio::task::yield_now().await;
            }
            drop(proxy);
        };
        let request = request(None);
        let read = async {
            let mut server = connect(client, &request).await?;
            let mut rest = Vec::new();
            server.read_to_end(&mut rest).await?;
            Ok(rest)
        };
        tokio::join!(read, serve).0
    }

    #[test]
    fn a_request_has_the_bytes_of_grpcio() {
        let start = "CONNECT a.example:7 HTTP/1.1\r\nHost: a.example:7\r\n\
                     User-Agent: grpc-httpcli/0.0\r\n";
        assert_eq!(request(None).encode(), format!("{start}\r\n"));
        let authorized = format!("{start}Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n");
        assert_eq!(request(Some("user:pass")).encode(), authorized);
    }

    #[test]
    fn a_password_is_not_printed() {
        assert!(!format!("{:?}", request(Some("user:secret"))).contains("secret"));
    }

    #[tokio::test]
    async fn what_follows_the_response_comes_from_the_server() {
        let accepted: &[&[u8]] = &[
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.0 200 Connection established\r\n\r\n",
            b"HTTP/1.1 200 \r\n\r\n",
            b"HTTP/1.1 299 x\r\nA:b\r\nVia: c\r\n: d\r\n\r\n",
            b"HTTP/1.1 204 x\n\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        ];
        for response in accepted {
            let whole = [response, &b"\n\r\nSETTINGS"[..]].concat();
            for cut in 0..whole.len() {
                let (front, back) = whole.split_at(cut);
                let rest = result(&[front, back]).await.expect("a connection");
                assert_eq!(rest, b"\n\r\nSETTINGS", "{response:?} cut at {cut}");
            }
        }
        let single: Vec<&[u8]> = accepted[3].chunks(1).collect();
        assert_eq!(result(&single).await.expect("a connection"), b"");
    }

    #[tokio::test]
    async fn long_lines_are_rejected_but_any_number_is_read() {
        let fields = [&b"HTTP/1.1 200 OK\r\n"[..], &b"A: b\r\n".repeat(20_000), b"\r\n"].concat();
        assert_eq!(result(&[&fields]).await.expect("a connection"), b"");
        let with_line = |length: usize| {
            let value = b"b".repeat(length - b"A:\r\n".len());
            [b"HTTP/1.1 200 OK\r\nA:", &value[..], b"\r\n\r\n"].concat()
        };
        assert_eq!(result(&[&with_line(4096)]).await.expect("a connection"), b"");
        for response in [with_line(4097), b"x".repeat(5_000)] {
            let error = result(&[&response]).await.expect_err("too long");
            assert!(matches!(error, ConnectFailure::LongLine), "{error}");
        }
    }

    #[tokio::test]
    async fn other_responses_are_failures() {
        let refused: &[(&[u8], u16)] = &[
            (b"HTTP/1.1 407 Proxy Authentication Required\r\nA: b\r\n\r\nbody", 407),
            (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 100),
            (b"HTTP/1.1 302 Found\r\n\r\n", 302),
            (b"HTTP/1.1 600 x\r\n\r\n", 600),
        ];
        for (response, expected) in refused {
            let error = result(&[response]).await.expect_err("no connection");
            assert!(matches!(error, ConnectFailure::Refused(code) if code == *expected), "{error}");
        }
        for first in [
            "garbage",
            "",
            "http/1.1 200 OK",
            "HTTP/1.1 200",
            "HTTP/1.1  200 OK",
            "HTTP/1.1 2000 OK",
            "HTTP/1.1 20 OK",
            "HTTP/1.1 099 OK",
            "HTTP/1.1 2x0 OK",
            "HTTP/1.2 200 OK",
            "HTTP/2.0 200 OK",
        ] {
            let response = format!("{first}\r\n\r\n");
            let error = result(&[response.as_bytes()]).await.expect_err(first);
            assert!(matches!(error, ConnectFailure::NotHttp), "{first}: {error}");
        }
        for field in ["no colon", " a: folded", "\ta: folded"] {
            let response = format!("HTTP/1.1 200 OK\r\n{field}\r\n\r\n");
            let error = result(&[response.as_bytes()]).await.expect_err(field);
            assert!(matches!(error, ConnectFailure::InvalidHeader), "{field}: {error}");
        }
        for cut in ["", "HTTP/1.1 20", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\r"] {
            let error = result(&[cut.as_bytes()]).await.expect_err(cut);
            assert!(matches!(error, ConnectFailure::Closed), "{cut}: {error}");
        }
    }
}
