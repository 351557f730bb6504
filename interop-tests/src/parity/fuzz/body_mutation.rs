//! Mutations of a request's body: messages, their prefixes and their compression.
//!
//! Messages are made of fields more often than of bytes: most random bytes end at the first key.

use crate::http2::body::{Coding, Piece};
use crate::http2::text::Hex;
use crate::parity::fuzz::header_mutation;
use crate::parity::fuzz::random::Random;
use crate::parity::server::probe::Probe;

/// The largest message whose bytes are changed one by one.
const SMALL: usize = 512;

/// Changes the body of `probe` in one way; `others` is the body of another probe.
pub(crate) fn mutate(probe: &mut Probe, others: &[Piece], random: &mut Random) {
    let at = random.below(probe.body.len());
    match (random.below(14), probe.body.get_mut(at)) {
        (0..=2, _) => probe.body = vec![message(value(random))],
        (3..=5, _) => probe.body = vec![message(fields(random, 3))],
        (6 | 7, Some(piece)) => edit(piece, random),
        (8, Some(piece)) => {
            piece.flag = Some(random.pick(&[&0, &1, &1, &2, &3, &4, &128, &255]).to_owned());
        }
        (9, Some(piece)) => lie(piece, random),
        (10 | 11, Some(_)) => compress(probe, at, random),
        (12, Some(piece)) => piece.times = Some(1 + random.size(3)),
        (12 | 13, _) => probe.body.push(another(random)),
        _ => probe.body = others.to_vec(),
    }
}

fn message(bytes: Vec<u8>) -> Piece {
    Piece { message: Some(Hex(bytes)), ..Piece::default() }
}

/// Field 1 with any float.
fn value(random: &mut Random) -> Vec<u8> {
    const SPECIAL: [&u32; 9] = [
        &0,
        &0x8000_0000,
        &0x7f80_0000,
        &0xff80_0000,
        &0x7fc0_0000,
        &0x7f80_0001,
        &0x0080_0000,
        &0x3f80_0000,
        &0x4180_0000,
    ];
    let mut bits = random.word();
    if random.one_in(3) {
        bits = random.pick(&SPECIAL) ^ if random.one_in(2) { 1 << random.below(32) } else { 0 };
    }
    [&[0x0d][..], &bits.to_le_bytes()].concat()
}

/// Some fields, in groups at times.
fn fields(random: &mut Random, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=random.below(4) {
        let number = match random.below(4) {
            0 | 1 => 1,
            2 => 1 + random.below(20) as u64,
            _ => random.size(0x2000_0001) as u64,
        };
        let wire_types = if random.one_in(8) { 8 } else { 6 };
        let wire_type = random.below(wire_types) as u64;
        if wire_type == 5 && number == 1 {
            bytes.extend(value(random));
            continue;
        }
        varint(number << 3 | wire_type, random, &mut bytes);
        match wire_type {
            0 => {
                let number = random.long_word() >> random.below(64);
                varint(number, random, &mut bytes);
            }
            1 => bytes.extend(random.bytes(8)),
            2 => {
                let content = random.size(20);
                varint(content as u64, random, &mut bytes);
                bytes.extend(random.bytes(content));
            }
            3 if depth > 0 => {
                bytes.extend(fields(random, depth - 1));
                let end = if random.one_in(8) { random.below(20) as u64 } else { number };
                varint(end << 3 | 4, random, &mut bytes);
            }
            5 => bytes.extend(random.bytes(4)),
            _ => {}
        }
    }
    bytes
}

/// Now and then with more bytes than it needs.
fn varint(mut number: u64, random: &mut Random, bytes: &mut Vec<u8>) {
    let more = if random.one_in(12) { random.below(11) } else { 0 };
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            bytes.push(low | if more > 0 { 0x80 } else { 0 });
            break;
        }
        bytes.push(low | 0x80);
    }
    if more > 0 {
        bytes.resize(bytes.len() + more - 1, 0x80);
        bytes.push(random.pick(&[&0x00, &0x00, &0x01, &0x7f]).to_owned());
    }
}

fn edit(piece: &mut Piece, random: &mut Random) {
    let any: Vec<u8> = (0..=255).collect();
    if let Some(Hex(raw)) = &mut piece.raw {
        random.edit(raw, &any);
        return;
    }
    let mut bytes = piece.plain_message();
    if bytes.len() > SMALL {
        return;
    }
    random.edit(&mut bytes, &any);
    let prefix = Piece { value: None, size: None, zeros: None, ..piece.clone() };
    *piece = Piece { message: Some(Hex(bytes)), ..prefix };
}

/// Another length than the message has.
fn lie(piece: &mut Piece, random: &mut Random) {
    const SPECIAL: [&u32; 6] =
        [&0, &0x003f_ffff, &0x0040_0000, &0x0040_0001, &0x7fff_ffff, &0xffff_ffff];
    let length = u32::try_from(random.below(40)).unwrap_or_default();
    piece.length = Some(if random.one_in(3) { *random.pick(&SPECIAL) } else { length });
}

/// Compresses a piece, mostly as the header fields say, and damages it at times.
fn compress(probe: &mut Probe, at: usize, random: &mut Random) {
    let (name, coding) = match random.below(5) {
        0 | 1 => (&b"gzip"[..], Coding::Gzip),
        2 | 3 => (&b"deflate"[..], Coding::Deflate),
        _ => (&b"deflate"[..], Coding::RawDeflate),
    };
    let Some(piece) = probe.body.get_mut(at).filter(|piece| piece.raw.is_none()) else { return };
    if random.one_in(4) {
        let bytes = if random.one_in(2) { fields(random, 2) } else { random.bytes(40) };
        *piece = message(bytes);
    }
    piece.compressed = Some(coding);
    match random.below(6) {
        0 => piece.keep = Some(random.below(30)),
        1 | 2 => piece.corrupt = Some(random.below(26)),
        3 => {
            let more = random.below(9);
            piece.append = Some(Hex(random.bytes(more)));
        }
        _ => {}
    }
    if !random.one_in(6) {
        probe.headers.push(header_mutation::add(b"grpc-encoding", name.to_vec()));
    }
}

/// A second message, or something like it.
fn another(random: &mut Random) -> Piece {
    match random.below(3) {
        0 => {
            let length = random.below(12);
            Piece { raw: Some(Hex(random.bytes(length))), ..Piece::default() }
        }
        1 => message(fields(random, 1)),
        _ => message(value(random)),
    }
}
