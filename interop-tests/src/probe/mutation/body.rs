//! Mutations of the body of a request: messages, their prefixes and their compression.
//!
//! Most random messages consist of protobuf fields, because parsers reject most random bytes at the first field.

use prost::encoding::encode_varint;

use crate::http2::{Coding, Hex, Piece};
use crate::probe::mutation::requests::Requests;
use crate::probe::mutation::{headers, random::Random};
use crate::probe::table::Probe;

/// The largest message whose bytes are edited.
const SMALL: usize = 512;

/// Changes the body of `probe` in one way; `others` is the body of another probe.
pub(crate) fn mutate(
    probe: &mut Probe,
    others: &[Piece],
    requests: &Requests,
    random: &mut Random,
) {
    let at = random.below(probe.body.len());
    match (random.below(14), probe.body.get_mut(at)) {
        (0..=2, _) => probe.body = vec![Piece::of(&requests.message(random))],
        (3..=5, _) => probe.body = vec![Piece::of(&fields(requests, random, 3))],
        (6 | 7, Some(piece)) => edit(piece, random),
        (8, Some(piece)) => piece.flag = Some(random.pick(&[0, 1, 1, 2, 3, 4, 128, 255])),
        (9, Some(piece)) => piece.length = Some(wrong_length(random)),
        (10 | 11, Some(piece)) if piece.raw.is_none() => {
            let coding = compress(piece, requests, random);
            if !random.one_in(6) {
                probe.headers.push(headers::add("grpc-encoding", coding.into()));
            }
        }
        (12, Some(piece)) => piece.times = Some(1 + random.size(3)),
        (12 | 13, _) => probe.body.push(another(requests, random)),
        _ => probe.body = others.to_vec(),
    }
}

/// Some protobuf fields, sometimes in groups.
fn fields(requests: &Requests, random: &mut Random, depth: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=random.below(4) {
        let number = match random.below(4) {
            0 | 1 => 1,
            2 => 1 + random.rng.u64(..20),
            _ => random.size(0x2000_0001) as u64,
        };
        // The last two wire types do not exist.
        let wire_type = if random.one_in(8) { random.rng.u64(..8) } else { random.rng.u64(..6) };
        if wire_type == 5 && number == 1 {
            bytes.extend(requests.message(random));
            continue;
        }
        varint(number << 3 | wire_type, random, &mut bytes);
        match wire_type {
            0 => {
                let number = random.rng.u64(..) >> random.below(64);
                varint(number, random, &mut bytes);
            }
            1 => bytes.extend(random.bytes(8)),
            2 => {
                let length = random.size(20);
                varint(length as u64, random, &mut bytes);
                bytes.extend(random.bytes(length));
            }
            3 if depth > 0 => {
                bytes.extend(fields(requests, random, depth - 1));
                let end = if random.one_in(8) { random.rng.u64(..20) } else { number };
                varint(end << 3 | 4, random, &mut bytes);
            }
            5 => bytes.extend(random.bytes(4)),
            _ => {}
        }
    }
    bytes
}

/// Appends a varint, sometimes with more bytes than necessary.
fn varint(number: u64, random: &mut Random, bytes: &mut Vec<u8>) {
    encode_varint(number, bytes);
    if random.one_in(12)
        && let Some(last) = bytes.last_mut()
    {
        *last |= 0x80;
        bytes.resize(bytes.len() + random.below(10), 0x80);
        bytes.push(random.pick(&[0x00, 0x00, 0x01, 0x7f]));
    }
}

fn edit(piece: &mut Piece, random: &mut Random) {
    let any: Vec<u8> = (0..=255).collect();
    if let Some(Hex(raw)) = &mut piece.raw {
        return random.edit(raw, &any);
    }
    let mut bytes = piece.plain_message();
    if bytes.len() <= SMALL {
        random.edit(&mut bytes, &any);
        let prefix = Piece { value: None, size: None, zeros: None, ..piece.clone() };
        *piece = Piece { message: Some(Hex(bytes)), ..prefix };
    }
}

/// A length that is probably wrong: a small one, or one near the limit of a receiver or an integer.
fn wrong_length(random: &mut Random) -> u32 {
    const SPECIAL: [u32; 6] = [0, 0x003f_ffff, 0x0040_0000, 0x0040_0001, 0x7fff_ffff, 0xffff_ffff];
    if random.one_in(3) { random.pick(&SPECIAL) } else { random.rng.u32(..40) }
}

/// Compresses a piece and sometimes damages it; returns the name of the encoding.
fn compress(piece: &mut Piece, requests: &Requests, random: &mut Random) -> &'static str {
    const CODINGS: [(&str, Coding); 5] = [
        ("gzip", Coding::Gzip),
        ("gzip", Coding::Gzip),
        ("deflate", Coding::Deflate),
        ("deflate", Coding::Deflate),
        ("deflate", Coding::RawDeflate),
    ];
    let (name, coding) = random.pick(&CODINGS);
    if random.one_in(4) {
        *piece = Piece::of(&if random.one_in(2) {
            fields(requests, random, 2)
        } else {
            random.bytes(40)
        });
    }
    piece.compressed = Some(coding);
    match random.below(6) {
        0 => piece.keep = Some(random.below(30)),
        1 | 2 => piece.corrupt = Some(random.below(26)),
        3 => piece.append = Some(few_bytes(8, random)),
        _ => {}
    }
    name
}

/// Another message, or a few bytes without a message.
fn another(requests: &Requests, random: &mut Random) -> Piece {
    match random.below(3) {
        0 => Piece { raw: Some(few_bytes(11, random)), ..Piece::default() },
        1 => Piece::of(&fields(requests, random, 1)),
        _ => Piece::of(&requests.message(random)),
    }
}

fn few_bytes(most: usize, random: &mut Random) -> Hex {
    let length = random.below(most + 1);
    Hex(random.bytes(length))
}
