//! Finds the fields in which two messages differ.
//!
//! It only explains: whether messages are equal is decided by their canonical forms.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DynamicMessage, Kind, MapKey, ReflectMessage as _, Value};

use crate::compare::message::canonical::{Elements, sorted};
use crate::compare::message::decode::{self, any_content, is_any, type_name};
use crate::compare::message::difference::{Collector, Differences};
use crate::compare::message::field::{Field, kind_of_map_values};
use crate::compare::message::path::{FieldPath, Segment};
use crate::compare::message::unknown::{ByName, UnknownFields};
use crate::compare::message::value::{self, ABSENT};
use crate::config::DifferenceKind;

/// The differences between two messages of one type.
pub(super) fn differences(reference: &DynamicMessage, candidate: &DynamicMessage) -> Differences {
    let mut walk = Walk::default();
    walk.messages([reference, candidate]);
    walk.found.finish()
}

/// The two values of a field, of the reference and of the candidate.
type Both<T> = [T; 2];

#[derive(Default)]
struct Walk {
    path: FieldPath,
    found: Collector,
    /// How many messages enclose the current one.
    depth: usize,
}

impl Walk {
    /// Runs `compare` at a part of the current path.
    fn at(&mut self, segment: Segment, compare: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        compare(self);
        self.path.pop();
    }

    fn add(&mut self, kind: DifferenceKind, shown: impl FnOnce() -> Both<String>) {
        self.found.add(&self.path, kind, shown);
    }

    fn messages(&mut self, both: Both<&DynamicMessage>) {
        let of = both[0].descriptor();
        let is_any = is_any(&of);
        if is_any {
            self.any(both);
        }
        for oneof in of.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let branches: Vec<_> = oneof.fields().map(Field::Declared).collect();
            let set = both.map(|message| {
                branches.iter().find_map(|field| Some((field, field.value(message)?)))
            });
            match set {
                [Some((field, reference)), Some((other, candidate))] => {
                    if field.number() == other.number() {
                        self.at_field(field, [Some(reference), Some(candidate)]);
                    } else {
                        self.at(Segment::Field(oneof.name().to_owned()), |walk| {
                            walk.add(DifferenceKind::OneofCase, || {
                                [(field, reference), (other, candidate)].map(|(field, value)| {
                                    let value = value::shown(&value, &field.kind());
                                    format!("{}: {value}", field.name())
                                })
                            });
                        });
                    }
                }
                [Some((field, reference)), None] => self.at_field(field, [Some(reference), None]),
                [None, Some((field, candidate))] => self.at_field(field, [None, Some(candidate)]),
                [None, None] => {}
            }
        }
        for field in Field::all(&of) {
            if field.is_branch() || is_any && field.number() <= decode::CONTENT {
                continue;
            }
            self.at_field(&field, both.map(|message| field.value(message)));
        }
        self.unknown_fields(both);
    }

    fn at_field(&mut self, field: &Field, both: Both<Option<Cow<'_, Value>>>) {
        match both {
            [None, None] => {}
            [Some(reference), Some(candidate)] => {
                self.at(Segment::Field(field.name()), |walk| {
                    walk.values(&field.kind(), [&reference, &candidate]);
                });
            }
            both => self.at(Segment::Field(field.name()), |walk| {
                walk.add(DifferenceKind::Presence, || {
                    both.map(|value| {
                        value.map_or(ABSENT.to_owned(), |value| value::shown(&value, &field.kind()))
                    })
                });
            }),
        }
    }

    fn values(&mut self, kind: &Kind, both: Both<&Value>) {
        let floats = |bits: [u64; 2], are_zero: bool, are_nan: bool| {
            (bits[0] != bits[1]).then_some(match () {
                () if are_zero => DifferenceKind::SignOfZero,
                () if are_nan => DifferenceKind::NanPayload,
                () => DifferenceKind::Value,
            })
        };
        let difference = match both {
            [Value::Message(reference), Value::Message(candidate)] => {
                self.depth += 1;
                self.messages([reference, candidate]);
                self.depth -= 1;
                return;
            }
            [Value::List(reference), Value::List(candidate)] => {
                return self.lists(kind, [reference, candidate]);
            }
            [Value::Map(reference), Value::Map(candidate)] => {
                return self.maps(kind, [&sorted(reference), &sorted(candidate)]);
            }
            [Value::F32(one), Value::F32(other)] => {
                let bits = [one, other].map(|number| u64::from(number.to_bits()));
                floats(bits, *one == 0.0 && *other == 0.0, one.is_nan() && other.is_nan())
            }
            [Value::F64(one), Value::F64(other)] => {
                let bits = [one, other].map(|number| number.to_bits());
                floats(bits, *one == 0.0 && *other == 0.0, one.is_nan() && other.is_nan())
            }
            [Value::EnumNumber(one), Value::EnumNumber(other)] => {
                (one != other).then_some(DifferenceKind::EnumNumber)
            }
            [one, other] => (one != other).then_some(DifferenceKind::Value),
        };
        let Some(difference) = difference else { return };
        self.add(difference, || match difference {
            DifferenceKind::SignOfZero | DifferenceKind::NanPayload => {
                both.map(value::float_with_bits)
            }
            _ => both.map(|value| value::shown(value, kind)),
        });
    }

    /// Compares the elements of repeated fields. If elements were only inserted or only removed, the others are equal.
    /// Otherwise those at the same index are compared, so that another length does not hide other differences.
    fn lists(&mut self, kind: &Kind, both: Both<&[Value]>) {
        let elements = both.map(|values| Elements::new(values, self.depth));
        let [mut reference, mut candidate] = [elements[0].forms(), elements[1].forms()];
        let shorter = reference.len().min(candidate.len());
        let unequal: Vec<_> =
            (0..shorter).filter(|index| reference.get(*index) != candidate.get(*index)).collect();
        let first = unequal.first().copied().unwrap_or(shorter);
        if reference.len() != candidate.len() {
            self.add(DifferenceKind::Length, || both.map(|values| length(values, first, kind)));
            let from_end = reference.iter().rev().zip(candidate.iter().rev());
            let common_at_end = from_end.take_while(|(one, other)| one == other).count();
            if first + common_at_end >= shorter {
                return;
            }
        } else if unequal.len() > 1 {
            reference.sort_unstable();
            candidate.sort_unstable();
            if reference == candidate {
                self.add(DifferenceKind::Order, || both.map(|values| order(values, first, kind)));
                return;
            }
        }
        for index in unequal {
            let [Some(reference), Some(candidate)] = both.map(|values| values.get(index)) else {
                continue;
            };
            self.at(Segment::Index(index), |walk| walk.values(kind, [reference, candidate]));
        }
    }

    fn maps(&mut self, kind: &Kind, both: Both<&[(&MapKey, &Value)]>) {
        let Some(kind) = kind_of_map_values(kind) else { return };
        let mut entries: BTreeMap<&MapKey, Both<Option<&Value>>> = BTreeMap::new();
        for (side, values) in both.into_iter().enumerate() {
            for (key, value) in values {
                if let Some(of_side) = entries.entry(key).or_default().get_mut(side) {
                    *of_side = Some(value);
                }
            }
        }
        for (key, both) in entries {
            self.at(Segment::Key(value::shown_key(key)), |walk| {
                let difference = match both {
                    [Some(reference), Some(candidate)] => {
                        return walk.values(&kind, [reference, candidate]);
                    }
                    [Some(_), _] => DifferenceKind::MissingMapEntry,
                    [None, _] => DifferenceKind::AdditionalMapEntry,
                };
                walk.add(difference, || {
                    both.map(|value| {
                        value.map_or(ABSENT.to_owned(), |value| value::shown(value, &kind))
                    })
                });
            });
        }
    }

    /// Compares type URL and content of two Any.
    fn any(&mut self, both: Both<&DynamicMessage>) {
        let field = |number| {
            both.map(|any| {
                any.get_field_by_number(number).unwrap_or_else(|| Cow::Owned(Value::Bool(false)))
            })
        };
        let urls = field(decode::TYPE_URL);
        let urls = [&urls[0], &urls[1]].map(|url| url.as_str().unwrap_or_default());
        if urls[0] != urls[1] {
            self.add(DifferenceKind::AnyType, || urls.map(value::quoted));
            if type_name(urls[0]) != type_name(urls[1]) {
                return;
            }
        }
        let contents = both.map(|any| any_content(any, self.depth));
        if let [Some(reference), Some(candidate)] = contents {
            let of = Segment::Any(type_name(urls[0]).to_owned());
            self.depth += 1;
            self.at(of, |walk| walk.messages([&reference, &candidate]));
            self.depth -= 1;
        } else {
            let bytes = field(decode::CONTENT);
            self.at(Segment::Field("value".to_owned()), |walk| {
                walk.values(&Kind::Bytes, [&bytes[0], &bytes[1]]);
            });
        }
    }

    /// Compares the unknown fields of two messages, and those of the map entries that both have.
    fn unknown_fields(&mut self, both: Both<&DynamicMessage>) {
        let [reference, candidate] = both.map(UnknownFields::of);
        self.unknown_fields_by_name([&reference.fields, &candidate.fields]);
        let entries: BTreeSet<_> =
            reference.entries.keys().chain(candidate.entries.keys()).collect();
        for entry in entries {
            let (number, key) = entry;
            let Some(map) = Field::with_number(&both[0].descriptor(), *number) else { continue };
            let has_entry = |message| {
                let entries = map.value(message);
                entries.as_deref().and_then(Value::as_map).is_some_and(|it| it.contains_key(key))
            };
            if !both.into_iter().all(has_entry) {
                // The entry itself is a difference.
                continue;
            }
            let none = ByName::new();
            let fields = [&reference, &candidate].map(|it| it.entries.get(entry).unwrap_or(&none));
            self.at(Segment::Field(map.name()), |walk| {
                walk.at(Segment::Key(value::shown_key(key)), |walk| {
                    walk.unknown_fields_by_name(fields);
                });
            });
        }
    }

    /// Compares unknown fields. Only the order of those with the same number matters.
    fn unknown_fields_by_name(&mut self, both: Both<&ByName<'_>>) {
        let names: BTreeSet<_> = both.into_iter().flat_map(BTreeMap::keys).collect();
        for name in names {
            let both = both.map(|fields| fields.get(name).map(Vec::as_slice).unwrap_or_default());
            // Both are unknown fields, which contain no floats.
            let difference = match &both {
                [reference, candidate] if reference == candidate => continue,
                [_, []] => DifferenceKind::MissingUnknownField,
                [[], _] => DifferenceKind::AdditionalUnknownField,
                _ => DifferenceKind::ChangedUnknownField,
            };
            self.at(name.clone(), |walk| {
                walk.add(difference, || {
                    both.map(|fields| match fields {
                        [] => ABSENT.to_owned(),
                        fields => value::shown_unknown(fields),
                    })
                });
            });
        }
    }
}

/// A list in another order: all of it if it is short, or the first element that differs.
fn order(values: &[Value], first: usize, kind: &Kind) -> String {
    const SHORT: usize = 8;
    match values.get(first) {
        Some(value) if values.len() > SHORT => {
            format!("[{first}] of {}: {}", values.len(), value::shown(value, kind))
        }
        _ => value::shown(&Value::List(values.to_vec()), kind),
    }
}

/// The length of a list, and the first element that differs.
fn length(values: &[Value], first: usize, kind: &Kind) -> String {
    let count = values.len();
    let elements = if count == 1 { "element" } else { "elements" };
    match values.get(first) {
        Some(value) => format!("{count} {elements}, [{first}]: {}", value::shown(value, kind)),
        None => format!("{count} {elements}"),
    }
}
