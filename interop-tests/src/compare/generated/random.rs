//! Random requests: valid messages with random fields, some of them damaged.
//!
//! A case depends only on the seed and its number, so that it can be repeated alone, on any platform.

use std::collections::BTreeSet;

use fastrand::Rng;
use prost::encoding::WireType;
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::compare::case::{Case, CaseGroup};
use crate::compare::generated::bounds::Bounds;
use crate::compare::generated::sample::{self, joined};
use crate::compare::generated::variation::Variation;
use crate::compare::generated::{fields, unknown, wire};

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
pub(crate) struct Random {
    pub(crate) seed: u64,
    pub(crate) count: usize,
}

/// Random requests. If the client streams, some cases have several messages or none.
pub(super) fn group(
    name: String,
    of: &MessageDescriptor,
    is_client_streaming: bool,
    bounds: Bounds,
    random: Random,
) -> CaseGroup {
    let of = of.clone();
    CaseGroup::new(name, move || {
        let of = of.clone();
        (0..random.count).map(move |number| {
            let mut generator = Generator::new(random.seed, number as u64, bounds);
            let messages = if is_client_streaming { generator.below(MESSAGES + 1) } else { 1 };
            let messages = (0..messages).map(|_| generator.request(&of).into()).collect();
            let fields = generator.paths.into_iter().collect();
            Case { name: format!("case-{number}"), messages, fields, ..Case::default() }
        })
    })
}

/// Generates the messages of one case.
struct Generator {
    rng: Rng,
    bounds: Bounds,
    /// How many fields the current request may still have.
    left: usize,
    /// The paths of the fields that it has set.
    paths: BTreeSet<String>,
}

impl Generator {
    fn new(seed: u64, case: u64, bounds: Bounds) -> Self {
        // The seeds of consecutive cases must be far apart, or their first numbers would be similar.
        let distance = case.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let rng = Rng::with_seed(seed.wrapping_add(distance));
        Self { rng, bounds, left: 0, paths: BTreeSet::new() }
    }

    /// A number below `end`; 0 if `end` is 0. It does not depend on the size of a `usize`.
    fn below(&mut self, end: usize) -> usize {
        let number = if end == 0 { 0 } else { self.rng.u64(..end as u64) };
        usize::try_from(number).unwrap_or(0)
    }

    /// True with a probability of 1/`n`.
    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        (0..length).map(|_| self.rng.u8(..)).collect()
    }

    /// A valid message in two thirds of the cases.
    fn request(&mut self, of: &MessageDescriptor) -> Vec<u8> {
        self.left = ALL_FIELDS;
        let mut bytes = self.message(of, "", 0);
        if self.one_in(3) {
            for _ in 0..=self.below(3) {
                self.damage(&mut bytes);
            }
        }
        bytes
    }

    /// A valid message at `path`.
    fn message(&mut self, of: &MessageDescriptor, path: &str, level: usize) -> Vec<u8> {
        let mut bytes = sample::required(of, &[]);
        let all: Vec<_> = of.fields().collect();
        for _ in 0..self.below(FIELDS + 1) {
            let Some(left) = self.left.checked_sub(1) else { break };
            self.left = left;
            if let Some(field) = all.get(self.below(all.len())) {
                bytes.extend(self.field(field, path, level));
            }
        }
        if self.one_in(8) {
            let value = self.bytes(4);
            bytes.extend(wire::tagged(unknown::unused(of), WireType::ThirtyTwoBit, &value));
        }
        bytes
    }

    fn field(&mut self, field: &FieldDescriptor, path: &str, level: usize) -> Vec<u8> {
        let path = joined(path, field.name());
        // The other cases of a field that is required do not set it.
        let is_special = self.one_in(3) && !field.is_required();
        let child = field.kind().as_message().cloned();
        if is_special || (child.is_some() && level == LEVELS) {
            let variations = fields::variations(field, self.bounds);
            let at = self.below(variations.len());
            self.paths.insert(path);
            return variations.get(at).map(Variation::bytes).unwrap_or_default();
        }
        let number = if field.is_list() || field.is_map() { self.below(4) } else { 1 };
        let values = (0..number).map(|_| match &child {
            Some(child) => self.message(child, &path, level + 1),
            None => self.scalar(&field.kind()),
        });
        let values: Vec<_> = values.collect();
        if number > 0 {
            self.paths.insert(path);
        }
        let packed = if self.one_in(8) { !wire::is_packed(field) } else { wire::is_packed(field) };
        wire::list(field, &values, packed && field.is_list() && wire::is_packable(&field.kind()))
    }

    /// Any valid value of a scalar, without tag and length.
    fn scalar(&mut self, kind: &Kind) -> Vec<u8> {
        match kind {
            Kind::String => self.text().into_bytes(),
            Kind::Bytes => {
                let length = self.below(CHARACTERS);
                self.bytes(length)
            }
            kind => match kind.wire_type() {
                WireType::ThirtyTwoBit => self.bytes(4),
                WireType::SixtyFourBit => self.bytes(8),
                // All magnitudes are equally likely.
                _ => wire::varint(self.rng.u64(..) >> self.rng.u32(..64)),
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
        let (first, last) = PLANES.get(self.below(PLANES.len())).copied().unwrap_or((0x20, 0x7e));
        let length = self.below(CHARACTERS);
        // Surrogates are no characters.
        (0..length).filter_map(|_| char::from_u32(self.rng.u32(first..=last))).collect()
    }

    /// Makes one edit.
    fn damage(&mut self, bytes: &mut Vec<u8>) {
        let at = self.below(bytes.len());
        let byte = self.rng.u8(..);
        let end = (at + 1 + self.below(4)).min(bytes.len());
        match (self.below(6), bytes.get_mut(at)) {
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
        let random = Random { seed, count: 200 };
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
    fn the_cases_of_a_seed_are_the_same_on_every_platform() {
        let mut generator = Generator::new(7, 3, Bounds::default());
        let numbers = [2, 1000, 1 << 31].map(|end| generator.below(end));
        assert_eq!((numbers, generator.bytes(4)), ([0, 207, 936_343_873], vec![26, 204, 230, 164]));
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
