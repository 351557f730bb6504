//! Whether the parts of a record fit together, as far as reports rely on it.
//!
//! A record can be cut, edited or damaged on its way, and the reports calculate with its numbers. So all of them are
//! checked when it is read, rather than each where it is used.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::capture::trace::{Bytes, EventKind, Frame, Message, Trace};
use crate::report::record::format::Record;

/// The largest number in a record. Reports add numbers up, so sums have to fit into 64 bits.
const LARGEST: u64 = u32::MAX as u64;

/// Any JSON, of which no whole number is larger than [`LARGEST`].
pub(super) struct Numbers;

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Numbers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "no number over {LARGEST}")
            }
            fn visit_u64<E: Error>(self, number: u64) -> Result<Numbers, E> {
                if number > LARGEST {
                    return Err(E::custom(format!("the number {number} is larger than {LARGEST}")));
                }
                Ok(Numbers)
            }
            fn visit_i64<E>(self, _: i64) -> Result<Numbers, E> {
                Ok(Numbers)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Numbers, E> {
                Ok(Numbers)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Numbers, E> {
                Ok(Numbers)
            }
            fn visit_str<E>(self, _: &str) -> Result<Numbers, E> {
                Ok(Numbers)
            }
            fn visit_unit<E>(self) -> Result<Numbers, E> {
                Ok(Numbers)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Numbers, A::Error> {
                while list.next_element::<Numbers>()?.is_some() {}
                Ok(Numbers)
            }
            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Numbers, A::Error> {
                while table.next_entry::<Numbers, Numbers>()?.is_some() {}
                Ok(Numbers)
            }
        }
        from.deserialize_any(Any)
    }
}

/// Checks `record`. The error says what does not fit.
pub(super) fn check(record: &Record) -> Result<(), String> {
    if let Some(shard) = record.selection.shard
        && !shard.exists()
    {
        return Err(format!("there is no shard {shard}"));
    }
    for trial in record.trials() {
        if let Some(trace) = &trial.trace {
            check_trace(trace).map_err(|why| format!("the trace of {}: {why}", trial.name))?;
        }
    }
    Ok(())
}

fn check_trace(trace: &Trace) -> Result<(), String> {
    for event in &trace.events {
        match &event.what {
            EventKind::Preface(bytes) | EventKind::Bytes(bytes) => check_bytes(bytes)?,
            EventKind::Frame(frame) | EventKind::CutOff(frame) => check_frame(frame)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_frame(frame: &Frame) -> Result<(), String> {
    check_bytes(&frame.payload)?;
    let ranges = frame.parts.iter().map(|part| (part.start, part.end));
    check_ranges(ranges, frame.header.len() + frame.payload.length)?;
    frame.messages.iter().try_for_each(check_message)
}

fn check_message(Message { bytes, fields, .. }: &Message) -> Result<(), String> {
    check_bytes(bytes)?;
    let keys = fields.iter().map(|field| (field.start, field.value_start));
    check_ranges(keys, bytes.length)?;
    let values = fields.iter().map(|field| (field.value_start, field.end));
    check_ranges(values, bytes.length)
}

fn check_bytes(bytes: &Bytes) -> Result<(), String> {
    if bytes.kept.len() + bytes.left_out == bytes.length {
        return Ok(());
    }
    let Bytes { kept, left_out, length } = bytes;
    Err(format!("{} bytes and {left_out} more are not {length} bytes", kept.len()))
}

/// Checks that the ranges follow each other within `length` bytes.
fn check_ranges(ranges: impl Iterator<Item = (usize, usize)>, length: usize) -> Result<(), String> {
    let mut last = 0;
    for (start, end) in ranges {
        if start < last || end < start || length < end {
            return Err(format!("{start} to {end} is no part of {length} bytes after byte {last}"));
        }
        last = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::{Value, json};

    use crate::report::record::file;

    /// A record with one frame, in which `change` has changed something.
    fn error(change: impl FnOnce(&mut Value)) -> String {
        let text = include_str!("../../../fuzz/corpus/records/trace");
        let mut record: Value = serde_json::from_str(text).expect("JSON");
        change(&mut record);
        match file::of_text(Path::new("report.json"), &record.to_string()) {
            Ok(_) => String::new(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn a_record_whose_parts_do_not_fit_is_an_error() {
        const FRAME: &str = "/trials/0/trace/events/2/what";
        let at = |path: &str, value: Value| {
            error(|record| *record.pointer_mut(path).expect("it is there") = value)
        };
        let in_frame = |path: &str, value| at(&format!("{FRAME}{path}"), value);
        assert_eq!(error(|_| {}), "");
        let shard = at("/selection/shard", json!({ "index": 1, "count": 0 }));
        assert_eq!(shard, "report.json is damaged: there is no shard 1/0");
        let part = in_frame("/parts/0/end", json!(17));
        assert!(part.ends_with("0 to 17 is no part of 16 bytes after byte 0"), "{part}");
        let start = in_frame("/parts/1/start", json!(2));
        assert!(start.ends_with("2 to 9 is no part of 16 bytes after byte 3"), "{start}");
        let value = in_frame("/messages/0/fields/0/end", json!(0));
        assert!(value.ends_with("1 to 0 is no part of 2 bytes after byte 0"), "{value}");
        let bytes = in_frame("/payload/left_out", json!(1));
        assert!(bytes.ends_with("7 bytes and 1 more are not 7 bytes"), "{bytes}");
        let number = at("/counts/failed", json!(1_u64 << 32));
        assert!(number.contains("the number 4294967296 is larger than 4294967295"), "{number}");
    }
}
