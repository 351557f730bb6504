//! Differences between the encodings of equal messages.

use super::*;

#[test]
fn a_default_may_be_written() {
    assert_eq!(differ(varint(1, 0), Vec::new()), "same value: written-defaults at id");
    assert_eq!(differ(Vec::new(), float(2, 0)), "same value: written-defaults at price");
    assert_eq!(
        differ(part(17, part(14, "")), part(17, "")),
        "same value: written-defaults at parent.text"
    );
}

#[test]
fn the_order_of_fields_does_not_matter() {
    let (id, tip) = (|| varint(1, 1), || varint(5, 1));
    assert_eq!(compared(&[id(), tip()], &[tip(), id()]), "same value: field-order at ");
    let code = |value| varint(8, value);
    assert_eq!(
        compared(&[code(1), id(), code(2)], &[id(), code(1), code(2)]),
        "same value: field-order at "
    );
}

#[test]
fn numbers_may_be_packed() {
    let unpacked = [varint(8, 1), varint(8, 300)];
    assert_eq!(compared(&unpacked, &[part(8, [1, 0xac, 2])]), "same value: packing at codes");
    assert_eq!(
        compared(&[part(8, [1]), part(8, [0xac, 2])], &[part(8, [1, 0xac, 2])]),
        "same value: packing at codes"
    );
    assert_eq!(
        compared(&[part(8, [1]), part(8, [2, 3])], &[part(8, [1, 2]), part(8, [3])]),
        "same value: packing at codes"
    );
    assert_eq!(differ(part(8, []), Vec::new()), "same value: packing at codes");
    let weight = [double(18, 1), double(18, 2)];
    let packed = [1_u64, 2].map(u64::to_le_bytes).concat();
    assert_eq!(compared(&weight, &[part(18, packed)]), "same value: packing at weights");
}

#[test]
fn a_varint_may_be_longer_than_needed() {
    assert_eq!(differ(varint(1, 1), vec![8, 0x81, 0]), "same value: varint-length at id");
    assert_eq!(differ(varint(1, 1), vec![0x88, 0, 1]), "same value: varint-length at id");
    assert_eq!(
        differ(part(14, "a"), vec![0x72, 0x81, 0, b'a']),
        "same value: varint-length at text"
    );
    assert_eq!(differ(part(8, [1]), part(8, [0x81, 0])), "same value: varint-length at codes");
    assert_eq!(
        differ(varint(99, 1), [tag(99, WireType::Varint), vec![0x81, 0]].concat()),
        "same value: varint-length at (unknown field 99)"
    );
    // A negative int32 of 5 bytes instead of 10.
    assert_eq!(
        differ(varint(1, u64::MAX), varint(1, u64::from(u32::MAX))),
        "same value: varint-length at id"
    );
}

#[test]
fn a_value_may_be_replaced_and_a_message_merged() {
    assert_eq!(
        compared(&[varint(1, 1), varint(1, 2)], &[varint(1, 2)]),
        "same value: duplicates at id"
    );
    let [text, weight] = [part(1, "a"), float(2, 1)];
    assert_eq!(
        compared(&[part(6, &text), part(6, &weight)], &[part(6, [&text[..], &weight].concat())]),
        "same value: duplicates at note"
    );
}

#[test]
fn replaced_values_may_differ() {
    let label = |key, bits| part(9, [part(1, key), float(2, bits)].concat());
    assert_eq!(
        compared(&[label("a", 1), label("a", 2)], &[label("a", 3), label("a", 2)]),
        "same value: duplicates at labels"
    );
    assert_eq!(
        compared(&[varint(1, 1), varint(1, 2)], &[varint(1, 3), varint(1, 2)]),
        "same value: duplicates at id"
    );
    let [card, id] = [|| part(11, ""), || varint(1, 1)];
    assert_eq!(
        compared(&[card(), id(), card(), card()], &[card(), card(), id(), card()]),
        "same value: field-order at "
    );
}

#[test]
fn any_other_difference_is_other() {
    assert_eq!(differ(varint(16, 1), varint(16, 2)), "same value: other at gift");
}

#[test]
fn each_way_is_stated_once() {
    let item = |value: Vec<u8>| part(7, value);
    assert_eq!(
        compared(
            &[item(part(1, "")), item(part(1, "")), varint(8, 1), part(14, "a")],
            &[item(Vec::new()), item(Vec::new()), part(14, "a"), part(8, [1])]
        ),
        "same value: written-defaults at items[0].name; packing at codes; field-order at "
    );
}
