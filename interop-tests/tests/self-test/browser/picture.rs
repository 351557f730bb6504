//! Checks that a screenshot is not blank.
//!
//! A page with a broken style or script often has a single colour. Text has dozens of colours, because its edges are
//! smoothed.

use std::collections::BTreeMap;
use std::io::Cursor;

/// The minimum number of colours.
const COLOURS: usize = 32;

/// Panics if this PNG is blank.
pub(super) fn assert_is_not_blank(picture: &[u8]) {
    let mut reader =
        png::Decoder::new(Cursor::new(picture)).read_info().expect("the picture is not PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("the size is unknown")];
    let frame = reader.next_frame(&mut pixels).expect("cannot decode the picture");
    let mut colours: BTreeMap<&[u8], usize> = BTreeMap::new();
    for pixel in pixels[..frame.buffer_size()].chunks(frame.color_type.samples()) {
        *colours.entry(pixel).or_default() += 1;
    }
    let all: usize = colours.values().sum();
    let most = colours.values().max().copied().unwrap_or_default();
    assert!(colours.len() >= COLOURS, "the picture has only {} colours", colours.len());
    assert!(most * 100 < all * 97, "{most} of {all} pixels have the same colour");
}
