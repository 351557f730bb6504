//! Random requests: valid messages with random fields, some of them damaged.
//!
//! A case depends only on the seed and its number, so that it can be repeated alone, on any platform.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::encoding::WireType;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::sample::{self, joined};
use crate::compare::generated::variation::Variation;
use crate::compare::generated::{fields, unknown, wire};
use crate::probe::mutation::random::Random;

/// How many fields a random message has at most, beside required ones and those of messages in it.
const FIELDS: usize = 8;

/// How many fields a random request has at most, with those of messages in it.
const ALL_FIELDS: usize = 64;

/// How many levels of messages a random request has at most.
const LEVELS: usize = 6;

/// How many messages a random stream has at most.
const MESSAGES: usize = 4;

/// How long a random string is at most, in characters.
const CHARACTERS: usize = 40;

/// Random cases in addition to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RandomCases {
    pub(crate) seed: u64,
    pub(crate) count: usize,
}

/// Random requests. If the client streams, some cases have several messages or none.
pub(super) fn group(
    name: String,
    of: &MessageDescriptor,
    is_client_streaming: bool,
    bounds: Bounds,
    random: RandomCases,
) -> CaseGroup {
    let of = of.clone();
    CaseGroup::new(name, move || {
        let of = of.clone();
        (0..random.count).map(move |number| {
            let numbers = &mut Random::of_case(random.seed, number as u64);
            let (messages, fields) = request(&of, is_client_streaming, bounds, numbers);
            Case { name: format!("case-{number}"), messages, fields, ..Case::default() }
        })
    })
}

/// The messages of a random request, and the paths of the fields that they set. If the client streams, there may be
/// several or none.
pub(crate) fn request(
    of: &MessageDescriptor,
    is_client_streaming: bool,
    bounds: Bounds,
    random: &mut Random,
) -> (Vec<Bytes>, Vec<String>) {
    let mut generator = Generator::new(random, bounds);
    let number = if is_client_streaming { generator.random.below(MESSAGES + 1) } else { 1 };
    let messages = (0..number).map(|_| generator.request(of).into()).collect();
    (messages, generator.paths.into_iter().collect())
}

/// A random message of the type `of`, which may be malformed.
pub(crate) fn message(of: &MessageDescriptor, bounds: Bounds, random: &mut Random) -> Vec<u8> {
    Generator::new(random, bounds).request(of)
}

/// Generates the messages of one case.
struct Generator<'r> {
    random: &'r mut Random,
    bounds: Bounds,
    /// How many fields the current request may still have.
    left: usize,
    /// The paths of the fields that it has set.
    paths: BTreeSet<String>,
}

impl<'r> Generator<'r> {
    fn new(random: &'r mut Random, bounds: Bounds) -> Self {
        Self { random, bounds, left: 0, paths: BTreeSet::new() }
    }

    /// A valid message in two thirds of the cases.
    fn request(&mut self, of: &MessageDescriptor) -> Vec<u8> {
        self.left = ALL_FIELDS;
        let mut bytes = self.message(of, "", 0);
        if self.random.one_in(3) {
            for _ in 0..=self.random.below(3) {
                self.damage(&mut bytes);
            }
        }
        bytes
    }

    /// A valid message at `path`.
    fn message(&mut self, of: &MessageDescriptor, path: &str, level: usize) -> Vec<u8> {
        let mut bytes = sample::required(of, &[]);
        let all: Vec<_> = of.fields().collect();
        for _ in 0..self.random.below(FIELDS + 1) {
            let Some(left) = self.left.checked_sub(1) else { break };
            self.left = left;
            if let Some(field) = all.get(self.random.below(all.len())) {
                bytes.extend(self.field(field, path, level));
            }
        }
        if self.random.one_in(8) {
            let value = self.random.bytes(4);
            bytes.extend(wire::tagged(unknown::unused(of), WireType::ThirtyTwoBit, &value));
        }
        bytes
    }

    fn field(&mut self, field: &FieldDescriptor, path: &str, level: usize) -> Vec<u8> {
        let path = joined(path, field.name());
        // The other cases of a field that is required do not set it.
        let is_special = self.random.one_in(3) && !field.is_required();
        let child = field.kind().as_message().cloned();
        if is_special || (child.is_some() && level == LEVELS) {
            let variations = fields::variations(field, self.bounds);
            let at = self.random.below(variations.len());
            self.paths.insert(path);
            return variations.get(at).map(Variation::bytes).unwrap_or_default();
        }
        let number = if field.is_list() || field.is_map() { self.random.below(4) } else { 1 };
        let values = (0..number).map(|_| match &child {
            Some(child) => self.message(child, &path, level + 1),
            None => self.scalar(&field.kind()),
        });
        let values: Vec<_> = values.collect();
        if number > 0 {
            self.paths.insert(path);
        }
        let packed =
            if self.random.one_in(8) { !wire::is_packed(field) } else { wire::is_packed(field) };
        wire::list(field, &values, packed && field.is_list() && wire::is_packable(&field.kind()))
    }

    /// Any valid value of a scalar, without tag and length.
    fn scalar(&mut self, kind: &Kind) -> Vec<u8> {
        match kind {
            Kind::String => self.text().into_bytes(),
            Kind::Bytes => {
                let length = self.random.below(CHARACTERS);
                self.random.bytes(length)
            }
            kind => match kind.wire_type() {
                WireType::ThirtyTwoBit => self.random.bytes(4),
                WireType::SixtyFourBit => self.random.bytes(8),
                // All magnitudes are equally likely.
                _ => wire::varint(self.random.rng.u64(..) >> self.random.rng.u32(..64)),
            },
        }
    }

    fn text(&mut self) -> String {
        const PLANES: [(u32, u32); 6] = [
            (0x20, 0x7e),
            (0, 0xff),
            (0x300, 0x36f),
            (0x800, 0xffff),
            (0x1f300, 0x1faff),
            (0, 0x10_ffff),
        ];
        let (first, last) =
            PLANES.get(self.random.below(PLANES.len())).copied().unwrap_or((0x20, 0x7e));
        let length = self.random.below(CHARACTERS);
        // Surrogates are no characters.
        (0..length).filter_map(|_| char::from_u32(self.random.rng.u32(first..=last))).collect()
    }

    /// Makes one edit.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.random.below(bytes.len());
        let byte = self.random.rng.u8(..);
        let end = (at + 1 + self.random.below(4)).min(bytes.len());
        match (self.random.below(6), bytes.get_mut(at)) {
            (0, Some(found)) => *found ^= 1 << (byte % 8),
            (1, Some(found)) => *found = byte,
            (2, Some(_)) => bytes.truncate(at),
            (3, Some(_)) => drop(bytes.drain(at..end)),
            (4, Some(_)) => {
                let copy = bytes.get(at..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, copy);
            }
            _ => bytes.insert(at, byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::compare::generated::test_protos;

    fn cases(of: &MessageDescriptor, is_client_streaming: bool, seed: u64) -> Vec<Case> {
        let bounds = Bounds { long: 100, many: 5, ..Bounds::default() };
        let random = RandomCases { seed, count: 200 };
        group("random".to_owned(), of, is_client_streaming, bounds, random).cases().collect()
    }

    #[test]
    fn a_seed_repeats_its_cases() {
        let of = test_protos::all().remove(1);
        assert_eq!(cases(&of, false, 1), cases(&of, false, 1));
        assert_ne!(cases(&of, false, 1), cases(&of, false, 2));
        let distinct: BTreeSet<_> =
            cases(&of, false, 1).into_iter().map(|case| case.messages).collect();
        assert!(distinct.len() > 150, "{} distinct cases", distinct.len());
    }

    #[test]
    fn most_are_valid_and_some_are_not() {
        for of in test_protos::all() {
            let cases = cases(&of, false, 3);
            let valid =
                |case: &&Case| DynamicMessage::decode(of.clone(), &case.messages[0][..]).is_ok();
            let number = cases.iter().filter(valid).count();
            assert!((130..200).contains(&number), "{}: {number}", of.full_name());
        }
    }

    #[test]
    fn fields_are_reported() {
        let of =
            test_protos::request("message Item { int32 price = 1; } Item item = 1; int32 id = 2;");
        let fields: BTreeSet<_> =
            cases(&of, false, 1).into_iter().flat_map(|case| case.fields).collect();
        assert_eq!(fields, ["id", "item", "item.price"].map(str::to_owned).into());
    }

    #[test]
    fn streams_have_different_lengths() {
        let of = test_protos::request("int32 id = 1;");
        let lengths: BTreeSet<_> =
            cases(&of, true, 1).iter().map(|case| case.messages.len()).collect();
        assert_eq!(lengths, (0..=MESSAGES).collect());
    }
}
