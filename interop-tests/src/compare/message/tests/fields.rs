//! Differences of single fields: values, presence, unknown fields and the content of Any.

use super::*;

mod values {
    use super::*;

    #[test]
    fn another_value_of_each_type_is_found() {
        assert_eq!(differ(varint(1, 2), varint(1, 3)), "value at id: 2 / 3");
        assert_eq!(differ(varint(1, u64::MAX), Vec::new()), "value at id: -1 / 0");
        assert_eq!(differ(varint(16, 1), Vec::new()), "value at gift: true / false");
        assert_eq!(
            differ(float(2, 0x3dcc_cccd), float(2, 0x3dcc_ccce)),
            "value at price: 0.1 / 0.10000001"
        );
        assert_eq!(differ(double(3, 1), Vec::new()), "value at total: 5e-324 / 0.0");
        assert_eq!(differ(part(15, [0xab]), part(15, [0])), "value at data: h'ab' / h'00'");
        assert_eq!(differ(part(14, "a\"\n"), Vec::new()), r#"value at text: "a\"\n" / """#);
    }

    #[test]
    fn the_normal_forms_of_a_letter_are_shown_differently() {
        assert_eq!(
            differ(part(14, "caf\u{e9}"), part(14, "cafe\u{301}")),
            r#"value at text: "caf\u{e9}" / "cafe\u{301}""#
        );
    }

    #[test]
    fn a_long_value_is_shortened_and_has_a_checksum() {
        let long = |last: &str| part(14, "x".repeat(100) + last);
        let text = differ(long("a"), long("b"));
        let (reference, candidate) = text.split_once(" / ").expect("two values");
        assert!(reference.starts_with("value at text: \"xxx"), "{text}");
        assert!(reference.contains("\u{2026}\" (101 bytes, checksum "), "{text}");
        assert_ne!(reference.trim_start_matches("value at text: "), candidate);
        assert!(text.len() < 300, "{text}");
        let bytes = differ(part(15, [1; 100]), part(15, [1; 101]));
        assert!(bytes.contains("\u{2026}' (100 bytes, checksum "), "{bytes}");
    }

    #[test]
    fn the_sign_of_zero_counts() {
        assert_eq!(
            differ(float(2, 0x8000_0000), Vec::new()),
            "sign-of-zero at price: -0.0 (0x80000000) / 0.0 (0x00000000)"
        );
        assert_eq!(
            differ(double(3, 0), double(3, 1 << 63)),
            "sign-of-zero at total: 0.0 (0x0000000000000000) / -0.0 (0x8000000000000000)"
        );
    }

    #[test]
    fn the_bits_of_nan_count() {
        assert_eq!(
            differ(float(2, 0x7fc0_0001), float(2, 0x7fc0_0000)),
            "nan-payload at price: NaN (0x7fc00001) / NaN (0x7fc00000)"
        );
        assert_eq!(
            differ(float(2, 0x7f80_0001), float(2, 0x7fc0_0001)).split(' ').next(),
            Some("nan-payload")
        );
        assert_eq!(
            differ(float(2, 0x7fc0_0001), Vec::new()),
            "value at price: NaN (0x7fc00001) / 0.0"
        );
        // The same NaN is equal: only the order of the fields differs.
        let nan = || float(2, 0x7fc0_0001);
        assert_eq!(
            compared(&[varint(1, 1), nan()], &[nan(), varint(1, 1)]),
            "same value: field-order at "
        );
    }

    #[test]
    fn a_number_of_an_enum_has_its_name() {
        assert_eq!(
            differ(varint(4, 3), varint(4, 17)),
            "enum-number at size: LARGE (3) / unknown (17)"
        );
        assert_eq!(
            differ(varint(4, 17), Vec::new()),
            "enum-number at size: unknown (17) / SMALL (0)"
        );
    }

    #[test]
    fn a_difference_in_a_nested_message_has_its_path() {
        assert_eq!(
            differ(part(17, part(6, part(1, "a"))), part(17, part(6, part(1, "b")))),
            r#"value at parent.note.text: "a" / "b""#
        );
    }
}

mod presence {
    use super::*;

    #[test]
    fn an_optional_field_with_its_default_is_not_an_absent_one() {
        assert_eq!(differ(varint(5, 0), Vec::new()), "presence at tip: 0 / (absent)");
        assert_eq!(differ(Vec::new(), part(6, "")), "presence at note: (absent) / {}");
        assert_eq!(
            differ(part(6, part(1, "a")), Vec::new()),
            r#"presence at note: {text: "a"} / (absent)"#
        );
    }

    #[test]
    fn a_oneof_has_the_same_branch() {
        assert_eq!(differ(part(11, ""), Vec::new()), r#"presence at card: "" / (absent)"#);
        assert_eq!(
            differ(part(11, ""), varint(12, 0)),
            r#"oneof-case at payment: card: "" / cash: 0"#
        );
        assert_eq!(differ(varint(12, 1), varint(12, 2)), "value at cash: 1 / 2");
        // The last branch on the wire counts.
        assert_eq!(
            compared(&[part(11, "a"), varint(12, 1)], &[varint(12, 1)]),
            "same value: duplicates at card"
        );
    }

    #[test]
    fn well_known_types_are_messages() {
        assert_eq!(
            differ(part(19, varint(1, 5)), Vec::new()),
            "presence at time: {seconds: 5} / (absent)"
        );
        assert_eq!(differ(part(20, ""), Vec::new()), "presence at comment: {} / (absent)");
        assert_eq!(
            differ(part(20, part(1, "a")), part(20, "")),
            r#"value at comment.value: "a" / """#
        );
    }
}

mod any_content {
    use super::*;

    #[test]
    fn known_content_is_compared_by_field() {
        assert_eq!(
            differ(any(NOTE_URL, &part(1, "a")), any(NOTE_URL, &part(1, "b"))),
            r#"value at detail[shop.Note].text: "a" / "b""#
        );
        let count = |key, count| part(3, [part(1, key), varint(2, count)].concat());
        let [one, other] = [count("a", 1), count("b", 2)];
        assert_eq!(
            differ(
                any(NOTE_URL, &[&one[..], &other].concat()),
                any(NOTE_URL, &[&other[..], &one].concat())
            ),
            "same value: map-order at detail[shop.Note].counts"
        );
        assert_eq!(
            differ(any(NOTE_URL, &float(2, 0x8000_0000)), any(NOTE_URL, &float(2, 0))),
            "sign-of-zero at detail[shop.Note].weight: -0.0 (0x80000000) / 0.0 (0x00000000)"
        );
        assert_eq!(
            differ(any(NOTE_URL, &varint(99, 1)), any(NOTE_URL, &[])),
            "missing-unknown-field at detail[shop.Note].(unknown field 99): varint 1 / (absent)"
        );
    }

    #[test]
    fn the_encoding_of_the_content_does_not_matter() {
        assert_eq!(
            differ(any(NOTE_URL, &part(1, "")), part(13, part(1, NOTE_URL))),
            "same value: written-defaults at detail[shop.Note].text"
        );
        assert_eq!(
            differ(any(NOTE_URL, &[]), part(13, part(1, NOTE_URL))),
            "same value: written-defaults at detail[shop.Note]"
        );
        let overlong = [part(1, NOTE_URL), vec![0x12, 0x80, 0]].concat();
        assert_eq!(
            differ(any(NOTE_URL, &[]), part(13, overlong)),
            "same value: varint-length at detail[shop.Note]"
        );
    }

    #[test]
    fn another_type_is_found() {
        assert_eq!(
            differ(any(NOTE_URL, &[]), any("type.googleapis.com/shop.Item", &[])),
            r#"any-type at detail: "type.googleapis.com/shop.Note" / "type.googleapis.com/shop.Item""#
        );
        // Another host does not hide other content.
        assert_eq!(
            differ(any(NOTE_URL, &[]), any("a/shop.Note", &part(1, "a"))),
            r#"any-type at detail: "type.googleapis.com/shop.Note" / "a/shop.Note"; value at detail[shop.Note].text: "" / "a""#
        );
    }

    #[test]
    fn unknown_content_is_compared_by_its_bytes() {
        let [one, other] = [[8, 1, 16, 1], [16, 1, 8, 1]];
        assert_eq!(
            differ(any("a/shop.Nothing", &one), any("a/shop.Nothing", &other)),
            "value at detail.value: h'08011001' / h'10010801'"
        );
        assert_eq!(
            differ(any(NOTE_URL, &[0x0f]), any(NOTE_URL, &[])),
            "value at detail.value: h'0f' / h''"
        );
        let with = |content| [varint(1, 1), any(NOTE_URL, content)];
        let [id, detail] = with(&[0x0f]);
        assert_eq!(compared(&with(&[0x0f]), &[detail, id]), "same value: field-order at ");
    }

    #[test]
    fn the_content_is_shown() {
        assert_eq!(
            differ(any(NOTE_URL, &part(1, "a")), Vec::new()),
            r#"presence at detail: ["type.googleapis.com/shop.Note"] {text: "a"} / (absent)"#
        );
    }

    #[test]
    fn a_message_of_nested_any_does_not_overflow_the_stack() {
        let nested =
            |last: u64| (0..2000).fold(varint(1, last), |content, _| any("a/shop.Order", &content));
        let text = differ(nested(1), nested(2));
        assert!(text.starts_with("value at detail[shop.Order].detail[shop.Order]."), "{text}");
        assert!(text.contains(".detail.value: h'"), "{text}");
    }
}

mod unknown_fields {
    use super::*;

    #[test]
    fn a_lost_unknown_field_is_found() {
        assert_eq!(
            differ(varint(99, 5), Vec::new()),
            "missing-unknown-field at (unknown field 99): varint 5 / (absent)"
        );
        assert_eq!(
            differ(part(17, ""), part(17, float(99, 0x3f80_0000))),
            "additional-unknown-field at parent.(unknown field 99): (absent) / fixed 0x3f800000"
        );
        assert_eq!(
            differ(part(99, "a"), part(99, "b")),
            "changed-unknown-field at (unknown field 99): h'61' / h'62'"
        );
        assert_eq!(
            differ(group(99, &varint(1, 2)), varint(99, 2)),
            "changed-unknown-field at (unknown field 99): group h'0802' / varint 2"
        );
    }

    #[test]
    fn the_order_of_unknown_fields_matters_within_a_number() {
        assert_eq!(
            compared(&[varint(98, 1), varint(99, 2)], &[varint(99, 2), varint(98, 1)]),
            "same value: field-order at "
        );
        assert_eq!(
            compared(&[varint(99, 1), varint(99, 2)], &[varint(99, 2), varint(99, 1)]),
            "changed-unknown-field at (unknown field 99): varint 1, varint 2 / varint 2, varint 1"
        );
    }

    #[test]
    fn many_unknown_fields_are_shortened() {
        let many = |last| (0..100).chain([last]).flat_map(|value| varint(99, value)).collect();
        let text = differ(many(1), many(2));
        let (reference, candidate) = text.split_once(" / ").expect("two values");
        assert!(reference.contains("\u{2026} (101 values, checksum "), "{text}");
        assert!(!reference.ends_with(candidate), "{text}");
    }
}
