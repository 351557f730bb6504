use std::io::{self, BufRead};

use serde_json::{Value, json};

use super::*;

fn keys(value: &impl Serialize) -> Vec<String> {
    let Ok(Value::Object(object)) = serde_json::to_value(value) else { panic!("no object") };
    object.keys().cloned().collect()
}

/// Divides what was written into the line and the bytes that follow it.
fn divided(written: &[u8]) -> (&[u8], &[u8]) {
    let end = written.iter().position(|byte| *byte == b'\n').expect("there is no line");
    written.split_at(end + 1)
}

fn json(line: &[u8]) -> Value {
    serde_json::from_slice(line).expect("the line is no JSON")
}

fn read_outcome(written: &[u8]) -> Result<Outcome, ReadError> {
    let (line, mut stdout) = divided(written);
    Outcome::read(line, &mut stdout)
}

fn call_of(messages: impl IntoIterator<Item = Vec<u8>>) -> Call {
    let script = messages.into_iter().map(|bytes| ScriptStep::Send(bytes.into())).collect();
    Call { script: Some(script), ..Call::default() }
}

/// A message of `size` bytes. Some of them are line ends.
fn large(size: usize, first: u8) -> Vec<u8> {
    (0..size).map(|index| if index % 100 == 99 { b'\n' } else { first }).collect()
}

fn outcome_of(replies: Vec<Vec<u8>>) -> CallOutcome {
    let replies = replies.into_iter().map(Message::from).collect();
    CallOutcome { replies: Some(replies), ..full_outcome().calls.remove(0) }
}

fn full_request() -> Request {
    let call = Call {
        method: "/Service/Method".to_owned(),
        value: Some("41800000".to_owned()),
        message: Some(vec![0x0d].into()),
        kind: Some(Kind::Bidirectional),
        stub: Some(false),
        script: Some(vec![
            ScriptStep::Send(vec![0x0d].into()),
            ScriptStep::Receive(1),
            ScriptStep::PauseMs(2),
            ScriptStep::HalfClose(True),
            ScriptStep::Cancel(True),
        ]),
        timeout_ms: Some(0.5),
        metadata: vec![("a-bin".to_owned(), "00ff".to_owned())],
        compression: Some(Encoding::Deflate),
        wait_for_ready: Some(true),
    };
    Request {
        address: "unix:/socket".to_owned(),
        channels: 2,
        keep_channels: true,
        tls: Some(Tls {
            ca: "ca.pem".into(),
            name: Some("name".to_owned()),
            certificate: Some("certificate.pem".into()),
            key: Some("key.pem".into()),
        }),
        keepalive: Some(Keepalive { interval_ms: 3, timeout_ms: 4 }),
        calls: vec![call],
    }
}

fn full_outcome() -> Outcome {
    let call = CallOutcome {
        status: "INVALID_ARGUMENT".to_owned(),
        message: "negative\n".to_owned(),
        value: Some("80000000".to_owned()),
        replies: Some(vec![Vec::new().into()]),
        details: Some(Details {
            code: 3,
            message: "negative".to_owned(),
            violations: vec![("value".to_owned(), "negative".to_owned())],
        }),
        initial_metadata: vec![("a".to_owned(), "1".to_owned())],
        trailing_metadata: Vec::new(),
        elapsed_ms: 1.5,
    };
    Outcome { calls: vec![call], not_supported: Some("why".to_owned()) }
}

#[test]
fn written_requests_and_outcomes_can_be_read() {
    let mut request = full_request();
    request.calls.push(call_of([large(SMALLEST_RAW, 1), vec![2], large(5000, 3)]));
    let mut outcome = full_outcome();
    outcome.calls.push(outcome_of(vec![large(SMALLEST_RAW, 1), vec![2], large(5000, 3)]));
    for raw in [false, true] {
        let written = request.write(raw).expect("it can be written");
        // Another request follows.
        let twice = written.repeat(2);
        let mut stdin = &twice[..];
        for _ in 0..2 {
            let read = Request::read(&mut stdin).expect("it can be read").expect("there is one");
            assert_eq!(format!("{read:?}"), format!("{request:?}"), "raw: {raw}");
        }
        assert!(Request::read(&mut stdin).expect("the end").is_none());
    }
    let written = outcome.write().expect("it can be written");
    let read = read_outcome(&written).expect("it can be read");
    assert_eq!(format!("{read:?}"), format!("{outcome:?}"));
}

#[test]
fn only_large_messages_follow_the_line_and_only_if_the_agent_reads_them() {
    let (small, big) = (large(SMALLEST_RAW - 1, 1), large(SMALLEST_RAW, 2));
    let call = Call { message: Some(big.clone().into()), ..Call::default() };
    let calls = vec![call, call_of([small.clone(), big.clone()])];
    let request = Request { calls, ..Request::default() };
    let (small_hex, big_hex) = (hex::encode(&small), hex::encode(&big));

    let written = request.write(false).expect("it can be written");
    let (line, rest) = divided(&written);
    assert_eq!(rest, b"");
    assert_eq!(json(line)["calls"][0]["message"], json!(big_hex));
    let steps = json!([{ "send": small_hex }, { "send": big_hex }]);
    assert_eq!(json(line)["calls"][1]["script"], steps);

    let written = request.write(true).expect("it can be written");
    let (line, rest) = divided(&written);
    assert_eq!(rest, [&big[..], &big].concat());
    assert_eq!(json(line)["calls"][0]["message"], json!({ "bytes": SMALLEST_RAW }));
    let steps = json!([{ "send": small_hex }, { "send": { "bytes": SMALLEST_RAW } }]);
    assert_eq!(json(line)["calls"][1]["script"], steps);
    assert_eq!(request.shown().as_bytes(), line.trim_ascii_end());
}

#[test]
fn messages_follow_in_the_order_of_the_document() {
    let line = r#"{"address": "x", "channels": 1, "keep_channels": false, "calls": [
        {"method": "/A/B", "message": {"bytes": 1}},
        {"method": "/A/B", "script": [{"send": {"bytes": 2}}, {"send": "0d"}, {"send": {"bytes": 0}},
                                      {"send": {"bytes": 3}}]}]}"#;
    let text = format!("{}\n122333", line.replace('\n', " "));
    let mut request = Request::read(&mut text.as_bytes()).expect("legal").expect("there is one");
    let second = request.calls.remove(1);
    assert_eq!(request.calls[0].message.as_deref(), Some(&b"1"[..]));
    let expected = call_of([b"22".to_vec(), vec![0x0d], Vec::new(), b"333".to_vec()]);
    assert_eq!(second.script, expected.script);

    let written = Outcome {
        calls: vec![
            outcome_of(vec![large(2000, 1), large(3000, 2)]),
            outcome_of(vec![large(1500, 3)]),
        ],
        ..Outcome::default()
    };
    let written = written.write().expect("it can be written");
    let (_, rest) = divided(&written);
    assert_eq!(rest, [large(2000, 1), large(3000, 2), large(1500, 3)].concat());
}

#[test]
fn a_message_that_is_too_large_or_incomplete_is_an_error() {
    let reply = |reply: &str| {
        let call = r#""status": "OK", "message": "", "value": null, "initial_metadata": [],
                      "trailing_metadata": [], "elapsed_ms": 1"#;
        let text = format!(r#"{{"calls": [{{{call}, "replies": [{reply}]}}]}}"#);
        read_outcome(format!("{}\n12345", text.replace('\n', " ")).as_bytes())
    };
    let error = |message| reply(message).map(drop).expect_err(message).to_string();
    reply(r#"{"bytes": 5}"#).expect("all bytes are there");
    assert_eq!(error(r#"{"bytes": 6}"#), "the stream ended after 5 of the 6 bytes of a message");
    let large = format!(r#"{{"bytes": {}}}"#, LARGEST_RAW + 1);
    assert!(error(&large).starts_with("a message of 67108865 bytes; at most 67108864 are allowed"));
    assert!(error(r#"{"bytes": -1}"#).starts_with("invalid value: integer `-1`"));
    assert!(error(r#"{"bytes": 1, "colour": 2}"#).starts_with("unknown field `colour`"));
    assert!(error("{}").starts_with("missing field `bytes`"));
    assert!(error("5").starts_with("invalid type: integer `5`, expected a message: hex digits"));
    assert!(error(r#""0d0""#).starts_with("a message: Odd number of digits"));
}

#[test]
fn a_request_can_be_read_after_one_that_is_invalid() {
    let written = Request { calls: vec![call_of([large(5000, 1)])], ..Request::default() };
    let written = written.write(true).expect("it can be written");
    let (line, rest) = divided(&written);
    let invalid = String::from_utf8_lossy(line).replacen('{', r#"{"colour":"blue","#, 1);
    let stream = [invalid.as_bytes(), rest, &written[..]].concat();
    let mut stdin = &stream[..];
    let error = Request::read(&mut stdin).map(drop).expect_err("there is an unknown key");
    assert!(matches!(error, ReadError::Invalid(_)), "{error}");
    assert!(error.to_string().contains("unknown field `colour`"), "{error}");
    assert_eq!(stdin, written);
    Request::read(&mut stdin).expect("legal").expect("there is one");
    let error = Request::read(&mut &b"DEBUG\n"[..]).map(drop).expect_err("no JSON");
    assert!(matches!(error, ReadError::NotJson(_)), "{error}");
}

#[test]
fn a_stream_that_cannot_be_read_is_an_error() {
    struct Broken;
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    impl BufRead for Broken {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn consume(&mut self, _: usize) {}
    }
    assert!(matches!(Request::read(&mut Broken), Err(ReadError::Io(_))));
}

#[test]
fn a_key_without_a_value_is_not_written() {
    assert_eq!(keys(&Request::default()), ["address", "calls", "channels", "keep_channels"]);
    assert_eq!(keys(&Call::default()), ["metadata", "method"]);
    assert_eq!(keys(&Outcome::default()), [""; 0]);
    assert_eq!(keys(&Outcome::not_supported("why".to_owned())), ["not_supported"]);
    let tls = Tls { ca: "ca.pem".into(), name: None, certificate: None, key: None };
    assert_eq!(keys(&tls), ["ca"]);
    // A call without a value has `null`, so that an agent cannot forget it.
    let outcome = CallOutcome { value: None, replies: None, ..full_outcome().calls.remove(0) };
    assert!(keys(&outcome).contains(&"value".to_owned()));
    assert!(!keys(&outcome).contains(&"replies".to_owned()));
}

#[test]
fn an_unknown_key_is_rejected() {
    /// Checks that an additional key in one of the objects of a line is an error.
    fn check(line: &[u8], pointers: &[&str], read: fn(Value) -> serde_json::Result<()>) {
        for pointer in pointers {
            let mut other = json(line);
            let object = other.pointer_mut(pointer).expect(pointer);
            object["colour"] = json!("blue");
            let error = read(other).expect_err(pointer);
            assert!(error.to_string().contains("unknown field `colour`"), "{pointer}: {error}");
        }
    }
    let request = full_request().write(false).expect("it can be written");
    let pointers = ["", "/tls", "/keepalive", "/calls/0"];
    check(&request, &pointers, |line| serde_json::from_value::<Request>(line).map(drop));
    let outcome = full_outcome().write().expect("it can be written");
    let pointers = ["", "/calls/0", "/calls/0/details"];
    check(&outcome, &pointers, |line| serde_json::from_value::<Outcome>(line).map(drop));
}

#[test]
fn names_are_serialized_as_specified() {
    let kinds = [Kind::Unary, Kind::ClientStreaming, Kind::ServerStreaming, Kind::Bidirectional];
    let names = ["unary", "client-streaming", "server-streaming", "bidirectional"];
    for (kind, name) in kinds.into_iter().zip(names) {
        assert_eq!(json!(kind), json!(name));
        assert_eq!(Kind::new(kind.has_many_requests(), kind.has_many_replies()), kind);
    }
    let steps = json!([
        { "send": "0d" }, { "receive": 1 }, { "pause_ms": 2 }, { "half_close": true }, { "cancel": true }
    ]);
    let written = full_request().write(false).expect("it can be written");
    assert_eq!(json(&written)["calls"][0]["script"], steps);
    for encoding in [Encoding::Gzip, Encoding::Deflate] {
        assert_eq!(json!(encoding), json!(encoding.name()));
    }
}

#[test]
fn a_step_with_the_value_false_is_rejected() {
    for step in [json!({ "half_close": false }), json!({ "cancel": false })] {
        assert!(serde_json::from_value::<ScriptStep>(step.clone()).is_err(), "{step}");
    }
}
