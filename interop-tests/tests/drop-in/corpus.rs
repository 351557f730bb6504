//! The numbers, messages and texts for comparing Rust with Python.
//!
//! They are deterministic: some are systematic, where the implementations are likely to differ, and some are
//! pseudorandom with a fixed seed.

/// Bit patterns of a float32: each sign and exponent with the significands at which rounding,
/// overflow and NaN payloads change, the neighbours of exact squares, and some random ones.
pub(crate) fn floats() -> Vec<u32> {
    let significands = [0, 1, 2, 0x35_04f3, 0x3f_ffff, 0x40_0000, 0x40_0001, 0x7f_fffe, 0x7f_ffff];
    let edges = (0..0x200_u32).flat_map(|sign_and_exponent| {
        significands.map(|significand| sign_and_exponent << 23 | significand)
    });
    let roots = [1_u16, 2, 3, 4, 5, 7, 10, 99, 181, 1023, 2895, 4094, 4095];
    // A power of four moves the exponent by two and leaves the root exact.
    let squares = roots.into_iter().flat_map(|root| {
        let square = (f32::from(root) * f32::from(root)).to_bits();
        [0, 1, 31, 51].map(|power| square - power * (2 << 23))
    });
    let near_squares = squares.flat_map(|square| [square - 1, square, square + 1]);
    let random = Random(1).filter_map(|bits| u32::try_from(bits >> 32).ok());
    edges.chain(near_squares).chain(random.take(1000)).collect()
}

/// Doubles to print: where the notation changes, where the shortest digits are hard to find, and some random ones.
pub(crate) fn doubles() -> Vec<f64> {
    let tens = (-324..=308_i32).filter_map(|exponent| format!("1e{exponent}").parse().ok());
    // Below a power of two, doubles are closer together than above, so the shortest digits may not be the nearest.
    let twos = (-1074..1024).map(|exponent| f64::from(exponent).exp2());
    let others = [
        0.0,
        0.1,
        0.3,
        5e-5,
        12345.678,
        9_007_199_254_740_992.0,
        9_007_199_254_740_993.5,
        9_999_999_999_999_998.0,
        123_456_789_012_345_680.0,
        9_223_372_036_854_775_808.0,
        f64::MIN_POSITIVE,
        f64::MAX,
        f64::NAN,
    ];
    let edges = tens
        .chain(twos)
        .chain(others)
        .flat_map(|double: f64| [double, -double, double.next_up(), double.next_down()]);
    let random = Random(2).map(f64::from_bits).take(5000);
    // Between 2^-48 and 2^48, where most printed numbers are.
    let moderate = Random(3).map(|bits| f64::from_bits(bits % (96 << 52) + (975 << 52)));
    edges.chain(random).chain(moderate.take(1000)).collect()
}

/// Messages that are not the encoding of any `Number`, valid and invalid.
pub(crate) fn messages() -> Vec<Vec<u8>> {
    let written_out: [&[u8]; 34] = [
        // An explicit default value; two values, of which the last counts.
        &[0x0d, 0, 0, 0, 0],
        &[0x0d, 0, 0, 0x80, 0x41, 0x0d, 0, 0, 0, 0x80],
        &[0x0d, 0, 0, 0x80, 0x41, 0x0d, 0, 0, 0, 0],
        // Truncated.
        &[0x0d],
        &[0x0d, 0, 0, 0x80],
        &[0x0d, 0, 0, 0x80, 0x41, 0x0d, 0],
        &[0x8d],
        // Field 1 with other wire types, complete and truncated.
        &[0x08, 0x10],
        &[0x08],
        &[0x09, 1, 2, 3, 4, 5, 6, 7, 8],
        &[0x09, 1, 2, 3, 4, 5, 6, 7],
        &[0x0a, 4, 0, 0, 0x80, 0x41],
        &[0x0a, 4, 0, 0, 0x80],
        &[0x0b, 0x0d, 0, 0, 0x80, 0x41, 0x0c],
        &[0x0b, 0x0d, 0, 0, 0x80, 0x41],
        &[0x0c],
        &[0x0e],
        &[0x0f],
        // Other fields before and after the value; a group closed by the end of another group.
        &[0x10, 1, 0x0d, 0, 0, 0x80, 0x41, 0x1a, 1, 0xff],
        &[0x15, 0, 0, 0x80, 0x41],
        &[0xfd, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0x80, 0x41],
        &[0x13, 0x1c],
        // Field 0, which does not exist.
        &[0x00],
        &[0x05, 0, 0, 0x80, 0x41],
        // The tag of field 1 in more bytes than it needs, and with more bits than it may have.
        &[0x8d, 0x00, 0, 0, 0x80, 0x41],
        &[0x8d, 0x80, 0x80, 0x80, 0x00, 0, 0, 0x80, 0x41],
        &[0x8d, 0x80, 0x80, 0x80, 0x10, 0, 0, 0x80, 0x41],
        &[0x8d, 0x80, 0x80, 0x80, 0x80, 0x00, 0, 0, 0x80, 0x41],
        // A varint of ten bytes, with 64 bits and with more, and one of eleven.
        &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
        &[0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        // Lengths that go beyond the end and beyond all memory.
        &[0x12, 0xff, 0xff, 0xff, 0xff, 0x07],
        &[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
        &[0x12, 0],
    ];
    let groups = |depth| [vec![0x13; depth], vec![0x14; depth]].concat();
    let deep = [1, 50, 99, 100, 101, 150].map(groups);
    written_out.into_iter().map(<[u8]>::to_vec).chain(deep).collect()
}

/// Texts that `float()` just accepts or just rejects.
#[rustfmt::skip]
pub(crate) const TEXTS: &[&str] = &[
    "0", "-0", "+0", "00", "007", "1", "+1", "-1", "16", "1.", "1.0", ".5", "-.5", "+.5", "5.",
    "0.1", "1e3", "1E3", "1e+3", "1e-3", "1.e3", ".1e3", "1e03", "1e000000000000000000000003",
    "1e308", "1.7976931348623157e308", "1.7976931348623159e308", "1e309", "-1e309", "1e400",
    "1e99999999999999999999", "-1e99999999999999999999", "0e99999999999999999999",
    "1e-99999999999999999999", "1e-307", "2.2250738585072011e-308", "2.2250738585072014e-308",
    "4.9406564584124654e-324", "5e-324", "2.4703282292062327e-324", "2.4703282292062328e-324",
    "2e-324", "1e-400", "9007199254740993", "9007199254740992.5", "9007199254740993.0000000000001",
    "0.1000000000000000055511151231257827021181583404541015625", "8.5e-323", "1.0000000596046448",
    "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000001",
    "123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890",
    // Infinity and not a number.
    "inf", "+inf", "-inf", "Inf", "INF", "iNf", "infinity", "+Infinity", "-INFINITY", "iNfInItY",
    "nan", "NaN", "NAN", "+nan", "-nan", "-NaN",
    "infinit", "infinityy", "in", "i", "nane", "na", "nan(1)", "nan1", "snan", "1inf", "inf1",
    "1.#INF", "1.#QNAN", "in_f", "in f", "- inf", "--inf",
    // Underscores.
    "1_0", "1_000", "1_0_0", "1_000.0_1", "1e1_0", "1_0e1_0", "0_0", "_1", "1_", "1__0", "1_.5",
    "1._5", "1_e5", "1e_5", "1e5_", "-_1", "_", "__", "_inf", "inf_", "nan_", "+_1", "1_000_", "._1",
    // White space, and characters that are not white space.
    " 1", "1 ", " 1 ", "\t1\n", "\u{b}1\u{c}\r", "\u{a0}1", "\u{85}1", "1\u{2003}", "\u{3000}1",
    "\u{2028}1\u{2029}", "\u{1c}1", "1\u{1f}", "\u{200b}1", "\u{feff}1", "\u{180e}1", "1 2", "1\n2",
    " inf ", " 1_0 ", "1\0", "\u{0}1", "", " ", "\t\n",
    // Other texts.
    ".", "+", "-", "+.", "e", "e5", ".e5", "1e", "1e+", "1e-", "1e5.0", "1e5e5",
    "1..2", "1.2.3", "1,5", "1,000", "++1", "+-1", "--1", "- 1", "1-",
];

/// Digits of other scripts, which `float()` accepts and the Rust programs deliberately reject.
pub(crate) const OTHER_DIGITS: [&str; 4] = ["\u{661}", "\u{ff11}", "\u{ff11}_\u{ff10}", "1\u{966}"];

/// The generator `SplitMix64`, which is deterministic on all platforms.
struct Random(u64);

impl Iterator for Random {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Some(mixed ^ (mixed >> 31))
    }
}
