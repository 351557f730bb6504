//! Differences of repeated fields and maps.

use super::*;

mod lists {
    use super::*;

    fn codes(codes: &[u8]) -> Vec<u8> {
        part(8, codes)
    }

    fn items(names: &[&str]) -> Vec<u8> {
        names.iter().flat_map(|name| part(7, part(1, name))).collect()
    }

    #[test]
    fn an_element_that_differs_has_its_index() {
        assert_eq!(differ(codes(&[1, 2, 3]), codes(&[1, 5, 3])), "value at codes[1]: 2 / 5");
        assert_eq!(
            differ(items(&["a", "b"]), items(&["a", "c"])),
            r#"value at items[1].name: "b" / "c""#
        );
    }

    #[test]
    fn inserted_and_removed_elements_are_one_difference() {
        assert_eq!(
            differ(codes(&[1, 2, 3]), codes(&[1, 3])),
            "length at codes: 3 elements, [1]: 2 / 2 elements, [1]: 3"
        );
        assert_eq!(
            differ(Vec::new(), codes(&[1])),
            "length at codes: 0 elements / 1 element, [0]: 1"
        );
        assert_eq!(
            differ(codes(&[1, 1]), codes(&[1, 1, 1])),
            "length at codes: 2 elements / 3 elements, [2]: 1"
        );
    }

    #[test]
    fn another_length_does_not_hide_other_differences() {
        let item = |bits| part(7, float(2, bits));
        assert_eq!(
            compared(&[item(0x8000_0000), item(1)], &[item(0)]),
            "length at items: 2 elements, [0]: {price: -0.0 (0x80000000)} / 1 element, [0]: {}; \
             sign-of-zero at items[0].price: -0.0 (0x80000000) / 0.0 (0x00000000)"
        );
    }

    #[test]
    fn another_order_is_one_difference() {
        assert_eq!(
            differ(items(&["a", "b", "a"]), items(&["b", "a", "a"])),
            r#"order at items: [{name: "a"}, {name: "b"}, {name: "a"}] / [{name: "b"}, {name: "a"}, {name: "a"}]"#
        );
        let long: Vec<u8> = (0..20).collect();
        let swapped: Vec<u8> = (0..18).chain([19, 18]).collect();
        assert_eq!(
            differ(codes(&long), codes(&swapped)),
            "order at codes: [18] of 20: 18 / [18] of 20: 19"
        );
        // Other numbers of the same elements are no order.
        assert!(differ(codes(&[1, 1, 2]), codes(&[1, 2, 2])).starts_with("value at codes[1]"));
    }

    #[test]
    fn a_huge_list_is_fast_and_only_a_few_differences_are_listed() {
        let mut bytes: Both = Default::default();
        for index in 0..100_000_u64 {
            for (side, bytes) in bytes.iter_mut().enumerate() {
                let price = float(2, if side == 0 { 0x8000_0000 } else { 0 });
                bytes.extend(part(7, [part(1, index.to_string()), price].concat()));
            }
        }
        let started = Instant::now();
        let of = message_type("shop.Order");
        let MessageComparison::Different(found) = compare(&of, &bytes[0], &bytes[1]) else {
            panic!("they differ");
        };
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
        assert_eq!(found.listed.len() + found.omitted, 100_000);
        assert_eq!(found.listed.len(), difference::MOST_ALIKE);
        assert!(found.listed.iter().all(|found| found.path.pattern() == "items[].price"));
    }

    type Both = [Vec<u8>; 2];
}

mod maps {
    use super::*;

    fn label(key: &str, bits: u32) -> Vec<u8> {
        part(9, [part(1, key), float(2, bits)].concat())
    }

    #[test]
    fn entries_are_compared_by_key() {
        assert_eq!(
            compared(&[label("a", 0), label("b", 0x3f80_0000)], &[label("b", 0), label("a", 0)]),
            r#"value at labels["b"]: 1.0 / 0.0"#
        );
        assert_eq!(
            differ(label("a", 0x8000_0000), label("a", 0)),
            r#"sign-of-zero at labels["a"]: -0.0 (0x80000000) / 0.0 (0x00000000)"#
        );
        assert_eq!(
            differ(label("a\"", 0), label("b", 0)),
            r#"missing-map-entry at labels["a\""]: 0.0 / (absent); additional-map-entry at labels["b"]: (absent) / 0.0"#
        );
        let note = |text| part(10, [varint(1, 5), part(2, part(1, text))].concat());
        assert_eq!(differ(note("a"), note("b")), r#"value at notes[5].text: "a" / "b""#);
        let flag = |value| part(21, [varint(1, 1), varint(2, value)].concat());
        assert_eq!(differ(flag(1), flag(2)), "value at flags[true]: -1 / 1");
    }

    #[test]
    fn the_order_of_entries_does_not_matter() {
        let labels: Vec<_> = (0..50).map(|index| label(&index.to_string(), 0x7fc0_0001)).collect();
        let reversed: Vec<_> = labels.iter().rev().cloned().collect();
        assert_eq!(compared(&labels, &reversed), "same value: map-order at labels");
    }

    #[test]
    fn the_last_entry_with_a_key_counts() {
        assert_eq!(
            compared(&[label("a", 1), label("a", 2)], &[label("a", 2)]),
            "same value: duplicates at labels"
        );
        assert!(
            compared(&[label("a", 1), label("a", 2)], &[label("a", 1)]).starts_with("value at")
        );
    }

    #[test]
    fn defaults_of_entries_may_be_omitted() {
        assert_eq!(
            differ(label("", 0), part(9, "")),
            r#"same value: map-entry-defaults at labels[""].key"#
        );
        assert_eq!(
            differ(part(10, varint(1, 5)), part(10, [varint(1, 5), part(2, "")].concat())),
            "same value: map-entry-defaults at notes[5].value"
        );
    }

    #[test]
    fn a_huge_map_is_fast() {
        let labels: Vec<_> = (0..100_000).map(|index| label(&index.to_string(), 0)).collect();
        let reversed: Vec<_> = labels.iter().rev().cloned().collect();
        let started = Instant::now();
        assert_eq!(compared(&labels, &reversed), "same value: map-order at labels");
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    }
}
