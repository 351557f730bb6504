//! Whether there is anything on a picture.
//!
//! A page whose style or script is broken is often one colour; text alone has dozens, as its edges are
//! smoothed.

use std::collections::BTreeMap;
use std::io::Cursor;

/// So many colours at least.
const COLOURS: usize = 32;

/// Panics unless there is something on this PNG.
pub(super) fn assert_is_not_blank(picture: &[u8]) {
    let mut reader = png::Decoder::new(Cursor::new(picture)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    let frame = reader.next_frame(&mut pixels).expect("a picture");
    let mut colours: BTreeMap<&[u8], usize> = BTreeMap::new();
    for pixel in pixels[..frame.buffer_size()].chunks(frame.color_type.samples()) {
        *colours.entry(pixel).or_default() += 1;
    }
    let all: usize = colours.values().sum();
    let most = colours.values().max().copied().unwrap_or_default();
    assert!(colours.len() >= COLOURS, "only {} colours are seen", colours.len());
    assert!(most * 100 < all * 97, "{most} of {all} pixels have the same colour");
}
