//! Searches for the smallest request that still shows a difference, by delta debugging.
//!
//! Large parts are removed first, level by level, so that few calls are needed: each call takes time and may change
//! the state of a server.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use prost_reflect::MessageDescriptor;

use crate::compare::case::Case;
use crate::compare::shrink::number;
use crate::compare::shrink::tree::{Leaf, LeafKind, Parts};

/// How many parts of a list are tried in vain before smaller ones are not tried any more: all of them may matter.
const FEW: usize = 32;

/// How often the same case may come up again for each one that may be tried.
const REPETITIONS: usize = 5;

/// Whether a case shows the difference; a break if no further call can be made.
pub(crate) type Shows<'a> = dyn FnMut(&Case) -> ControlFlow<(), bool> + 'a;

/// How the request may be reduced.
#[derive(Clone, Copy)]
pub(crate) struct Method<'a> {
    /// The type of the request messages.
    pub(crate) of: &'a MessageDescriptor,
    /// Whether the number of messages may change.
    pub(crate) is_client_streaming: bool,
}

/// A case with a smaller request than `case`, for which `shows` is true. Calls `shows` at most `tries` times.
pub(crate) fn smaller(
    case: &Case,
    method: Method<'_>,
    tries: usize,
    shows: &mut Shows<'_>,
) -> Option<Case> {
    let messages = case.messages.iter().map(|message| &message[..]);
    let current = Request {
        tree: Parts::request(messages, method.of),
        metadata: case.metadata.clone(),
        deadline: case.deadline,
    };
    let original = current.case(case);
    let seen = vec![original.clone()];
    let repetitions = tries * REPETITIONS;
    let mut search = Search { original: case, current, seen, tries, repetitions, shows };
    // The last round finds nothing more, unless the tries end before.
    let _ = search.all(method.is_client_streaming);
    let smallest = search.current.case(case);
    (smallest != original).then_some(smallest)
}

/// A request that can be reduced.
#[derive(Clone)]
struct Request {
    tree: Parts,
    metadata: Vec<(String, Vec<u8>)>,
    deadline: Option<Duration>,
}

impl Request {
    fn case(&self, original: &Case) -> Case {
        Case {
            name: format!("{}, shrunk", original.name),
            messages: self.tree.messages().map(Bytes::from).collect(),
            metadata: self.metadata.clone(),
            deadline: self.deadline,
            fields: Vec::new(),
            method: original.method.clone(),
            probe: None,
        }
    }
}

struct Search<'a, 'b> {
    original: &'a Case,
    /// The smallest request so far.
    current: Request,
    /// The cases that have been tried.
    seen: Vec<Case>,
    /// How many more cases may be tried.
    tries: usize,
    /// How often the same case may still come up again, which takes time too.
    repetitions: usize,
    shows: &'a mut Shows<'b>,
}

impl Search<'_, '_> {
    /// Reduces the request until nothing can be taken from it.
    fn all(&mut self, is_client_streaming: bool) -> ControlFlow<()> {
        loop {
            let before = self.current.case(self.original);
            self.call_options()?;
            if is_client_streaming {
                self.level(0)?;
            }
            self.depth()?;
            for level in 1.. {
                if self.current.tree.count(level) == 0 {
                    break;
                }
                self.level(level)?;
            }
            for index in 0.. {
                let Some(leaf) = self.current.tree.leaf_mut(index).cloned() else { break };
                self.leaf(index, &leaf)?;
            }
            if self.current.case(self.original) == before {
                return ControlFlow::Continue(());
            }
        }
    }

    /// Makes `request` the smallest one if it still shows the difference.
    fn accepts(&mut self, request: Request) -> ControlFlow<(), bool> {
        let case = request.case(self.original);
        if self.seen.contains(&case) {
            let Some(left) = self.repetitions.checked_sub(1) else { return ControlFlow::Break(()) };
            self.repetitions = left;
            return ControlFlow::Continue(false);
        }
        let Some(tries) = self.tries.checked_sub(1) else { return ControlFlow::Break(()) };
        self.tries = tries;
        let shows = (self.shows)(&case)?;
        self.seen.push(case);
        if shows {
            self.current = request;
        }
        ControlFlow::Continue(shows)
    }

    /// Removes the deadline and the metadata.
    fn call_options(&mut self) -> ControlFlow<()> {
        self.accepts(Request { deadline: None, ..self.current.clone() })?;
        self.list(self.current.metadata.len(), |request, kept| {
            let mut index = 0..;
            request.metadata.retain(|_| is_next_kept(&mut index, kept));
        })
    }

    /// Replaces messages by messages of the same type in them.
    fn depth(&mut self) -> ControlFlow<()> {
        let mut names = Vec::new();
        let mut index = 0;
        while let Some((name, _)) = self.current.tree.same_type_inside(index) {
            // Messages of this type further inside would be replaced by the same ones.
            if !names.contains(&name) {
                while self.message_inside(index)? {}
                names.push(name);
            }
            index += 1;
        }
        ControlFlow::Continue(())
    }

    /// Replaces the message with this index by one in it: the deepest possible of a few.
    fn message_inside(&mut self, index: usize) -> ControlFlow<(), bool> {
        let inside = self.current.tree.same_type_inside(index);
        let mut inside = &inside.unwrap_or_default().1[..];
        while let Some(nodes) = inside.first() {
            let mut request = self.current.clone();
            request.tree.replace(index, nodes);
            if self.accepts(request)? {
                return ControlFlow::Continue(true);
            }
            inside = inside.get(inside.len().div_ceil(2)..).unwrap_or_default();
        }
        ControlFlow::Continue(false)
    }

    /// Removes nodes on a level.
    fn level(&mut self, level: usize) -> ControlFlow<()> {
        self.list(self.current.tree.count(level), |request, kept| {
            let mut index = 0..;
            request.tree.retain(level, &mut || is_next_kept(&mut index, kept));
        })
    }

    /// Shortens a text or makes a number smaller.
    fn leaf(&mut self, index: usize, leaf: &Leaf) -> ControlFlow<()> {
        if let Some(value) = leaf.number() {
            return self.number(index, leaf, value);
        }
        if leaf.kind == LeafKind::Text {
            // If only its length matters, it becomes readable, and most of the shorter ones are the same.
            let mut request = self.current.clone();
            set(&mut request, index, |leaf| leaf.bytes = vec![b'a'; leaf.characters().len()]);
            self.accepts(request)?;
        }
        let leaf = self.current.tree.leaf_mut(index).cloned();
        let characters = leaf.as_ref().map(Leaf::characters).unwrap_or_default();
        self.list(characters.len(), |request, kept| {
            let characters = kept.iter().filter_map(|index| characters.get(*index));
            set(request, index, |leaf| leaf.bytes = characters.flatten().copied().collect());
        })
    }

    fn number(&mut self, index: usize, leaf: &Leaf, mut value: u64) -> ControlFlow<()> {
        for simplest in number::simplest(leaf) {
            // What is as simple already must not become less simple.
            if value == simplest || self.sets_number(index, simplest)? {
                return ControlFlow::Continue(());
            }
        }
        while let Some(smaller) = self.first_number(index, number::smaller(leaf, value))? {
            value = smaller;
        }
        let (fixed, bits) = number::bits(leaf, value);
        self.list(bits.len(), |request, kept| {
            let bits = kept.iter().filter_map(|index| bits.get(*index));
            let value = bits.fold(fixed, |value, bit| value ^ bit);
            set(request, index, |leaf| leaf.set_number(value));
        })
    }

    /// Sets a number to the first of `values` with which the request still shows the difference.
    fn first_number(&mut self, index: usize, values: Vec<u64>) -> ControlFlow<(), Option<u64>> {
        for value in values {
            if self.sets_number(index, value)? {
                return ControlFlow::Continue(Some(value));
            }
        }
        ControlFlow::Continue(None)
    }

    fn sets_number(&mut self, index: usize, value: u64) -> ControlFlow<(), bool> {
        let mut request = self.current.clone();
        set(&mut request, index, |leaf| leaf.set_number(value));
        self.accepts(request)
    }

    /// Removes items of a list of this length. `keep` reduces a request to the items with these indices.
    fn list(&mut self, length: usize, keep: impl Fn(&mut Request, &[usize])) -> ControlFlow<()> {
        let base = self.current.clone();
        let mut kept: Vec<_> = (0..length).collect();
        let mut size = length;
        while size > 0 && !kept.is_empty() {
            let (mut start, mut parts, mut has_removed) = (0, 0, false);
            while start < kept.len() {
                let end = (start + size).min(kept.len());
                let mut fewer = kept.clone();
                fewer.drain(start..end);
                let mut request = base.clone();
                keep(&mut request, &fewer);
                if self.accepts(request)? {
                    (kept, has_removed) = (fewer, true);
                } else {
                    start = end;
                }
                parts += 1;
            }
            if !has_removed && (size == 1 || parts > FEW) {
                break;
            }
            size = (size / 2).clamp(1, kept.len().max(1));
        }
        ControlFlow::Continue(())
    }
}

/// Whether the next of consecutive indices is in `kept`, which is sorted.
fn is_next_kept(index: &mut impl Iterator<Item = usize>, kept: &[usize]) -> bool {
    index.next().is_some_and(|index| kept.binary_search(&index).is_ok())
}

/// Changes the leaf with this index.
fn set(request: &mut Request, index: usize, change: impl FnOnce(&mut Leaf)) {
    if let Some(leaf) = request.tree.leaf_mut(index) {
        change(leaf);
    }
}

#[cfg(test)]
mod tests {
    use prost::DecodeError;
    use prost::encoding::encode_varint;
    use prost_reflect::{DynamicMessage, MessageDescriptor, Value};

    use super::*;
    use crate::compare::message::wire::fields_and_rest;
    use crate::compare::test_service;

    const TRIES: usize = 60;

    fn item() -> MessageDescriptor {
        test_service::method("Get").input()
    }

    fn case(messages: &[&[u8]]) -> Case {
        let messages = messages.iter().map(|message| Bytes::copy_from_slice(message)).collect();
        Case { name: "case-1".to_owned(), messages, ..Case::default() }
    }

    /// `value` as a varint.
    fn varint(value: u64) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_varint(value, &mut bytes);
        bytes
    }

    /// Shrinks the case of a client-streaming method; also returns how many cases were tried.
    fn tried(case: &Case, tries: usize, shows: impl Fn(&Case) -> bool) -> (Option<Case>, usize) {
        assert!(shows(case), "the original does not show the difference");
        let mut count = 0;
        let method = Method { of: &item(), is_client_streaming: true };
        let found = smaller(case, method, tries, &mut |case| {
            count += 1;
            ControlFlow::Continue(shows(case))
        });
        (found, count)
    }

    /// The messages of the smallest case for which `shows` is true.
    fn smallest(messages: &[&[u8]], shows: impl Fn(&[Bytes]) -> bool) -> Vec<Vec<u8>> {
        let (found, _) = tried(&case(messages), TRIES, |case| shows(&case.messages));
        found.expect("it is smaller").messages.iter().map(|message| message.to_vec()).collect()
    }

    /// The parts of an item; none if it cannot be decoded.
    fn parts_of(item: &Result<DynamicMessage, DecodeError>) -> Vec<DynamicMessage> {
        let parts = item.as_ref().ok().and_then(|item| item.get_field_by_name("parts"));
        let parts = parts.as_deref().and_then(Value::as_list).unwrap_or_default();
        parts.iter().filter_map(Value::as_message).cloned().collect()
    }

    /// Whether `is` applies to an item in a message, or to the message itself.
    fn has_item(message: &[u8], is: &dyn Fn(&DynamicMessage) -> bool) -> bool {
        fn inside(item: DynamicMessage, is: &dyn Fn(&DynamicMessage) -> bool) -> bool {
            is(&item) || parts_of(&Ok(item)).into_iter().any(|part| inside(part, is))
        }
        DynamicMessage::decode(item(), message).is_ok_and(|item| inside(item, is))
    }

    fn is_blue(item: &DynamicMessage) -> bool {
        item.get_field_by_name("colour").is_some_and(|it| it.as_enum_number() == Some(2))
    }

    /// An item with a name, a price, a stock, an unknown field and these parts.
    fn ordinary(parts: &[&[u8]]) -> Vec<u8> {
        let mut bytes = b"\x0a\x0da longer name\x11\x66\x66\x66\x66\x66\x66\x02\x40".to_vec();
        for part in parts {
            bytes.extend([0x22, u8::try_from(part.len()).expect("it is short")]);
            bytes.extend_from_slice(part);
        }
        bytes.extend(b"\x2a\x05\x0a\x01a\x10\x07\xfa\x06\x03xyz");
        bytes
    }

    #[test]
    fn a_nested_field_remains_of_a_random_message() {
        let blue = b"\x0a\x04blue\x18\x02";
        let outer = ordinary(&[b"\x18\x01", blue, b"\x0a\x01z"]);
        let message = ordinary(&[&ordinary(&[]), &outer]);
        // The item may be at any depth.
        let found = smallest(&[&message], |it| it.iter().any(|it| has_item(it, &is_blue)));
        assert_eq!(found, [b"\x18\x02"]);
        // It must be two levels down.
        let is_at_depth = |it: &[Bytes]| {
            let parts = it.iter().flat_map(|it| parts_of(&DynamicMessage::decode(item(), &it[..])));
            parts.flat_map(|it| parts_of(&Ok(it))).any(|it| is_blue(&it))
        };
        let found = smallest(&[&message], is_at_depth);
        assert_eq!(found, [b"\x22\x04\x22\x02\x18\x02"]);
    }

    #[test]
    fn one_of_a_hundred_messages_remains() {
        let (other, blue) = (ordinary(&[]), ordinary(&[b"\x18\x02"]));
        let mut messages = vec![&other[..]; 100];
        messages[37] = &blue;
        let found = smallest(&messages, |it| it.iter().any(|it| has_item(it, &is_blue)));
        assert_eq!(found, [b"\x18\x02"]);
    }

    #[test]
    fn a_method_with_one_request_keeps_it() {
        let case = case(&[&ordinary(&[])]);
        let method = Method { of: &item(), is_client_streaming: false };
        let found = smaller(&case, method, TRIES, &mut |_| ControlFlow::Continue(true));
        assert_eq!(found.expect("it is smaller").messages, [&b""[..]]);
        assert_eq!(smallest(&[&ordinary(&[])], |_| true), [b""; 0]);
    }

    #[test]
    fn the_character_that_matters_remains() {
        let text = format!("{}é{}", "x".repeat(9000), "y".repeat(3000));
        let message = [&b"\x0a\xe2\x5d"[..], text.as_bytes()].concat();
        let shows = |it: &[Bytes]| it.iter().any(|it| it.windows(2).any(|it| it == "é".as_bytes()));
        let found = smallest(&[&message], shows);
        assert_eq!(found, ["\x0a\x02é".as_bytes()]);
    }

    #[test]
    fn a_text_whose_length_matters_becomes_readable() {
        let found = smallest(&[b"\x0a\x08\x01\x02\x03\x04\xe2\x82\xacx"], |it| {
            has_item(&it.concat(), &|item| {
                let name = item.get_field_by_name("name");
                name.as_deref().and_then(Value::as_str).is_some_and(|it| it.chars().count() >= 3)
            })
        });
        assert_eq!(found, [b"\x0a\x03aaa"]);
    }

    #[test]
    fn a_long_text_whose_length_matters_becomes_shorter() {
        let text = "abcdefghijklmno".repeat(4000);
        let message = [&b"\x0a\xe0\xd4\x03"[..], text.as_bytes()].concat();
        let found = smallest(&[&message], |it| it.concat().len() > 10_000).concat();
        assert!((10_000..11_000).contains(&found.len()), "{} bytes", found.len());
        assert!(found.ends_with(b"aaa"), "{found:?}");
    }

    #[test]
    fn numbers_become_smaller() {
        let stock = |value: i64| {
            let entry = [&[0x10][..], &varint(value.cast_unsigned())].concat();
            [&[0x2a, u8::try_from(entry.len()).expect("it is short")][..], &entry].concat()
        };
        let found = |from: i64, shows: fn(i32) -> bool| {
            let found = smallest(&[&stock(from)], |it| {
                has_item(&it.concat(), &|item| {
                    let stock = item.get_field_by_name("stock");
                    let stock = stock.as_deref().and_then(Value::as_map);
                    let mut values = stock.into_iter().flat_map(|it| it.values());
                    values.any(|value| value.as_i32().is_some_and(shows))
                })
            });
            found.concat()
        };
        assert_eq!(found(1_234_567, |it| it != 0), stock(1));
        assert_eq!(found(-1_234_567, |it| it < 0), stock(-1));
        assert_eq!(found(-1_234_567, |it| it.abs() >= 1000), stock(1024));
        assert_eq!(found(-1_234_567, |it| it < -1000), stock(-1025));
        assert_eq!(found(1_234_567, |it| it > 1000 && it % 2 == 1), stock(1025));
    }

    #[test]
    fn prices_become_rounder() {
        let price = |value: f64| [&[0x11][..], &value.to_le_bytes()].concat();
        let found = |from: f64, shows: fn(f64) -> bool| {
            let found = smallest(&[&price(from)], |it| {
                has_item(&it.concat(), &|item| {
                    item.get_field_by_name("price").is_some_and(|it| it.as_f64().is_some_and(shows))
                })
            });
            found.concat()
        };
        assert_eq!(found(-123.456, |it| it != 0.0), price(1.0));
        assert_eq!(found(123.456, |it| it > 100.0), price(112.0));
        assert_eq!(found(-3.75, |it| it.fract() != 0.0), price(0.5));
        assert_eq!(found(3.75, |it| it > 2.0 && it.fract() != 0.0), price(2.25));
    }

    #[test]
    fn malformed_requests_become_shorter() {
        // A length beyond the end of the request, behind and before other fields.
        let message = [&ordinary(&[])[..], b"\x0a\x7fpencil"].concat();
        let is_malformed = |it: &[Bytes]| it.iter().any(|it| fields_and_rest(it).1.is_some());
        assert_eq!(smallest(&[&message], is_malformed), [b"l"], "the tag of the end of a group");
        let item_first = [b"\x22\x0a\x18\x01\x0a\x7fpencil", &ordinary(&[])[..]].concat();
        let found = smallest(&[&item_first], |it| {
            it.iter().any(|it| {
                it.starts_with(b"\x22") && DynamicMessage::decode(item(), &it[..]).is_err()
            })
        });
        assert_eq!(found, [b"\x22\x01l"]);
    }

    /// How many items are in each other.
    fn depth(item: DynamicMessage) -> usize {
        parts_of(&Ok(item)).into_iter().map(|it| 1 + depth(it)).max().unwrap_or(0)
    }

    #[test]
    fn the_depth_that_matters_remains() {
        let nested = |depth| {
            (0..depth).fold(Vec::new(), |it: Vec<u8>, _| {
                [&[0x22][..], &varint(it.len() as u64), &it].concat()
            })
        };
        let found =
            smallest(&[&nested(90)], |it| has_item(&it.concat(), &|it| depth(it.clone()) >= 7));
        assert_eq!(found, [nested(7)]);
    }

    #[test]
    fn options_of_the_call_are_removed_unless_they_matter() {
        let metadata = |names: &[&str]| -> Vec<_> {
            names.iter().map(|name| ((*name).to_owned(), b"1".to_vec())).collect()
        };
        let case = Case {
            metadata: metadata(&["one", "two", "three"]),
            deadline: Some(Duration::from_secs(1)),
            ..case(&[b"\x18\x02"])
        };
        let has_two = |case: &Case| case.metadata.iter().any(|(name, _)| name == "two");
        let (found, _) = tried(&case, TRIES, has_two);
        let expected = Case {
            name: "case-1, shrunk".to_owned(),
            metadata: metadata(&["two"]),
            ..Case::default()
        };
        assert_eq!(found, Some(expected));
        let (found, _) = tried(&case, TRIES, |case| case.deadline.is_some());
        assert_eq!(found.expect("it is smaller").metadata, metadata(&[]));
    }

    #[test]
    fn no_more_tries_are_made_than_allowed_and_no_case_twice() {
        let large = ordinary(&[&ordinary(&[b"\x18\x02"]), &ordinary(&[])]);
        let case = case(&[&large[..]; 20]);
        let blue = |case: &Case| case.messages.iter().any(|it| has_item(it, &is_blue));
        for tries in [0, 1, 5, TRIES] {
            let (found, count) = tried(&case, tries, blue);
            assert!(count <= tries, "{count} of {tries}");
            assert_eq!(found.is_some(), tries > 1, "the first try leaves no message");
        }
        let mut seen = vec![case.clone()];
        let method = Method { of: &item(), is_client_streaming: true };
        smaller(&case, method, 1000, &mut |case| {
            let case = Case { name: "case-1".to_owned(), ..case.clone() };
            assert!(!seen.contains(&case), "it has been tried");
            seen.push(case);
            ControlFlow::Continue(false)
        });
        assert!(seen.len() > TRIES);
    }

    #[test]
    fn the_result_is_the_same_each_time() {
        let large = ordinary(&[&ordinary(&[b"\x18\x02"]), &ordinary(&[])]);
        let case = case(&[&large[..]; 20]);
        let blue = |case: &Case| case.messages.iter().any(|it| has_item(it, &is_blue));
        for tries in [7, 20, TRIES] {
            assert_eq!(tried(&case, tries, blue), tried(&case, tries, blue));
        }
    }

    #[test]
    fn the_smallest_case_so_far_remains_if_no_more_calls_can_be_made() {
        let case = case(&[&ordinary(&[]), b"\x18\x02"]);
        let method = Method { of: &item(), is_client_streaming: true };
        let mut left = 3;
        let found = smaller(&case, method, TRIES, &mut |case| {
            left -= 1;
            let shows = case.messages.iter().any(|it| has_item(it, &is_blue));
            if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(shows) }
        });
        assert_eq!(found.expect("it is smaller").messages, [&b"\x18\x02"[..]]);
        let found = smaller(&case, method, TRIES, &mut |_| ControlFlow::Break(()));
        assert_eq!(found, None);
    }
}
